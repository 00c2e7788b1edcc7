/*
 * One side of a memory-to-memory device. All memory is the broker's (V4L2_MEMORY_DMABUF): a buffer belongs to the driver from
 * VIDIOC_QBUF to VIDIOC_DQBUF.
 *
 * Compressed frames are in files as v4l2-ctl has them (--stream-to-hdr): before each its mark and its length, big-endian.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "side.h"

#define HEADER DMABROKER_FOURCC('V', 'h', 'd', 'r')

int m2m_call(const struct m2m *m, unsigned long request, void *argument)
{
	int result;

	do
		result = ioctl(m->fd, request, argument);
	while (result < 0 && errno == EINTR);
	return result;
}

void m2m_must(const struct m2m *m, unsigned long request, void *argument, const char *name)
{
	if (m2m_call(m, request, argument) < 0)
		err(1, "%s: %s", m->path, name);
}

/* The formats of picture.c by V4L2's letters, where these are others. */
static const struct {
	const char *v4l2, *drm;
} names[] = { { "RGB3", "BG24" }, { "BGR3", "RG24" }, { "RGBP", "RG16" } };

void side_set_format(struct m2m *m, struct side *side)
{
	struct v4l2_format format = { .type = side->type };
	struct v4l2_pix_format *pix = &format.fmt.pix;
	uint32_t fourcc;

	memcpy(&fourcc, side->fourcc, sizeof fourcc);
	*pix = (struct v4l2_pix_format){ .width = side->width, .height = side->height, .pixelformat = fourcc };
	pix->field = V4L2_FIELD_NONE;
	m2m_must(m, VIDIOC_S_FMT, &format, "VIDIOC_S_FMT");
	/* Of an encoder's other side only what is compressed is asked for first: its size comes from what goes in. */
	if (pix->pixelformat == fourcc && m->is_encoder && side == &m->out && !m->in.stride)
		return;
	if (pix->pixelformat != fourcc || pix->width != side->width || pix->height != side->height)
		errx(1, "%s offers %ux%u %.4s in place of %ux%u %s", m->path, pix->width, pix->height,
		     (const char *)&pix->pixelformat, side->width, side->height, side->fourcc);
	side->stride = pix->bytesperline;
	side->size_image = pix->sizeimage;
	side->picture = picture_named(side->fourcc);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(side->fourcc, names[i].v4l2) == 0)
			side->picture = picture_named(names[i].drm);
}

/* One of the driver's layout, or, compressed, of as many bytes as a frame can have. */
static struct dmabroker_buffer *allocate(struct m2m *m, const struct side *side)
{
	const uint64_t linear = 0;
	const bool incoming = side == &m->in;
	struct dmabroker_plane_layout planes[3] = { 0 };
	struct dmabroker_params params = dmabroker_linear(side->size_image);
	struct dmabroker_buffer *buffer;

	if (side->picture) {
		uint32_t offset = 0;

		params = dmabroker_image(side->width, side->height, picture_fourcc(side->picture));
		/* V4L2's single-planar formats have plane after plane; a line of chroma has as much of a line's bytes as of its
		   samples. */
		for (unsigned i = 0; i < side->picture->planes; i++) {
			unsigned across = side->picture->plane[i].across, down = side->picture->plane[i].down;

			planes[i].offset = offset;
			planes[i].stride = side->stride / across * (i == 0 ? 1 : side->picture->plane[i].bytes);
			offset += planes[i].stride * (side->height / down);
		}
		params.planes = planes;
		params.plane_count = side->picture->planes;
		params.modifiers = &linear;
		params.modifier_count = 1;
	}
	params.name = incoming ? "V4L2 example, in" : "V4L2 example, out";
	params.usage = incoming ? DMABROKER_USAGE_CPU_WRITE : DMABROKER_USAGE_CPU_READ;
	if (dmabroker_allocate(m->client, &params, &buffer))
		errx(1, "%s", dmabroker_last_error(m->client)->message);
	if (dmabroker_buffer_memory_size(buffer, 0) < side->size_image)
		errx(1, "a frame takes %u bytes, and the buffer has fewer", side->size_image);
	return buffer;
}

void side_begin(struct m2m *m, struct side *side)
{
	struct v4l2_requestbuffers request = { .count = M2M_BUFFERS, .type = side->type, .memory = V4L2_MEMORY_DMABUF };

	m2m_must(m, VIDIOC_REQBUFS, &request, "VIDIOC_REQBUFS");
	if (request.count < M2M_BUFFERS)
		errx(1, "%s has %u buffers only", m->path, request.count);
	for (int i = 0; i < M2M_BUFFERS; i++)
		side->buffers[i] = allocate(m, side);
	m2m_must(m, VIDIOC_STREAMON, &side->type, "VIDIOC_STREAMON");
	side->streams = true;
}

void side_end(struct m2m *m, struct side *side)
{
	struct v4l2_requestbuffers none = { .type = side->type, .memory = V4L2_MEMORY_DMABUF };

	if (!side->streams)
		return;
	m2m_must(m, VIDIOC_STREAMOFF, &side->type, "VIDIOC_STREAMOFF");
	m2m_must(m, VIDIOC_REQBUFS, &none, "VIDIOC_REQBUFS"); /* lets go of the memory */
	for (int i = 0; i < M2M_BUFFERS; i++)
		dmabroker_buffer_release(side->buffers[i]);
}

void side_queue(struct m2m *m, struct side *side, int index, uint32_t used)
{
	struct v4l2_buffer buffer = {
		.index = (uint32_t)index,
		.type = side->type,
		.memory = V4L2_MEMORY_DMABUF,
		.field = V4L2_FIELD_NONE,
		.bytesused = used,
		.length = (uint32_t)dmabroker_buffer_memory_size(side->buffers[index], 0),
		.m.fd = dmabroker_buffer_plane(side->buffers[index], 0)->fd,
	};

	m2m_must(m, VIDIOC_QBUF, &buffer, "VIDIOC_QBUF");
	side->queued[index] = true;
}

bool side_dequeue(struct m2m *m, struct side *side, struct v4l2_buffer *buffer)
{
	*buffer = (struct v4l2_buffer){ .type = side->type, .memory = V4L2_MEMORY_DMABUF };
	if (m2m_call(m, VIDIOC_DQBUF, buffer) < 0) {
		if (errno == EAGAIN || errno == EPIPE) /* nothing yet; nothing any more */
			return false;
		err(1, "%s: VIDIOC_DQBUF", m->path);
	}
	if (buffer->flags & V4L2_BUF_FLAG_ERROR)
		errx(1, "%s: frame %lu is broken", m->path, side->frames);
	side->queued[buffer->index] = false;
	return true;
}

uint32_t side_move(FILE *file, struct dmabroker_buffer *buffer, uint32_t used)
{
	uint32_t access = used ? DMABROKER_READ : DMABROKER_WRITE;
	uint32_t header[2] = { htonl(HEADER), htonl(used) };
	struct dmabroker_mapping *mapping;
	void *bytes;

	if (!used) {
		if (fread(header, sizeof header, 1, file) != 1)
			return 0;
		used = ntohl(header[1]);
		if (header[0] != htonl(HEADER) || used > dmabroker_buffer_memory_size(buffer, 0))
			errx(1, "there is no frame as v4l2-ctl --stream-to-hdr writes them");
	} else if (fwrite(header, sizeof header, 1, file) != 1)
		err(1, "a frame");
	if (dmabroker_buffer_map(buffer, 0, access, &mapping) || dmabroker_mapping_begin(mapping, access))
		errx(1, "the buffer cannot be mapped");
	bytes = dmabroker_mapping_data(mapping);
	if ((access == DMABROKER_READ ? fwrite(bytes, used, 1, file) : fread(bytes, used, 1, file)) != 1)
		errx(1, "the last frame is not whole");
	if (dmabroker_mapping_end(mapping, access))
		err(1, "DMA_BUF_IOCTL_SYNC");
	dmabroker_unmap(mapping);
	return used;
}
