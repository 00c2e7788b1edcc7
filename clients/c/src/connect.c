/*
 * Finding the daemon and meeting it. The socket is connected here and not by wl_display_connect: that one takes the fd of
 * $WAYLAND_SOCKET before any path, which a compositor gives to its clients and is no daemon's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "internal.h"

#define SYSTEM_SOCKET "/run/dmabroker/client.sock"

/* docs/protocol.md has the rule. */
static void find_socket(char *path, size_t room)
{
	const char *named = getenv("DMABROKER_SOCKET"), *folder = getenv("XDG_RUNTIME_DIR");

	if (named && *named) {
		snprintf(path, room, "%s", named);
		return;
	}
	/* A relative folder is to be ignored (XDG base directories). */
	if (folder && *folder == '/' &&
	    snprintf(path, room, "%s/dmabroker/client.sock", folder) < (int)room &&
	    access(path, F_OK) == 0)
		return;
	snprintf(path, room, "%s", SYSTEM_SOCKET);
}

/* How long the socket's calls may wait. */
static void bound(int fd, int64_t deadline)
{
	int64_t left = deadline - now_ms();
	struct timeval timeout = { 0 };

	if (left > 0) {
		timeout.tv_sec = left / 1000;
		timeout.tv_usec = left % 1000 * 1000;
	} else
		timeout.tv_usec = 1; /* 0 would be no bound at all. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

/*
 * Where the daemon's queue is full connect(2) waits as long as a send may (unix(7)), or not at all. A signal ends it, and no
 * connection is being made then: it goes on, as every other call of the library does.
 */
static int try_connect(const struct sockaddr_un *address, bool wait, int64_t deadline)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (wait ? 0 : SOCK_NONBLOCK), 0);

	if (fd < 0)
		return -1;
	do {
		if (wait && deadline != FOREVER)
			bound(fd, deadline);
		if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0)
			return fd;
	} while (errno == EINTR && now_ms() < deadline);
	/* Signals may come more often than the kernel looks whether a bound is over. */
	int number = errno == EINTR ? EAGAIN : errno;

	close(fd);
	errno = number;
	return -1;
}

static int connect_path(struct dmabroker *client, const char *given, bool wait)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[4096], what[256];

	if (given)
		snprintf(path, sizeof path, "%s", given);
	else
		find_socket(path, sizeof path);
	if (strlen(path) >= sizeof address.sun_path) {
		error_say(&client->error, DMABROKER_INVALID, "the socket's path has more than %zu bytes: %s",
			  sizeof address.sun_path - 1, path);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = try_connect(&address, wait, deadline_of(client));

	if (fd < 0) {
		int number = errno;

		snprintf(what, sizeof what, "nobody answers at %s", address.sun_path);
		error_system(&client->error, number, what);
	}
	return fd;
}

static void heard_global(void *data, struct wl_registry *registry, uint32_t name, const char *interface,
			 uint32_t version)
{
	struct dmabroker *client = data;

	(void)version;
	if (client->manager || strcmp(interface, dmabroker_manager_v1_interface.name) != 0)
		return;
	client->manager = wl_registry_bind(registry, name, &dmabroker_manager_v1_interface, 1);
	if (client->manager)
		manager_listen(client);
}

static void heard_global_remove(void *data, struct wl_registry *registry, uint32_t name)
{
	(void)data, (void)registry, (void)name;
}

static const struct wl_registry_listener registry_listener = {
	.global = heard_global,
	.global_remove = heard_global_remove,
};

static void heard_all_globals(void *data, struct wl_callback *callback, uint32_t serial)
{
	struct dmabroker *client = data;

	(void)callback, (void)serial;
	wl_callback_destroy(client->globals);
	client->globals = NULL;
	if (client->manager || !client->connecting)
		return;
	error_say(&client->end, DMABROKER_ENDED, "there is no dmabroker at this socket");
	client_end(client);
}

static const struct wl_callback_listener globals_listener = { .done = heard_all_globals };

static struct dmabroker_call *meet(struct dmabroker *client, int fd, dmabroker_callback callback,
				   void *data)
{
	client->display = wl_display_connect_to_fd(fd); /* the fd is libwayland's, also where it fails */
	if (!client->display) {
		error_system(&client->error, errno, "no connection can be made");
		return NULL;
	}
	client->state = CLIENT_CONNECTING;
	socklen_t length = sizeof client->send_buffer;

	getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &client->send_buffer, &length);
	struct epoll_event readable = { .events = EPOLLIN };
	struct dmabroker_call *call = call_new(client, callback, data);

	if (!call)
		return NULL;
	client->registry = wl_display_get_registry(client->display);
	client->globals = wl_display_sync(client->display);
	if (!client->registry || !client->globals ||
	    epoll_ctl(client->poll_fd, EPOLL_CTL_ADD, wl_display_get_fd(client->display), &readable) < 0)
		return call_sent(call, false);
	wl_registry_add_listener(client->registry, &registry_listener, client);
	wl_callback_add_listener(client->globals, &globals_listener, client);
	client->connecting = call;
	return call_sent(call, true);
}

static bool is_new(struct dmabroker *client)
{
	if (client->state == CLIENT_NEW && !client->display)
		return true;
	error_say(&client->error, DMABROKER_INVALID, "this client was connected before: make another one");
	return false;
}

struct dmabroker_call *dmabroker_begin_connect(struct dmabroker *client, const char *path,
					       dmabroker_callback callback, void *data)
{
	int fd = is_new(client) ? connect_path(client, path, callback == waits) : -1;

	return fd < 0 ? NULL : meet(client, fd, callback, data);
}

struct dmabroker_call *dmabroker_begin_connect_fd(struct dmabroker *client, int fd,
						  dmabroker_callback callback, void *data)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags < 0) {
		error_say(&client->error, DMABROKER_INVALID, "%d is no open file descriptor", fd);
		return NULL;
	}
	if (!is_new(client)) {
		close(fd);
		return NULL;
	}
	fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
	return meet(client, fd, callback, data);
}

static int connected(struct dmabroker *client, struct dmabroker_call *call)
{
	int result = call_wait(client, call);

	call_free(call);
	return result;
}

int dmabroker_connect(struct dmabroker *client, const char *path)
{
	return connected(client, dmabroker_begin_connect(client, path, waits, NULL));
}

int dmabroker_connect_fd(struct dmabroker *client, int fd)
{
	return connected(client, dmabroker_begin_connect_fd(client, fd, waits, NULL));
}
