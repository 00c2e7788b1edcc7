/* What the programs that ask the field's other brokers share: a socket, an fd that comes, the time it took. */
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(sock, (struct sockaddr *)&address, sizeof address) < 0)
		err(1, "%s", path);
	return sock;
}

/* Reads until a message has brought an fd, which is the caller's; what else has come is dropped. */
static inline int receive_fd(int sock)
{
	for (;;) {
		char bytes[4096], control[CMSG_SPACE(sizeof(int))];
		struct iovec iov = { bytes, sizeof bytes };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				      .msg_controllen = sizeof control };
		ssize_t n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
		if (n <= 0)
			err(1, "recvmsg: %zd", n);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		int fd;
		if (!c || c->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
		return fd;
	}
}

struct measure {
	uint64_t *times, begun;
	/* Asked in all, of which the first `warm_up` are not measured. */
	uint32_t total, warm_up, count;
};

static inline struct measure measure_begin(uint32_t requests)
{
	struct measure m = { .warm_up = requests / 10 + 1 };
	m.total = requests + m.warm_up;
	m.times = calloc(m.total, sizeof *m.times);
	return m;
}

static inline void ask_begin(struct measure *m)
{
	m->begun = now_ns();
}

static inline void ask_end(struct measure *m)
{
	m->times[m->count++] = now_ns() - m->begun;
}

static inline int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* As load.c has it. */
static inline void measure_print(struct measure *m)
{
	uint64_t *times = m->times + m->warm_up, sum = 0;
	uint32_t count = m->count - m->warm_up;
	if (m->count <= m->warm_up)
		errx(1, "nothing was measured");
	for (uint32_t i = 0; i < count; i++)
		sum += times[i];
	qsort(times, count, sizeof *times, ascending);
	printf("{\"requests\":%u,\"seconds\":%.6f,\"p50\":%.3f,\"p99\":%.3f}\n", count, (double)sum / 1e9,
	       (double)times[count / 2] / 1e3, (double)times[(uint64_t)count * 99 / 100] / 1e3);
	fflush(stdout);
}
