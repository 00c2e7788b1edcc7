/*
 * The broker's side of an example; examples/c has the same with everything the protocol says. The
 * connection is libwayland-client's, to another socket than the compositor's.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <wayland-client.h>

#include "broker.h"
#include "dmabroker-v1-client.h"

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
		socket = getenv("DMABROKER_SOCKET");
	if (!socket)
		socket = "/run/dmabroker/client.sock";
	*broker = (struct broker){ .display = wl_display_connect(socket) };
	if (!broker->display)
		err(1, "cannot connect to the broker at %s", socket);
	broker->registry = wl_display_get_registry(broker->display);
	wl_registry_add_listener(broker->registry, &registry_listener, broker);
	if (wl_display_roundtrip(broker->display) < 0 || !broker->manager)
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
			uint32_t generation, uint32_t handle_type, const char *source,
			uint32_t size_hi, uint32_t size_lo, uint32_t format, uint32_t modifier_hi,
			uint32_t modifier_lo, uint32_t width, uint32_t height)
{
	struct broker_buffer *b = data;

	(void)object, (void)generation, (void)handle_type;
	snprintf(b->id, sizeof b->id, "%s", id);
	snprintf(b->source, sizeof b->source, "%s", source);
	b->size = (uint64_t)size_hi << 32 | size_lo;
	b->modifier = (uint64_t)modifier_hi << 32 | modifier_lo;
	b->format = format;
	b->width = width;
	b->height = height;
}

static void buffer_plane(void *data, struct dmabroker_buffer_v1 *object, int32_t fd, uint32_t index,
			 uint32_t offset, uint32_t stride)
{
	struct broker_buffer *b = data;

	(void)object;
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

static const struct dmabroker_buffer_v1_listener buffer_listener = {
	.info = buffer_info,
	.plane = buffer_plane,
	.done = buffer_done,
	.failed = buffer_failed,
	.released = buffer_released,
};

void broker_allocate(struct broker *broker, struct broker_buffer *buffer, const char *name,
		     uint32_t width, uint32_t height, uint32_t format)
{
	struct dmabroker_params_v1 *params = dmabroker_manager_v1_create_params(broker->manager);

	*buffer = (struct broker_buffer){ 0 };
	dmabroker_params_v1_set_image(params, width, height, format);
	dmabroker_params_v1_add_modifier(params, 0, 0); /* DRM_FORMAT_MOD_LINEAR */
	dmabroker_params_v1_set_name(params, name);
	buffer->object = dmabroker_params_v1_create(params);
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

static void share_failed(void *data, struct dmabroker_share_v1 *share, uint32_t code,
			 const char *message, const char *detail)
{
	(void)data, (void)share;
	errx(1, "the broker refused (%u): %s %s", code, message, detail);
}

static const struct dmabroker_share_v1_listener share_listener = {
	.token = share_token,
	.failed = share_failed,
};

void broker_print_token(struct broker *broker, struct broker_buffer *buffer)
{
	struct dmabroker_share_v1 *share =
		dmabroker_buffer_v1_share(buffer->object, 1, ANY_USER, 0);
	bool answered = false;

	dmabroker_share_v1_add_listener(share, &share_listener, &answered);
	wait_until(broker, &answered);
	dmabroker_share_v1_destroy(share);
}

/* ---- the CPU's view ------------------------------------------------------------------------- */

static void sync_dma_buf(int fd, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };
	int result;

	do
		result = ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync);
	while (result < 0 && (errno == EINTR || errno == EAGAIN));
	if (result < 0)
		err(1, "DMA_BUF_IOCTL_SYNC");
}

uint8_t *broker_begin_write(const struct broker_buffer *buffer)
{
	int fd = buffer->planes[0].fd;
	void *memory = mmap(NULL, buffer->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		err(1, "mmap of a dma_buf");
	sync_dma_buf(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	return memory;
}

void broker_end_write(const struct broker_buffer *buffer, uint8_t *memory)
{
	sync_dma_buf(buffer->planes[0].fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
	munmap(memory, buffer->size);
}
