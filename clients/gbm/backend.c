/*
 * dmabroker_gbm.so, a backend of libgbm: the device of Mesa's own backend, whose bo_create has its memory from dmabroker and
 * imports it. All else goes to Mesa's functions, and its objects are Mesa's own, which its EGL demands. Where the broker's
 * memory cannot be had or taken, Mesa allocates as it would have, and stderr says why, once: no program may end of this.
 *
 * Owns: a record for each device.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend.h"

#define PUBLIC __attribute__((visibility("default")))

const struct gbm_core *core;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct wrapped *all;

void say_once(enum why why, const char *format, ...)
{
	static atomic_flag said[WHY_COUNT]; /* all clear: they are static */
	char text[512];
	va_list list;

	if (atomic_flag_test_and_set(&said[why]))
		return;
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	dprintf(STDERR_FILENO, "dmabroker-gbm: %s\n", text);
}

/* It is there for as long as its device is. */
static struct wrapped *of(const struct gbm_device *device)
{
	struct wrapped *each;

	pthread_mutex_lock(&lock);
	for (each = all; each && each->device != device; each = each->next)
		;
	pthread_mutex_unlock(&lock);
	return each;
}

/* ---- Mesa's functions that are replaced ------------------------------------------------------------ */

static struct gbm_bo *bo_create(struct gbm_device *device, uint32_t width, uint32_t height, uint32_t format,
				uint32_t usage, const uint64_t *modifiers, unsigned count)
{
	struct wrapped *wrapped = of(device);
	int number = errno;
	struct gbm_bo *bo = memory_create(wrapped, device, width, height, format, usage, modifiers, count);

	errno = number;
	return bo ? bo : wrapped->mesa.bo_create(device, width, height, format, usage, modifiers, count);
}

/* All of Mesa's bos begin with their device (struct gbm_bo of the ABI). */
static void bo_destroy(struct gbm_bo *bo)
{
	const struct wrapped *wrapped = of(*(struct gbm_device **)bo);
	/* Before another thread has a bo of the same address. */
	struct dmabroker_buffer *buffer = broker_take(wrapped->broker, bo);

	wrapped->mesa.bo_destroy(bo);
	broker_release(wrapped->broker, buffer);
}

static void destroy(struct gbm_device *device)
{
	struct wrapped *wrapped = of(device), **link;

	pthread_mutex_lock(&lock);
	for (link = &all; *link != wrapped; link = &(*link)->next)
		;
	*link = wrapped->next;
	pthread_mutex_unlock(&lock);
	wrapped->mesa.destroy(device);
	broker_free(wrapped->broker);
	/* libgbm will do so with this library, when this has returned. */
	dlclose(wrapped->library);
	free(wrapped);
}

/* ---- what libgbm asks for -------------------------------------------------------------------------- */

static void wrap(struct wrapped *wrapped, struct gbm_device *device)
{
	wrapped->device = device;
	wrapped->mesa = *device;
	device->bo_create = bo_create;
	device->bo_destroy = bo_destroy;
	device->destroy = destroy;
	pthread_mutex_lock(&lock);
	wrapped->next = all;
	all = wrapped;
	pthread_mutex_unlock(&lock);
}

/* NULL: libgbm goes on to Mesa's backend. */
static struct gbm_device *create_device(int fd, uint32_t version)
{
	struct wrapped *wrapped = calloc(1, sizeof *wrapped);

	if (!wrapped)
		return NULL;
	const struct gbm_backend *mesa = mesa_open(fd, &wrapped->library);
	struct gbm_device *device = NULL;

	if (mesa && mesa->backend_version < version)
		say_once(WHY_BACKEND, "libgbm is left alone, since its backend %s speaks an older ABI than it does",
			 mesa->backend_name);
	else if (mesa && (wrapped->broker = broker_new(fd)))
		device = mesa->create_device(fd, version);
	if (device) {
		wrap(wrapped, device);
		return device;
	}
	broker_free(wrapped->broker);
	if (wrapped->library)
		dlclose(wrapped->library);
	free(wrapped);
	return NULL;
}

PUBLIC const struct gbm_backend *gbmint_get_backend(const struct gbm_core *told)
{
	static const struct gbm_backend backend = {
		.backend_version = ABI_VERSION,
		.backend_name = "dmabroker",
		.create_device = create_device,
	};

	core = told;
	return &backend;
}
