/* Bytes that the daemon moves: fill, copy, read. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

static void heard_content(void *data, struct dmabroker_work_v1 *work, int32_t fd, uint32_t size_hi,
			  uint32_t size_lo)
{
	struct dmabroker_call *call = data;

	(void)work;
	if (call->content >= 0)
		close(call->content);
	call->content = fd;
	call->content_size = join(size_hi, size_lo);
}

static void heard_done(void *data, struct dmabroker_work_v1 *work, uint32_t path)
{
	struct dmabroker_call *call = data;

	(void)work;
	call->path = path;
	call_done(call);
}

static void heard_long_detail(void *data, struct dmabroker_work_v1 *work, int32_t fd, uint32_t size)
{
	struct dmabroker_call *call = data;

	(void)work;
	free(call->long_detail);
	call->long_detail = read_detail(fd, size);
}

static void heard_failed(void *data, struct dmabroker_work_v1 *work, uint32_t code, const char *message,
			 const char *detail)
{
	struct dmabroker_call *call = data;
	char *text = call->long_detail ? call->long_detail : strdup(detail);

	(void)work;
	call->long_detail = NULL;
	call_refused(call, code, message, text);
}

static const struct dmabroker_work_v1_listener listener = {
	.content = heard_content,
	.done = heard_done,
	.long_detail = heard_long_detail,
	.failed = heard_failed,
};

/* A call whose work knows its range, and is still to be said what it is; NULL: it could not be had. */
static struct dmabroker_call *new_work(struct dmabroker_buffer *buffer, uint64_t offset, uint64_t size,
				       dmabroker_callback callback, void *data)
{
	if (!buffer_ready(buffer, callback))
		return NULL;
	struct dmabroker_call *call = call_new(buffer->client, callback, data);

	if (!call)
		return NULL;
	call->work = dmabroker_manager_v1_create_work(buffer->client->manager, buffer->object);
	if (!call->work)
		return call_sent(call, false);
	dmabroker_work_v1_add_listener(call->work, &listener, call);
	if (offset)
		dmabroker_work_v1_set_offset(call->work, high(offset), low(offset));
	if (size)
		dmabroker_work_v1_set_size(call->work, high(size), low(size));
	return call;
}

struct dmabroker_call *dmabroker_buffer_begin_fill(struct dmabroker_buffer *buffer, uint32_t value,
						   uint64_t offset, uint64_t size,
						   dmabroker_callback callback, void *data)
{
	struct dmabroker_call *call = new_work(buffer, offset, size, callback, data);

	if (!call)
		return NULL;
	dmabroker_work_v1_fill(call->work, value);
	return call_sent(call, true);
}

struct dmabroker_call *dmabroker_buffer_begin_copy(struct dmabroker_buffer *buffer, uint64_t offset,
						   struct dmabroker_buffer *source,
						   uint64_t source_offset, uint64_t size,
						   dmabroker_callback callback, void *data)
{
	if (buffer->client && (source->client != buffer->client || !source->object)) {
		error_say(&buffer->client->error, DMABROKER_INVALID,
			  "source: no buffer of the same connection");
		return NULL;
	}
	struct dmabroker_call *call = new_work(buffer, offset, size, callback, data);

	if (!call)
		return NULL;
	if (source_offset)
		dmabroker_work_v1_set_source_offset(call->work, high(source_offset), low(source_offset));
	dmabroker_work_v1_copy(call->work, source->object);
	return call_sent(call, true);
}

struct dmabroker_call *dmabroker_buffer_begin_read(struct dmabroker_buffer *buffer, uint64_t offset,
						   uint64_t size, dmabroker_callback callback, void *data)
{
	struct dmabroker_call *call = new_work(buffer, offset, size, callback, data);

	if (!call)
		return NULL;
	dmabroker_work_v1_read(call->work);
	return call_sent(call, true);
}

/* ---- the same, waiting -------------------------------------------------------------------------- */

static int finish(struct dmabroker *client, struct dmabroker_call *call, uint32_t *path)
{
	if (!client)
		return DMABROKER_ENDED;
	int result = call_wait(client, call);

	if (path)
		*path = result == DMABROKER_OK ? call->path : 0;
	call_free(call);
	return result;
}

int dmabroker_buffer_fill(struct dmabroker_buffer *buffer, uint32_t value, uint64_t offset,
			  uint64_t size, uint32_t *path)
{
	return finish(buffer->client,
		      dmabroker_buffer_begin_fill(buffer, value, offset, size, waits, NULL), path);
}

int dmabroker_buffer_copy(struct dmabroker_buffer *buffer, uint64_t offset,
			  struct dmabroker_buffer *source, uint64_t source_offset, uint64_t size,
			  uint32_t *path)
{
	return finish(buffer->client,
		      dmabroker_buffer_begin_copy(buffer, offset, source, source_offset, size, waits,
						  NULL),
		      path);
}

int dmabroker_buffer_read(struct dmabroker_buffer *buffer, uint64_t offset, uint64_t size, int *content,
			  uint64_t *content_size, uint32_t *path)
{
	*content = -1;
	if (content_size)
		*content_size = 0;
	if (!buffer->client)
		return DMABROKER_ENDED;
	struct dmabroker_call *call = dmabroker_buffer_begin_read(buffer, offset, size, waits, NULL);
	int result = call_wait(buffer->client, call);

	if (path)
		*path = result == DMABROKER_OK ? call->path : 0;
	if (result == DMABROKER_OK)
		*content = dmabroker_call_take_content(call, content_size);
	call_free(call);
	return result;
}
