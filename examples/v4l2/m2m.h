/* A V4L2 device that makes frames of frames (single-planar memory-to-memory): a scaler, an encoder, a decoder. */
#ifndef M2M_H
#define M2M_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dmabroker.h"
#include "picture.h"

enum { M2M_BUFFERS = 3 };

/* One side of it: what goes in (V4L2 calls it OUTPUT), or what comes out (CAPTURE). */
struct side {
	uint32_t type; /* enum v4l2_buf_type */
	char fourcc[5]; /* V4L2's */
	uint32_t width, height;
	uint32_t stride, size_image;		/* as the driver wants them */
	const struct picture_format *picture;	/* NULL: compressed */
	struct dmabroker_buffer *buffers[M2M_BUFFERS];
	bool queued[M2M_BUFFERS];
	bool streams;
	FILE *file;
	unsigned long frames;
};

struct m2m {
	char path[64];
	int fd;
	bool is_encoder, is_decoder;
	struct side in, out;
	struct dmabroker *client;
};

/* By its path, or by the name that its driver gives it ("stateful-encoder"). */
void m2m_open(struct m2m *m, const char *device);
void m2m_close(struct m2m *m);

/* The whole of in.file to out.file, through the broker's buffers. */
void m2m_run(struct m2m *m);

#endif
