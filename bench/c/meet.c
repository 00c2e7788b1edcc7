/*
 * Two clients of the daemon, one of which makes memory and shares it, and the other redeems it: what the daemon does
 * where PipeWire links two nodes (peer-pipewire.c), asked in C as that is. Requests are encoded beforehand.
 *
 *   meet <socket> <script> <times>
 *
 * The script: the handshake of both, then what is asked in turn, each { connection, end object, end opcode, place of
 * the token or 0, length, bytes }, all 32-bit words. An answer ends with that event. The string of the second one's is
 * the token that the third has at its place. What comes after those three is not measured. Prints what load.c prints.
 */
#include "peer.h"

enum { STEPS = 8, HEADER = 8, BUFFER = 64 * 1024, MEASURED = 3, TOKEN = 2 };

struct step {
	uint32_t connection, object, opcode, token_at, length;
	uint8_t bytes[1024];
};

struct connection {
	int sock;
	size_t have;
	uint8_t bytes[BUFFER];
};

static struct step steps[2 + STEPS];
static struct connection both[2];
static char token[256];

/* Reads until the event has come, and keeps the string that it begins with, if `said` is one. */
static void wait_for(struct connection *c, const struct step *s, char *said)
{
	for (int ended = 0; !ended;) {
		char control[CMSG_SPACE(28 * sizeof(int))];
		struct iovec iov = { c->bytes + c->have, BUFFER - c->have };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				      .msg_controllen = sizeof control };
		ssize_t n = recvmsg(c->sock, &msg, MSG_CMSG_CLOEXEC);
		if (n <= 0)
			err(1, "recvmsg: %zd", n);
		for (struct cmsghdr *m = CMSG_FIRSTHDR(&msg); m; m = CMSG_NXTHDR(&msg, m)) {
			int fds[28], count = (int)((m->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(fds, CMSG_DATA(m), (size_t)count * sizeof(int));
			for (int i = 0; i < count; i++)
				close(fds[i]);
		}
		c->have += (size_t)n;
		size_t at = 0;
		while (c->have - at >= HEADER) {
			uint32_t head[3];
			memcpy(head, c->bytes + at, HEADER);
			uint32_t size = head[1] >> 16, opcode = head[1] & 0xffff;
			if (head[0] == 1 && opcode == 0)
				errx(1, "wl_display.error: %.200s", (char *)c->bytes + at + 20);
			if (size < HEADER || c->have - at < size)
				break;
			if (head[0] == s->object && opcode == s->opcode) {
				ended = 1;
				memcpy(head, c->bytes + at, sizeof head);
				if (said && head[2] < sizeof token)
					memcpy(said, c->bytes + at + sizeof head, head[2]);
			}
			at += size;
		}
		memmove(c->bytes, c->bytes + at, c->have - at);
		c->have -= at;
	}
}

static void take(struct step *s, char *said)
{
	if (s->token_at)
		memcpy(s->bytes + s->token_at, token, strlen(token));
	if (send(both[s->connection].sock, s->bytes, s->length, MSG_NOSIGNAL) != (ssize_t)s->length)
		err(1, "send");
	wait_for(&both[s->connection], s, said);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		errx(2, "usage: meet <socket> <script> <times>");
	alarm(60);
	FILE *file = fopen(argv[2], "re");
	if (!file)
		err(1, "%s", argv[2]);
	size_t count = 0;
	for (; fread(&steps[count], sizeof(uint32_t), 5, file) == 5; count++) {
		struct step *s = &steps[count];
		if (count == 2 + STEPS - 1 || s->length > sizeof s->bytes || fread(s->bytes, 1, s->length, file) != s->length)
			errx(1, "%s is no script", argv[2]);
	}
	for (int i = 0; i < 2; i++) {
		both[i].sock = connect_to(argv[1]);
		take(&steps[i], NULL);
	}
	struct measure m = measure_begin((uint32_t)atoi(argv[3]));
	for (uint32_t i = 0; i < m.total; i++) {
		ask_begin(&m);
		for (size_t n = 2; n < count; n++) {
			take(&steps[n], n == 1 + TOKEN ? token : NULL);
			if (n == 1 + MEASURED)
				ask_end(&m);
		}
	}
	measure_print(&m);
	return 0;
}
