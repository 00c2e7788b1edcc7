/*
 * Clients that hold buffers and do nothing: of so many users, so many connections each, every one with the
 * buffers that its script asks for. One process a user, who is there by number only (it takes root).
 *
 *   crowd <socket> <script> <first uid> <users> <connections of each>
 *
 * A uid of 0 stays who it is. The script: records of { length, bytes }; the first is the handshake, and each
 * other one is answered with one fd, which is closed. Prints `ready`, and ends with its standard input.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

static void wait_for_fd(int sock)
{
	for (int got = 0; !got;) {
		char bytes[64 * 1024], control[CMSG_SPACE(28 * sizeof(int))];
		struct iovec iov = { bytes, sizeof bytes };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				      .msg_controllen = sizeof control };
		ssize_t n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
		if (n <= 0)
			err(1, "recvmsg: %zd", n);
		uint32_t head[2];
		if (n >= (ssize_t)sizeof head && memcpy(head, bytes, sizeof head) && head[0] == 1 && (head[1] & 0xffff) == 0)
			errx(1, "wl_display.error: %.200s", bytes + 20);
		for (struct cmsghdr *m = CMSG_FIRSTHDR(&msg); m; m = CMSG_NXTHDR(&msg, m)) {
			int fds[28], count = (int)((m->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(fds, CMSG_DATA(m), (size_t)count * sizeof(int));
			for (int i = 0; i < count; i++)
				close(fds[i]);
			got += count;
		}
	}
}

static void connect_and_hold(const char *path, const uint8_t *script, off_t length)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(sock, (struct sockaddr *)&address, sizeof address) < 0)
		err(1, "%s", path);
	struct timeval patience = { .tv_sec = 20 };
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	for (off_t at = 0; at < length;) {
		uint32_t size;
		memcpy(&size, script + at, sizeof size);
		if (send(sock, script + at + sizeof size, size, MSG_NOSIGNAL) != (ssize_t)size)
			err(1, "send");
		if (at > 0)
			wait_for_fd(sock);
		at += (off_t)(sizeof size + size);
	}
}

int main(int argc, char **argv)
{
	if (argc != 6)
		errx(2, "usage: crowd <socket> <script> <first uid> <users> <connections of each>");
	uid_t first = (uid_t)atoi(argv[3]);
	int users = atoi(argv[4]), connections = atoi(argv[5]);
	int file = open(argv[2], O_RDONLY | O_CLOEXEC);
	struct stat info;
	if (file < 0 || fstat(file, &info) < 0)
		err(1, "%s", argv[2]);
	const uint8_t *script = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
	if (script == MAP_FAILED)
		err(1, "mmap");
	for (int user = 0; user < users; user++) {
		int there[2];
		char byte;
		if (pipe2(there, O_CLOEXEC) < 0)
			err(1, "pipe");
		pid_t child = fork();
		if (child < 0)
			err(1, "fork");
		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			uid_t uid = first + (uid_t)user;
			if (first != 0 && (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0))
				err(1, "uid %u", uid);
			/* Whoever becomes somebody else is no longer ended with its parent. */
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (int i = 0; i < connections; i++)
				connect_and_hold(argv[1], script, info.st_size);
			if (write(there[1], "", 1) != 1)
				err(1, "write");
			for (;;)
				pause();
		}
		close(there[1]);
		if (read(there[0], &byte, 1) != 1)
			errx(1, "user %d of %d has failed", user + 1, users);
		close(there[0]);
	}
	puts("ready");
	fflush(stdout);
	char byte;
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}
