/*
 * A camera's frames in memory that the broker knows, without a copy.
 *
 *   dmabroker-v4l2 [options] capture    allocate an image, let the camera fill it
 *                                       (V4L2_MEMORY_DMABUF), print a token for it
 *   dmabroker-v4l2 [options] export     let the camera allocate (V4L2_MEMORY_MMAP), register its
 *                                       memory (VIDIOC_EXPBUF), print a token for it
 *
 *   --socket PATH     the broker's client socket (default: see ../c/find-socket.h)
 *   --device PATH     the camera (default: /dev/video0)
 *   --size WxH        pixels (default: 640x480)
 *   --format FOURCC   XR24 (default), AR24 or NV12
 *   --source NAME     what it is allocated from (default: the broker chooses)
 *   --contiguous HOW  preferred or required: physically contiguous, as a camera without an IOMMU
 *                     wants it
 *
 * The token goes to stdout once a frame is there; whoever redeems it reads the frame. The image
 * lives until stdin ends, or its last holder closes it.
 */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/videodev2.h>

#include "broker.h"
#include "device.h"

struct options {
	const char *socket, *device, *source, *contiguous;
	uint32_t width, height, format;
};

static void usage(void)
{
	errx(1, "usage: dmabroker-v4l2 [--socket PATH] [--device PATH] [--size WxH] "
		"[--format XR24|AR24|NV12] [--source NAME] [--contiguous preferred|required] "
		"capture | export");
}

static void wait_for_end_of_stdin(void)
{
	char bytes[256];

	while (read(STDIN_FILENO, bytes, sizeof bytes) > 0)
		;
}

/*
 * V4L2's single-planar formats begin where the memory does, and have NV12's chroma right after the
 * luma, in rows as long.
 */
static void check_layout(const struct broker_buffer *b)
{
	const struct broker_plane *first = &b->planes[0], *second = &b->planes[1];

	if (first->offset != 0)
		errx(1, "the image does not begin where its memory does");
	if (b->plane_count == 2 && (second->stride != first->stride ||
				    second->offset != first->stride * b->height))
		errx(1, "the chroma is not where V4L2 has it");
}

static void take_frame(struct device *device)
{
	device_start(device);
	device_dequeue(device);
	device_stop(device);
}

static void hand_out(struct broker *broker, struct broker_buffer *image)
{
	broker_print_token(broker, image);
	wait_for_end_of_stdin();
	broker_release(image);
}

static void capture(struct broker *broker, struct device *device, const struct options *o)
{
	struct broker_buffer image;

	broker_allocate_from(broker, &image, "V4L2 example", o->width, o->height, o->format,
			     o->source, o->contiguous);
	check_layout(&image);
	/* These three have the same four letters in drm_fourcc.h and videodev2.h. */
	device_set_format(device, o->width, o->height, o->format, image.planes[0].stride);
	device_request_buffers(device, V4L2_MEMORY_DMABUF, 1);
	device_queue_dmabuf(device, 0, image.planes[0].fd, image.size);
	take_frame(device);
	hand_out(broker, &image);
}

static void export(struct broker *broker, struct device *device, const struct options *o)
{
	struct broker_plane planes[2];
	struct broker_buffer image;

	device_set_format(device, o->width, o->height, o->format, 0);
	device_request_buffers(device, V4L2_MEMORY_MMAP, 1);
	planes[0] = (struct broker_plane){ .fd = device_export(device, 0), .stride = device->stride };
	planes[1] = planes[0];
	planes[1].offset = device->stride * o->height;
	broker_import(broker, &image, "V4L2 example", o->width, o->height, o->format, planes,
		      o->format == FORMAT_NV12 ? 2 : 1);
	close(planes[0].fd);
	/* The broker has the memory already: what comes into it now is seen by everybody. */
	device_queue(device, 0);
	take_frame(device);
	hand_out(broker, &image);
}

static const struct command {
	const char *name;
	void (*run)(struct broker *broker, struct device *device, const struct options *options);
} commands[] = {
	{ "capture", capture },
	{ "export", export },
};

static const struct command *parse(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{ "socket", required_argument, NULL, 'S' },
		{ "device", required_argument, NULL, 'd' },
		{ "size", required_argument, NULL, 's' },
		{ "format", required_argument, NULL, 'f' },
		{ "source", required_argument, NULL, 'o' },
		{ "contiguous", required_argument, NULL, 'c' },
		{ 0 },
	};

	for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
		if (c == 'S')
			o->socket = optarg;
		else if (c == 'd')
			o->device = optarg;
		else if (c == 'f')
			o->format = format_named(optarg);
		else if (c == 'o')
			o->source = optarg;
		else if (c == 'c')
			o->contiguous = optarg;
		else if (c != 's' || sscanf(optarg, "%ux%u", &o->width, &o->height) != 2)
			usage();
	}
	for (size_t i = 0; i < sizeof commands / sizeof *commands && optind < argc; i++)
		if (strcmp(argv[optind], commands[i].name) == 0)
			return &commands[i];
	usage();
	return NULL;
}

int main(int argc, char **argv)
{
	struct options o = {
		.device = "/dev/video0",
		.width = 640,
		.height = 480,
		.format = FORMAT_XR24,
	};
	const struct command *command = parse(argc, argv, &o);
	struct broker broker;
	struct device device;

	device_open(&device, o.device);
	broker_connect(&broker, o.socket);
	command->run(&broker, &device, &o);
	broker_disconnect(&broker);
	device_close(&device);
	return 0;
}
