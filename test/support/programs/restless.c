/*
 * A client that is to be killed at any moment: `restless SOCKET SOURCE`. When something comes over its
 * standard input it allocates a buffer to keep, prints a token for it, and then allocates, shares,
 * redeems, imports and leaves messages half sent, a connection and a thread for each, without end.
 *
 * In C, so that it starts in a moment: it is killed and started anew, again and again.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <wayland-client.h>

#include "dmabroker-v1-client.h"

#define SIZE 8192
#define ANY_USER 0xffffffffu
#define MAX_PLANES 4

static const char *path, *source;
static uint32_t handle_type;
static int kept_fd = -1;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

struct connection {
	struct wl_display *display;
	struct wl_registry *registry;
	struct dmabroker_manager_v1 *manager;
};

/* What has been said of an object. Its fds are ours. */
struct answer {
	bool over, failed;
	int fds[MAX_PLANES];
	unsigned fd_count;
	char token[128];
};

/* Every event of every object but the registry: what matters here has the same names everywhere. */
static int on_event(const void *data, void *object, uint32_t opcode, const struct wl_message *message,
		    union wl_argument *args)
{
	struct answer *answer = wl_proxy_get_user_data(object);
	(void)data, (void)opcode;
	unsigned index = 0;
	for (const char *type = message->signature; *type; type++) {
		if (strchr("iufsonah", *type) == NULL)
			continue;
		if (*type == 'h') {
			if (answer && answer->fd_count < MAX_PLANES)
				answer->fds[answer->fd_count++] = args[index].h;
			else
				close(args[index].h);
		}
		index++;
	}
	if (answer == NULL)
		return 0;
	if (strcmp(message->name, "token") == 0)
		snprintf(answer->token, sizeof answer->token, "%s", args[0].s);
	answer->failed |= strcmp(message->name, "failed") == 0;
	answer->over |= answer->failed || strcmp(message->name, "done") == 0 ||
			strcmp(message->name, "token_id") == 0;
	return 0;
}

static void *listening(void *object, struct answer *answer)
{
	memset(answer, 0, sizeof *answer);
	wl_proxy_add_dispatcher(object, on_event, NULL, answer);
	return object;
}

static void await(struct connection *connection, struct answer *answer)
{
	while (!answer->over)
		if (wl_display_dispatch(connection->display) < 0)
			die("wl_display_dispatch");
}

static void forget(struct answer *answer)
{
	while (answer->fd_count > 0)
		close(answer->fds[--answer->fd_count]);
}

static void on_global(void *data, struct wl_registry *registry, uint32_t name, const char *interface,
		      uint32_t version)
{
	struct connection *connection = data;
	(void)version;
	if (strcmp(interface, dmabroker_manager_v1_interface.name) != 0 || connection->manager)
		return;
	connection->manager = wl_registry_bind(registry, name, &dmabroker_manager_v1_interface, 1);
	wl_proxy_add_dispatcher((struct wl_proxy *)connection->manager, on_event, NULL, NULL);
}

static void on_global_remove(void *data, struct wl_registry *registry, uint32_t name)
{
	(void)data, (void)registry, (void)name;
}

static const struct wl_registry_listener registry_listener = { on_global, on_global_remove };

static struct connection open_connection(void)
{
	struct connection connection = { .display = wl_display_connect(path) };
	if (connection.display == NULL)
		die(path);
	connection.registry = wl_display_get_registry(connection.display);
	wl_registry_add_listener(connection.registry, &registry_listener, &connection);
	if (wl_display_roundtrip(connection.display) < 0 || connection.manager == NULL)
		die("no broker");
	wl_registry_destroy(connection.registry);
	return connection;
}

static struct dmabroker_buffer_v1 *create(struct connection *connection, struct answer *answer)
{
	struct dmabroker_params_v1 *params = dmabroker_manager_v1_create_params(connection->manager);
	dmabroker_params_v1_set_buffer(params, 0, SIZE);
	dmabroker_params_v1_set_handle_types(params, handle_type);
	dmabroker_params_v1_set_source(params, source);
	struct dmabroker_buffer_v1 *buffer =
		listening(dmabroker_params_v1_create(params), answer);
	dmabroker_params_v1_destroy(params);
	return buffer;
}

static void share(struct connection *connection, struct dmabroker_buffer_v1 *buffer, uint32_t uses,
		  struct answer *answer)
{
	struct dmabroker_share_v1 *share =
		listening(dmabroker_buffer_v1_share(buffer, uses, ANY_USER, 0, 0), answer);
	await(connection, answer);
	dmabroker_share_v1_destroy(share);
}

static void release(struct dmabroker_buffer_v1 *buffer)
{
	dmabroker_buffer_v1_release(buffer);
	dmabroker_buffer_v1_destroy(buffer);
}

static void allocates(struct connection *connection)
{
	struct answer answers[3], token;
	struct dmabroker_buffer_v1 *all[3];
	for (int i = 0; i < 3; i++)
		all[i] = create(connection, &answers[i]);
	for (int i = 0; i < 3; i++)
		await(connection, &answers[i]);
	release(all[0]);
	dmabroker_buffer_v1_destroy(all[1]);
	if (!answers[2].failed)
		share(connection, all[2], 1, &token);
	release(all[2]);
	for (int i = 0; i < 3; i++)
		forget(&answers[i]);
}

static void redeems(struct connection *connection)
{
	struct connection other = open_connection();
	struct answer made, taken, token;
	struct dmabroker_buffer_v1 *buffer = create(&other, &made);
	await(&other, &made);
	if (!made.failed) {
		share(&other, buffer, 2, &token);
		struct dmabroker_buffer_v1 *redeemed = listening(
			dmabroker_manager_v1_redeem(connection->manager, token.token), &taken);
		await(connection, &taken);
		release(buffer);
		dmabroker_buffer_v1_destroy(redeemed);
		forget(&taken);
	}
	forget(&made);
	wl_display_disconnect(other.display);
}

static void imports(struct connection *connection)
{
	struct answer made, brought;
	struct dmabroker_buffer_v1 *buffer = create(connection, &made);
	await(connection, &made);
	if (made.failed) {
		dmabroker_buffer_v1_destroy(buffer);
		return;
	}
	struct dmabroker_params_v1 *params = dmabroker_manager_v1_create_params(connection->manager);
	dmabroker_params_v1_add_plane(params, made.fds[0], 0, 0, 0);
	dmabroker_params_v1_set_buffer(params, 0, SIZE);
	/* A memfd is refused, after it has been sent. */
	struct dmabroker_buffer_v1 *imported =
		listening(dmabroker_params_v1_import(params), &brought);
	dmabroker_params_v1_destroy(params);
	await(connection, &brought);
	if (brought.failed)
		dmabroker_buffer_v1_destroy(imported);
	else
		release(imported);
	release(buffer);
	forget(&made);
	forget(&brought);
}

/* ---- messages in pieces: by hand, since the library sends whole ones ------------------------ */

struct bytes {
	uint32_t words[128];
	unsigned count;
};

static void put(struct bytes *bytes, uint32_t object, uint32_t opcode, unsigned count,
		const uint32_t *args)
{
	uint32_t *words = &bytes->words[bytes->count];
	words[0] = object;
	words[1] = (8 + 4 * count) << 16 | opcode;
	memcpy(words + 2, args, 4 * count);
	bytes->count += 2 + count;
}

static void put_string(struct bytes *bytes, uint32_t object, uint32_t opcode, uint32_t first,
		       const char *text, uint32_t version, uint32_t id)
{
	uint32_t args[32] = { first, strlen(text) + 1 };
	unsigned words = (strlen(text) + 4) / 4;
	memcpy(&args[2], text, strlen(text));
	args[2 + words] = version;
	args[3 + words] = id;
	put(bytes, object, opcode, 4 + words, args);
}

static bool send_bytes(int fd, const void *bytes, size_t size, int passed)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec data = { (void *)bytes, size };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
	if (passed >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof control;
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		*header = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(header), &passed, sizeof(int));
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)size;
}

/* The number of the manager's global, from wl_registry.global: number, length, name, version. */
static uint32_t manager_global(int fd)
{
	static __thread uint32_t words[1024];
	size_t have = 0;
	for (;;) {
		ssize_t got = recv(fd, (char *)words + have, sizeof words - have, 0);
		if (got <= 0)
			die("the registry");
		have += got;
		for (size_t at = 0; at + 12 < have;) {
			const uint32_t *message = words + at / 4;
			size_t size = message[1] >> 16;
			if (size < 8 || at + size > have)
				break;
			if (message[0] == 2 && size > 20 &&
			    strcmp((const char *)(message + 4), "dmabroker_manager_v1") == 0)
				return message[2];
			at += size;
		}
	}
}

/* The fd of an import arrives; what asks for it does so in pieces. */
static void halves(struct connection *unused)
{
	enum { DISPLAY = 1, REGISTRY, MANAGER, PARAMS, BUFFER };
	(void)unused;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
		die(path);

	struct bytes bytes = { .count = 0 };
	put(&bytes, DISPLAY, 1 /* get_registry */, 1, (uint32_t[]){ REGISTRY });
	send_bytes(fd, bytes.words, 4 * bytes.count, -1);
	uint32_t global = manager_global(fd);

	bytes.count = 0;
	put_string(&bytes, REGISTRY, 0 /* bind */, global, "dmabroker_manager_v1", 1, MANAGER);
	put(&bytes, MANAGER, DMABROKER_MANAGER_V1_CREATE_PARAMS, 1, (uint32_t[]){ PARAMS });
	put(&bytes, PARAMS, DMABROKER_PARAMS_V1_ADD_PLANE, 3, (uint32_t[]){ 0, 0, 0 });
	put(&bytes, PARAMS, DMABROKER_PARAMS_V1_SET_BUFFER, 2, (uint32_t[]){ 0, SIZE });
	put(&bytes, PARAMS, DMABROKER_PARAMS_V1_IMPORT, 1, (uint32_t[]){ BUFFER });
	unsigned first = 4;
	bool sent = send_bytes(fd, bytes.words, 4 * first, kept_fd);
	for (unsigned i = first; sent && i < bytes.count; i++) {
		sched_yield();
		sent = send_bytes(fd, &bytes.words[i], 4, -1);
	}
	/* What is answered is not read to its end: the fds in it are the kernel's to close. */
	char some[64];
	if (sent)
		sent = recv(fd, some, sizeof some, 0) > 0;
	close(fd);
}

/* ---- without end ---------------------------------------------------------------------------- */

typedef void round_of(struct connection *);

static void *forever(void *argument)
{
	round_of *round = *(round_of **)argument;
	struct connection connection = { 0 };
	if (round != halves)
		connection = open_connection();
	for (;;)
		round(&connection);
	return NULL;
}

int main(int argc, char **argv)
{
	static round_of *const rounds[] = { allocates, redeems, imports, halves };
	if (argc != 3) {
		fprintf(stderr, "usage: restless SOCKET SOURCE\n");
		return 2;
	}
	path = argv[1];
	source = argv[2];
	handle_type = strcmp(source, "memfd") == 0 ? DMABROKER_MANAGER_V1_HANDLE_TYPE_MEMFD :
						     DMABROKER_MANAGER_V1_HANDLE_TYPE_DMA_BUF;
	char go;
	if (read(STDIN_FILENO, &go, 1) != 1)
		return 0;

	struct connection first = open_connection();
	struct answer kept, token;
	struct dmabroker_buffer_v1 *buffer = create(&first, &kept);
	await(&first, &kept);
	if (kept.failed)
		die("the buffer to keep");
	kept_fd = kept.fds[0];
	share(&first, buffer, 1, &token);
	printf("%s\n", token.token);
	fflush(stdout);

	for (unsigned i = 0; i < sizeof rounds / sizeof *rounds; i++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, forever, (void *)&rounds[i]) != 0)
			die("pthread_create");
	}
	pause();
	return 0;
}
