/* A V4L2 capture device (single-planar API) and its memory. */
#ifndef DEVICE_H
#define DEVICE_H

#include <stddef.h>
#include <stdint.h>

struct device {
	const char *path;
	int fd; /* ours until device_close */
	uint32_t memory; /* enum v4l2_memory */
	uint32_t size_image; /* bytes that a frame takes */
	uint32_t stride;
};

void device_open(struct device *device, const char *path);
void device_close(struct device *device);

/*
 * A frame of exactly this layout, or the end of the program; stride 0: the driver's choice. The
 * fourcc is one that V4L2 and DRM share.
 */
void device_set_format(struct device *device, uint32_t width, uint32_t height, uint32_t fourcc,
		       uint32_t stride);

/*
 * V4L2_MEMORY_DMABUF: where each frame goes is said with the fd that is queued.
 * V4L2_MEMORY_MMAP: the driver allocates, and can export.
 */
void device_request_buffers(struct device *device, uint32_t memory, uint32_t count);

/* The driver takes a reference of its own; the fd stays the caller's. */
void device_queue_dmabuf(struct device *device, uint32_t index, int fd, size_t length);

/* For V4L2_MEMORY_MMAP: a dma_buf of the driver's memory, which is the caller's to close. */
int device_export(struct device *device, uint32_t index);
void device_queue(struct device *device, uint32_t index);

/* Waits for a frame; returns its buffer's index. */
uint32_t device_dequeue(struct device *device);

void device_start(struct device *device);
void device_stop(struct device *device);

#endif
