/* A client: what it is made of, its end, and what the daemon has said of itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "internal.h"

struct dmabroker *dmabroker_new(void)
{
	struct dmabroker *client = calloc(1, sizeof *client);

	if (!client)
		return NULL;
	wl_list_init(&client->buffers);
	wl_list_init(&client->shares);
	wl_list_init(&client->calls);
	wl_list_init(&client->notices);
	client->timeout = DEFAULT_TIMEOUT;
	client->error.told.message = client->end.told.message = "";
	client->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	client->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct epoll_event wake = { .events = EPOLLIN };

	if (client->poll_fd < 0 || client->wake_fd < 0 ||
	    epoll_ctl(client->poll_fd, EPOLL_CTL_ADD, client->wake_fd, &wake) < 0) {
		int number = errno;

		client_free(client);
		errno = number;
		return NULL;
	}
	return client;
}

static void free_notices(struct dmabroker *client)
{
	while (!wl_list_empty(&client->notices)) {
		struct notice *notice;

		notice = wl_container_of(client->notices.next, notice, link);
		if (notice->call) {
			call_free(notice->call);
			continue;
		}
		wl_list_remove(&notice->link);
		free(notice);
	}
}

static void free_description(struct dmabroker *client)
{
	for (unsigned i = 0; i < client->device_count; i++) {
		free((char *)client->devices[i].name);
		free((char *)client->devices[i].device_uuid);
		free((char *)client->devices[i].driver_uuid);
	}
	for (unsigned i = 0; i < client->source_count; i++) {
		free((char *)client->sources[i].name);
		free((char *)client->sources[i].reason);
	}
	free(client->devices);
	free(client->sources);
	free(client->session);
}

/* Objects of libwayland end before their display. */
static void disconnect(struct dmabroker *client)
{
	struct dmabroker_buffer *buffer, *next_buffer;
	struct dmabroker_share *share, *next_share;

	wl_list_for_each_safe(buffer, next_buffer, &client->buffers, link)
		buffer_detach(buffer);
	wl_list_for_each_safe(share, next_share, &client->shares, link)
		share_detach(share);
	if (client->globals)
		wl_callback_destroy(client->globals);
	/* Without a request, whose answer nobody would read: the daemon would see a connection that broke off. */
	if (client->manager)
		wl_proxy_destroy((struct wl_proxy *)client->manager);
	if (client->registry)
		wl_registry_destroy(client->registry);
	if (client->display) {
		/* What was released before is to be heard. */
		wl_display_flush(client->display);
		wl_display_disconnect(client->display);
	}
}

void client_free(struct dmabroker *client)
{
	/* Nothing waits any more for a daemon that does not read. */
	client->state = CLIENT_ENDED;
	while (!wl_list_empty(&client->calls)) {
		struct dmabroker_call *call;

		call = wl_container_of(client->calls.next, call, link);
		call_free(call);
	}
	free_notices(client);
	disconnect(client);
	if (client->poll_fd >= 0)
		close(client->poll_fd);
	if (client->wake_fd >= 0)
		close(client->wake_fd);
	free_description(client);
	error_clear(&client->error);
	error_clear(&client->end);
	free(client);
}

void dmabroker_destroy(struct dmabroker *client)
{
	if (!client)
		return;
	if (client->dispatching)
		client->doomed = true;
	else
		client_free(client);
}

void dmabroker_set_timeout(struct dmabroker *client, int milliseconds)
{
	client->timeout = milliseconds;
}

const struct dmabroker_error *dmabroker_last_error(const struct dmabroker *client)
{
	return &client->error.told;
}

void dmabroker_set_event_handler(struct dmabroker *client, dmabroker_event_handler handler, void *data)
{
	client->handler = handler;
	client->handler_data = data;
}

/* ---- what the daemon says of itself ------------------------------------------------------------- */

/* Room for one more; NULL: there is no memory, and the description is that much shorter. */
static void *one_more(void *array, unsigned count, size_t size)
{
	return realloc(array, (count + 1) * size);
}

static void manager_device(void *data, struct dmabroker_manager_v1 *manager, const char *name,
			   const char *device_uuid, const char *driver_uuid, uint32_t hi, uint32_t lo)
{
	struct dmabroker *client = data;
	struct dmabroker_device *all =
		one_more(client->devices, client->device_count, sizeof *client->devices);

	(void)manager;
	if (!all)
		return;
	client->devices = all;
	all[client->device_count++] = (struct dmabroker_device){ .name = strdup(name),
								 .device_uuid = strdup(device_uuid),
								 .driver_uuid = strdup(driver_uuid),
								 .main_device = join(hi, lo) };
}

static void manager_source(void *data, struct dmabroker_manager_v1 *manager, const char *name,
			   uint32_t handle_type, uint32_t usable, const char *reason)
{
	struct dmabroker *client = data;
	struct dmabroker_source *all =
		one_more(client->sources, client->source_count, sizeof *client->sources);

	(void)manager;
	if (!all)
		return;
	client->sources = all;
	all[client->source_count++] = (struct dmabroker_source){ .name = strdup(name),
								 .handle_type = handle_type,
								 .usable = usable != 0,
								 .reason = strdup(reason) };
}

static void manager_limit(void *data, struct dmabroker_manager_v1 *manager, uint32_t what, uint32_t hi,
			  uint32_t lo)
{
	struct dmabroker *client = data;

	(void)manager;
	if (what < sizeof client->limits / sizeof *client->limits)
		client->limits[what] = join(hi, lo);
}

static void manager_session(void *data, struct dmabroker_manager_v1 *manager, const char *token)
{
	struct dmabroker *client = data;

	(void)manager;
	free(client->session);
	client->session = strdup(token);
}

static void manager_done(void *data, struct dmabroker_manager_v1 *manager)
{
	struct dmabroker *client = data;

	(void)manager;
	if (client->state == CLIENT_CONNECTING)
		client->state = CLIENT_UP;
	if (client->connecting)
		call_done(client->connecting);
	client->connecting = NULL;
}

static const struct dmabroker_manager_v1_listener listener = {
	.device = manager_device,
	.source = manager_source,
	.limit = manager_limit,
	.done = manager_done,
	.session = manager_session,
};

void manager_listen(struct dmabroker *client)
{
	dmabroker_manager_v1_add_listener(client->manager, &listener, client);
}

const struct dmabroker_device *dmabroker_get_device(const struct dmabroker *client, unsigned index)
{
	return index < client->device_count ? &client->devices[index] : NULL;
}

const struct dmabroker_source *dmabroker_get_source(const struct dmabroker *client, unsigned index)
{
	return index < client->source_count ? &client->sources[index] : NULL;
}

uint64_t dmabroker_get_limit(const struct dmabroker *client, uint32_t what)
{
	return what < sizeof client->limits / sizeof *client->limits ? client->limits[what] : 0;
}

const char *dmabroker_get_session(const struct dmabroker *client)
{
	return client->session;
}

uint32_t dmabroker_get_handle_types(const struct dmabroker *client)
{
	uint32_t types = 0;

	for (unsigned i = 0; i < client->source_count; i++)
		if (client->sources[i].usable)
			types |= client->sources[i].handle_type;
	return types;
}
