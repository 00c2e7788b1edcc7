/*
 * The broker's side of an example; examples/c has the same with everything the protocol says. The
 * connection is libwayland-client's, to another socket than the compositor's.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wayland-client.h>

#include "broker.h"
#include "dmabroker-v1-client.h"
#include "find-socket.h"

#define ANY_USER 0xffffffffu

uint32_t format_named(const char *name)
{
	if (strcmp(name, "AR24") == 0)
		return FORMAT_AR24;
	if (strcmp(name, "XR24") == 0)
		return FORMAT_XR24;
	if (strcmp(name, "NV12") == 0)
		return FORMAT_NV12;
	errx(1, "no format that this example knows: %s", name);
}

/* ---- the connection ------------------------------------------------------------------------- */

static void registry_global(void *data, struct wl_registry *registry, uint32_t name,
			    const char *interface, uint32_t version)
{
	struct broker *broker = data;

	(void)version;
	if (strcmp(interface, dmabroker_manager_v1_interface.name) == 0 && !broker->manager)
		broker->manager =
			wl_registry_bind(registry, name, &dmabroker_manager_v1_interface, 1);
}

static void registry_global_remove(void *data, struct wl_registry *registry, uint32_t name)
{
	(void)data, (void)registry, (void)name;
}

static const struct wl_registry_listener registry_listener = {
	.global = registry_global,
	.global_remove = registry_global_remove,
};

void broker_connect(struct broker *broker, const char *socket)
{
	if (!socket)
		socket = find_socket();
	*broker = (struct broker){ .display = wl_display_connect(socket) };
	if (!broker->display)
		err(1, "cannot connect to the broker at %s", socket);
	broker->registry = wl_display_get_registry(broker->display);
	wl_registry_add_listener(broker->registry, &registry_listener, broker);
	if (wl_display_roundtrip(broker->display) < 0) {
		/* libwayland has printed the daemon's own sentence, which names the groups that may. */
		if (wl_display_get_error(broker->display) == EPROTO)
			errx(1, "the daemon at %s has refused this connection", socket);
		err(1, "the connection to %s has ended", socket);
	}
	if (!broker->manager)
		errx(1, "there is no dmabroker at %s", socket);
}

void broker_disconnect(struct broker *broker)
{
	dmabroker_manager_v1_destroy(broker->manager);
	wl_registry_destroy(broker->registry);
	if (wl_display_roundtrip(broker->display) < 0)
		errx(1, "the connection to the broker broke");
	wl_display_disconnect(broker->display);
}

static void wait_until(struct broker *broker, const bool *done)
{
	/* A roundtrip may come back before the answer does: wait for its own events. */
	while (!*done)
		if (wl_display_dispatch(broker->display) < 0)
			errx(1, "the connection to the broker broke");
}

/* ---- a buffer ------------------------------------------------------------------------------- */

static void buffer_info(void *data, struct dmabroker_buffer_v1 *object, const char *id,
			uint32_t generation, uint32_t handle_types, const char *source,
			uint32_t size_hi, uint32_t size_lo, uint32_t format, uint32_t modifier_hi,
			uint32_t modifier_lo, uint32_t width, uint32_t height)
{
	struct broker_buffer *b = data;

	(void)object, (void)generation, (void)handle_types, (void)size_hi, (void)size_lo;
	snprintf(b->id, sizeof b->id, "%s", id);
	snprintf(b->source, sizeof b->source, "%s", source);
	b->modifier = (uint64_t)modifier_hi << 32 | modifier_lo;
	b->format = format;
	b->width = width;
	b->height = height;
}

static void buffer_memory(void *data, struct dmabroker_buffer_v1 *object, uint32_t index,
			  uint32_t size_hi, uint32_t size_lo)
{
	struct broker_buffer *b = data;

	(void)object;
	if (index != 0)
		errx(1, "more memories than one");
	b->size = (uint64_t)size_hi << 32 | size_lo;
}

static void buffer_plane(void *data, struct dmabroker_buffer_v1 *object, int32_t fd,
			 uint32_t handle_type, uint32_t index, uint32_t memory, uint32_t offset,
			 uint32_t stride)
{
	struct broker_buffer *b = data;

	(void)object, (void)handle_type, (void)memory;
	if (index >= MAX_PLANES)
		errx(1, "more planes than expected");
	b->planes[index] = (struct broker_plane){ .fd = fd, .offset = offset, .stride = stride };
	b->plane_count++;
}

static void buffer_done(void *data, struct dmabroker_buffer_v1 *object)
{
	(void)object;
	((struct broker_buffer *)data)->done = true;
}

/* Only for an opaque_fd, which a compositor cannot import. */
static void buffer_vulkan_memory(void *data, struct dmabroker_buffer_v1 *object,
				 uint32_t memory_type, uint32_t dedicated)
{
	(void)data, (void)object, (void)memory_type, (void)dedicated;
}

/* The whole of what failed says, where that is too long for it. */
static void buffer_long_detail(void *data, struct dmabroker_buffer_v1 *object, int32_t fd,
			       uint32_t size)
{
	(void)data, (void)object, (void)size;
	close(fd); /* ours, whether or not it is read */
}

static void buffer_failed(void *data, struct dmabroker_buffer_v1 *object, uint32_t code,
			  const char *message, const char *detail)
{
	(void)data, (void)object;
	errx(1, "the broker refused (%u): %s %s", code, message, detail);
}

static void buffer_released(void *data, struct dmabroker_buffer_v1 *object, uint32_t reason)
{
	(void)data, (void)object, (void)reason; /* our fds stay good */
}

static void buffer_checked(void *data, struct dmabroker_buffer_v1 *object, uint32_t how,
			   const char *reason)
{
	(void)data, (void)object;
	fprintf(stderr, "checked by %s: %s\n",
		how == DMABROKER_BUFFER_V1_IMPORT_CHECK_DEVICE ? "the device" : "layout", reason);
}

static void buffer_lost(void *data, struct dmabroker_buffer_v1 *object, uint32_t generation)
{
	(void)data, (void)object;
	fprintf(stderr, "the device was lost: generation %u holds nothing any more\n", generation);
}

static void buffer_reissued(void *data, struct dmabroker_buffer_v1 *object, uint32_t generation)
{
	(void)data, (void)object;
	fprintf(stderr, "there is new memory: generation %u\n", generation);
}

/* Of the usages asked for, what no device was asked about. */
static void buffer_unverified(void *data, struct dmabroker_buffer_v1 *object, uint32_t usage)
{
	(void)data, (void)object, (void)usage;
}

static void buffer_recall(void *data, struct dmabroker_buffer_v1 *object, uint32_t reason,
			  uint32_t seconds)
{
	(void)data, (void)object;
	if (reason != DMABROKER_BUFFER_V1_RECALL_REASON_WITHDRAWN)
		fprintf(stderr, "the broker wants the buffer back within %u s\n", seconds);
}

/* For buffers with a lease; this example makes none. */
static void buffer_lease(void *data, struct dmabroker_buffer_v1 *object, uint32_t seconds,
			 uint32_t answer)
{
	(void)data, (void)object, (void)seconds, (void)answer;
}

static void buffer_lease_refused(void *data, struct dmabroker_buffer_v1 *object, uint32_t code,
				 const char *message, const char *detail)
{
	(void)data, (void)object, (void)code, (void)message, (void)detail;
}

static void buffer_metadata(void *data, struct dmabroker_buffer_v1 *object, int32_t fd, uint32_t size)
{
	(void)data, (void)object, (void)size;
	close(fd);
}

static void buffer_committed(void *data, struct dmabroker_buffer_v1 *object, uint32_t revision_hi,
			     uint32_t revision_lo, const char *digest, uint32_t answer)
{
	(void)data, (void)object, (void)revision_hi, (void)revision_lo, (void)digest, (void)answer;
}

static void buffer_device(void *data, struct dmabroker_buffer_v1 *object, const char *uuid)
{
	(void)data, (void)object, (void)uuid;
}

static void buffer_fell_back(void *data, struct dmabroker_buffer_v1 *object, uint32_t reason,
			     const char *source, const char *message)
{
	(void)data, (void)object, (void)reason, (void)source;
	fprintf(stderr, "not from the source that was wanted first: %s\n", message);
}

static const struct dmabroker_buffer_v1_listener buffer_listener = {
	.info = buffer_info,
	.memory = buffer_memory,
	.plane = buffer_plane,
	.done = buffer_done,
	.long_detail = buffer_long_detail,
	.failed = buffer_failed,
	.released = buffer_released,
	.checked = buffer_checked,
	.vulkan_memory = buffer_vulkan_memory,
	.lost = buffer_lost,
	.reissued = buffer_reissued,
	.unverified = buffer_unverified,
	.recall = buffer_recall,
	.lease = buffer_lease,
	.lease_refused = buffer_lease_refused,
	.device = buffer_device,
	.metadata = buffer_metadata,
	.committed = buffer_committed,
	.commit_refused = buffer_lease_refused,
	.fell_back = buffer_fell_back,
};

/* A linear image, to be created or imported. */
static struct dmabroker_params_v1 *describe(struct broker *broker, const char *name, uint32_t width,
					    uint32_t height, uint32_t format)
{
	struct dmabroker_params_v1 *params = dmabroker_manager_v1_create_params(broker->manager);

	dmabroker_params_v1_set_image(params, width, height, format);
	dmabroker_params_v1_add_modifier(params, 0, 0); /* DRM_FORMAT_MOD_LINEAR */
	dmabroker_params_v1_set_name(params, name);
	return params;
}

static void wait_for_buffer(struct broker *broker, struct broker_buffer *buffer,
			    struct dmabroker_params_v1 *params)
{
	dmabroker_buffer_v1_add_listener(buffer->object, &buffer_listener, buffer);
	dmabroker_params_v1_destroy(params);
	wait_until(broker, &buffer->done);
	fprintf(stderr, "buffer: %s %ux%u %.4s %llu bytes from %s\n", buffer->id, buffer->width,
		buffer->height, (const char *)&buffer->format, (unsigned long long)buffer->size,
		buffer->source);
	for (unsigned i = 0; i < buffer->plane_count; i++)
		fprintf(stderr, "plane %u: offset %u stride %u\n", i, buffer->planes[i].offset,
			buffer->planes[i].stride);
}

void broker_allocate(struct broker *broker, struct broker_buffer *buffer, const char *name,
		     uint32_t width, uint32_t height, uint32_t format)
{
	broker_allocate_from(broker, buffer, name, width, height, format, NULL, NULL);
}

static uint32_t contiguous_named(const char *name)
{
	if (strcmp(name, "preferred") == 0)
		return DMABROKER_PARAMS_V1_CONTIGUOUS_PREFERRED;
	if (strcmp(name, "required") == 0)
		return DMABROKER_PARAMS_V1_CONTIGUOUS_REQUIRED;
	errx(1, "contiguous memory is preferred or required, not %s", name);
}

void broker_allocate_from(struct broker *broker, struct broker_buffer *buffer, const char *name,
			  uint32_t width, uint32_t height, uint32_t format, const char *source,
			  const char *contiguous)
{
	struct dmabroker_params_v1 *params = describe(broker, name, width, height, format);

	if (source)
		dmabroker_params_v1_set_source(params, source);
	if (contiguous)
		dmabroker_params_v1_set_contiguous(params, contiguous_named(contiguous));
	*buffer = (struct broker_buffer){ .object = dmabroker_params_v1_create(params) };
	wait_for_buffer(broker, buffer, params);
}

void broker_import(struct broker *broker, struct broker_buffer *buffer, const char *name,
		   uint32_t width, uint32_t height, uint32_t format,
		   const struct broker_plane *planes, unsigned plane_count)
{
	struct dmabroker_params_v1 *params = describe(broker, name, width, height, format);

	/* libwayland sends duplicates of the fds. */
	for (unsigned i = 0; i < plane_count; i++)
		dmabroker_params_v1_add_plane(params, planes[i].fd, i, planes[i].offset,
					      planes[i].stride);
	*buffer = (struct broker_buffer){ .object = dmabroker_params_v1_import(params) };
	wait_for_buffer(broker, buffer, params);
}

void broker_release(struct broker_buffer *buffer)
{
	dmabroker_buffer_v1_destroy(buffer->object);
	for (unsigned i = 0; i < buffer->plane_count; i++)
		close(buffer->planes[i].fd);
}

/* ---- the token ------------------------------------------------------------------------------ */

static void share_token(void *data, struct dmabroker_share_v1 *share, const char *token)
{
	(void)share;
	printf("%s\n", token);
	fflush(stdout);
	*(bool *)data = true;
}

/* The whole of what failed says, where that is too long for it. */
static void share_long_detail(void *data, struct dmabroker_share_v1 *share, int32_t fd,
			       uint32_t size)
{
	(void)data, (void)share, (void)size;
	close(fd); /* ours, whether or not it is read */
}

static void share_failed(void *data, struct dmabroker_share_v1 *share, uint32_t code,
			 const char *message, const char *detail)
{
	(void)data, (void)share;
	errx(1, "the broker refused (%u): %s %s", code, message, detail);
}

static void share_token_id(void *data, struct dmabroker_share_v1 *share, const char *id)
{
	(void)data, (void)share, (void)id;
}

static const struct dmabroker_share_v1_listener share_listener = {
	.token = share_token,
	.long_detail = share_long_detail,
	.failed = share_failed,
	.token_id = share_token_id,
};

void broker_print_token(struct broker *broker, struct broker_buffer *buffer)
{
	struct dmabroker_share_v1 *share =
		dmabroker_buffer_v1_share(buffer->object, 1, ANY_USER, 0, 0);
	bool answered = false;

	dmabroker_share_v1_add_listener(share, &share_listener, &answered);
	wait_until(broker, &answered);
	dmabroker_share_v1_destroy(share);
}
