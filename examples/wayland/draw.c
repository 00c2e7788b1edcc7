/*
 * Draws with the CPU into the planes as the broker described them. The pictures tell on everybody
 * who mistakes a stride, an offset or the order of bytes: no two neighbouring pixels (AR24) or
 * blocks (NV12) are alike.
 */
#include <err.h>
#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/dma-buf.h>

#include "broker.h"
#include "draw.h"

#define BLOCK 16

static void sync_dma_buf(int fd, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };
	int result;

	do
		result = ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync);
	while (result < 0 && (errno == EINTR || errno == EAGAIN));
	if (result < 0)
		err(1, "DMA_BUF_IOCTL_SYNC");
}

/* Something else in every pixel of a row and in every row, and opaque. */
static void draw_ar24(const struct broker_buffer *b, uint8_t *memory)
{
	const struct broker_plane *plane = &b->planes[0];

	for (uint32_t y = 0; y < b->height; y++) {
		uint32_t *row = (uint32_t *)(memory + plane->offset + (size_t)y * plane->stride);

		for (uint32_t x = 0; x < b->width; x++)
			row[x] = 0xff000000u | (x & 0xff) << 16 | (y & 0xff) << 8 | ((x ^ y) & 0xff);
	}
}

/*
 * One colour a block of 16x16 pixels, so that how a compositor places chroma between pixels does
 * not matter inside of it. Limited range: Y is 16 to 235, U and V are 16 to 240.
 */
static void draw_nv12(const struct broker_buffer *b, uint8_t *memory)
{
	const struct broker_plane *luma = &b->planes[0], *chroma = &b->planes[1];

	for (uint32_t y = 0; y < b->height; y++) {
		uint8_t *row = memory + luma->offset + (size_t)y * luma->stride;

		for (uint32_t x = 0; x < b->width; x++)
			row[x] = 16 + (x / BLOCK * 37 + y / BLOCK * 11) % 220;
	}
	for (uint32_t y = 0; y < b->height; y += 2) {
		uint8_t *row = memory + chroma->offset + (size_t)(y / 2) * chroma->stride;

		for (uint32_t x = 0; x < b->width; x += 2) {
			row[x] = 16 + x / BLOCK * 53 % 225;
			row[x + 1] = 16 + y / BLOCK * 71 % 225;
		}
	}
}

void draw(const struct broker_buffer *buffer)
{
	int fd = buffer->planes[0].fd;
	void *memory = mmap(NULL, buffer->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		err(1, "mmap of a dma_buf");
	sync_dma_buf(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	if (buffer->format == FORMAT_NV12)
		draw_nv12(buffer, memory);
	else
		draw_ar24(buffer, memory);
	sync_dma_buf(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
	munmap(memory, buffer->size);
}
