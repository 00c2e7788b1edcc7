/* The words of openapi.yaml and the protocol's numbers: requests there, descriptions back. */
#ifndef REQUESTS_H
#define REQUESTS_H

#include "json.h"
#include "objects.h"

/* Names whose places are an enum's values, and such whose places are its bits. */
extern const char *const handle_types[], *const work_paths[];

/* The bits of what an object says of them. */
uint32_t handle_types_of(const struct json *object);
/* A new dmabroker_params_v1 that says nothing yet. */
struct object *new_params(void);
/* One that says what a CreateBuffer says; an import's planes among it. */
struct object *params_of(const struct json *request);
/* The plane event of an object's buffer, as it is now. */
const struct event *plane_of(const struct object *buffer, unsigned plane);
/* The event of that name behind the last info: NULL where there is none. */
const struct event *last_event(const struct object *buffer, const char *name);
uint64_t memory_size(const struct object *buffer, unsigned memory);

void describe_manager(struct text *to);
void describe_buffer(struct text *to, const struct object *buffer);
void describe_plan(struct text *to, const struct object *test);
void describe_state(struct text *to, const struct object *buffer);
/* Of failed and lease_refused; the whole detail, where it came by itself. */
void describe_refusal(struct text *to, const struct event *failed);

#endif
