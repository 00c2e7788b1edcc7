/*
 * The client of the benchmarks: plays requests that were encoded beforehand and measures how long
 * each answer takes. It knows nothing of the protocol but how a message is framed, and costs the
 * same whichever server answers.
 *
 *   load <socket> <script>
 *
 * The script: the number of connections and of warm-up requests of each, then records of
 * { connection, end object, end opcode, length, bytes }, all 32-bit words. An answer is complete
 * with the event `end opcode` of `end object`. The first record of a connection opens it. One
 * request at a time is under way on each connection. File descriptors that come are closed.
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
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 64 * 1024, MAX_EVENTS = 64, HEADER = 8, TIMEOUT_S = 60 };

struct record {
	uint32_t connection, object, opcode, length;
	uint8_t bytes[];
};

struct connection {
	int sock;
	const struct record **records;
	uint32_t count, next, until;
	uint64_t sent_at;
	size_t have;
	uint8_t bytes[BUFFER];
};

static uint64_t answer_bytes, answer_fds;
static uint32_t *latencies, measured;

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void ask(struct connection *c)
{
	const struct record *r = c->records[c->next];
	c->sent_at = now();
	if (send(c->sock, r->bytes, r->length, MSG_NOSIGNAL) != (ssize_t)r->length)
		err(1, "send");
}

static void receive(struct connection *c)
{
	char control[CMSG_SPACE(28 * sizeof(int))];
	struct iovec iov = { c->bytes + c->have, BUFFER - c->have };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof control };
	ssize_t n = recvmsg(c->sock, &msg, MSG_CMSG_CLOEXEC);
	if (n <= 0)
		err(1, "recvmsg: %zd", n);
	for (struct cmsghdr *m = CMSG_FIRSTHDR(&msg); m; m = CMSG_NXTHDR(&msg, m)) {
		int fds[28], count = (int)((m->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(m), count * sizeof(int));
		for (int i = 0; i < count; i++)
			close(fds[i]);
		answer_fds += count;
	}
	answer_bytes += n;
	c->have += n;
}

/* Cuts what was received into messages. Returns whether the answer has ended. */
static int ended(struct connection *c)
{
	const struct record *r = c->records[c->next];
	size_t at = 0;
	int end = 0;
	while (c->have - at >= HEADER) {
		uint32_t head[2];
		memcpy(head, c->bytes + at, HEADER);
		uint32_t size = head[1] >> 16, opcode = head[1] & 0xffff;
		if (head[0] == 1 && opcode == 0)
			errx(1, "wl_display.error: %.200s", (char *)c->bytes + at + 20);
		if (size < HEADER || c->have - at < size)
			break;
		end |= head[0] == r->object && opcode == r->opcode;
		at += size;
	}
	memmove(c->bytes, c->bytes + at, c->have - at);
	c->have -= at;
	return end;
}

/* Plays `count` further records of every connection, each as fast as it is answered. */
static void play(struct connection *all, uint32_t connections, uint32_t count, int epoll)
{
	uint32_t running = 0;
	for (uint32_t i = 0; i < connections; i++) {
		struct connection *c = &all[i];
		c->until = count < c->count - c->next ? c->next + count : c->count;
		if (c->next == c->until)
			continue;
		running++;
		ask(c);
	}
	while (running > 0) {
		struct epoll_event events[MAX_EVENTS] = { { .data.u32 = 0 } };
		/* A single connection waits in recvmsg: one system call less, on both sides of a ratio. */
		int ready = connections == 1 ? 1 : epoll_wait(epoll, events, MAX_EVENTS, -1);
		for (int i = 0; i < ready; i++) {
			struct connection *c = &all[events[i].data.u32];
			receive(c);
			if (!ended(c))
				continue;
			latencies[measured++] = (uint32_t)(now() - c->sent_at);
			if (++c->next < c->until)
				ask(c);
			else
				running--;
		}
	}
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: load <socket> <script>");
	alarm(TIMEOUT_S);
	int file = open(argv[2], O_RDONLY | O_CLOEXEC);
	struct stat info;
	if (file < 0 || fstat(file, &info) < 0)
		err(1, "%s", argv[2]);
	const uint8_t *script = mmap(NULL, info.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
	if (script == MAP_FAILED)
		err(1, "mmap");
	uint32_t connections = ((const uint32_t *)script)[0], warm_up = ((const uint32_t *)script)[1];
	uint32_t total = 0;
	struct connection *all = calloc(connections, sizeof *all);
	for (int pass = 0; pass < 2; pass++) {
		for (off_t at = 8; at < info.st_size; total++) {
			const struct record *r = (const struct record *)(script + at);
			struct connection *c = &all[r->connection];
			if (pass)
				c->records[c->next++] = r;
			else
				c->count++;
			at += (off_t)(sizeof *r + r->length);
		}
		for (uint32_t i = 0; i < connections; i++) {
			if (!pass)
				all[i].records = calloc(all[i].count, sizeof *all[i].records);
			all[i].next = 0;
		}
	}
	latencies = calloc(total, sizeof *latencies);

	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	for (uint32_t i = 0; i < connections; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };
		all[i].sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(all[i].sock, (struct sockaddr *)&address, sizeof address) < 0)
			err(1, "%s", argv[1]);
		epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].sock, &event);
	}
	play(all, connections, 1, epoll);
	play(all, connections, warm_up, epoll);
	measured = 0;
	answer_bytes = answer_fds = 0;
	uint64_t start = now();
	play(all, connections, UINT32_MAX, epoll);
	double seconds = (double)(now() - start) / 1e9;
	if (measured == 0)
		errx(1, "nothing was measured");
	qsort(latencies, measured, sizeof *latencies, ascending);
	printf("{\"requests\":%u,\"seconds\":%.6f,\"p50\":%.3f,\"p99\":%.3f,\"bytes\":%lu,\"fds\":%lu}\n",
	       measured, seconds, latencies[measured / 2] / 1e3,
	       latencies[(uint64_t)measured * 99 / 100] / 1e3, answer_bytes, answer_fds);
	return 0;
}
