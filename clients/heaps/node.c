/*
 * The fd that a program gets for a device: a sealed memfd that says which. So that it is known in whatever process it
 * comes to, by dup, fork, exec or SCM_RIGHTS, nothing is kept here, and its close(2) is nobody's business.
 *
 * Owns nothing: an fd is the program's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "heaps.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static const char mark[sizeof((struct node *)0)->mark] = "dmabroker-heap";

int node_open(const struct node *node, bool close_on_exec)
{
	struct node made = *node;
	int fd = memfd_create(node->is_udmabuf ? "udmabuf" : "dma_heap",
			      MFD_ALLOW_SEALING | (close_on_exec ? MFD_CLOEXEC : 0));

	if (fd < 0)
		return -1;
	memcpy(made.mark, mark, sizeof mark);
	if (write(fd, &made, sizeof made) == sizeof made && fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return fd;
	int number = errno;

	close(fd);
	errno = number;
	return -1;
}

bool node_read(int fd, struct node *node)
{
	int number = errno;
	/* Fails for what is no memfd, a real device too: a file that may wait for somebody is not read. */
	int seals = fcntl(fd, F_GET_SEALS);
	/* More where the system seals every memfd against being executed (vm.memfd_noexec). */
	bool is_node = seals >= 0 && (seals & SEALS) == SEALS &&
		       pread(fd, node, sizeof *node, 0) == sizeof *node &&
		       memcmp(node->mark, mark, sizeof mark) == 0 &&
		       memchr(node->source, 0, sizeof node->source);

	errno = number;
	return is_node;
}
