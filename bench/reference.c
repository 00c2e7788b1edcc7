/*
 * What the daemon's data plane is measured against: the least that a server can do for the same
 * bytes. One epoll loop in C answers wl_display.sync with done and delete_id, redeem with a prepared
 * info, plane and done and one memfd, destroy with delete_id; everything else is taken silently. It
 * checks nothing, keeps no objects and trusts its client.
 *
 *   reference <socket> <answer to redeem, its object ids 0>
 *
 * MANAGER and REDEEM (the manager's object id, redeem's opcode) come from the compiler's command
 * line, where the benchmark puts what was generated from the protocol's XML.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SIZE = 4096, MAX_EVENTS = 32, HEADER = 8, SYNC = 0, DESTROY = 0, FIRST_ID = 4 };

static uint8_t redeemed[SIZE];
static size_t redeemed_size;
static int memory;

struct answer {
	uint8_t bytes[SIZE];
	size_t size;
	int fd;
};

static void word_event(struct answer *a, uint32_t object, uint32_t opcode, uint32_t value)
{
	uint32_t words[3] = { object, 12u << 16 | opcode, value };
	memcpy(a->bytes + a->size, words, sizeof words);
	a->size += sizeof words;
}

static void buffer_events(struct answer *a, uint32_t object)
{
	uint8_t *start = a->bytes + a->size;
	memcpy(start, redeemed, redeemed_size);
	for (size_t at = 0; at < redeemed_size;) {
		uint32_t word;
		memcpy(start + at, &object, sizeof object);
		memcpy(&word, start + at + 4, sizeof word);
		at += word >> 16;
	}
	a->size += redeemed_size;
	a->fd = memory;
}

static void answer(struct answer *a, const uint8_t *bytes, size_t length)
{
	static uint32_t serial;
	for (size_t at = 0; length - at >= HEADER;) {
		uint32_t words[3];
		memcpy(words, bytes + at, HEADER);
		uint32_t object = words[0], opcode = words[1] & 0xffff, size = words[1] >> 16;
		if (size < HEADER || size > length - at)
			return;
		memcpy(words, bytes + at, size < sizeof words ? size : sizeof words);
		if (object == 1 && opcode == SYNC) {
			word_event(a, words[2], 0, serial++);
			word_event(a, 1, 1, words[2]);
		} else if (object == MANAGER && opcode == REDEEM) {
			buffer_events(a, words[2]);
		} else if (object >= FIRST_ID && opcode == DESTROY) {
			word_event(a, 1, 1, object);
		}
		at += size;
	}
}

static void reply(int sock, struct answer *a)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { a->bytes, a->size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	if (a->fd >= 0) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof control;
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &a->fd, sizeof(int));
	}
	if (sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)a->size)
		warn("sendmsg");
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: reference <socket> <answer>");
	FILE *file = fopen(argv[2], "re");
	if (!file || (redeemed_size = fread(redeemed, 1, SIZE, file)) == 0)
		err(1, "%s", argv[2]);
	memory = memfd_create("reference", MFD_CLOEXEC);
	if (memory < 0 || ftruncate(memory, 4096) < 0)
		err(1, "memfd");

	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 128) < 0)
		err(1, "%s", argv[1]);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = listener };
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
	puts("ready");
	fflush(stdout);

	for (;;) {
		struct epoll_event events[MAX_EVENTS];
		int ready = epoll_wait(epoll, events, MAX_EVENTS, -1);
		for (int i = 0; i < ready; i++) {
			uint8_t bytes[SIZE];
			struct answer a = { .fd = -1 };
			int sock = events[i].data.fd;
			if (sock == listener) {
				event.data.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
				epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
				continue;
			}
			ssize_t n = recv(sock, bytes, SIZE, 0);
			if (n <= 0) {
				close(sock);
				continue;
			}
			answer(&a, bytes, (size_t)n);
			if (a.size > 0)
				reply(sock, &a);
		}
	}
}
