/* What was asked for: from the moment that it is sent until it was answered and called back, or given up. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

/* Stands for "the call waits"; never called. */
void waits(void *data, struct dmabroker_call *call)
{
	(void)data, (void)call;
}

struct dmabroker_call *call_new(struct dmabroker *client, dmabroker_callback callback, void *data)
{
	struct dmabroker_call *call = calloc(1, sizeof *call);

	if (!call) {
		error_system(&client->error, ENOMEM, "the call");
		return NULL;
	}
	call->client = client;
	call->blocking = callback == waits;
	call->callback = callback;
	call->data = data;
	call->content = -1;
	call->error.told.message = "";
	call->notice.call = call;
	wl_list_init(&call->notice.link);
	wl_list_insert(client->calls.prev, &call->link);
	return call;
}

static void answered(struct dmabroker_call *call)
{
	struct dmabroker *client = call->client;

	call->answered = true;
	wl_list_remove(&call->link);
	wl_list_init(&call->link);
	if (!call->blocking)
		wl_list_insert(client->notices.prev, &call->notice.link);
}

void call_done(struct dmabroker_call *call)
{
	if (!call->answered)
		answered(call);
}

void call_failed(struct dmabroker_call *call)
{
	if (call->answered)
		return;
	call->failed = true;
	answered(call);
}

void call_refused(struct dmabroker_call *call, uint32_t code, const char *message, char *detail)
{
	error_refused(&call->error, code, message, detail);
	call_failed(call);
}

/* What the daemon would still answer goes to nobody: each object is told that. */
static void give_up(struct dmabroker_call *call)
{
	struct dmabroker_buffer *buffer;

	if (call->client->connecting == call)
		call->client->connecting = NULL;
	if (call->share)
		call->share->call = NULL;
	/* Where it was answered by what it waited for, nobody knows it any more. */
	if (!call->answered || call->client->state == CLIENT_ENDED)
		wl_list_for_each(buffer, &call->client->buffers, link)
			buffer_give_up(buffer, call);
	if (call->work)
		dmabroker_work_v1_destroy(call->work);
	if (call->test)
		dmabroker_test_v1_destroy(call->test);
	if (call->sync)
		wl_callback_destroy(call->sync);
}

void call_free(struct dmabroker_call *call)
{
	if (!call)
		return;
	wl_list_remove(&call->link);
	wl_list_remove(&call->notice.link);
	give_up(call);
	/* The daemon may have made one of a call that is given up: then its lifetime says how long it stays. */
	for (unsigned i = 0; i < call->count; i++)
		if (call->owns)
			dmabroker_buffer_release(call->buffers[i]);
		else
			dmabroker_buffer_destroy(call->buffers[i]);
	/* A token that nobody has taken is ended. */
	if (call->failed)
		dmabroker_share_destroy(call->share);
	else
		dmabroker_share_revoke(call->share);
	if (call->content >= 0)
		close(call->content);
	free(call->buffers);
	free(call->long_detail);
	error_clear(&call->error);
	free(call);
}

struct dmabroker_call *call_sent(struct dmabroker_call *call, bool whole)
{
	struct dmabroker *client = call->client;

	if (whole) {
		/* What waits sends it. Else the loop does: all that was asked for in one turn together. */
		if (!call->blocking)
			client_wake(client, true);
		return call;
	}
	/* libwayland makes no object without memory, and none when the connection is over. */
	int number = client->display ? wl_display_get_error(client->display) : 0;

	if (number != 0) {
		client_end(client);
		error_copy(&client->error, &client->end);
		/* It has no notice of what its caller is told. */
		call->callback = NULL;
		if (!call->blocking)
			return NULL;
	} else
		error_system(&client->error, ENOMEM, "the call's objects");
	call_free(call);
	return NULL;
}

int call_wait(struct dmabroker *client, struct dmabroker_call *call)
{
	int64_t deadline = deadline_of(client);

	if (!call)
		return client->error.told.result ? client->error.told.result : DMABROKER_SYSTEM;
	while (!call->answered) {
		if (client_pump(client, deadline) != DMABROKER_TIMED_OUT)
			continue;
		client_wake(client, false);
		return error_say(&client->error, DMABROKER_TIMED_OUT, "no answer came within %d ms",
				 client->timeout);
	}
	client_wake(client, false);
	if (!call->failed)
		return DMABROKER_OK;
	error_copy(&client->error, &call->error);
	return client->error.told.result;
}

/* ---- for the program ---------------------------------------------------------------------------- */

void dmabroker_call_cancel(struct dmabroker_call *call)
{
	/* One that is being called back has no link: it is gone when the callback returns. */
	if (call->answered && wl_list_empty(&call->notice.link))
		return;
	call_free(call);
}

const struct dmabroker_error *dmabroker_call_error(const struct dmabroker_call *call)
{
	return call->failed ? &call->error.told : NULL;
}

struct dmabroker_buffer *dmabroker_call_take_buffer(struct dmabroker_call *call, unsigned index)
{
	if (call->failed || index >= call->count)
		return NULL;
	struct dmabroker_buffer *buffer = call->buffers[index];

	call->buffers[index] = NULL;
	return buffer;
}

struct dmabroker_share *dmabroker_call_take_share(struct dmabroker_call *call)
{
	struct dmabroker_share *share = call->failed ? NULL : call->share;

	if (share)
		call->share = NULL;
	return share;
}

int dmabroker_call_take_content(struct dmabroker_call *call, uint64_t *size)
{
	int content = call->failed ? -1 : call->content;

	if (size)
		*size = content < 0 ? 0 : call->content_size;
	if (content >= 0)
		call->content = -1;
	return content;
}

uint32_t dmabroker_call_path(const struct dmabroker_call *call)
{
	return call->path;
}

uint32_t dmabroker_call_place(const struct dmabroker_call *call)
{
	return call->place;
}

/* ---- a call that only waits --------------------------------------------------------------------- */

static void heard_sync(void *data, struct wl_callback *callback, uint32_t serial)
{
	struct dmabroker_call *call = data;

	(void)callback, (void)serial;
	wl_callback_destroy(call->sync);
	call->sync = NULL;
	call_done(call);
}

static const struct wl_callback_listener sync_listener = { .done = heard_sync };

struct dmabroker_call *dmabroker_begin_sync(struct dmabroker *client, dmabroker_callback callback,
					    void *data)
{
	struct dmabroker_call *call = client_ready(client, callback == waits) ?
					      call_new(client, callback, data) :
					      NULL;

	if (!call)
		return NULL;
	call->sync = wl_display_sync(client->display);
	if (call->sync)
		wl_callback_add_listener(call->sync, &sync_listener, call);
	return call_sent(call, call->sync != NULL);
}

int dmabroker_sync(struct dmabroker *client)
{
	struct dmabroker_call *call = dmabroker_begin_sync(client, waits, NULL);
	int result = call_wait(client, call);

	call_free(call);
	return result;
}
