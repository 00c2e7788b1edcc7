/* A buffer of a connection that is over goes on in another one: adopted, or imported where the daemon knew nothing of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define LONGEST_LEASE 86400
/* In milliseconds: while the daemon has not heard yet that the earlier connection is over. */
static const long pauses[] = { 5, 20, 80, 320, 1280 };
#define PAUSES (sizeof pauses / sizeof *pauses)

/* What the buffer is, and its planes, as import wants it; false where not all fds are here any more. */
static bool describe(struct dmabroker_buffer *buffer, struct dmabroker_params *params,
		     struct dmabroker_plane_layout *planes)
{
	const struct dmabroker_buffer_info *info = &buffer->what->info;
	double left = dmabroker_buffer_state(buffer)->lease_seconds;

	*params = info->format ? dmabroker_image(info->width, info->height, info->format) :
				 dmabroker_linear(info->size);
	if (info->format) {
		params->modifiers = &info->modifier;
		params->modifier_count = 1;
	}
	params->usage = buffer->usage;
	params->device = info->device;
	if (buffer->state.leased)
		params->lease_seconds = left < LONGEST_LEASE ? (uint32_t)left + 1 : LONGEST_LEASE;
	else
		params->lifetime = buffer->lifetime;
	for (unsigned i = 0; i < info->plane_count; i++) {
		planes[i] = (struct dmabroker_plane_layout){ .offset = buffer->what->planes[i].offset,
							     .stride = buffer->what->planes[i].stride,
							     .fd = buffer->what->planes[i].fd };
		if (planes[i].fd < 0)
			return false;
	}
	params->planes = planes;
	params->plane_count = info->plane_count;
	return true;
}

static bool is_busy(const struct dmabroker *client)
{
	const struct error *error = &client->error;
	char *constraint = error->detail ? json_member(error->detail, "constraint") : NULL;
	bool busy = error->told.code == DMABROKER_CODE_BUSY && constraint &&
		    strcmp(constraint, "\"session\"") == 0;

	free(constraint);
	return busy;
}

/* The new one's object and description; its own fds stay, which are of the same memory. */
static void become(struct dmabroker_buffer *buffer, struct dmabroker_buffer *fresh)
{
	struct description *old = buffer->what;

	for (unsigned i = 0; i < MAX_PLANES; i++) {
		int fd = fresh->what->planes[i].fd;

		fresh->what->planes[i].fd = old->planes[i].fd;
		old->planes[i].fd = fd;
		for (unsigned j = 0; j < MAX_FURTHER; j++) {
			struct further further = fresh->what->further[i][j];

			fresh->what->further[i][j] = old->further[i][j];
			old->further[i][j] = further;
		}
	}
	buffer->what = fresh->what;
	fresh->what = NULL;
	description_free(old);
	buffer->state = fresh->state;
	buffer->lease_ends = fresh->lease_ends;
	buffer_take_object(buffer, fresh);
}

int dmabroker_buffer_move(struct dmabroker_buffer *buffer, struct dmabroker *client)
{
	struct dmabroker *earlier = buffer->client;
	struct dmabroker_plane_layout planes[MAX_PLANES];
	struct dmabroker_params params;
	struct dmabroker_buffer *fresh;

	if (!earlier || earlier == client || earlier->state != CLIENT_ENDED || !earlier->session ||
	    !buffer->object)
		return error_say(&client->error, DMABROKER_INVALID,
				 "a buffer is moved from a connection that has ended and is still there");
	bool whole = describe(buffer, &params, planes);

	for (size_t tried = 0;; tried++) {
		int result = dmabroker_adopt(client, buffer->what->info.id, earlier->session,
					     whole ? &params : NULL, &fresh);

		if (result == DMABROKER_OK)
			break;
		if (result != DMABROKER_REFUSED || tried == PAUSES || !is_busy(client))
			return result;
		nanosleep(&(struct timespec){ .tv_sec = pauses[tried] / 1000,
					      .tv_nsec = pauses[tried] % 1000 * 1000000 },
			  NULL);
	}
	become(buffer, fresh);
	dmabroker_buffer_destroy(fresh);
	return DMABROKER_OK;
}
