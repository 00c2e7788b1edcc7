/* The words of openapi.yaml and the library's: requests there, descriptions back. */
#ifndef WORDS_H
#define WORDS_H

#include <dmabroker.h>

#include "json.h"

/* What a request's arrays are kept in, until it is sent. */
struct request {
	struct dmabroker_params params;
	uint64_t modifiers[256];
	struct dmabroker_plane_layout planes[4];
	struct dmabroker_own_memory memory;
};

/* The bits of what an object says of them. */
uint32_t handle_types_of(const struct json *object);
/* A request of CreateBuffer; of an import `planes_of` finds the fds. */
void read_request(struct request *request, const struct json *words);
struct dmabroker_buffer *buffer_named(const char *name);

void tell_client(struct text *to, const struct dmabroker *client);
void tell_buffer(struct text *to, const struct dmabroker_buffer *buffer);
void tell_state(struct text *to, struct dmabroker_buffer *buffer);
const char *path_name(uint32_t path);

/* How a command ends that is none: driver.c. */
_Noreturn void end_rejected(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
