/*
 * Finds what is wrapped: the backend that libgbm itself would have taken, by the same order (that of the DRM driver's name, as
 * NVIDIA's is called, else Mesa's "dri"), in the same folders. $GBM_BACKENDS_PATH may name folders where Mesa's is not: the
 * folder beside libgbm is looked at in any case.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <drm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "backend.h"

/* Opens FOLDER/NAME_gbm.so, for a folder of that length. */
static void *open_in(const char *folder, size_t length, const char *name)
{
	char path[512];
	int size = snprintf(path, sizeof path, "%.*s/%s_gbm.so", (int)length, folder, name);

	return size < (int)sizeof path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
}

/* Where libgbm has its backends unless it is told otherwise: `gbm` in its own folder. */
static void *open_beside(const char *name)
{
	char path[512];
	Dl_info libgbm;
	void *function;

	/* ISO C has no conversion from a function's pointer. */
	memcpy(&function, &core->format_canonicalize, sizeof function);
	if (!dladdr(function, &libgbm) || !libgbm.dli_fname)
		return NULL;
	const char *slash = strrchr(libgbm.dli_fname, '/');
	int length = slash ? (int)(slash - libgbm.dli_fname) : 0;
	int size = snprintf(path, sizeof path, "%.*s/gbm", length, libgbm.dli_fname);

	return slash && size < (int)sizeof path ? open_in(path, (size_t)size, name) : NULL;
}

static void *open_backend(const char *name)
{
	const char *folders = secure_getenv("GBM_BACKENDS_PATH");
	void *library = NULL;

	while (!library && folders && *folders) {
		size_t length = strcspn(folders, ":");

		library = open_in(folders, length, name);
		folders += length + (folders[length] == ':');
	}
	return library ? library : open_beside(name);
}

const struct gbm_backend *mesa_open(int fd, void **library)
{
	const struct gbm_backend *(*get_backend)(const struct gbm_core *);
	char driver[64] = "";
	struct drm_version version = { .name_len = sizeof driver - 1, .name = driver };
	void *found = NULL;

	if (ioctl(fd, DRM_IOCTL_VERSION, &version) == 0 && version.name_len < sizeof driver &&
	    !strchr(driver, '/') && strcmp(driver, "dmabroker") != 0 && driver[0])
		found = open_backend(driver);
	if (!found)
		found = open_backend("dri");
	if (!found) {
		say_once(WHY_BACKEND, "libgbm is left alone, since Mesa's backend (dri_gbm.so) is not found");
		return NULL;
	}
	*(void **)&get_backend = dlsym(found, "gbmint_get_backend");
	const struct gbm_backend *backend = get_backend ? get_backend(core) : NULL;

	if (backend) {
		*library = found;
		return backend;
	}
	say_once(WHY_BACKEND, "libgbm is left alone, since what it has for %s is no backend", driver);
	dlclose(found);
	return NULL;
}
