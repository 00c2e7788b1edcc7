/*
 * libavutil/hwcontext.h: an AVHWFramesContext of the DRM type has no way to allocate of its own, and takes frames from
 * the AVBufferPool that its maker gives it. Each of that pool's buffers is an AVDRMFrameDescriptor.
 *
 * fds are the broker's buffer's; FFmpeg maps them, or hands them to the hardware, and closes none.
 */
#include <libavutil/buffer.h>
#include <libavutil/hwcontext_drm.h>
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>

#include "pool.h"

/* FFmpeg's formats in drm_fourcc.h's words. */
static const struct {
	enum AVPixelFormat software;
	uint32_t drm;
} formats[] = {
	{ AV_PIX_FMT_NV12, DMABROKER_FOURCC('N', 'V', '1', '2') },
	{ AV_PIX_FMT_YUV420P, DMABROKER_FOURCC('Y', 'U', '1', '2') },
	{ AV_PIX_FMT_BGR0, DMABROKER_FOURCC('X', 'R', '2', '4') },
};

static uint32_t fourcc_of(enum AVPixelFormat software)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (formats[i].software == software)
			return formats[i].drm;
	return 0;
}

bool pool_knows(enum AVPixelFormat software)
{
	return fourcc_of(software) != 0;
}

static void release(void *opaque, uint8_t *data)
{
	struct pool *pool = dmabroker_buffer_get_data(opaque);

	pool->released++;
	dmabroker_buffer_release(opaque);
	av_free(data);
}

/* With the last reference to the context, and to its frames: who has given the pool ends it. */
static void context_free(AVHWFramesContext *context)
{
	av_buffer_pool_uninit(&context->pool);
}

/* What FFmpeg is told of a buffer: each memory once, one layer that has all planes. */
static void describe(AVDRMFrameDescriptor *descriptor, struct dmabroker_buffer *buffer)
{
	const struct dmabroker_buffer_info *info = dmabroker_buffer_info(buffer);
	AVDRMLayerDescriptor *layer = &descriptor->layers[0];

	descriptor->nb_layers = 1;
	layer->format = info->format;
	layer->nb_planes = (int)info->plane_count;
	for (unsigned i = 0; i < info->plane_count; i++) {
		const struct dmabroker_plane *plane = dmabroker_buffer_plane(buffer, i);
		AVDRMObjectDescriptor *object = &descriptor->objects[plane->memory];

		descriptor->nb_objects = FFMAX(descriptor->nb_objects, (int)plane->memory + 1);
		object->fd = plane->fd;
		object->size = dmabroker_buffer_memory_size(buffer, plane->memory);
		object->format_modifier = info->modifier;
		layer->planes[i].object_index = (int)plane->memory;
		layer->planes[i].offset = plane->offset;
		layer->planes[i].pitch = plane->stride;
	}
}

/* Called by av_buffer_pool_get when none of the pool's is free. */
static AVBufferRef *allocate(void *opaque, size_t size)
{
	struct pool *pool = opaque;
	struct dmabroker_params params =
		dmabroker_image((uint32_t)pool->width, (uint32_t)pool->height, fourcc_of(pool->software));
	AVDRMFrameDescriptor *descriptor = av_mallocz(size);
	struct dmabroker_buffer *buffer;
	AVBufferRef *ref;

	if (!descriptor)
		return NULL;
	params.name = "FFmpeg example";
	params.usage = DMABROKER_USAGE_CPU_READ | DMABROKER_USAGE_CPU_WRITE;
	if (dmabroker_allocate(pool->client, &params, &buffer)) {
		av_log(NULL, AV_LOG_ERROR, "dmabroker: %s\n", dmabroker_last_error(pool->client)->message);
		av_free(descriptor);
		return NULL;
	}
	pool->allocated++;
	dmabroker_buffer_set_data(buffer, pool);
	describe(descriptor, buffer);
	ref = av_buffer_create((uint8_t *)descriptor, size, release, buffer, 0);
	if (!ref)
		release(buffer, (uint8_t *)descriptor);
	return ref;
}

/* A device without a node: what is done here takes none. */
static AVBufferRef *device_create(void)
{
	AVBufferRef *device = av_hwdevice_ctx_alloc(AV_HWDEVICE_TYPE_DRM);

	if (!device)
		return NULL;
	((AVDRMDeviceContext *)((AVHWDeviceContext *)device->data)->hwctx)->fd = -1;
	if (av_hwdevice_ctx_init(device) < 0)
		av_buffer_unref(&device);
	return device;
}

AVBufferRef *pool_create(struct pool *pool)
{
	AVBufferRef *device = pool_knows(pool->software) ? device_create() : NULL;
	AVBufferRef *frames = device ? av_hwframe_ctx_alloc(device) : NULL;
	AVHWFramesContext *context;

	av_buffer_unref(&device); /* the frames have one of their own */
	if (!frames)
		return NULL;
	context = (AVHWFramesContext *)frames->data;
	context->format = AV_PIX_FMT_DRM_PRIME;
	context->sw_format = pool->software;
	context->width = pool->width;
	context->height = pool->height;
	context->free = context_free;
	context->pool = av_buffer_pool_init2(sizeof(AVDRMFrameDescriptor), pool, allocate, NULL);
	if (!context->pool || av_hwframe_ctx_init(frames) < 0)
		av_buffer_unref(&frames);
	return frames;
}
