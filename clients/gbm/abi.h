/*
 * What libgbm and its backends say to each other: Mesa's src/gbm/main/gbm_backend_abi.h, which nobody installs. Here are the
 * layouts of version 0 as they were compared with Mesa 25.0's source. They are frozen: later versions append to the structs
 * around them. Of version 1 there is nothing new but that bo_create is told the usage beside modifiers, too.
 */
#ifndef DMABROKER_GBM_ABI_H
#define DMABROKER_GBM_ABI_H

#include <gbm.h>
#include <stddef.h>
#include <stdint.h>

/* The latest that is known here. */
#define ABI_VERSION 1

struct gbm_device {
	struct gbm_device *(*dummy)(int);
	const void *backend_desc;
	uint32_t backend_version;
	int fd;
	const char *name;
	void (*destroy)(struct gbm_device *device);
	int (*is_format_supported)(struct gbm_device *device, uint32_t format, uint32_t usage);
	int (*get_format_modifier_plane_count)(struct gbm_device *device, uint32_t format, uint64_t modifier);
	struct gbm_bo *(*bo_create)(struct gbm_device *device, uint32_t width, uint32_t height, uint32_t format,
				    uint32_t usage, const uint64_t *modifiers, unsigned int count);
	struct gbm_bo *(*bo_import)(struct gbm_device *device, uint32_t type, void *buffer, uint32_t usage);
	void *(*bo_map)(struct gbm_bo *bo, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
			uint32_t flags, uint32_t *stride, void **map_data);
	void (*bo_unmap)(struct gbm_bo *bo, void *map_data);
	int (*bo_write)(struct gbm_bo *bo, const void *from, size_t size);
	int (*bo_get_fd)(struct gbm_bo *bo);
	int (*bo_get_planes)(struct gbm_bo *bo);
	union gbm_bo_handle (*bo_get_handle)(struct gbm_bo *bo, int plane);
	int (*bo_get_plane_fd)(struct gbm_bo *bo, int plane);
	uint32_t (*bo_get_stride)(struct gbm_bo *bo, int plane);
	uint32_t (*bo_get_offset)(struct gbm_bo *bo, int plane);
	uint64_t (*bo_get_modifier)(struct gbm_bo *bo);
	void (*bo_destroy)(struct gbm_bo *bo);
	/* What surfaces have is theirs: their buffers are made by bo_create. */
};

struct gbm_backend {
	uint32_t backend_version;
	const char *backend_name;
	struct gbm_device *(*create_device)(int fd, uint32_t version);
};

struct gbm_core {
	uint32_t core_version;
	uint32_t (*format_canonicalize)(uint32_t format);
};

const struct gbm_backend *gbmint_get_backend(const struct gbm_core *core);

#endif
