/*
 * A hand-off by virgl_test_server: a resource is made, its fd comes, the resource goes. vtest/vtest_protocol.h of
 * virglrenderer, version 2 and later: VCMD_RESOURCE_CREATE2 is answered with an fd of the resource's shared memory.
 *
 *   peer-virgl <socket> <requests>
 *
 * Prints what load.c prints.
 */
#include "peer.h"

enum {
	VCMD_RESOURCE_UNREF = 3,
	VCMD_CREATE_RENDERER = 8,
	VCMD_PING_PROTOCOL_VERSION = 10,
	VCMD_PROTOCOL_VERSION = 11,
	VCMD_RESOURCE_CREATE2 = 12,
	VCMD_RESOURCE_BUSY_WAIT = 7,
	WANTED_VERSION = 2,
	PIPE_BUFFER = 0,
	PIPE_FORMAT_R8_UNORM = 64,
	PIPE_BIND_CUSTOM = 1 << 17,
	SIZE = 4096,
};

/* Its length counts words, but bytes for a renderer's name. */
static void send_command(int sock, uint32_t id, const void *data, uint32_t length, size_t bytes)
{
	uint32_t head[2] = { length, id };
	struct iovec parts[2] = { { head, sizeof head }, { (void *)data, bytes } };
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) != (ssize_t)(sizeof head + bytes))
		err(1, "sendmsg");
}

static void read_all(int sock, void *into, size_t size)
{
	for (size_t have = 0; have < size;) {
		ssize_t n = recv(sock, (char *)into + have, size - have, 0);
		if (n <= 0)
			err(1, "recv: %zd", n);
		have += (size_t)n;
	}
}

static uint32_t agree(int sock)
{
	static const char name[] = "peer";
	send_command(sock, VCMD_CREATE_RENDERER, name, sizeof name, sizeof name);
	/* A server that knows no version answers the question after it alone. */
	uint32_t busy[2] = { 0, 0 }, head[2], words[1];
	send_command(sock, VCMD_PING_PROTOCOL_VERSION, NULL, 0, 0);
	send_command(sock, VCMD_RESOURCE_BUSY_WAIT, busy, 2, sizeof busy);
	read_all(sock, head, sizeof head);
	if (head[1] != VCMD_PING_PROTOCOL_VERSION)
		errx(1, "the server is too old: it has no protocol version");
	read_all(sock, head, sizeof head);
	read_all(sock, words, sizeof words);
	words[0] = WANTED_VERSION;
	send_command(sock, VCMD_PROTOCOL_VERSION, words, 1, sizeof words);
	read_all(sock, head, sizeof head);
	read_all(sock, words, sizeof words);
	return words[0];
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: peer-virgl <socket> <requests>");
	uint32_t requests = (uint32_t)atoi(argv[2]);
	int sock = connect_to(argv[1]);
	if (agree(sock) < WANTED_VERSION)
		errx(1, "the server has no RESOURCE_CREATE2 with a handle of ours");
	struct measure m = measure_begin(requests);
	for (uint32_t i = 0; i < m.total; i++) {
		uint32_t handle = i + 1;
		/* handle, target, format, bind, width, height, depth, array_size, last_level, nr_samples, data_size */
		uint32_t create[11] = { handle, PIPE_BUFFER, PIPE_FORMAT_R8_UNORM, PIPE_BIND_CUSTOM,
					SIZE, 1, 1, 1, 0, 0, SIZE };
		ask_begin(&m);
		send_command(sock, VCMD_RESOURCE_CREATE2, create, 11, sizeof create);
		close(receive_fd(sock));
		send_command(sock, VCMD_RESOURCE_UNREF, &handle, 1, sizeof handle);
		ask_end(&m);
	}
	measure_print(&m);
	return 0;
}
