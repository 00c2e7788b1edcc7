/*
 * A hand-off by GStreamer's unixfd elements: a buffer whose memory is an fd goes into unixfdsink, and is there when
 * another process has it from unixfdsrc, which says so with a byte.
 *
 *   peer-gstreamer <socket> <buffers>
 *
 * Prints what load.c prints.
 */
#include "peer.h"

#include <gst/allocators/gstfdmemory.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

enum { SIZE = 4096 };

static GstElement *start(const char *description, const char *name, GstElement **element)
{
	GError *error = NULL;
	GstElement *pipeline = gst_parse_launch(description, &error);
	if (!pipeline || error)
		errx(1, "%s: %s", description, error ? error->message : "no pipeline");
	*element = gst_bin_get_by_name(GST_BIN(pipeline), name);
	if (gst_element_set_state(pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
		errx(1, "%s does not play", description);
	return pipeline;
}

static void consume(const char *path, int done)
{
	gst_init(NULL, NULL);
	char description[512];
	snprintf(description, sizeof description, "unixfdsrc socket-path=%s ! appsink name=sink sync=false", path);
	GstElement *sink;
	/* It is there when the other process listens. */
	while (access(path, F_OK) < 0)
		usleep(10000);
	start(description, "sink", &sink);
	for (;;) {
		GstSample *sample = gst_app_sink_pull_sample(GST_APP_SINK(sink));
		if (!sample)
			errx(1, "the stream has ended");
		GstMemory *memory = gst_buffer_peek_memory(gst_sample_get_buffer(sample), 0);
		if (!gst_is_fd_memory(memory))
			errx(1, "what came has no fd");
		gst_sample_unref(sample);
		if (write(done, "", 1) != 1)
			err(1, "write");
	}
}

static void push(GstElement *source, GstAllocator *allocator, int fd)
{
	GstBuffer *buffer = gst_buffer_new();
	gst_buffer_append_memory(buffer, gst_fd_allocator_alloc(allocator, fd, SIZE, GST_FD_MEMORY_FLAG_DONT_CLOSE));
	if (gst_app_src_push_buffer(GST_APP_SRC(source), buffer) != GST_FLOW_OK)
		errx(1, "unixfdsink takes no buffer");
}

static void taken(int done)
{
	char byte;
	if (read(done, &byte, 1) != 1)
		errx(1, "the consumer has failed");
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: peer-gstreamer <socket> <buffers>");
	int done[2];
	if (pipe(done) < 0)
		err(1, "pipe");
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		consume(argv[1], done[1]);
	}
	close(done[1]);
	gst_init(NULL, NULL);
	char description[512];
	snprintf(description, sizeof description,
		 "appsrc name=source is-live=true do-timestamp=true format=time caps=application/octet-stream ! "
		 "unixfdsink socket-path=%s sync=false", argv[1]);
	GstElement *source;
	GstElement *pipeline = start(description, "source", &source);
	int fd = memfd_create("peer", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, SIZE) < 0)
		err(1, "memfd");
	GstAllocator *allocator = gst_fd_allocator_new();
	struct measure m = measure_begin((uint32_t)atoi(argv[2]));
	/* What is pushed before the consumer is there is dropped. */
	struct pollfd there = { .fd = done[0], .events = POLLIN };
	do
		push(source, allocator, fd);
	while (poll(&there, 1, 100) == 0);
	do
		taken(done[0]);
	while (poll(&there, 1, 300) > 0);
	for (uint32_t i = 0; i < m.total; i++) {
		ask_begin(&m);
		push(source, allocator, fd);
		taken(done[0]);
		ask_end(&m);
	}
	measure_print(&m);
	gst_element_set_state(pipeline, GST_STATE_NULL);
	kill(child, SIGKILL);
	return 0;
}
