/*
 * What the daemon's data plane is measured against: the least that a server can do for the same
 * bytes. One epoll loop in C answers wl_display.sync with done and delete_id, redeem with a prepared
 * info, plane and done and one memfd, destroy with delete_id, a params' create with memory that it
 * makes; everything else is taken silently. It checks nothing and trusts its client.
 *
 *   reference <socket> <answer to redeem and create, its object ids 0> memfd|vulkan|ready
 *
 * `memfd` makes a sealed one for each create, by the calls of src/native/libc/memory.ts; `vulkan` a
 * dma_buf (vulkan-memory.c); `ready` hands out one dma_buf that it has made before, of the bytes of
 * READY in the environment. What was made goes with release, destroy or the connection.
 *
 * The opcodes and object ids in capitals come from the compiler's command line, where the benchmark
 * puts what was generated from the protocol's XML.
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

#include "vulkan-memory.h"

enum { SIZE = 4096, MAX_EVENTS = 32, HEADER = 8, SYNC = 0, DESTROY = 0, FIRST_ID = 4, SOCKETS = 1024 };

static uint8_t prepared[SIZE];
static size_t prepared_size;
static int memory, ready = -1, by_vulkan;

/* What a connection holds under the two ids that take turns, and what it said of the next one. */
struct held {
	int fd;
	struct vulkan_memory vulkan;
};
static struct connection {
	struct held held[2];
	uint64_t size;
} connections[SOCKETS];

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

static void buffer_events(struct answer *a, uint32_t object, int fd)
{
	uint8_t *start = a->bytes + a->size;
	memcpy(start, prepared, prepared_size);
	for (size_t at = 0; at < prepared_size;) {
		uint32_t word;
		memcpy(start + at, &object, sizeof object);
		memcpy(&word, start + at + 4, sizeof word);
		at += word >> 16;
	}
	a->size += prepared_size;
	a->fd = fd;
}

static void let_go(struct held *h)
{
	if (h->fd > 0)
		close(h->fd);
	h->fd = 0;
	if (h->vulkan.memory)
		vulkan_free(&h->vulkan);
}

static int make(struct connection *c, uint32_t object)
{
	struct held *h = &c->held[object % 2];
	if (ready >= 0)
		return ready;
	if (by_vulkan)
		return h->fd = vulkan_allocate(c->size, &h->vulkan);
	h->fd = memfd_create("reference", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (h->fd < 0 || ftruncate(h->fd, (off_t)c->size) < 0 ||
	    fcntl(h->fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		err(1, "memfd");
	return h->fd;
}

static void answer(struct answer *a, struct connection *c, const uint8_t *bytes, size_t length)
{
	static uint32_t serial;
	for (size_t at = 0; length - at >= HEADER;) {
		uint32_t words[4];
		memcpy(words, bytes + at, HEADER);
		uint32_t object = words[0], opcode = words[1] & 0xffff, size = words[1] >> 16;
		if (size < HEADER || size > length - at)
			return;
		memcpy(words, bytes + at, size < sizeof words ? size : sizeof words);
		if (object == 1 && opcode == SYNC) {
			word_event(a, words[2], 0, serial++);
			word_event(a, 1, 1, words[2]);
		} else if (object == MANAGER && opcode == REDEEM) {
			buffer_events(a, words[2], memory);
		} else if (object == PARAMS && opcode == SET_BUFFER) {
			c->size = (uint64_t)words[2] << 32 | words[3];
		} else if (object == PARAMS && opcode == CREATE) {
			buffer_events(a, words[2], make(c, words[2]));
		} else if (object >= FIRST_ID && opcode == DESTROY) {
			if (object != PARAMS)
				let_go(&c->held[object % 2]);
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

static void prepare(const char *how)
{
	memory = memfd_create("reference", MFD_CLOEXEC);
	if (memory < 0 || ftruncate(memory, 4096) < 0)
		err(1, "memfd");
	by_vulkan = strcmp(how, "vulkan") == 0;
	if (by_vulkan || strcmp(how, "ready") == 0)
		vulkan_open();
	if (strcmp(how, "ready") == 0) {
		static struct vulkan_memory kept;
		ready = vulkan_allocate(strtoull(getenv("READY") ?: "0", NULL, 10), &kept);
	}
}

static void serve(int sock)
{
	uint8_t bytes[SIZE];
	struct answer a = { .fd = -1 };
	struct connection *c = &connections[sock];
	ssize_t n = recv(sock, bytes, SIZE, 0);
	if (n <= 0) {
		let_go(&c->held[0]);
		let_go(&c->held[1]);
		close(sock);
		return;
	}
	answer(&a, c, bytes, (size_t)n);
	if (a.size > 0)
		reply(sock, &a);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		errx(2, "usage: reference <socket> <answer> memfd|vulkan|ready");
	FILE *file = fopen(argv[2], "re");
	if (!file || (prepared_size = fread(prepared, 1, SIZE, file)) == 0)
		err(1, "%s", argv[2]);
	prepare(argv[3]);

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
		int count = epoll_wait(epoll, events, MAX_EVENTS, -1);
		for (int i = 0; i < count; i++) {
			if (events[i].data.fd != listener) {
				serve(events[i].data.fd);
				continue;
			}
			event.data.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			if (event.data.fd >= SOCKETS)
				errx(1, "too many connections");
			epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
		}
	}
}
