/* What the files of this folder have in common: what is wrapped (mesa.c), and where memory comes from (broker.c). */
#ifndef DMABROKER_GBM_BROKER_H
#define DMABROKER_GBM_BROKER_H

#include <dmabroker.h>
#include <stdbool.h>

#include "abi.h"

/* ---- what is said --------------------------------------------------------------------------------- */

/* Why Mesa goes on alone: each is said once in a process, on stderr. */
enum why {
	WHY_BACKEND,  /* there is nothing to wrap */
	WHY_NOBODY,   /* no daemon answers */
	WHY_REFUSED,  /* the daemon does not give it */
	WHY_IMPORT,   /* Mesa does not take it */
	WHY_MAP,      /* Mesa draws by the CPU, and could not here */
	WHY_USAGE,    /* it is for something that has to be Mesa's own memory */
	WHY_MODIFIER, /* there is no layout that both know */
	WHY_COUNT,
};

__attribute__((format(printf, 2, 3))) void say_once(enum why why, const char *format, ...);

/* ---- mesa.c --------------------------------------------------------------------------------------- */

/* The backend that libgbm would have taken for the device; NULL: there is none. `library` is for dlclose(3). */
const struct gbm_backend *mesa_open(const struct gbm_core *core, int fd, void **library);

/* ---- broker.c ------------------------------------------------------------------------------------- */

struct broker;

/* For a DRM device, whose name ("card0") this is, too. Nobody is asked yet. NULL: there is no memory. */
struct broker *broker_new(int fd);
const char *broker_name(const struct broker *broker);
/* Ends the connection: nothing will be asked for any more. */
void broker_leave(struct broker *broker);
/* The same, and it is gone. */
void broker_free(struct broker *broker);

/* The caller's; NULL: none, and why was said. */
struct dmabroker_buffer *broker_allocate(struct broker *broker, struct dmabroker_params *params);
/* Keeps the buffer until its bo is taken back. False: there is no memory. */
bool broker_keep(struct broker *broker, struct dmabroker_buffer *buffer, const struct gbm_bo *bo);
/* What was kept for a bo, the caller's; NULL: nothing. */
struct dmabroker_buffer *broker_take(struct broker *broker, const struct gbm_bo *bo);
/* The daemon lets go of it. NULL is nothing. */
void broker_release(struct broker *broker, struct dmabroker_buffer *buffer);

#endif
