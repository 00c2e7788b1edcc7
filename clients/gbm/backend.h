/* What the files of this folder have in common. */
#ifndef DMABROKER_GBM_BACKEND_H
#define DMABROKER_GBM_BACKEND_H

#include <dmabroker.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "abi.h"

/* ---- backend.c ------------------------------------------------------------------------------------ */

/* Why Mesa goes on alone: each is said once in a process, on stderr. */
enum why {
	WHY_BACKEND,  /* there is nothing to wrap */
	WHY_NOBODY,   /* no daemon answers */
	WHY_REFUSED,  /* the daemon does not give it */
	WHY_IMPORT,   /* Mesa does not take it */
	WHY_DISPLAY,  /* a display does not take it */
	WHY_MAP,      /* Mesa draws by the CPU, and could not here */
	WHY_USAGE,    /* it is for something that has to be Mesa's own memory */
	WHY_MODIFIER, /* there is no layout that both know */
	WHY_COUNT,
};

__attribute__((format(printf, 2, 3))) void say_once(enum why why, const char *format, ...);

/* What libgbm has told of itself. */
extern const struct gbm_core *core;

struct wrapped {
	struct wrapped *next;
	const struct gbm_device *device;
	struct gbm_device mesa; /* its functions, as they were */
	void *library;
	struct broker *broker;
	/* Whether Mesa can draw into what it imports: asked once. */
	enum { UNKNOWN, DRAWS, DOES_NOT } draws;
};

/* ---- mesa.c --------------------------------------------------------------------------------------- */

/* The backend that libgbm would have taken for the device; NULL: there is none. `library` is for dlclose(3). */
const struct gbm_backend *mesa_open(int fd, void **library);

/* ---- memory.c ------------------------------------------------------------------------------------- */

/* A bo of Mesa's in the broker's memory; NULL: Mesa is to allocate, and why was said. */
struct gbm_bo *memory_create(struct wrapped *wrapped, struct gbm_device *device, uint32_t width, uint32_t height,
			     uint32_t format, uint32_t usage, const uint64_t *modifiers, unsigned count);

/* ---- broker.c ------------------------------------------------------------------------------------- */

/* A program that draws waits for no answer longer than that. Milliseconds. */
#define PATIENCE 5000
/* Connections that have ended while buffers were taken out of them. */
#define MOST_EARLIER 8

struct kept {
	struct kept *next;
	const struct gbm_bo *bo;
	struct dmabroker_buffer *buffer;
};

struct broker {
	pthread_mutex_t lock; /* of all that follows */
	struct dmabroker *client, *earlier[MOST_EARLIER];
	unsigned earlier_count;
	struct kept *kept;
	int64_t not_before;
	pthread_t watcher;
	bool watched, ending;
	int wake; /* an eventfd: there is another client, or the end */
	pid_t owner; /* a child that was forked has neither the thread nor the connection */
	dev_t device;
	char name[32], label[64];
};

/* For a DRM device, whose name ("card0") this is, too. Nobody is asked yet. NULL: there is no memory or no fd. */
struct broker *broker_new(int fd);
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

/* ---- connection.c: all of it with the lock held ----------------------------------------------------- */

/* Another connection, in which the kept buffers of the one that is over go on. False: there is none. */
bool connection_renew(struct broker *broker);
/* Neither a connection nor buffers any more. */
void connection_end(struct broker *broker);
/* A thread that hears what the daemon says, from the first buffer on. */
void connection_watch(struct broker *broker);
/* Has the thread look again. */
void connection_wake(const struct broker *broker);

#endif
