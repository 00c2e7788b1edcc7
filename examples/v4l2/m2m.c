/*
 * Memory-to-memory devices as https://docs.kernel.org/userspace-api/media/v4l/dev-mem2mem.html, dev-encoder.html and
 * dev-decoder.html have them. All memory is the broker's (V4L2_MEMORY_DMABUF): a buffer belongs to the driver from VIDIOC_QBUF to
 * VIDIOC_DQBUF.
 *
 * Compressed frames are in files as v4l2-ctl has them (--stream-to-hdr): before each "Vhdr" and its length, big-endian.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/videodev2.h>

#include "m2m.h"

enum { DEVICES = 64, PATIENCE_MS = 10000 };

#define HEADER DMABROKER_FOURCC('V', 'h', 'd', 'r')

/* The formats of picture.c by V4L2's letters, where these are others. */
static const struct {
	const char *v4l2, *drm;
} names[] = { { "RGB3", "BG24" }, { "BGR3", "RG24" }, { "RGBP", "RG16" } };

static int call(const struct m2m *m, unsigned long request, void *argument)
{
	int result;

	do
		result = ioctl(m->fd, request, argument);
	while (result < 0 && errno == EINTR);
	return result;
}

static void must(const struct m2m *m, unsigned long request, void *argument, const char *name)
{
	if (call(m, request, argument) < 0)
		err(1, "%s: %s", m->path, name);
}

static bool is_named(const char *device, int number)
{
	char path[64], name[64] = "";
	FILE *file;

	snprintf(path, sizeof path, "/sys/class/video4linux/video%d/name", number);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fscanf(file, "%63[^\n]", name) != 1)
		name[0] = '\0';
	fclose(file);
	return strcmp(name, device) == 0;
}

void m2m_open(struct m2m *m, const char *device)
{
	struct v4l2_capability capability = { 0 };
	struct v4l2_encoder_cmd encoder = { .cmd = V4L2_ENC_CMD_STOP };
	struct v4l2_decoder_cmd decoder = { .cmd = V4L2_DEC_CMD_STOP };
	struct v4l2_event_subscription event = { .type = V4L2_EVENT_SOURCE_CHANGE };

	snprintf(m->path, sizeof m->path, "%s", device);
	for (int i = 0; device[0] != '/' && i < DEVICES; i++)
		if (is_named(device, i)) {
			snprintf(m->path, sizeof m->path, "/dev/video%d", i);
			break;
		}
	m->fd = open(m->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (m->fd < 0)
		err(1, "%s", m->path);
	must(m, VIDIOC_QUERYCAP, &capability, "VIDIOC_QUERYCAP");
	if (!(capability.device_caps & V4L2_CAP_VIDEO_M2M) || !(capability.device_caps & V4L2_CAP_STREAMING))
		errx(1, "%s makes no frames of frames with the single-planar API", m->path);
	m->is_encoder = call(m, VIDIOC_TRY_ENCODER_CMD, &encoder) == 0;
	m->is_decoder = call(m, VIDIOC_TRY_DECODER_CMD, &decoder) == 0;
	if (m->is_decoder)
		must(m, VIDIOC_SUBSCRIBE_EVENT, &event, "VIDIOC_SUBSCRIBE_EVENT");
	m->in.type = V4L2_BUF_TYPE_VIDEO_OUTPUT;
	m->out.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
}

void m2m_close(struct m2m *m)
{
	close(m->fd);
}

/* A format of exactly this size; its rows as the driver wants them. */
static void set_format(struct m2m *m, struct side *side)
{
	struct v4l2_format format = { .type = side->type };
	struct v4l2_pix_format *pix = &format.fmt.pix;
	uint32_t fourcc;

	memcpy(&fourcc, side->fourcc, sizeof fourcc);
	*pix = (struct v4l2_pix_format){ .width = side->width, .height = side->height, .pixelformat = fourcc };
	pix->field = V4L2_FIELD_NONE;
	must(m, VIDIOC_S_FMT, &format, "VIDIOC_S_FMT");
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

static void begin(struct m2m *m, struct side *side)
{
	struct v4l2_requestbuffers request = { .count = M2M_BUFFERS, .type = side->type, .memory = V4L2_MEMORY_DMABUF };

	must(m, VIDIOC_REQBUFS, &request, "VIDIOC_REQBUFS");
	if (request.count < M2M_BUFFERS)
		errx(1, "%s has %u buffers only", m->path, request.count);
	for (int i = 0; i < M2M_BUFFERS; i++)
		side->buffers[i] = allocate(m, side);
	must(m, VIDIOC_STREAMON, &side->type, "VIDIOC_STREAMON");
	side->streams = true;
}

static void end(struct m2m *m, struct side *side)
{
	struct v4l2_requestbuffers none = { .type = side->type, .memory = V4L2_MEMORY_DMABUF };

	if (!side->streams)
		return;
	must(m, VIDIOC_STREAMOFF, &side->type, "VIDIOC_STREAMOFF");
	must(m, VIDIOC_REQBUFS, &none, "VIDIOC_REQBUFS"); /* lets go of the memory */
	for (int i = 0; i < M2M_BUFFERS; i++)
		dmabroker_buffer_release(side->buffers[i]);
}

static void queue(struct m2m *m, struct side *side, int index, uint32_t used)
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

	must(m, VIDIOC_QBUF, &buffer, "VIDIOC_QBUF");
	side->queued[index] = true;
}

/* false: there is none now. */
static bool dequeue(struct m2m *m, struct side *side, struct v4l2_buffer *buffer)
{
	*buffer = (struct v4l2_buffer){ .type = side->type, .memory = V4L2_MEMORY_DMABUF };
	if (call(m, VIDIOC_DQBUF, buffer) < 0) {
		if (errno == EAGAIN || errno == EPIPE) /* nothing yet; nothing any more */
			return false;
		err(1, "%s: VIDIOC_DQBUF", m->path);
	}
	if (buffer->flags & V4L2_BUF_FLAG_ERROR)
		errx(1, "%s: frame %lu is broken", m->path, side->frames);
	side->queued[buffer->index] = false;
	return true;
}

/* A compressed frame between a file and a buffer, `used` bytes; 0: the end of the file. */
static uint32_t move(FILE *file, struct dmabroker_buffer *buffer, uint32_t used)
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

/* Fills and queues what is free. false: there is nothing more. */
static bool feed(struct m2m *m)
{
	for (int i = 0; i < M2M_BUFFERS; i++) {
		struct dmabroker_buffer *buffer = m->in.buffers[i];
		uint32_t used = m->in.size_image;

		if (m->in.queued[i])
			continue;
		if (m->in.picture ? !picture_read(m->in.file, m->in.picture, buffer) :
				    !(used = move(m->in.file, buffer, 0)))
			return false;
		queue(m, &m->in, i, used);
		m->in.frames++;
	}
	return true;
}

/* What comes out is written, and its buffer given back. true: that was all. */
static bool drain(struct m2m *m, bool ending)
{
	struct v4l2_buffer taken;

	while (m->out.streams && dequeue(m, &m->out, &taken)) {
		struct dmabroker_buffer *buffer = m->out.buffers[taken.index];

		if (taken.bytesused > 0) {
			if (m->out.picture)
				picture_write(m->out.file, m->out.picture, buffer);
			else
				move(m->out.file, buffer, taken.bytesused);
			m->out.frames++;
		}
		if (taken.flags & V4L2_BUF_FLAG_LAST)
			return true;
		queue(m, &m->out, (int)taken.index, 0);
	}
	/* Who has no commands to drain it keeps nothing back. */
	return ending && !m->is_encoder && !m->is_decoder && m->out.frames == m->in.frames;
}

static void begin_out(struct m2m *m)
{
	set_format(m, &m->out);
	begin(m, &m->out);
	for (int i = 0; i < M2M_BUFFERS; i++)
		queue(m, &m->out, i, 0);
}

/* A decoder has read from the first frame what they are. */
static void take_event(struct m2m *m)
{
	struct v4l2_event event = { 0 };

	while (call(m, VIDIOC_DQEVENT, &event) == 0)
		if (event.type == V4L2_EVENT_SOURCE_CHANGE && !m->out.streams)
			begin_out(m);
		else if (event.type == V4L2_EVENT_SOURCE_CHANGE)
			errx(1, "the frames become others in frame %lu, which this example does not follow", m->out.frames);
}

void m2m_run(struct m2m *m)
{
	struct v4l2_encoder_cmd encoder = { .cmd = V4L2_ENC_CMD_STOP };
	struct v4l2_decoder_cmd decoder = { .cmd = V4L2_DEC_CMD_STOP };
	struct v4l2_buffer taken;
	bool ending = false, over = false;

	/* What is compressed decides what the other side can be. */
	if (m->is_encoder)
		set_format(m, &m->out);
	set_format(m, &m->in);
	begin(m, &m->in);
	if (!m->is_decoder)
		begin_out(m);
	while (!over) {
		struct pollfd poller = { .fd = m->fd, .events = POLLIN | POLLOUT | POLLPRI };

		if (!ending && !feed(m)) {
			ending = true;
			if (m->in.frames == 0)
				break;
			if (m->is_encoder)
				must(m, VIDIOC_ENCODER_CMD, &encoder, "VIDIOC_ENCODER_CMD");
			if (m->is_decoder)
				must(m, VIDIOC_DECODER_CMD, &decoder, "VIDIOC_DECODER_CMD");
		}
		if (ending) /* buffers that are back stay there, and are told again and again */
			poller.events = POLLIN | POLLPRI;
		if (poll(&poller, 1, PATIENCE_MS) != 1)
			errx(1, "%s: nothing has come for %d ms, after %lu frames in and %lu out", m->path, PATIENCE_MS,
			     m->in.frames, m->out.frames);
		/* Neither side has a buffer there: of a decoder, what came in had no frame in it. */
		if (ending && (poller.revents & (POLLERR | POLLIN | POLLPRI)) == POLLERR)
			errx(1, "%s makes nothing more of %lu frames than %lu", m->path, m->in.frames, m->out.frames);
		if (poller.revents & POLLPRI)
			take_event(m);
		while (dequeue(m, &m->in, &taken))
			;
		over = drain(m, ending);
	}
	end(m, &m->in);
	end(m, &m->out);
}
