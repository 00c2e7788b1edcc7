/*
 * KMS by atomic commits (https://docs.kernel.org/gpu/drm-kms.html). Whether a display takes a buffer only its driver knows, and it
 * says so to who is master of the card alone: whoever opens a card first, or is given it by logind. So who asks is the
 * program that shows, and no daemon beside it that was not told that nobody does: opening a card where nobody is master makes one
 * master, which is then in the way of the compositor.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <drm_fourcc.h>
#include <xf86drm.h>

#include "display.h"
#include "find.h"

enum { CARDS = 16, WRITEBACK_MS = 5000 };

/* Where a property has a value of that name, its number. */
static bool value_named(int fd, uint32_t number, const char *name, uint64_t *value)
{
	drmModePropertyRes *each = drmModeGetProperty(fd, number);
	bool found = false;

	for (int i = 0; each && i < each->count_enums && !found; i++)
		if (strcmp(each->enums[i].name, name) == 0) {
			found = true;
			*value = each->enums[i].value;
		}
	drmModeFreeProperty(each);
	return found;
}

/* Whether it is the card that is meant; then it is open, with all that an atomic client may see. */
static bool open_card(struct display *d, const char *card)
{
	drmVersion *version;

	d->fd = open(d->path, O_RDWR | O_CLOEXEC);
	if (d->fd < 0)
		return false;
	version = drmGetVersion(d->fd);
	snprintf(d->driver, sizeof d->driver, "%s", version ? version->name : "");
	drmFreeVersion(version);
	if ((!card || strcmp(card, d->path) == 0 || strcmp(card, d->driver) == 0) &&
	    drmSetClientCap(d->fd, DRM_CLIENT_CAP_ATOMIC, 1) == 0) {
		drmSetClientCap(d->fd, DRM_CLIENT_CAP_WRITEBACK_CONNECTORS, 1);
		return true;
	}
	close(d->fd);
	return false;
}

void display_open(struct display *d, const char *card, uint32_t width, uint32_t height)
{
	uint64_t modifiers = 0;

	for (int i = 0; i < CARDS; i++) {
		*d = (struct display){ .fd = -1 };
		snprintf(d->path, sizeof d->path, "/dev/dri/card%d", i);
		if (!open_card(d, card))
			continue;
		if (display_choose(d, width, height))
			break;
		close(d->fd);
		d->fd = -1;
	}
	if (d->fd < 0)
		errx(1, "there is no display %s%sthat has this size and does atomic commits", card ? card : "", card ? " " : "");
	if (!drmIsMaster(d->fd) && drmSetMaster(d->fd) < 0)
		errx(1, "another program shows on %s (%s): it alone may ask it (%s)", d->path, d->driver, strerror(errno));
	drmGetCap(d->fd, DRM_CAP_ADDFB2_MODIFIERS, &modifiers);
	d->has_modifiers = modifiers != 0;
	if (drmModeCreatePropertyBlob(d->fd, &d->mode, sizeof d->mode, &d->mode_blob) < 0)
		err(1, "%s: its mode", d->path);
}

/* What is shown ends with it: the kernel removes this program's framebuffers. */
void display_close(struct display *d)
{
	drmModeDestroyPropertyBlob(d->fd, d->mode_blob);
	close(d->fd);
}

size_t display_formats(const struct display *d, uint32_t *formats, size_t most)
{
	drmModePlane *plane = drmModeGetPlane(d->fd, d->plane);
	size_t count = 0;

	for (; plane && count < plane->count_formats && count < most; count++)
		formats[count] = plane->formats[count];
	drmModeFreePlane(plane);
	return count;
}

size_t display_modifiers(const struct display *d, uint32_t format, uint64_t *modifiers, size_t most)
{
	drmModeFormatModifierIterator iterator = { 0 };
	drmModePropertyBlobRes *blob = NULL;
	uint64_t number = 0;
	size_t count = 0;

	if (display_property(d->fd, d->plane, DRM_MODE_OBJECT_PLANE, "IN_FORMATS", &number))
		blob = drmModeGetPropertyBlob(d->fd, (uint32_t)number);
	while (blob && count < most && drmModeFormatModifierBlobIterNext(blob, &iterator))
		if (iterator.fmt == format)
			modifiers[count++] = iterator.mod;
	if (!blob && most > 0)
		modifiers[count++] = DRM_FORMAT_MOD_LINEAR;
	drmModeFreePropertyBlob(blob);
	return count;
}

uint32_t display_framebuffer(const struct display *d, struct dmabroker_buffer *buffer)
{
	const struct dmabroker_buffer_info *info = dmabroker_buffer_info(buffer);
	uint32_t handles[4] = { 0 }, strides[4] = { 0 }, offsets[4] = { 0 }, framebuffer = 0;
	uint64_t modifiers[4] = { 0 };
	int result = 0, error;

	for (unsigned i = 0; i < info->plane_count && result == 0; i++) {
		const struct dmabroker_plane *plane = dmabroker_buffer_plane(buffer, i);

		/* The same memory has the same handle, which is not counted. */
		result = drmPrimeFDToHandle(d->fd, plane->fd, &handles[i]);
		strides[i] = plane->stride;
		offsets[i] = plane->offset;
		modifiers[i] = info->modifier;
	}
	if (result == 0)
		result = drmModeAddFB2WithModifiers(d->fd, info->width, info->height, info->format, handles, strides,
						    offsets, d->has_modifiers ? modifiers : NULL, &framebuffer,
						    d->has_modifiers ? DRM_MODE_FB_MODIFIERS : 0);
	error = result == 0 ? 0 : errno;
	/* The framebuffer has references of its own. */
	for (unsigned i = 0; i < info->plane_count; i++) {
		struct drm_gem_close gem = { .handle = handles[i] };

		if (handles[i] && (i == 0 || handles[i] != handles[i - 1]))
			drmIoctl(d->fd, DRM_IOCTL_GEM_CLOSE, &gem);
	}
	errno = error;
	return result == 0 ? framebuffer : 0;
}

void display_forget(const struct display *d, uint32_t framebuffer)
{
	drmModeRmFB(d->fd, framebuffer);
}

static void set(drmModeAtomicReq *request, const struct display *d, uint32_t object, uint32_t type, const char *name,
		uint64_t value)
{
	uint32_t number = display_property(d->fd, object, type, name, NULL);

	if (!number || drmModeAtomicAddProperty(request, object, number, value) < 0)
		errx(1, "%s has no %s", d->path, name);
}

/* What luma and chroma mean, as frames of video have them; drivers differ in what they take them for where nothing is said. */
static void set_colours(drmModeAtomicReq *request, const struct display *d)
{
	static const char *const wanted[][2] = {
		{ "COLOR_ENCODING", "ITU-R BT.601 YCbCr" },
		{ "COLOR_RANGE", "YCbCr limited range" },
	};

	for (int i = 0; i < 2; i++) {
		uint32_t number = display_property(d->fd, d->plane, DRM_MODE_OBJECT_PLANE, wanted[i][0], NULL);
		uint64_t value;

		if (number && value_named(d->fd, number, wanted[i][1], &value))
			drmModeAtomicAddProperty(request, d->plane, number, value);
	}
}

/*
 * The whole state of the display, so that what was shown before does not matter. `into`: where it is written back, 0 for nowhere;
 * `alone`: without the connector that people look at.
 */
static int commit(const struct display *d, uint32_t framebuffer, uint32_t into, bool alone, uint32_t flags, int *fence)
{
	const uint32_t plane = DRM_MODE_OBJECT_PLANE, connector = DRM_MODE_OBJECT_CONNECTOR;
	drmModeAtomicReq *request = drmModeAtomicAlloc();
	uint32_t width = d->mode.hdisplay, height = d->mode.vdisplay;
	int result;

	if (!request)
		errx(1, "no memory");
	set(request, d, d->crtc, DRM_MODE_OBJECT_CRTC, "MODE_ID", d->mode_blob);
	set(request, d, d->crtc, DRM_MODE_OBJECT_CRTC, "ACTIVE", 1);
	set(request, d, d->connector, connector, "CRTC_ID", alone ? 0 : d->crtc);
	set(request, d, d->plane, plane, "FB_ID", framebuffer);
	set(request, d, d->plane, plane, "CRTC_ID", d->crtc);
	set(request, d, d->plane, plane, "SRC_X", 0);
	set(request, d, d->plane, plane, "SRC_Y", 0);
	set(request, d, d->plane, plane, "SRC_W", (uint64_t)width << 16);
	set(request, d, d->plane, plane, "SRC_H", (uint64_t)height << 16);
	set(request, d, d->plane, plane, "CRTC_X", 0);
	set(request, d, d->plane, plane, "CRTC_Y", 0);
	set(request, d, d->plane, plane, "CRTC_W", width);
	set(request, d, d->plane, plane, "CRTC_H", height);
	set_colours(request, d);
	if (d->writeback)
		set(request, d, d->writeback, connector, "CRTC_ID", into ? d->crtc : 0);
	if (into) {
		set(request, d, d->writeback, connector, "WRITEBACK_FB_ID", into);
		set(request, d, d->writeback, connector, "WRITEBACK_OUT_FENCE_PTR", (uint64_t)(uintptr_t)fence);
	}
	result = drmModeAtomicCommit(d->fd, request, flags | DRM_MODE_ATOMIC_ALLOW_MODESET, NULL);
	drmModeAtomicFree(request);
	return result == 0 ? 0 : -result;
}

int display_test(const struct display *d, uint32_t framebuffer)
{
	return commit(d, framebuffer, 0, false, DRM_MODE_ATOMIC_TEST_ONLY, NULL);
}

void display_show(const struct display *d, uint32_t framebuffer)
{
	int error = commit(d, framebuffer, 0, false, 0, NULL);

	if (error)
		errx(1, "%s does not show it: %s", d->path, strerror(error));
}

void display_write_back(const struct display *d, uint32_t framebuffer, uint32_t into)
{
	struct pollfd poller = { .fd = -1, .events = POLLIN };
	/* Some drivers have no writeback beside a display: vkms until Linux 6.12, for one. */
	bool alone = commit(d, framebuffer, into, false, DRM_MODE_ATOMIC_TEST_ONLY, &poller.fd) != 0;
	int error = commit(d, framebuffer, into, alone, 0, &poller.fd);

	if (error)
		errx(1, "%s does not write back into that: %s", d->path, strerror(error));
	if (poll(&poller, 1, WRITEBACK_MS) != 1)
		errx(1, "%s has not written it within %d ms", d->path, WRITEBACK_MS);
	close(poller.fd);
}
