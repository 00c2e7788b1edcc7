/* What is drawn, in every format of the example; see draw.c for the pixels' values. */
#ifndef DRAW_H
#define DRAW_H

struct broker_buffer;

void draw(const struct broker_buffer *buffer);

#endif
