/*
 * A hand-off by PipeWire: two nodes of one client are linked, until the one that takes has the first buffer's fd. Then
 * the link is destroyed, and made anew. And the round trip of PipeWire's
 * core (pw_core_sync), as wl_display.sync's.
 *
 *   peer-pipewire link|sync <times>
 *
 * There is no session manager: the client makes the link itself, over the manager's socket (PIPEWIRE_REMOTE).
 * Prints what load.c prints.
 */
#include "peer.h"

#include <pipewire/pipewire.h>
#include <spa/debug/types.h>
#include <spa/param/video/format-utils.h>
#include <sys/mman.h>

enum { WIDTH = 64, HEIGHT = 16, STRIDE = 4 * WIDTH, SIZE = STRIDE * HEIGHT };

static struct pw_main_loop *loop;
static struct pw_core *core;
static struct pw_stream *source, *sink;
static struct measure m;
static int linking, answered;

static void failed(void *data, uint32_t id, int seq, int res, const char *message)
{
	(void)data;
	/* What is destroyed may be told of once more. */
	if (res != -ENOENT)
		errx(1, "PipeWire: object %u, %d: %s (%d)", id, seq, message, res);
}

static void core_done(void *data, uint32_t id, int seq)
{
	(void)data;
	(void)id;
	(void)seq;
	answered = 1;
	pw_main_loop_quit(loop);
}

static const struct pw_core_events core_events = { PW_VERSION_CORE_EVENTS, .done = core_done, .error = failed };

static void round_trip(void)
{
	answered = 0;
	pw_core_sync(core, PW_ID_CORE, 0);
	while (!answered)
		pw_main_loop_run(loop);
}

static const struct spa_pod *format(struct spa_pod_builder *b)
{
	return spa_pod_builder_add_object(
		b, SPA_TYPE_OBJECT_Format, SPA_PARAM_EnumFormat, SPA_FORMAT_mediaType, SPA_POD_Id(SPA_MEDIA_TYPE_video),
		SPA_FORMAT_mediaSubtype, SPA_POD_Id(SPA_MEDIA_SUBTYPE_raw), SPA_FORMAT_VIDEO_format,
		SPA_POD_Id(SPA_VIDEO_FORMAT_BGRx), SPA_FORMAT_VIDEO_size, SPA_POD_Rectangle(&SPA_RECTANGLE(WIDTH, HEIGHT)),
		SPA_FORMAT_VIDEO_framerate, SPA_POD_Fraction(&SPA_FRACTION(0, 1)));
}

static void param_changed(void *data, uint32_t id, const struct spa_pod *param)
{
	struct pw_stream *stream = *(struct pw_stream **)data;
	if (id != SPA_PARAM_Format || !param)
		return;
	uint8_t bytes[1024];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(bytes, sizeof bytes);
	const struct spa_pod *buffers = spa_pod_builder_add_object(
		&b, SPA_TYPE_OBJECT_ParamBuffers, SPA_PARAM_Buffers, SPA_PARAM_BUFFERS_buffers, SPA_POD_Int(2),
		SPA_PARAM_BUFFERS_blocks, SPA_POD_Int(1), SPA_PARAM_BUFFERS_size, SPA_POD_Int(SIZE),
		SPA_PARAM_BUFFERS_stride, SPA_POD_Int(STRIDE), SPA_PARAM_BUFFERS_dataType,
		SPA_POD_CHOICE_FLAGS_Int(1 << SPA_DATA_MemFd));
	pw_stream_update_params(stream, &buffers, 1);
}

/* The giver makes the memory, as one does whose frames are a device's; the taker has it when its fd is there. */
static void add_buffer(void *data, struct pw_buffer *buffer)
{
	struct spa_data *d = &buffer->buffer->datas[0];
	if (*(struct pw_stream **)data == source) {
		d->type = SPA_DATA_MemFd;
		d->fd = memfd_create("peer", MFD_CLOEXEC);
		d->maxsize = SIZE;
		d->flags = SPA_DATA_FLAG_READWRITE;
		if (d->fd < 0 || ftruncate((int)d->fd, SIZE) < 0)
			err(1, "memfd");
	} else if (linking && d->type == SPA_DATA_MemFd && d->fd >= 0) {
		linking = 0;
		pw_main_loop_quit(loop);
	}
}

static void remove_buffer(void *data, struct pw_buffer *buffer)
{
	if (*(struct pw_stream **)data == source)
		close((int)buffer->buffer->datas[0].fd);
}

static void state_changed(void *data, enum pw_stream_state old, enum pw_stream_state state, const char *error)
{
	(void)data;
	(void)old;
	if (state == PW_STREAM_STATE_ERROR)
		errx(1, "a stream: %s", error);
}

static const struct pw_stream_events stream_events = {
	PW_VERSION_STREAM_EVENTS, .state_changed = state_changed, .param_changed = param_changed,
	.add_buffer = add_buffer, .remove_buffer = remove_buffer };

static int both_are(enum pw_stream_state state)
{
	return pw_stream_get_state(source, NULL) == state && pw_stream_get_state(sink, NULL) == state;
}

static void make(const char *name, enum pw_direction direction, struct pw_stream **where)
{
	static struct spa_hook hooks[2];
	uint8_t bytes[1024];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(bytes, sizeof bytes);
	const struct spa_pod *params[1] = { format(&b) };
	struct pw_properties *properties = pw_properties_new(
		PW_KEY_MEDIA_TYPE, "Video", PW_KEY_NODE_NAME, name, PW_KEY_MEDIA_CATEGORY,
		direction == PW_DIRECTION_OUTPUT ? "Playback" : "Capture", NULL);
	*where = pw_stream_new(core, name, properties);
	pw_stream_add_listener(*where, &hooks[direction], &stream_events, where);
	enum pw_stream_flags flags = PW_STREAM_FLAG_NO_CONVERT;
	if (direction == PW_DIRECTION_OUTPUT)
		flags |= PW_STREAM_FLAG_DRIVER | PW_STREAM_FLAG_ALLOC_BUFFERS;
	if (pw_stream_connect(*where, direction, PW_ID_ANY, flags, params, 1) < 0)
		errx(1, "a stream does not connect");
	while (pw_stream_get_state(*where, NULL) != PW_STREAM_STATE_PAUSED)
		round_trip();
}

static void link_once(void)
{
	char output[32], input[32];
	snprintf(output, sizeof output, "%u", pw_stream_get_node_id(source));
	snprintf(input, sizeof input, "%u", pw_stream_get_node_id(sink));
	struct spa_dict_item items[] = { { PW_KEY_LINK_OUTPUT_NODE, output }, { PW_KEY_LINK_INPUT_NODE, input } };
	linking = 1;
	ask_begin(&m);
	void *link = pw_core_create_object(core, "link-factory", PW_TYPE_INTERFACE_Link, PW_VERSION_LINK,
					   &SPA_DICT_INIT_ARRAY(items), 0);
	while (linking > 0)
		pw_main_loop_run(loop);
	ask_end(&m);
	/* Whole, before it goes. */
	while (!both_are(PW_STREAM_STATE_STREAMING))
		round_trip();
	pw_core_destroy(core, link);
	while (!both_are(PW_STREAM_STATE_PAUSED))
		round_trip();
	round_trip();
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: peer-pipewire link|sync <times>");
	alarm(120);
	pw_init(NULL, NULL);
	loop = pw_main_loop_new(NULL);
	struct pw_context *context = pw_context_new(pw_main_loop_get_loop(loop), NULL, 0);
	core = pw_context_connect(context, NULL, 0);
	if (!core)
		err(1, "PipeWire");
	static struct spa_hook hook;
	pw_core_add_listener(core, &hook, &core_events, NULL);
	m = measure_begin((uint32_t)atoi(argv[2]));
	int links = strcmp(argv[1], "link") == 0;
	if (links) {
		make("taker", PW_DIRECTION_INPUT, &sink);
		make("giver", PW_DIRECTION_OUTPUT, &source);
	}
	for (uint32_t i = 0; i < m.total; i++) {
		if (links) {
			link_once();
			continue;
		}
		ask_begin(&m);
		round_trip();
		ask_end(&m);
	}
	measure_print(&m);
	return 0;
}
