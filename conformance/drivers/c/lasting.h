/* Revisions of a buffer, and their documents. */
#ifndef LASTING_H
#define LASTING_H

#include "objects.h"

/* Sends a commit; `metadata`: NULL for that of before. */
void send_commit(struct object *buffer, double revision, const struct json *metadata);
/* The event that answers it: its document is what was sent. */
void note_commit(const struct event *committed, const struct json *metadata);
/* The digest that the layout of the buffer's last description has, 64 digits. */
void layout_digest(const struct object *buffer, char digest[65]);
/* What was published until now. */
void describe_published(struct text *text, struct object *buffer);

#endif
