/*
 * A buffer of the broker's that is a bo of Mesa's: what is asked for, what Mesa makes of it, and whether it can draw into it.
 * Whatever goes wrong, the answer is that Mesa is to allocate.
 */
#define _GNU_SOURCE
#include <drm.h>
#include <drm_fourcc.h>
#include <drm_mode.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "backend.h"

#define MOST_MODIFIERS 64

/* Later than the gbm.h of Debian 12. */
#ifndef GBM_BO_FIXED_COMPRESSION_MASK
#define GBM_BO_FIXED_COMPRESSION_MASK (((1u << 11) - 1) & ~((1u << 7) - 1))
#endif

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
				 wrapped->broker->name, (const char *)&format);
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
 * Whether a display's driver takes it: one may have the memory but not show it (amdgpu's does not show what was imported, where
 * the GPU has memory of its own), and the program would find out when it is too late. Asked as a program does, by a framebuffer.
 */
static bool shows(const struct wrapped *wrapped, struct gbm_bo *bo, const struct dmabroker_buffer *buffer)
{
	const struct dmabroker_buffer_info *info = dmabroker_buffer_info(buffer);
	struct drm_mode_fb_cmd2 frame = {
		.width = info->width,
		.height = info->height,
		.pixel_format = info->format,
		.flags = DRM_MODE_FB_MODIFIERS,
	};

	for (unsigned i = 0; i < info->plane_count; i++) {
		frame.handles[i] = wrapped->mesa.bo_get_handle(bo, (int)i).u32;
		frame.pitches[i] = wrapped->mesa.bo_get_stride(bo, (int)i);
		frame.offsets[i] = wrapped->mesa.bo_get_offset(bo, (int)i);
		frame.modifier[i] = info->modifier;
	}
	int result = ioctl(wrapped->mesa.fd, DRM_IOCTL_MODE_ADDFB2, &frame);

	if (result < 0 && errno == EINVAL && info->modifier == DRM_FORMAT_MOD_LINEAR) {
		/* A driver that knows no modifiers. */
		frame.flags = 0;
		memset(frame.modifier, 0, sizeof frame.modifier);
		result = ioctl(wrapped->mesa.fd, DRM_IOCTL_MODE_ADDFB2, &frame);
	}
	if (result == 0)
		ioctl(wrapped->mesa.fd, DRM_IOCTL_MODE_RMFB, &frame.fb_id);
	/* A render node, or a device without a display, is asked by nobody what it shows. */
	return result == 0 || errno == EACCES || errno == EOPNOTSUPP || errno == ENOTTY;
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
		say_once(WHY_MAP, "%s: Mesa allocates, since %s", wrapped->broker->name,
			 bo ? "it draws by the CPU here, and the driver does not map memory that was imported" :
			      "it imports no memory here");
	}
	broker_release(wrapped->broker, buffer);
	if (wrapped->draws == DOES_NOT)
		broker_leave(wrapped->broker);
	return wrapped->draws == DRAWS;
}

struct gbm_bo *memory_create(struct wrapped *wrapped, struct gbm_device *device, uint32_t width, uint32_t height,
			     uint32_t format, uint32_t usage, const uint64_t *modifiers, unsigned count)
{
	const char *own = mesas_own(usage);

	if (own) {
		say_once(WHY_USAGE, "%s: Mesa allocates some buffers, since %s", wrapped->broker->name, own);
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
			 wrapped->broker->name, (const char *)&format, width, height,
			 dmabroker_buffer_info(buffer)->source, strerror(errno));
	else if ((usage & GBM_BO_USE_SCANOUT) && !shows(wrapped, bo, buffer))
		say_once(WHY_DISPLAY, "%s: Mesa allocates some buffers, since the display does not take %.4s of %ux%u from %s: %s",
			 wrapped->broker->name, (const char *)&format, width, height,
			 dmabroker_buffer_info(buffer)->source, strerror(errno));
	else if (broker_keep(wrapped->broker, buffer, bo))
		return bo;
	if (bo)
		wrapped->mesa.bo_destroy(bo);
	broker_release(wrapped->broker, buffer);
	return NULL;
}
