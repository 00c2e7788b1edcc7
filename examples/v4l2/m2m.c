/*
 * Memory-to-memory devices as https://docs.kernel.org/userspace-api/media/v4l/dev-mem2mem.html, dev-encoder.html and
 * dev-decoder.html have them: the order of it all. side.c has the buffers.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/videodev2.h>

#include "side.h"

enum { DEVICES = 64, PATIENCE_MS = 10000 };

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
	m2m_must(m, VIDIOC_QUERYCAP, &capability, "VIDIOC_QUERYCAP");
	if (!(capability.device_caps & V4L2_CAP_VIDEO_M2M) || !(capability.device_caps & V4L2_CAP_STREAMING))
		errx(1, "%s makes no frames of frames with the single-planar API", m->path);
	m->is_encoder = m2m_call(m, VIDIOC_TRY_ENCODER_CMD, &encoder) == 0;
	m->is_decoder = m2m_call(m, VIDIOC_TRY_DECODER_CMD, &decoder) == 0;
	if (m->is_decoder)
		m2m_must(m, VIDIOC_SUBSCRIBE_EVENT, &event, "VIDIOC_SUBSCRIBE_EVENT");
	m->in.type = V4L2_BUF_TYPE_VIDEO_OUTPUT;
	m->out.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
}

void m2m_close(struct m2m *m)
{
	close(m->fd);
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
				    !(used = side_move(m->in.file, buffer, 0)))
			return false;
		side_queue(m, &m->in, i, used);
		m->in.frames++;
	}
	return true;
}

/* What comes out is written, and its buffer given back. true: that was all. */
static bool drain(struct m2m *m, bool ending)
{
	struct v4l2_buffer taken;

	while (m->out.streams && side_dequeue(m, &m->out, &taken)) {
		struct dmabroker_buffer *buffer = m->out.buffers[taken.index];

		if (taken.bytesused > 0) {
			if (m->out.picture)
				picture_write(m->out.file, m->out.picture, buffer);
			else
				side_move(m->out.file, buffer, taken.bytesused);
			m->out.frames++;
		}
		if (taken.flags & V4L2_BUF_FLAG_LAST)
			return true;
		side_queue(m, &m->out, (int)taken.index, 0);
	}
	/* Who has no commands to drain it keeps nothing back. */
	return ending && !m->is_encoder && !m->is_decoder && m->out.frames == m->in.frames;
}

static void begin_out(struct m2m *m)
{
	side_set_format(m, &m->out);
	side_begin(m, &m->out);
	for (int i = 0; i < M2M_BUFFERS; i++)
		side_queue(m, &m->out, i, 0);
}

/* A decoder has read from the first frame what they are. */
static void take_event(struct m2m *m)
{
	struct v4l2_event event = { 0 };

	while (m2m_call(m, VIDIOC_DQEVENT, &event) == 0)
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
		side_set_format(m, &m->out);
	side_set_format(m, &m->in);
	side_begin(m, &m->in);
	if (!m->is_decoder)
		begin_out(m);
	while (!over) {
		struct pollfd poller = { .fd = m->fd, .events = POLLIN | POLLOUT | POLLPRI };

		if (!ending && !feed(m)) {
			ending = true;
			if (m->in.frames == 0)
				break;
			if (m->is_encoder)
				m2m_must(m, VIDIOC_ENCODER_CMD, &encoder, "VIDIOC_ENCODER_CMD");
			if (m->is_decoder)
				m2m_must(m, VIDIOC_DECODER_CMD, &decoder, "VIDIOC_DECODER_CMD");
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
		while (side_dequeue(m, &m->in, &taken))
			;
		over = drain(m, ending);
	}
	side_end(m, &m->in);
	side_end(m, &m->out);
}
