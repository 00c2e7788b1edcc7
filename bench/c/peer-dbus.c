/*
 * A hand-off over D-Bus: a method call that is answered with an fd, from one client of the bus to another. Both are
 * in this program, without a library: messages are laid out here as the specification has them ("Message Protocol"),
 * so that what is measured is the bus.
 *
 *   peer-dbus <socket of the bus> <calls>
 *
 * Prints what load.c prints.
 */
#include "peer.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

enum { CALL = 1, RETURN = 2, ERROR = 3, PATH = 1, INTERFACE = 2, MEMBER = 3, REPLY_SERIAL = 5, DESTINATION = 6, SENDER = 7, SIGNATURE = 8, UNIX_FDS = 9 };

struct message {
	uint8_t bytes[4096];
	size_t size, body;
	/* Of one that was read. */
	uint8_t type;
	uint32_t serial;
	char sender[64];
	int fd;
};

static void align(struct message *m, size_t to)
{
	while (m->size % to)
		m->bytes[m->size++] = 0;
}

static void put32(struct message *m, uint32_t value)
{
	align(m, 4);
	memcpy(m->bytes + m->size, &value, sizeof value);
	m->size += sizeof value;
}

static void put_string(struct message *m, const char *text)
{
	put32(m, (uint32_t)strlen(text));
	memcpy(m->bytes + m->size, text, strlen(text) + 1);
	m->size += strlen(text) + 1;
}

static void put_field(struct message *m, uint8_t code, char type)
{
	align(m, 8);
	m->bytes[m->size++] = code;
	m->bytes[m->size++] = 1;
	m->bytes[m->size++] = (uint8_t)type;
	m->bytes[m->size++] = 0;
}

static void begin(struct message *m, uint8_t type, uint32_t serial)
{
	*m = (struct message){ .bytes = { 'l', type, 0, 1 }, .size = 4, .fd = -1 };
	put32(m, 0);
	put32(m, serial);
	put32(m, 0);
}

static void put_text(struct message *m, uint8_t code, char type, const char *text)
{
	put_field(m, code, type);
	put_string(m, text);
}

/* The fields end, the body begins. */
static void end_fields(struct message *m)
{
	uint32_t length = (uint32_t)(m->size - 16);
	memcpy(m->bytes + 12, &length, sizeof length);
	align(m, 8);
	m->body = m->size;
}

static void send_message(int sock, struct message *m)
{
	uint32_t length = (uint32_t)(m->size - m->body);
	memcpy(m->bytes + 4, &length, sizeof length);
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { m->bytes, m->size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	if (m->fd >= 0) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof control;
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &m->fd, sizeof(int));
	}
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) != (ssize_t)m->size)
		err(1, "sendmsg");
}

static uint32_t word(const struct message *m, size_t at)
{
	uint32_t value;
	memcpy(&value, m->bytes + at, sizeof value);
	return value;
}

static size_t up(size_t value, size_t to)
{
	return (value + to - 1) / to * to;
}

/* Reads one message: its parts, and its sender. What comes is little-endian, as what was sent. */
static void read_message(int sock, struct message *m)
{
	m->fd = -1;
	for (size_t have = 0, want = 16; have < want;) {
		char control[CMSG_SPACE(sizeof(int))];
		struct iovec iov = { m->bytes + have, want - have };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				      .msg_controllen = sizeof control };
		ssize_t n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
		if (n <= 0)
			err(1, "recvmsg: %zd", n);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		if (c && c->cmsg_type == SCM_RIGHTS)
			memcpy(&m->fd, CMSG_DATA(c), sizeof m->fd);
		have += (size_t)n;
		if (have < 16)
			continue;
		m->body = up(16 + word(m, 12), 8);
		m->size = want = m->body + word(m, 4);
		if (want > sizeof m->bytes)
			errx(1, "a message of %zu bytes", want);
	}
	m->type = m->bytes[1];
	m->serial = word(m, 8);
	m->sender[0] = 0;
	for (size_t at = 16, end = 16 + word(m, 12); at < end;) {
		at = up(at, 8);
		uint8_t code = m->bytes[at], type = m->bytes[at + 2];
		at += 4;
		if (type == 'u') {
			at += 4;
			continue;
		}
		uint32_t length = type == 'g' ? m->bytes[at] : word(m, at);
		at += type == 'g' ? 1 : 4;
		if (code == SENDER)
			snprintf(m->sender, sizeof m->sender, "%s", (char *)m->bytes + at);
		at += length + 1;
	}
	if (m->type == ERROR)
		errx(1, "the bus says: %.200s", (char *)m->bytes + m->body + 4);
}

static void say(int sock, const char *line, const char *expected)
{
	char answer[512];
	if (send(sock, line, strlen(line), MSG_NOSIGNAL) < 0)
		err(1, "send");
	ssize_t n = recv(sock, answer, sizeof answer - 1, 0);
	if (n <= 0)
		err(1, "recv");
	answer[n] = 0;
	if (strncmp(answer, expected, strlen(expected)) != 0)
		errx(1, "the bus says to %s: %s", line, answer);
}

/* Connects ("Authentication Protocol") and says hello; `name` becomes the one that the bus has given. */
static int join(const char *path, char name[64])
{
	int sock = connect_to(path);
	char uid[32], line[128], *end = line;
	snprintf(uid, sizeof uid, "%u", getuid());
	end += sprintf(end, "AUTH EXTERNAL ");
	for (const char *c = uid; *c; c++)
		end += sprintf(end, "%02x", *c);
	sprintf(end, "\r\n");
	if (send(sock, "", 1, MSG_NOSIGNAL) != 1)
		err(1, "send");
	say(sock, line, "OK ");
	say(sock, "NEGOTIATE_UNIX_FD\r\n", "AGREE_UNIX_FD");
	if (send(sock, "BEGIN\r\n", 7, MSG_NOSIGNAL) != 7)
		err(1, "send");
	struct message m;
	begin(&m, CALL, 1);
	put_text(&m, PATH, 'o', "/org/freedesktop/DBus");
	put_text(&m, INTERFACE, 's', "org.freedesktop.DBus");
	put_text(&m, MEMBER, 's', "Hello");
	put_text(&m, DESTINATION, 's', "org.freedesktop.DBus");
	end_fields(&m);
	send_message(sock, &m);
	do
		read_message(sock, &m);
	while (m.type != RETURN);
	snprintf(name, 64, "%s", (char *)m.bytes + m.body + 4);
	return sock;
}

static void serve(const char *path, int told)
{
	char name[64] = { 0 };
	int sock = join(path, name);
	int memory = memfd_create("peer", MFD_CLOEXEC);
	if (memory < 0 || ftruncate(memory, 4096) < 0 || write(told, name, sizeof name) < 0)
		err(1, "the service");
	for (uint32_t serial = 2;; serial++) {
		struct message m;
		do
			read_message(sock, &m);
		while (m.type != CALL);
		char sender[64];
		uint32_t of = m.serial;
		memcpy(sender, m.sender, sizeof sender);
		begin(&m, RETURN, serial);
		put_field(&m, REPLY_SERIAL, 'u');
		put32(&m, of);
		put_text(&m, DESTINATION, 's', sender);
		put_field(&m, SIGNATURE, 'g');
		memcpy(m.bytes + m.size, "\1h", 3);
		m.size += 3;
		put_field(&m, UNIX_FDS, 'u');
		put32(&m, 1);
		end_fields(&m);
		put32(&m, 0);
		m.fd = memory;
		send_message(sock, &m);
	}
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: peer-dbus <socket of the bus> <calls>");
	int told[2];
	char service[64], own[64];
	if (pipe(told) < 0)
		err(1, "pipe");
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(argv[1], told[1]);
	}
	close(told[1]);
	if (read(told[0], service, sizeof service) != sizeof service)
		errx(1, "the service has failed");
	int sock = join(argv[1], own);
	struct measure m = measure_begin((uint32_t)atoi(argv[2]));
	for (uint32_t i = 0; i < m.total; i++) {
		struct message call;
		ask_begin(&m);
		begin(&call, CALL, i + 2);
		put_text(&call, PATH, 'o', "/memory");
		put_text(&call, INTERFACE, 's', "org.example.Memory");
		put_text(&call, MEMBER, 's', "Get");
		put_text(&call, DESTINATION, 's', service);
		end_fields(&call);
		send_message(sock, &call);
		do
			read_message(sock, &call);
		while (call.type != RETURN);
		if (call.fd < 0)
			errx(1, "no fd came");
		close(call.fd);
		ask_end(&m);
	}
	measure_print(&m);
	kill(child, SIGKILL);
	return 0;
}
