/* The broker's memory for a display: whether the display takes it, and of which source it does. Errors end the program unless it is said. */
#ifndef OFFER_H
#define OFFER_H

#include "display.h"

/* One of the display's size; NULL where the source (NULL: any), or the broker, has none. */
struct dmabroker_buffer *offer_allocate(struct dmabroker *client, const struct display *display, uint32_t format,
					const uint64_t *modifiers, size_t count, const char *source, uint32_t usage);

/* 0, or why the display would not show it. Of what it would show: a framebuffer. */
int offer_verify(const struct display *display, struct dmabroker_buffer *buffer, uint32_t *framebuffer);
/* Prints what offer_verify has returned of it. */
void offer_say(const struct dmabroker_buffer *buffer, int error);

/* The next source of dma_bufs, from *index on; NULL: there are no more. */
const char *offer_next_source(const struct dmabroker *client, unsigned *index);

/*
 * Linear memory, since the CPU writes it, of the source that is wanted, or (NULL) of the broker's choice and then of one source after
 * the other, until the display takes it. It says what the display said of each.
 */
struct dmabroker_buffer *offer_verified(struct dmabroker *client, const struct display *display, const char *wanted,
					uint32_t format, uint32_t *framebuffer);

#endif
