/* A buffer's life: made for a call, given to the program, let go of; and what is asked of it (leases, new memory). */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

struct dmabroker_buffer *buffer_new(struct dmabroker_call *call, unsigned index)
{
	struct dmabroker_buffer *buffer = calloc(1, sizeof *buffer);

	if (!buffer)
		return NULL;
	wl_list_init(&buffer->leases);
	wl_list_init(&buffer->reissues);
	wl_list_init(&buffer->commits);
	buffer->client = call->client;
	buffer->making = call;
	wl_list_insert(call->client->buffers.prev, &buffer->link);
	call->buffers[index] = buffer;
	return buffer;
}

static void forget_awaited(struct wl_list *list)
{
	struct awaited *awaited, *next;

	wl_list_for_each_safe(awaited, next, list, link) {
		/* The call is still the client's; its answer does not come here any more. An end has answered it before. */
		if (awaited->call && !awaited->call->answered) {
			error_say(&awaited->call->error, DMABROKER_INVALID, "the buffer was let go of");
			call_failed(awaited->call);
		}
		wl_list_remove(&awaited->link);
		free(awaited->document);
		free(awaited);
	}
}

static void give_up_in(struct wl_list *list, const struct dmabroker_call *call)
{
	struct awaited *awaited;

	wl_list_for_each(awaited, list, link)
		if (awaited->call == call)
			awaited->call = NULL;
}

void buffer_give_up(struct dmabroker_buffer *buffer, const struct dmabroker_call *call)
{
	if (buffer->making == call)
		buffer->making = NULL;
	give_up_in(&buffer->leases, call);
	give_up_in(&buffer->reissues, call);
	give_up_in(&buffer->commits, call);
}

void buffer_detach(struct dmabroker_buffer *buffer)
{
	forget_awaited(&buffer->leases);
	forget_awaited(&buffer->reissues);
	forget_awaited(&buffer->commits);
	if (buffer->object)
		dmabroker_buffer_v1_destroy(buffer->object);
	buffer->object = NULL;
	wl_list_remove(&buffer->link);
	wl_list_init(&buffer->link);
	buffer->client = NULL;
}

void buffer_take_object(struct dmabroker_buffer *buffer, struct dmabroker_buffer *from)
{
	struct dmabroker *client = from->client;

	/* Nothing of the earlier connection is told any more. */
	forget_notices(buffer->client, buffer);
	buffer_detach(buffer);
	/* What was heard of the new one meanwhile is in its state. */
	forget_notices(client, from);
	wl_list_remove(&from->link);
	wl_list_init(&from->link);
	buffer->object = from->object;
	from->object = NULL;
	from->client = NULL;
	dmabroker_buffer_v1_set_user_data(buffer->object, buffer);
	buffer->client = client;
	lasting_move(buffer, from);
	wl_list_insert(client->buffers.prev, &buffer->link);
}

void dmabroker_buffer_destroy(struct dmabroker_buffer *buffer)
{
	if (!buffer)
		return;
	struct dmabroker *client = buffer->client;

	if (client) {
		if (client->state == CLIENT_UP && buffer->object)
			client_has_room(client, true);
		/* What was heard until now, while that waited, too. */
		forget_notices(client, buffer);
		buffer_detach(buffer);
		client_flush(client);
	}
	description_free(buffer->what);
	description_free(buffer->coming);
	free(buffer->long_detail);
	lasting_forget(buffer);
	free(buffer);
}

void dmabroker_buffer_release(struct dmabroker_buffer *buffer)
{
	if (buffer && buffer->object) {
		if (buffer->client->state == CLIENT_UP)
			client_has_room(buffer->client, true);
		dmabroker_buffer_v1_release(buffer->object);
	}
	dmabroker_buffer_destroy(buffer);
}

void dmabroker_buffer_set_data(struct dmabroker_buffer *buffer, void *data)
{
	buffer->data = data;
}

void *dmabroker_buffer_get_data(const struct dmabroker_buffer *buffer)
{
	return buffer->data;
}

const struct dmabroker_state *dmabroker_buffer_state(struct dmabroker_buffer *buffer)
{
	int64_t left = buffer->state.leased ? buffer->lease_ends - now_ms() : 0;

	buffer->state.lease_seconds = left > 0 ? (double)left / 1000 : 0;
	return &buffer->state;
}

bool buffer_ready(struct dmabroker_buffer *buffer, dmabroker_callback callback)
{
	if (!buffer->client)
		return false; /* nor is there anybody to tell why: blocking calls return DMABROKER_ENDED */
	if (buffer->client->state == CLIENT_UP && !buffer->object) {
		error_say(&buffer->client->error, DMABROKER_INVALID, "a plan has no memory");
		return false;
	}
	return client_ready(buffer->client, callback == waits);
}

/* ---- leases and new memory ---------------------------------------------------------------------- */

struct dmabroker_call *buffer_await(struct dmabroker_buffer *buffer, struct wl_list *list, char *document,
				    dmabroker_callback callback, void *data)
{
	if (!buffer_ready(buffer, callback)) {
		free(document);
		return NULL;
	}
	struct awaited *awaited = calloc(1, sizeof *awaited);

	if (!awaited) {
		error_system(&buffer->client->error, ENOMEM, "the call");
		free(document);
		return NULL;
	}
	awaited->call = call_new(buffer->client, callback, data);
	if (!awaited->call) {
		free(awaited);
		free(document);
		return NULL;
	}
	awaited->document = document;
	wl_list_insert(list->prev, &awaited->link);
	return awaited->call;
}

struct dmabroker_call *dmabroker_buffer_begin_renew(struct dmabroker_buffer *buffer, uint32_t seconds,
						    dmabroker_callback callback, void *data)
{
	struct dmabroker_call *call = buffer_await(buffer, &buffer->leases, NULL, callback, data);

	if (!call)
		return NULL;
	dmabroker_buffer_v1_renew(buffer->object, seconds);
	return call_sent(call, true);
}

struct dmabroker_call *dmabroker_buffer_begin_park(struct dmabroker_buffer *buffer, uint32_t seconds,
						   dmabroker_callback callback, void *data)
{
	struct dmabroker_call *call = buffer_await(buffer, &buffer->leases, NULL, callback, data);

	if (!call)
		return NULL;
	dmabroker_buffer_v1_park(buffer->object, seconds);
	return call_sent(call, true);
}

struct dmabroker_call *dmabroker_buffer_begin_reissue(struct dmabroker_buffer *buffer,
						      dmabroker_callback callback, void *data)
{
	/* One that is sent before the last one is answered has the same answer. */
	bool is_asked = !wl_list_empty(&buffer->reissues);
	struct dmabroker_call *call = buffer_await(buffer, &buffer->reissues, NULL, callback, data);

	if (!call)
		return NULL;
	if (!is_asked)
		dmabroker_buffer_v1_reissue(buffer->object);
	return call_sent(call, true);
}

static int wait_for(struct dmabroker *client, struct dmabroker_call *call)
{
	if (!client)
		return DMABROKER_ENDED;
	int result = call_wait(client, call);

	call_free(call);
	return result;
}

int dmabroker_buffer_renew(struct dmabroker_buffer *buffer, uint32_t seconds)
{
	return wait_for(buffer->client, dmabroker_buffer_begin_renew(buffer, seconds, waits, NULL));
}

int dmabroker_buffer_park(struct dmabroker_buffer *buffer, uint32_t seconds)
{
	return wait_for(buffer->client, dmabroker_buffer_begin_park(buffer, seconds, waits, NULL));
}

int dmabroker_buffer_reissue(struct dmabroker_buffer *buffer)
{
	return wait_for(buffer->client, dmabroker_buffer_begin_reissue(buffer, waits, NULL));
}
