/* A PipeWire node whose buffers are the broker's dma_bufs, and what is written to each before it goes. */
#pragma once

#include <stdint.h>

#include <dmabroker.h>
#include <pipewire/pipewire.h>

struct node {
	/* What its owner says. */
	struct dmabroker *client;
	struct pw_loop *loop;
	const char *name;
	uint32_t width, height;
	uint32_t fourcc;	   /* DRM's, of 4 bytes a pixel */
	enum spa_video_format format; /* PipeWire's name of it */
	uint32_t rate;		   /* frames a second */
	/* Fills a frame, whose rows are `stride` bytes apart. */
	void (*draw)(void *data, uint8_t *pixels, uint32_t stride);
	void *data;
	/* It cannot go on; said once, and the sentence is the callee's. */
	void (*failed)(void *data, const char *why);

	struct pw_stream *stream;
	struct spa_hook listener;
	struct spa_source *timer;
};

/* False: PipeWire is not there; `failed` has said so. */
bool node_open(struct node *node);
void node_close(struct node *node);
