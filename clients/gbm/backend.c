/*
 * dmabroker_gbm.so, a backend of libgbm: the device of Mesa's own backend, whose bo_create has its memory from dmabroker and
 * imports it. All else goes to Mesa's functions, and its objects are Mesa's own, which its EGL demands. Where the broker's
 * memory cannot be had or taken, Mesa allocates as it would have, and stderr says why, once: no program may end of this.
 *
 * Owns: a record for each device, with Mesa's functions and the connection (broker.c).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <drm.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "broker.h"

#define PUBLIC __attribute__((visibility("default")))
#define MOST_MODIFIERS 64

/* Later than the gbm.h of Debian 12. */
#ifndef GBM_BO_FIXED_COMPRESSION_MASK
#define GBM_BO_FIXED_COMPRESSION_MASK (((1u << 11) - 1) & ~((1u << 7) - 1))
#endif

struct wrapped {
	struct wrapped *next;
	const struct gbm_device *device;
	struct gbm_device mesa; /* its functions, as they were */
	void *library;
	struct broker *broker;
	/* Whether Mesa can draw into what it imports: asked once. */
	enum { UNKNOWN, DRAWS, DOES_NOT } draws;
};

static const struct gbm_core *core;
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

/* ---- what is asked for ---------------------------------------------------------------------------- */

/* The modifiers that Mesa imports, of those that the program takes. */
static size_t importable(struct gbm_device *device, uint32_t format, const uint64_t *modifiers, unsigned count,
			 uint64_t *found)
{
	size_t kept = 0;

	for (unsigned i = 0; i < count && kept < MOST_MODIFIERS; i++)
		if (modifiers[i] != DRM_FORMAT_MOD_INVALID &&
		    device->get_format_modifier_plane_count(device, format, modifiers[i]) > 0)
			found[kept++] = modifiers[i];
	return kept;
}

/* Why memory of that usage has to be Mesa's own; NULL: it has not. */
static const char *mesas_own(uint32_t usage)
{
	if (usage & GBM_BO_USE_WRITE)
		return "gbm_bo_write needs its own buffers";
	if (usage & GBM_BO_USE_CURSOR)
		return "a cursor is what its driver has for it";
	if (usage & GBM_BO_USE_PROTECTED)
		return "protected memory is its driver's";
	if (usage & GBM_BO_FIXED_COMPRESSION_MASK)
		return "fixed-rate compression is its driver's";
	return NULL;
}

static struct dmabroker_buffer *allocate(struct wrapped *wrapped, struct gbm_device *device, uint32_t width,
					 uint32_t height, uint32_t format, uint32_t usage,
					 const uint64_t *modifiers, unsigned count)
{
	struct dmabroker_params params = dmabroker_image(width, height, format);
	uint64_t taken[MOST_MODIFIERS];

	if (modifiers) {
		params.modifiers = taken;
		params.modifier_count = importable(device, format, modifiers, count, taken);
		if (params.modifier_count == 0) {
			say_once(WHY_MODIFIER, "%s: Mesa allocates some buffers, since it imports %.4s with none of their modifiers",
				 broker_name(wrapped->broker), (const char *)&format);
			return NULL;
		}
	}
	/* Whatever the flags say: EGL draws into what is made for a display, and the next one samples it. */
	params.usage = DMABROKER_USAGE_SAMPLE | DMABROKER_USAGE_RENDER;
	if (usage & GBM_BO_USE_SCANOUT)
		params.usage |= DMABROKER_USAGE_SCANOUT;
	return broker_allocate(wrapped->broker, &params);
}

/* ---- what Mesa makes of it ------------------------------------------------------------------------ */

static struct gbm_bo *import(const struct wrapped *wrapped, struct gbm_device *device,
			     const struct dmabroker_buffer *buffer, uint32_t usage)
{
	const struct dmabroker_buffer_info *info = dmabroker_buffer_info(buffer);
	struct gbm_import_fd_modifier_data data = {
		.width = info->width,
		.height = info->height,
		.format = info->format,
		.num_fds = info->plane_count,
		.modifier = info->modifier,
	};

	if (info->plane_count > GBM_MAX_PLANES)
		return NULL;
	for (unsigned i = 0; i < info->plane_count; i++) {
		const struct dmabroker_plane *plane = dmabroker_buffer_plane(buffer, i);

		data.fds[i] = plane->fd;
		data.strides[i] = (int)plane->stride;
		data.offsets[i] = (int)plane->offset;
	}
	return wrapped->mesa.bo_import(device, GBM_BO_IMPORT_FD_MODIFIER, &data,
				       usage & (GBM_BO_USE_SCANOUT | GBM_BO_USE_RENDERING | GBM_BO_USE_LINEAR));
}

/*
 * Mesa's software rendering maps what it draws into by MODE_MAP_DUMB, which drivers may refuse for imported memory
 * (drm_gem_dumb_map_offset of Linux does): a program would end at its first frame. A driver of hardware may refuse it, too, and
 * draw all the same: then Mesa is asked to map a pixel.
 */
static bool maps(const struct wrapped *wrapped, struct gbm_bo *bo)
{
	struct drm_mode_map_dumb dumb = { .handle = wrapped->mesa.bo_get_handle(bo, 0).u32 };
	uint32_t stride = 0;
	void *data = NULL;

	if (ioctl(wrapped->mesa.fd, DRM_IOCTL_MODE_MAP_DUMB, &dumb) == 0)
		return true;
	if (!wrapped->mesa.bo_map(bo, 0, 0, 1, 1, GBM_BO_TRANSFER_READ, &stride, &data))
		return false;
	wrapped->mesa.bo_unmap(bo, data);
	return true;
}

/* Tried with a page, since Mesa 25.0 never lets go of what it could not map (llvmpipe_transfer_map_ms). */
static bool can_draw(struct wrapped *wrapped, struct gbm_device *device)
{
	if (wrapped->draws != UNKNOWN)
		return wrapped->draws == DRAWS;
	struct dmabroker_buffer *buffer = allocate(wrapped, device, 16, 16, GBM_FORMAT_XRGB8888, 0, NULL, 0);
	struct gbm_bo *bo = buffer ? import(wrapped, device, buffer, 0) : NULL;

	if (bo) {
		wrapped->draws = maps(wrapped, bo) ? DRAWS : DOES_NOT;
		wrapped->mesa.bo_destroy(bo);
	}
	if (buffer && wrapped->draws != DRAWS) {
		wrapped->draws = DOES_NOT;
		say_once(WHY_MAP, "%s: Mesa allocates, since %s", broker_name(wrapped->broker),
			 bo ? "it draws by the CPU here, and the driver does not map memory that was imported" :
			      "it imports no memory here");
	}
	broker_release(wrapped->broker, buffer);
	if (wrapped->draws == DOES_NOT)
		broker_leave(wrapped->broker);
	return wrapped->draws == DRAWS;
}

/* NULL: Mesa is to allocate. */
static struct gbm_bo *brokers(struct wrapped *wrapped, struct gbm_device *device, uint32_t width, uint32_t height,
			      uint32_t format, uint32_t usage, const uint64_t *modifiers, unsigned count)
{
	const char *own = mesas_own(usage);

	if (own) {
		say_once(WHY_USAGE, "%s: Mesa allocates some buffers, since %s", broker_name(wrapped->broker), own);
		return NULL;
	}
	format = core->format_canonicalize(format);
	/* What Mesa does not make, its programs do not expect. */
	if (!wrapped->mesa.is_format_supported(device, format, usage) || !can_draw(wrapped, device))
		return NULL;
	struct dmabroker_buffer *buffer =
		allocate(wrapped, device, width, height, format, usage, modifiers, count);

	if (!buffer)
		return NULL;
	struct gbm_bo *bo = import(wrapped, device, buffer, usage);

	if (!bo)
		say_once(WHY_IMPORT, "%s: Mesa allocates some buffers, since it does not import %.4s of %ux%u from %s: %s",
			 broker_name(wrapped->broker), (const char *)&format, width, height,
			 dmabroker_buffer_info(buffer)->source, strerror(errno));
	else if (broker_keep(wrapped->broker, buffer, bo))
		return bo;
	else
		wrapped->mesa.bo_destroy(bo);
	broker_release(wrapped->broker, buffer);
	return NULL;
}

/* ---- Mesa's functions that are replaced ------------------------------------------------------------ */

static struct gbm_bo *bo_create(struct gbm_device *device, uint32_t width, uint32_t height, uint32_t format,
				uint32_t usage, const uint64_t *modifiers, unsigned count)
{
	struct wrapped *wrapped = of(device);
	int number = errno;
	struct gbm_bo *bo = brokers(wrapped, device, width, height, format, usage, modifiers, count);

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
	const struct gbm_backend *mesa = mesa_open(core, fd, &wrapped->library);
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
