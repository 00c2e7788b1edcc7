/* A request: what the caller's struct says, checked as far as libwayland needs it, and sent. The daemon judges the rest. */
#define _GNU_SOURCE /* fallocate */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

bool text_fits(struct dmabroker *client, const char *what, const char *text)
{
	if (!text) {
		error_say(&client->error, DMABROKER_INVALID, "%s is NULL", what);
		return false;
	}
	if (strnlen(text, MAX_TEXT + 1) > MAX_TEXT) {
		error_say(&client->error, DMABROKER_INVALID, "%s has more than %d bytes", what, MAX_TEXT);
		return false;
	}
	return true;
}

/* libwayland ends the connection where it cannot duplicate an fd that it is given: here it is the call's error. */
static bool can_be_sent(struct dmabroker *client, const char *what, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy >= 0) {
		close(copy);
		return true;
	}
	if (errno == EBADF)
		error_say(&client->error, DMABROKER_INVALID, "%s: %d is no open file descriptor", what, fd);
	else
		error_system(&client->error, errno, "a file descriptor to be sent");
	return false;
}

/* Only where it is the program's own memory, and for the calls that take one. */
static bool memory_is_good(struct dmabroker *client, const struct dmabroker_params *params, bool taken)
{
	if (!params->memory || (taken && can_be_sent(client, "memory", params->memory->fd)))
		return true;
	if (!taken)
		error_say(&client->error, DMABROKER_INVALID, "memory is for dmabroker_allocate and dmabroker_test");
	return false;
}

static bool planes_are_good(struct dmabroker *client, const struct dmabroker_params *params, bool fds)
{
	if (params->plane_count > MAX_PLANES || (params->plane_count > 0 && !params->planes)) {
		error_say(&client->error, DMABROKER_INVALID, "planes: at most %d", MAX_PLANES);
		return false;
	}
	if (fds && params->plane_count == 0) {
		error_say(&client->error, DMABROKER_INVALID, "planes: memory that is brought has some");
		return false;
	}
	/* The protocol's own rules, whose violation would end the connection (planes_mismatch). */
	if (params->plane_count > 0 &&
	    (fds ? params->modifier_count > 1 : params->modifier_count != 1)) {
		error_say(&client->error, DMABROKER_INVALID, "planes are said with %s one modifier",
			  fds ? "at most" : "exactly");
		return false;
	}
	for (size_t i = 0; fds && i < params->plane_count; i++)
		if (!can_be_sent(client, "planes", params->planes[i].fd))
			return false;
	return true;
}

static bool texts_are_good(struct dmabroker *client, const struct dmabroker_params *params)
{
	if (params->name && !text_fits(client, "name", params->name))
		return false;
	if (params->lasting_name && !text_fits(client, "lasting_name", params->lasting_name))
		return false;
	if (params->source && !text_fits(client, "source", params->source))
		return false;
	if (params->device &&
	    (strlen(params->device) != 32 || strspn(params->device, "0123456789abcdef") != 32)) {
		error_say(&client->error, DMABROKER_INVALID,
			  "device: a UUID has 32 lower-case hexadecimal digits");
		return false;
	}
	return true;
}

/* The rest of what would be a violation and no refusal. */
static bool numbers_are_good(struct dmabroker *client, const struct dmabroker_params *params)
{
	const char *wrong = NULL;

	if (params->kind != DMABROKER_KIND_LINEAR && params->kind != DMABROKER_KIND_IMAGE)
		wrong = "kind: DMABROKER_KIND_LINEAR or DMABROKER_KIND_IMAGE";
	else if (params->modifier_count > 256 || (params->modifier_count > 0 && !params->modifiers))
		wrong = "modifiers: at most 256";
	else if (params->placement > DMABROKER_PLACEMENT_HOST_CACHED)
		wrong = "placement: no value of enum dmabroker_placement";
	else if (params->contiguous > DMABROKER_CONTIGUOUS_REQUIRED)
		wrong = "contiguous: no value of enum dmabroker_contiguous";
	else if (params->lifetime > DMABROKER_LIFETIME_UNTIL_RELEASED)
		wrong = "lifetime: no value of enum dmabroker_lifetime";
	else if (params->usage & ~(uint32_t)((DMABROKER_USAGE_VIDEO_ENCODE << 1) - 1))
		wrong = "usage: bits that are not of enum dmabroker_usage";
	else if (params->handle_types & ~(uint32_t)ALL_HANDLE_TYPES)
		wrong = "handle_types: bits that are not of enum dmabroker_handle_type";
	if (wrong)
		error_say(&client->error, DMABROKER_INVALID, "%s", wrong);
	return !wrong;
}

bool struct_read(struct dmabroker *client, const char *what, const void *given, void *known, size_t size,
		 size_t first)
{
	const unsigned char *bytes = given;
	size_t theirs = 0;

	memset(known, 0, size);
	if (given)
		memcpy(&theirs, given, sizeof theirs);
	if (theirs < first) {
		error_say(&client->error, DMABROKER_INVALID, "%s: struct_size is not their size", what);
		return false;
	}
	for (size_t i = size; i < theirs; i++)
		if (bytes[i] != 0) {
			error_say(&client->error, DMABROKER_INVALID,
				  "%s: a field that this version of the library does not know", what);
			return false;
		}
	memcpy(known, given, theirs < size ? theirs : size);
	return true;
}

bool params_read(struct dmabroker *client, const struct dmabroker_params *given,
		 struct dmabroker_params *params, bool planes)
{
	/* As far as the first version's reached: with what is added behind it this stays. */
	size_t first = offsetof(struct dmabroker_params, plane_count) + sizeof params->plane_count;

	return struct_read(client, "params", given, params, sizeof *params, first) &&
	       numbers_are_good(client, params) && texts_are_good(client, params) &&
	       planes_are_good(client, params, planes) && memory_is_good(client, params, !planes);
}

static void send_planes(struct dmabroker_params_v1 *object, const struct dmabroker_params *params,
			bool fds)
{
	for (uint32_t i = 0; i < params->plane_count; i++) {
		const struct dmabroker_plane_layout *plane = &params->planes[i];

		/* libwayland sends a duplicate; the fd stays its owner's. */
		if (fds)
			dmabroker_params_v1_add_plane(object, plane->fd, i, plane->offset, plane->stride);
		else
			dmabroker_params_v1_set_plane_layout(object, i, plane->offset, plane->stride);
	}
}

static void send_memory(struct dmabroker_params_v1 *object, const struct dmabroker_params *params)
{
	const struct dmabroker_own_memory *memory = params->memory;

	/* Of an image only the daemon knows how much it is. What cannot be is the daemon's to say. */
	if (params->kind == DMABROKER_KIND_LINEAR)
		(void)!fallocate(memory->fd, FALLOC_FL_KEEP_SIZE, memory->offset, params->size);
	dmabroker_params_v1_set_memory(object, memory->fd, high(memory->offset), low(memory->offset));
}

void params_send(struct dmabroker_params_v1 *object, const struct dmabroker_params *params, bool planes)
{
	if (params->kind == DMABROKER_KIND_LINEAR)
		dmabroker_params_v1_set_buffer(object, high(params->size), low(params->size));
	else
		dmabroker_params_v1_set_image(object, params->width, params->height, params->format);
	for (size_t i = 0; i < params->modifier_count; i++)
		dmabroker_params_v1_add_modifier(object, high(params->modifiers[i]),
						 low(params->modifiers[i]));
	send_planes(object, params, planes);
	if (params->usage)
		dmabroker_params_v1_set_usage(object, params->usage);
	if (params->all_handle_types)
		dmabroker_params_v1_require_handle_types(object, params->handle_types ?
								 params->handle_types :
								 DMABROKER_HANDLE_TYPE_DMA_BUF);
	else if (params->handle_types)
		dmabroker_params_v1_set_handle_types(object, params->handle_types);
	if (params->lease_seconds)
		dmabroker_params_v1_set_lease(object, params->lease_seconds);
	else if (params->lifetime != DMABROKER_LIFETIME_CONNECTION)
		dmabroker_params_v1_set_lifetime(object, params->lifetime);
	if (params->alignment.stride || params->alignment.offset || params->alignment.size ||
	    params->alignment.height)
		dmabroker_params_v1_set_alignment(object, params->alignment.stride,
						  params->alignment.offset, params->alignment.size,
						  params->alignment.height);
	if (params->separate_planes)
		dmabroker_params_v1_set_planes(object, DMABROKER_PARAMS_V1_PLANE_MEMORY_SEPARATE);
	if (params->wait_ms)
		dmabroker_params_v1_set_wait(object, params->wait_ms);
	if (params->source)
		dmabroker_params_v1_set_source(object, params->source);
	if (params->placement)
		dmabroker_params_v1_set_placement(object, params->placement);
	if (params->contiguous)
		dmabroker_params_v1_set_contiguous(object, params->contiguous);
	if (params->device)
		dmabroker_params_v1_set_device(object, params->device);
	if (params->name)
		dmabroker_params_v1_set_name(object, params->name);
	if (params->memory)
		send_memory(object, params);
	if (params->lasting_name)
		dmabroker_params_v1_set_lasting_name(object, params->lasting_name);
}
