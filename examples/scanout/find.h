/* What a card has, for display.c. */
#ifndef FIND_H
#define FIND_H

#include "display.h"

/* The number of a property, or 0; and its value, unless that is NULL. */
uint32_t display_property(int fd, uint32_t object, uint32_t type, const char *name, uint64_t *value);

/*
 * Of the card that is open as d->fd: a connector with something on it that has a mode of that size (0: what it prefers), a CRTC for
 * it, that one's primary plane, and a writeback connector if there is one. false: there is no such way.
 */
bool display_choose(struct display *d, uint32_t width, uint32_t height);

#endif
