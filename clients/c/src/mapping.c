/*
 * Mapped memory. A mapping has a duplicate of the fd: DMA_BUF_IOCTL_SYNC wants one, and the buffer, which owns the other,
 * may be gone. DMA_BUF_IOCTL_SYNC is interrupted by signals, and asked again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "internal.h"

_Static_assert(DMABROKER_READ == DMA_BUF_SYNC_READ && DMABROKER_WRITE == DMA_BUF_SYNC_WRITE,
	       "passed on as they are");

struct dmabroker_mapping {
	void *data;
	size_t size;
	int fd; /* ours */
	bool is_dma_buf;
};

/* Any plane's that lies in it and was not taken. */
static int fd_of(const struct description *what, unsigned memory)
{
	for (unsigned i = 0; i < what->info.plane_count; i++)
		if (what->planes[i].memory == memory && what->planes[i].fd >= 0)
			return what->planes[i].fd;
	return -1;
}

/* The client may be gone: then errno alone says what it was. */
static int fail(struct dmabroker_buffer *buffer, const char *what)
{
	int number = errno;

	if (buffer->client)
		error_system(&buffer->client->error, number, what);
	errno = number;
	return DMABROKER_SYSTEM;
}

static int refuse(struct dmabroker_buffer *buffer, const char *why)
{
	if (buffer->client)
		error_say(&buffer->client->error, DMABROKER_INVALID, "%s", why);
	errno = EINVAL;
	return DMABROKER_INVALID;
}

int dmabroker_buffer_map(struct dmabroker_buffer *buffer, unsigned memory, uint32_t access,
			 struct dmabroker_mapping **mapping)
{
	const struct description *what = buffer->what;
	int protection = (access & DMABROKER_READ ? PROT_READ : 0) |
			 (access & DMABROKER_WRITE ? PROT_READ | PROT_WRITE : 0);

	*mapping = NULL;
	if (!protection || access & ~(uint32_t)DMABROKER_READ_WRITE)
		return refuse(buffer, "access: DMABROKER_READ, DMABROKER_WRITE or both");
	if (memory >= what->info.memory_count)
		return refuse(buffer, "memory: there is none of this number");
	if (what->info.handle_type == DMABROKER_HANDLE_TYPE_OPAQUE_FD)
		return refuse(buffer, "an opaque_fd cannot be mapped: it is for Vulkan and CUDA");
	if (fd_of(what, memory) < 0)
		return refuse(buffer, "there is no fd of this memory: it was taken, or this is a plan");
	if (what->memories[memory] > SIZE_MAX)
		return refuse(buffer, "memory: larger than what this process can map");
	struct dmabroker_mapping *made = calloc(1, sizeof *made);

	if (!made)
		return fail(buffer, "mapping");
	made->size = (size_t)what->memories[memory];
	made->is_dma_buf = what->info.handle_type == DMABROKER_HANDLE_TYPE_DMA_BUF;
	made->fd = fcntl(fd_of(what, memory), F_DUPFD_CLOEXEC, 0);
	made->data = made->fd < 0 ? MAP_FAILED :
				    mmap(NULL, made->size, protection, MAP_SHARED, made->fd, 0);
	if (made->data == MAP_FAILED) {
		int result = fail(buffer, "mapping"), number = errno;

		if (made->fd >= 0)
			close(made->fd);
		free(made);
		errno = number;
		return result;
	}
	*mapping = made;
	return DMABROKER_OK;
}

void *dmabroker_mapping_data(const struct dmabroker_mapping *mapping)
{
	return mapping->data;
}

size_t dmabroker_mapping_size(const struct dmabroker_mapping *mapping)
{
	return mapping->size;
}

static int synchronise(struct dmabroker_mapping *mapping, uint64_t when, uint32_t access)
{
	struct dma_buf_sync sync = { .flags = when | (access & DMABROKER_READ_WRITE) };
	int result;

	if (!mapping->is_dma_buf)
		return DMABROKER_OK; /* a memfd is ordinary memory */
	do
		result = ioctl(mapping->fd, DMA_BUF_IOCTL_SYNC, &sync);
	while (result < 0 && (errno == EINTR || errno == EAGAIN));
	return result < 0 ? DMABROKER_SYSTEM : DMABROKER_OK;
}

int dmabroker_mapping_begin(struct dmabroker_mapping *mapping, uint32_t access)
{
	return synchronise(mapping, DMA_BUF_SYNC_START, access);
}

int dmabroker_mapping_end(struct dmabroker_mapping *mapping, uint32_t access)
{
	return synchronise(mapping, DMA_BUF_SYNC_END, access);
}

void dmabroker_unmap(struct dmabroker_mapping *mapping)
{
	if (!mapping)
		return;
	munmap(mapping->data, mapping->size);
	close(mapping->fd);
	free(mapping);
}
