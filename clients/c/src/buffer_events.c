/* What the daemon says of a buffer. A description that comes is whole with done; until then the last one holds. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

static void heard_info(void *data, struct dmabroker_buffer_v1 *object, const char *id,
		       uint32_t generation, uint32_t handle_types, const char *source, uint32_t size_hi,
		       uint32_t size_lo, uint32_t format, uint32_t modifier_hi, uint32_t modifier_lo,
		       uint32_t width, uint32_t height)
{
	struct dmabroker_buffer *buffer = data;
	struct description *what = description_new();

	(void)object;
	description_free(buffer->coming);
	buffer->coming = what;
	if (!what)
		return;
	describe_text(what->id, sizeof what->id, id);
	describe_text(what->source, sizeof what->source, source);
	what->info.generation = generation;
	/* Of several the first plane says which comes first. */
	what->info.handle_types = handle_types;
	what->info.size = join(size_hi, size_lo);
	what->info.format = format;
	what->info.modifier = join(modifier_hi, modifier_lo);
	what->info.width = width;
	what->info.height = height;
}

static void heard_memory(void *data, struct dmabroker_buffer_v1 *object, uint32_t index,
			 uint32_t size_hi, uint32_t size_lo)
{
	struct description *what = ((struct dmabroker_buffer *)data)->coming;

	(void)object;
	if (!what || index >= MAX_PLANES)
		return;
	what->memories[index] = join(size_hi, size_lo);
	if (index >= what->info.memory_count)
		what->info.memory_count = index + 1;
}

/* The plane as another type. */
static void keep_further(struct further *of, uint32_t handle_type, int fd)
{
	for (unsigned i = 0; i < MAX_FURTHER; i++) {
		if (of[i].handle_type)
			continue;
		of[i] = (struct further){ .handle_type = handle_type, .fd = fd };
		return;
	}
	close(fd);
}

static void heard_plane(void *data, struct dmabroker_buffer_v1 *object, int32_t fd, uint32_t handle_type,
			uint32_t index, uint32_t memory, uint32_t offset, uint32_t stride)
{
	struct description *what = ((struct dmabroker_buffer *)data)->coming;

	(void)object;
	/* A later daemon may have more planes, or kinds that there is no place for. */
	if (!what || index >= MAX_PLANES) {
		close(fd);
		return;
	}
	if (what->plane_told[index]) {
		keep_further(what->further[index], handle_type, fd);
		return;
	}
	if (!what->info.handle_type)
		what->info.handle_type = handle_type;
	what->plane_told[index] = true;
	what->planes[index] = (struct dmabroker_plane){
		.fd = fd, .memory = memory, .offset = offset, .stride = stride
	};
	if (index >= what->info.plane_count)
		what->info.plane_count = index + 1;
}

static void heard_checked(void *data, struct dmabroker_buffer_v1 *object, uint32_t how,
			  const char *reason)
{
	struct description *what = ((struct dmabroker_buffer *)data)->coming;

	(void)object;
	if (!what)
		return;
	what->info.checked = how;
	describe_text(what->reason, sizeof what->reason, reason);
	what->info.checked_reason = what->reason;
}

static void heard_vulkan_memory(void *data, struct dmabroker_buffer_v1 *object, uint32_t memory_type,
				uint32_t dedicated)
{
	struct description *what = ((struct dmabroker_buffer *)data)->coming;

	(void)object;
	if (!what)
		return;
	what->info.has_vulkan_memory = true;
	what->info.vulkan_memory_type = memory_type;
	what->info.vulkan_dedicated = dedicated != 0;
}

static void heard_unverified(void *data, struct dmabroker_buffer_v1 *object, uint32_t usage)
{
	struct description *what = ((struct dmabroker_buffer *)data)->coming;

	(void)object;
	if (what)
		what->info.unverified_usage = usage;
}

static void heard_fell_back(void *data, struct dmabroker_buffer_v1 *object, uint32_t reason,
			    const char *source, const char *message)
{
	struct description *what = ((struct dmabroker_buffer *)data)->coming;

	(void)object;
	if (!what)
		return;
	describe_text(what->wanted, sizeof what->wanted, source);
	describe_text(what->why, sizeof what->why, message);
	what->info.fell_back = reason;
	what->info.fell_back_source = *what->wanted ? what->wanted : NULL;
	what->info.fell_back_message = what->why;
}

static void heard_device(void *data, struct dmabroker_buffer_v1 *object, const char *uuid)
{
	struct description *what = ((struct dmabroker_buffer *)data)->coming;

	(void)object;
	if (!what)
		return;
	describe_text(what->device, sizeof what->device, uuid);
	what->info.device = what->device;
}

/*
 * The next call that waits for an answer of this kind, or NULL where it was given up. What was sent with it is the
 * caller's, who may have it by `document`.
 */
static struct dmabroker_call *take_next(struct wl_list *list, char **document)
{
	if (wl_list_empty(list))
		return NULL;
	struct awaited *awaited;

	awaited = wl_container_of(list->next, awaited, link);
	struct dmabroker_call *call = awaited->call;

	wl_list_remove(&awaited->link);
	if (document)
		*document = awaited->document;
	else
		free(awaited->document);
	free(awaited);
	return call;
}

static struct dmabroker_call *next_of(struct wl_list *list)
{
	return take_next(list, NULL);
}

static void made(struct dmabroker_buffer *buffer)
{
	struct dmabroker_call *call = buffer->making;

	buffer->making = NULL;
	/* Several are answered alike: the call is when the last one is. */
	if (--call->missing > 0)
		return;
	if (call->error.told.result != DMABROKER_OK)
		call_failed(call);
	else
		call_done(call);
}

static void heard_done(void *data, struct dmabroker_buffer_v1 *object)
{
	struct dmabroker_buffer *buffer = data;

	(void)object;
	if (buffer->coming) {
		description_free(buffer->what);
		buffer->what = buffer->coming;
		buffer->coming = NULL;
		buffer->state.lost = false;
	}
	if (buffer->making) {
		if (!buffer->what)
			error_say(&buffer->making->error, DMABROKER_SYSTEM,
				  "there is no memory for the buffer's description");
		made(buffer);
	}
	while (!wl_list_empty(&buffer->reissues)) {
		struct dmabroker_call *call = next_of(&buffer->reissues);

		if (call)
			call_done(call);
	}
}

static char *detail_of(struct dmabroker_buffer *buffer, const char *detail)
{
	char *text = buffer->long_detail ? buffer->long_detail : strdup(detail);

	buffer->long_detail = NULL;
	return text;
}

static void heard_long_detail(void *data, struct dmabroker_buffer_v1 *object, int32_t fd, uint32_t size)
{
	struct dmabroker_buffer *buffer = data;

	(void)object;
	free(buffer->long_detail);
	buffer->long_detail = read_detail(fd, size);
}

static void heard_failed(void *data, struct dmabroker_buffer_v1 *object, uint32_t code,
			 const char *message, const char *detail)
{
	struct dmabroker_buffer *buffer = data;
	char *text = detail_of(buffer, detail);

	(void)object;
	if (buffer->making) {
		error_refused(&buffer->making->error, code, message, text);
		made(buffer);
		return;
	}
	while (!wl_list_empty(&buffer->reissues)) {
		struct dmabroker_call *call = next_of(&buffer->reissues);

		if (call)
			call_refused(call, code, message, text ? strdup(text) : NULL);
	}
	free(text);
}

/* ---- what happens to it ------------------------------------------------------------------------- */

static void tell(struct dmabroker_buffer *buffer, struct dmabroker_event event)
{
	event.buffer = buffer;
	/* Nobody has a buffer that is not made yet: its state says it. */
	if (!buffer->making)
		notice_event(buffer->client, event);
}

static void heard_released(void *data, struct dmabroker_buffer_v1 *object, uint32_t reason)
{
	struct dmabroker_buffer *buffer = data;

	(void)object;
	buffer->state.released = reason;
	tell(buffer, (struct dmabroker_event){ .type = DMABROKER_EVENT_RELEASED, .reason = reason });
}

static void heard_lost(void *data, struct dmabroker_buffer_v1 *object, uint32_t generation)
{
	struct dmabroker_buffer *buffer = data;

	(void)object;
	buffer->state.lost = true;
	lasting_forget(buffer);
	tell(buffer, (struct dmabroker_event){ .type = DMABROKER_EVENT_LOST, .generation = generation });
}

static void heard_reissued(void *data, struct dmabroker_buffer_v1 *object, uint32_t generation)
{
	(void)object;
	tell(data, (struct dmabroker_event){ .type = DMABROKER_EVENT_REISSUED, .generation = generation });
}

static void heard_recall(void *data, struct dmabroker_buffer_v1 *object, uint32_t reason,
			 uint32_t seconds)
{
	struct dmabroker_buffer *buffer = data;
	enum dmabroker_event_type type = reason == DMABROKER_RECALL_REASON_WITHDRAWN ?
						 DMABROKER_EVENT_WITHDRAWN :
						 DMABROKER_EVENT_RECALLED;

	(void)object;
	buffer->state.recalled = reason;
	tell(buffer,
	     (struct dmabroker_event){ .type = type, .reason = reason, .seconds = seconds });
}

static void heard_lease(void *data, struct dmabroker_buffer_v1 *object, uint32_t seconds,
			uint32_t answer)
{
	struct dmabroker_buffer *buffer = data;

	(void)object;
	buffer->state.leased = true;
	buffer->lease_ends = now_ms() + (int64_t)seconds * 1000;
	if (buffer->state.recalled == DMABROKER_RECALL_REASON_LEASE_EXPIRED)
		buffer->state.recalled = 0;
	struct dmabroker_call *call = answer ? next_of(&buffer->leases) : NULL;

	if (call)
		call_done(call);
	if (!answer)
		tell(buffer,
		     (struct dmabroker_event){ .type = DMABROKER_EVENT_LEASE, .seconds = seconds });
}

static void heard_lease_refused(void *data, struct dmabroker_buffer_v1 *object, uint32_t code,
				const char *message, const char *detail)
{
	struct dmabroker_buffer *buffer = data;
	char *text = detail_of(buffer, detail);
	struct dmabroker_call *call = next_of(&buffer->leases);

	(void)object;
	if (call)
		call_refused(call, code, message, text);
	else
		free(text);
}

static void heard_metadata(void *data, struct dmabroker_buffer_v1 *object, int32_t fd, uint32_t size)
{
	(void)object;
	lasting_metadata(data, fd, size);
}

static void heard_committed(void *data, struct dmabroker_buffer_v1 *object, uint32_t revision_hi,
			    uint32_t revision_lo, const char *digest, uint32_t answer)
{
	struct dmabroker_buffer *buffer = data;
	char *metadata = buffer->coming_metadata, *sent = NULL;
	struct dmabroker_call *call = answer ? take_next(&buffer->commits, &sent) : NULL;

	(void)object;
	buffer->coming_metadata = NULL;
	/* Its own document nobody sends back, and without one that of before stays. */
	if (answer) {
		free(metadata);
		metadata = sent ? sent : buffer->metadata;
	}
	lasting_committed(buffer, join(revision_hi, revision_lo), digest, metadata);
	if (call)
		call_done(call);
	if (!answer)
		tell(buffer, (struct dmabroker_event){ .type = DMABROKER_EVENT_COMMITTED });
}

static void heard_commit_refused(void *data, struct dmabroker_buffer_v1 *object, uint32_t code,
				 const char *message, const char *detail)
{
	struct dmabroker_buffer *buffer = data;
	char *text = detail_of(buffer, detail);
	struct dmabroker_call *call = next_of(&buffer->commits);

	(void)object;
	if (call)
		call_refused(call, code, message, text);
	else
		free(text);
}

static void heard_waiting(void *data, struct dmabroker_buffer_v1 *object, uint32_t place)
{
	struct dmabroker_buffer *buffer = data;

	(void)object;
	if (buffer->making)
		buffer->making->place = place;
}

static const struct dmabroker_buffer_v1_listener listener = {
	.metadata = heard_metadata,
	.committed = heard_committed,
	.commit_refused = heard_commit_refused,
	.info = heard_info,
	.memory = heard_memory,
	.plane = heard_plane,
	.done = heard_done,
	.long_detail = heard_long_detail,
	.failed = heard_failed,
	.released = heard_released,
	.checked = heard_checked,
	.vulkan_memory = heard_vulkan_memory,
	.lost = heard_lost,
	.reissued = heard_reissued,
	.unverified = heard_unverified,
	.recall = heard_recall,
	.lease = heard_lease,
	.lease_refused = heard_lease_refused,
	.device = heard_device,
	.waiting = heard_waiting,
	.fell_back = heard_fell_back,
};

void buffer_listen(struct dmabroker_buffer *buffer, struct dmabroker_buffer_v1 *object)
{
	buffer->object = object;
	if (object)
		dmabroker_buffer_v1_add_listener(object, &listener, buffer);
}
