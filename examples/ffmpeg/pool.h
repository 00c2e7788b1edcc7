/* Frames of libavutil (AV_PIX_FMT_DRM_PRIME) whose memory is the broker's. */
#ifndef POOL_H
#define POOL_H

#include <libavutil/hwcontext.h>

#include "dmabroker.h"

struct pool {
	struct dmabroker *client;	 /* to be there for as long as there are frames */
	enum AVPixelFormat software;	 /* AV_PIX_FMT_NV12, AV_PIX_FMT_YUV420P, AV_PIX_FMT_BGR0 */
	int width, height;
	unsigned allocated, released; /* buffers, from the beginning on */
};

/* Whether frames of it can be had. */
bool pool_knows(enum AVPixelFormat software);

/*
 * An AVHWFramesContext for av_hwframe_get_buffer, filters and encoders. Memory is allocated when a frame is asked for and none is
 * free, goes back to the pool with the last reference to its frame, and to the broker with the last one to the
 * context, and to its frames. NULL: there is no memory, or no such format.
 */
AVBufferRef *pool_create(struct pool *pool);

#endif
