/* Why: three examples move raw frames between files and the broker's buffers; the formats that they know are here. */
#include <err.h>
#include <string.h>

#include "picture.h"

#define PACKED(name, bytes) { name, 1, { { bytes, 1, 1 } } }

static const struct picture_format formats[] = {
	PACKED("XR24", 4),
	PACKED("AR24", 4),
	PACKED("RG24", 3),
	PACKED("BG24", 3),
	PACKED("RG16", 2),
	{ "NV12", 2, { { 1, 1, 1 }, { 2, 2, 2 } } },
	{ "YU12", 3, { { 1, 1, 1 }, { 1, 2, 2 }, { 1, 2, 2 } } },
};

const struct picture_format *picture_named(const char *name)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

uint32_t picture_fourcc(const struct picture_format *format)
{
	return DMABROKER_FOURCC(format->name[0], format->name[1], format->name[2], format->name[3]);
}

static size_t row_bytes(const struct picture_format *format, unsigned plane, uint32_t width)
{
	unsigned across = format->plane[plane].across;

	return (width + across - 1) / across * (size_t)format->plane[plane].bytes;
}

static size_t rows(const struct picture_format *format, unsigned plane, uint32_t height)
{
	unsigned down = format->plane[plane].down;

	return (height + down - 1) / down;
}

size_t picture_size(const struct picture_format *format, uint32_t width, uint32_t height)
{
	size_t size = 0;

	for (unsigned i = 0; i < format->planes; i++)
		size += row_bytes(format, i, width) * rows(format, i, height);
	return size;
}

/* Whether there was a frame. */
static bool move(FILE *file, const struct picture_format *format, struct dmabroker_buffer *buffer, uint32_t access)
{
	const struct dmabroker_buffer_info *info = dmabroker_buffer_info(buffer);
	bool writing = access == DMABROKER_READ, some = false;
	struct dmabroker_mapping *mapping;

	/* All planes are in one memory: none was asked for in its own. */
	if (info->memory_count != 1 || dmabroker_buffer_map(buffer, 0, access, &mapping) ||
	    dmabroker_mapping_begin(mapping, access))
		errx(1, "the buffer cannot be mapped");
	for (unsigned i = 0; i < format->planes; i++) {
		const struct dmabroker_plane *plane = dmabroker_buffer_plane(buffer, i);
		uint8_t *row = (uint8_t *)dmabroker_mapping_data(mapping) + plane->offset;
		size_t length = row_bytes(format, i, info->width);

		for (size_t y = 0; y < rows(format, i, info->height); y++, row += plane->stride) {
			size_t moved = writing ? fwrite(row, 1, length, file) : fread(row, 1, length, file);

			if (moved == length) {
				some = true;
				continue;
			}
			if (writing || ferror(file))
				err(1, "a frame");
			if (some || moved > 0)
				errx(1, "the last frame is not whole");
			goto done;
		}
	}
done:
	if (dmabroker_mapping_end(mapping, access))
		err(1, "DMA_BUF_IOCTL_SYNC");
	dmabroker_unmap(mapping);
	return some;
}

bool picture_read(FILE *file, const struct picture_format *format, struct dmabroker_buffer *buffer)
{
	return move(file, format, buffer, DMABROKER_WRITE);
}

void picture_write(FILE *file, const struct picture_format *format, struct dmabroker_buffer *buffer)
{
	move(file, format, buffer, DMABROKER_READ);
}
