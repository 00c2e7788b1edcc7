/* Raw frames in files, and in the broker's buffers: rows without padding there, with the buffer's strides here. */
#ifndef PICTURE_H
#define PICTURE_H

#include <stdio.h>

#include "dmabroker.h"

struct picture_format {
	char name[5];	 /* drm_fourcc.h's four letters */
	unsigned planes; /* at most three */
	struct {
		unsigned bytes;		/* of a sample; of NV12's second plane: of both of its samples */
		unsigned across, down; /* pixels that share one */
	} plane[3];
};

/* NULL: none of those that are known here. */
const struct picture_format *picture_named(const char *name);
uint32_t picture_fourcc(const struct picture_format *format);
/* Bytes of a frame in a file. */
size_t picture_size(const struct picture_format *format, uint32_t width, uint32_t height);

/*
 * Both between DMA_BUF_IOCTL_SYNC's start and end. Of read: false at the end of the file; what is no whole frame ends the program,
 * as does every error.
 */
bool picture_read(FILE *file, const struct picture_format *format, struct dmabroker_buffer *buffer);
void picture_write(FILE *file, const struct picture_format *format, struct dmabroker_buffer *buffer);

#endif
