/*
 * PW_STREAM_FLAG_ALLOC_BUFFERS: PipeWire asks this process for the memory of each buffer (add_buffer), and hands the dma_buf
 * to whoever the node is linked with. https://docs.pipewire.org/page_dma_buf.html
 *
 * Formats are offered with the one modifier that memory has which a CPU writes to (linear), and without, for those who map
 * what they get; memory is a dma_buf in both.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <spa/param/buffers.h>
#include <spa/param/video/format-utils.h>

#include "node.h"

enum { BUFFERS = 4, BYTES_PER_PIXEL = 4, LINEAR = 0 };

/* What lies behind one of PipeWire's buffers. */
struct memory {
	struct dmabroker_buffer *buffer;
	struct dmabroker_mapping *mapping;
};

static void memory_destroy(struct memory *memory)
{
	if (!memory)
		return;
	dmabroker_unmap(memory->mapping);
	dmabroker_buffer_release(memory->buffer);
	free(memory);
}

static struct memory *memory_create(struct node *node)
{
	struct memory *memory = calloc(1, sizeof *memory);
	struct dmabroker_params params = dmabroker_image(node->width, node->height, node->fourcc);

	params.usage = DMABROKER_USAGE_CPU_WRITE;
	params.name = node->name;
	if (memory && !dmabroker_allocate(node->client, &params, &memory->buffer) &&
	    !dmabroker_buffer_map(memory->buffer, 0, DMABROKER_WRITE, &memory->mapping))
		return memory;
	node->failed(node->data, memory ? dmabroker_last_error(node->client)->message : "no memory");
	memory_destroy(memory);
	return NULL;
}

static void on_add_buffer(void *data, struct pw_buffer *buffer)
{
	struct node *node = data;
	struct spa_data *d = &buffer->buffer->datas[0];
	struct memory *memory;

	/* Until it is set: a bit for each type that the other side takes. */
	if (!(d->type & (1 << SPA_DATA_DmaBuf))) {
		node->failed(node->data, "who is linked takes no dma_bufs");
		return;
	}
	memory = memory_create(node);
	if (!memory)
		return;
	buffer->user_data = memory;
	d->type = SPA_DATA_DmaBuf;
	d->flags = SPA_DATA_FLAG_READWRITE;
	/* The buffer's: PipeWire sends it, and closes nothing. */
	d->fd = dmabroker_buffer_plane(memory->buffer, 0)->fd;
	d->mapoffset = 0;
	d->maxsize = (uint32_t)dmabroker_buffer_memory_size(memory->buffer, 0);
	d->data = NULL;
}

static void on_remove_buffer(void *data, struct pw_buffer *buffer)
{
	(void)data;
	memory_destroy(buffer->user_data);
	buffer->user_data = NULL;
}

static void on_process(void *data)
{
	struct node *node = data;
	struct pw_buffer *buffer = pw_stream_dequeue_buffer(node->stream);
	const struct dmabroker_plane *plane;
	struct spa_chunk *chunk;
	struct memory *memory;
	uint8_t *pixels;

	if (!buffer)
		return; /* others have them all */
	memory = buffer->user_data;
	chunk = buffer->buffer->datas[0].chunk;
	chunk->size = 0;
	/* DMA_BUF_IOCTL_SYNC, around what the CPU writes. */
	if (memory && !dmabroker_mapping_begin(memory->mapping, DMABROKER_WRITE)) {
		plane = dmabroker_buffer_plane(memory->buffer, 0);
		pixels = dmabroker_mapping_data(memory->mapping);
		node->draw(node->data, pixels + plane->offset, plane->stride);
		dmabroker_mapping_end(memory->mapping, DMABROKER_WRITE);
		chunk->offset = plane->offset;
		chunk->stride = (int32_t)plane->stride;
		chunk->size = plane->stride * node->height;
	}
	pw_stream_queue_buffer(node->stream, buffer);
}

static void on_param_changed(void *data, uint32_t id, const struct spa_pod *param)
{
	struct node *node = data;
	uint8_t bytes[1024];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(bytes, sizeof bytes);
	const struct spa_pod *params[1];
	int size = (int)(node->width * node->height * BYTES_PER_PIXEL);

	if (!param || id != SPA_PARAM_Format)
		return;
	params[0] = spa_pod_builder_add_object(
		&b, SPA_TYPE_OBJECT_ParamBuffers, SPA_PARAM_Buffers, SPA_PARAM_BUFFERS_buffers,
		SPA_POD_CHOICE_RANGE_Int(BUFFERS, 2, 2 * BUFFERS), SPA_PARAM_BUFFERS_blocks, SPA_POD_Int(1),
		SPA_PARAM_BUFFERS_size, SPA_POD_Int(size), SPA_PARAM_BUFFERS_stride,
		SPA_POD_Int((int)(node->width * BYTES_PER_PIXEL)), SPA_PARAM_BUFFERS_dataType,
		SPA_POD_CHOICE_FLAGS_Int(1 << SPA_DATA_DmaBuf));
	pw_stream_update_params(node->stream, params, 1);
}

/* A frame is due: the node drives the graph. */
static void on_timer(void *data, uint64_t expirations)
{
	struct node *node = data;

	(void)expirations;
	pw_stream_trigger_process(node->stream);
}

static void on_state_changed(void *data, enum pw_stream_state old, enum pw_stream_state state, const char *error)
{
	struct node *node = data;
	struct timespec first = { 0, 1 }, interval = { 0, 0 };

	(void)old;
	if (state == PW_STREAM_STATE_ERROR)
		node->failed(node->data, error ? error : "PipeWire has an error");
	interval.tv_sec = node->rate == 1;
	interval.tv_nsec = node->rate == 1 ? 0 : 1000000000 / node->rate;
	if (state != PW_STREAM_STATE_STREAMING)
		first = interval = (struct timespec){ 0, 0 };
	pw_loop_update_timer(node->loop, node->timer, &first, &interval, false);
}

static const struct pw_stream_events events = {
	PW_VERSION_STREAM_EVENTS,
	.state_changed = on_state_changed,
	.param_changed = on_param_changed,
	.add_buffer = on_add_buffer,
	.remove_buffer = on_remove_buffer,
	.process = on_process,
};

static const struct spa_pod *offered(struct node *node, struct spa_pod_builder *b, bool with_modifier)
{
	struct spa_pod_frame frame;

	spa_pod_builder_push_object(b, &frame, SPA_TYPE_OBJECT_Format, SPA_PARAM_EnumFormat);
	spa_pod_builder_add(b, SPA_FORMAT_mediaType, SPA_POD_Id(SPA_MEDIA_TYPE_video), SPA_FORMAT_mediaSubtype,
			    SPA_POD_Id(SPA_MEDIA_SUBTYPE_raw), SPA_FORMAT_VIDEO_format, SPA_POD_Id(node->format), 0);
	if (with_modifier) {
		spa_pod_builder_prop(b, SPA_FORMAT_VIDEO_modifier, SPA_POD_PROP_FLAG_MANDATORY);
		spa_pod_builder_long(b, LINEAR);
	}
	spa_pod_builder_add(b, SPA_FORMAT_VIDEO_size, SPA_POD_Rectangle(&SPA_RECTANGLE(node->width, node->height)),
			    SPA_FORMAT_VIDEO_framerate, SPA_POD_Fraction(&SPA_FRACTION(node->rate, 1)), 0);
	return spa_pod_builder_pop(b, &frame);
}

bool node_open(struct node *node)
{
	uint8_t bytes[1024];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(bytes, sizeof bytes);
	const struct spa_pod *params[2];

	node->stream = pw_stream_new_simple(node->loop, node->name,
					    pw_properties_new(PW_KEY_MEDIA_TYPE, "Video", PW_KEY_MEDIA_CLASS,
							      "Video/Source", PW_KEY_NODE_NAME, node->name, NULL),
					    &events, node);
	if (!node->stream) {
		node->failed(node->data, "there is no PipeWire");
		return false;
	}
	node->timer = pw_loop_add_timer(node->loop, on_timer, node);
	params[0] = offered(node, &b, true);
	params[1] = offered(node, &b, false);
	return pw_stream_connect(node->stream, PW_DIRECTION_OUTPUT, PW_ID_ANY,
				 PW_STREAM_FLAG_DRIVER | PW_STREAM_FLAG_ALLOC_BUFFERS, params, 2) >= 0;
}

void node_close(struct node *node)
{
	/* Each buffer is removed with it. */
	if (node->stream)
		pw_stream_destroy(node->stream);
}
