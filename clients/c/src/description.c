/* What a buffer is: its texts, its memories, and its planes with their fds, until they are taken. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

struct description *description_new(void)
{
	struct description *what = calloc(1, sizeof *what);

	if (!what)
		return NULL;
	for (unsigned i = 0; i < MAX_PLANES; i++)
		what->planes[i].fd = -1;
	what->info.id = what->id;
	what->info.source = what->source;
	return what;
}

void description_free(struct description *what)
{
	if (!what)
		return;
	for (unsigned i = 0; i < MAX_PLANES; i++) {
		if (what->planes[i].fd >= 0)
			close(what->planes[i].fd);
		for (unsigned j = 0; j < MAX_FURTHER; j++)
			if (what->further[i][j].handle_type && what->further[i][j].fd >= 0)
				close(what->further[i][j].fd);
	}
	free(what);
}

void describe_text(char *to, size_t room, const char *text)
{
	snprintf(to, room, "%s", text);
}

const struct dmabroker_buffer_info *dmabroker_buffer_info(const struct dmabroker_buffer *buffer)
{
	return &buffer->what->info;
}

const struct dmabroker_plane *dmabroker_buffer_plane(const struct dmabroker_buffer *buffer,
						     unsigned plane)
{
	return plane < buffer->what->info.plane_count ? &buffer->what->planes[plane] : NULL;
}

uint64_t dmabroker_buffer_memory_size(const struct dmabroker_buffer *buffer, unsigned memory)
{
	return memory < buffer->what->info.memory_count ? buffer->what->memories[memory] : 0;
}

int dmabroker_buffer_take_fd(struct dmabroker_buffer *buffer, unsigned plane)
{
	if (plane >= buffer->what->info.plane_count)
		return -1;
	int fd = buffer->what->planes[plane].fd;

	buffer->what->planes[plane].fd = -1;
	return fd;
}

int dmabroker_buffer_take_fd_as(struct dmabroker_buffer *buffer, unsigned plane, uint32_t handle_type)
{
	if (plane >= buffer->what->info.plane_count)
		return -1;
	if (handle_type == buffer->what->info.handle_type)
		return dmabroker_buffer_take_fd(buffer, plane);
	for (unsigned i = 0; i < MAX_FURTHER; i++) {
		struct further *further = &buffer->what->further[plane][i];

		if (handle_type == 0 || further->handle_type != handle_type)
			continue;
		int fd = further->fd;

		further->fd = -1;
		return fd;
	}
	return -1;
}
