/* A side's format and buffers, for m2m.c. */
#ifndef SIDE_H
#define SIDE_H

#include <linux/videodev2.h>

#include "m2m.h"

/* -1 and errno; and the end of the program, with the call's name. */
int m2m_call(const struct m2m *m, unsigned long request, void *argument);
void m2m_must(const struct m2m *m, unsigned long request, void *argument, const char *name);

/* A format of exactly this size, or the end of the program; rows as the driver wants them. */
void side_set_format(struct m2m *m, struct side *side);
/* Allocates, and streams. */
void side_begin(struct m2m *m, struct side *side);
void side_end(struct m2m *m, struct side *side);

void side_queue(struct m2m *m, struct side *side, int index, uint32_t used);
/* false: there is none now. */
bool side_dequeue(struct m2m *m, struct side *side, struct v4l2_buffer *buffer);

/* A compressed frame: `used` bytes of a buffer into a file; where that is 0, one of a file into a buffer, 0 at its end. */
uint32_t side_move(FILE *file, struct dmabroker_buffer *buffer, uint32_t used);

#endif
