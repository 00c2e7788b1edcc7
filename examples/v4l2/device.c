/*
 * A V4L2 capture device: https://docs.kernel.org/userspace-api/media/v4l/dmabuf.html. A dma_buf
 * belongs to the driver from VIDIOC_QBUF to VIDIOC_DQBUF, which maps it for the device and takes
 * care of the caches; nobody else may look into it between them.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/videodev2.h>

#include "device.h"

#define CAPTURE V4L2_BUF_TYPE_VIDEO_CAPTURE

static void control(const struct device *d, unsigned long request, void *argument, const char *name)
{
	int result;

	do
		result = ioctl(d->fd, request, argument);
	while (result < 0 && errno == EINTR);
	if (result < 0)
		err(1, "%s: %s", d->path, name);
}

void device_open(struct device *d, const char *path)
{
	struct v4l2_capability capability = { 0 };

	*d = (struct device){ .path = path, .fd = open(path, O_RDWR | O_CLOEXEC) };
	if (d->fd < 0)
		err(1, "%s", path);
	control(d, VIDIOC_QUERYCAP, &capability, "VIDIOC_QUERYCAP");
	if (!(capability.device_caps & V4L2_CAP_VIDEO_CAPTURE) ||
	    !(capability.device_caps & V4L2_CAP_STREAMING))
		errx(1, "%s does not capture into buffers", path);
}

void device_close(struct device *d)
{
	close(d->fd);
}

void device_set_format(struct device *d, uint32_t width, uint32_t height, uint32_t fourcc,
		       uint32_t stride)
{
	struct v4l2_format format = {
		.type = CAPTURE,
		.fmt.pix = {
			.width = width,
			.height = height,
			.pixelformat = fourcc,
			.field = V4L2_FIELD_NONE,
			.bytesperline = stride,
		},
	};
	const struct v4l2_pix_format *pix = &format.fmt.pix;

	/* The driver answers with the nearest that it can do. */
	control(d, VIDIOC_S_FMT, &format, "VIDIOC_S_FMT");
	if (pix->width != width || pix->height != height || pix->pixelformat != fourcc ||
	    (stride && pix->bytesperline != stride))
		errx(1, "%s offers %ux%u %.4s with %u bytes a line instead", d->path, pix->width,
		     pix->height, (const char *)&pix->pixelformat, pix->bytesperline);
	d->size_image = pix->sizeimage;
	d->stride = pix->bytesperline;
}

void device_request_buffers(struct device *d, uint32_t memory, uint32_t count)
{
	struct v4l2_requestbuffers request = { .count = count, .type = CAPTURE, .memory = memory };

	control(d, VIDIOC_REQBUFS, &request, "VIDIOC_REQBUFS");
	if (request.count < count)
		errx(1, "%s has %u buffers only", d->path, request.count);
	d->memory = memory;
}

void device_queue_dmabuf(struct device *d, uint32_t index, int fd, size_t length)
{
	struct v4l2_buffer buffer = {
		.index = index,
		.type = CAPTURE,
		.memory = d->memory,
		.m.fd = fd,
		.length = (uint32_t)length,
	};

	if (length < d->size_image)
		errx(1, "a frame takes %u bytes, and the buffer has %zu", d->size_image, length);
	control(d, VIDIOC_QBUF, &buffer, "VIDIOC_QBUF");
}

int device_export(struct device *d, uint32_t index)
{
	struct v4l2_exportbuffer export = {
		.type = CAPTURE,
		.index = index,
		.flags = O_RDWR | O_CLOEXEC,
	};

	control(d, VIDIOC_EXPBUF, &export, "VIDIOC_EXPBUF");
	return export.fd;
}

void device_queue(struct device *d, uint32_t index)
{
	struct v4l2_buffer buffer = { .index = index, .type = CAPTURE, .memory = d->memory };

	control(d, VIDIOC_QBUF, &buffer, "VIDIOC_QBUF");
}

uint32_t device_dequeue(struct device *d)
{
	struct v4l2_buffer buffer = { .type = CAPTURE, .memory = d->memory };

	control(d, VIDIOC_DQBUF, &buffer, "VIDIOC_DQBUF"); /* blocks: the fd is not O_NONBLOCK */
	if (buffer.flags & V4L2_BUF_FLAG_ERROR)
		errx(1, "%s: the frame is broken", d->path);
	return buffer.index;
}

void device_start(struct device *d)
{
	int type = CAPTURE;

	control(d, VIDIOC_STREAMON, &type, "VIDIOC_STREAMON");
}

void device_stop(struct device *d)
{
	int type = CAPTURE;

	control(d, VIDIOC_STREAMOFF, &type, "VIDIOC_STREAMOFF");
	device_request_buffers(d, d->memory, 0); /* lets go of the memory */
}
