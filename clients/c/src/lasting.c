/*
 * Memory with a lasting name: claims, and what its writer publishes of it.
 *
 * Owns: a buffer's last document, and those that were sent and not answered.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

/* What the daemon takes of one. */
#define MAX_METADATA 65536

/* ---- what is heard ------------------------------------------------------------------------------ */

void lasting_metadata(struct dmabroker_buffer *buffer, int fd, uint32_t size)
{
	free(buffer->coming_metadata);
	buffer->coming_metadata = read_detail(fd, size);
}

void lasting_committed(struct dmabroker_buffer *buffer, uint64_t revision, const char *digest,
		       char *metadata)
{
	struct dmabroker_committed *told = &buffer->committed;

	if (metadata != buffer->metadata)
		free(buffer->metadata);
	buffer->metadata = metadata;
	describe_text(buffer->digest, sizeof buffer->digest, digest);
	told->revision = revision;
	told->digest = buffer->digest;
	told->metadata = metadata;
}

void lasting_forget(struct dmabroker_buffer *buffer)
{
	free(buffer->metadata);
	free(buffer->coming_metadata);
	buffer->metadata = buffer->coming_metadata = NULL;
	buffer->committed = (struct dmabroker_committed){ 0 };
}

void lasting_move(struct dmabroker_buffer *buffer, struct dmabroker_buffer *from)
{
	if (from->committed.revision == 0) {
		lasting_forget(buffer);
		return;
	}
	char *metadata = from->metadata;

	from->metadata = NULL;
	lasting_committed(buffer, from->committed.revision, from->digest, metadata);
}

const struct dmabroker_committed *dmabroker_buffer_committed(const struct dmabroker_buffer *buffer)
{
	return buffer->committed.revision ? &buffer->committed : NULL;
}

/* ---- what is asked for -------------------------------------------------------------------------- */

/* A memfd that nobody can change; -1, and errno. */
static int sealed(const char *text, size_t length)
{
	int fd = memfd_create("dmabroker-metadata", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t at = 0;

	while (fd >= 0 && at < length) {
		ssize_t put = write(fd, text + at, length - at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			break;
		at += (size_t)put;
	}
	if (fd >= 0 && at == length &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
		return fd;
	int number = errno;

	if (fd >= 0)
		close(fd);
	errno = number;
	return -1;
}

struct dmabroker_call *dmabroker_buffer_begin_commit(struct dmabroker_buffer *buffer, uint64_t revision,
						     const char *metadata, dmabroker_callback callback,
						     void *data)
{
	size_t length = metadata ? strnlen(metadata, MAX_METADATA + 1) : 0;
	char *copy = NULL;
	int fd = -1;

	if (!buffer->client)
		return NULL;
	if (length > MAX_METADATA) {
		error_say(&buffer->client->error, DMABROKER_INVALID, "metadata has more than %d bytes",
			  MAX_METADATA);
		return NULL;
	}
	if (metadata) {
		copy = strdup(metadata);
		fd = copy ? sealed(metadata, length) : -1;
		if (fd < 0) {
			error_system(&buffer->client->error, errno, "the metadata");
			free(copy);
			return NULL;
		}
	}
	struct dmabroker_call *call = buffer_await(buffer, &buffer->commits, copy, callback, data);

	if (call && metadata)
		dmabroker_buffer_v1_set_metadata(buffer->object, fd, (uint32_t)length);
	if (fd >= 0)
		close(fd); /* libwayland sends a duplicate */
	if (!call)
		return NULL;
	dmabroker_buffer_v1_commit(buffer->object, high(revision), low(revision));
	return call_sent(call, true);
}

int dmabroker_buffer_commit(struct dmabroker_buffer *buffer, uint64_t revision, const char *metadata)
{
	struct dmabroker *client = buffer->client;

	if (!client)
		return DMABROKER_ENDED;
	struct dmabroker_call *call = dmabroker_buffer_begin_commit(buffer, revision, metadata, waits, NULL);
	int result = call_wait(client, call);

	call_free(call);
	return result;
}

int dmabroker_claim(struct dmabroker *client, const char *name, uint32_t milliseconds, uint32_t how,
		    struct dmabroker_buffer **buffer)
{
	struct dmabroker_call *call =
		dmabroker_begin_claim(client, name, milliseconds, how, waits, NULL);
	int timeout = client->timeout;

	/* What the daemon waits comes on top of what its answer may take. */
	if (timeout >= 0)
		client->timeout = milliseconds > (uint32_t)(INT32_MAX - timeout) ?
					  INT32_MAX :
					  timeout + (int)milliseconds;
	int result = call_wait(client, call);

	client->timeout = timeout;
	*buffer = result == DMABROKER_OK ? dmabroker_call_take_buffer(call, 0) : NULL;
	call_free(call);
	return result;
}

/* ---- the layout --------------------------------------------------------------------------------- */

int dmabroker_buffer_layout_digest(const struct dmabroker_buffer *buffer, char digest[65])
{
	char text[1024];
	size_t at;

	digest[0] = '\0';
	if (!buffer->what)
		return DMABROKER_INVALID;
	const struct dmabroker_buffer_info *info = &buffer->what->info;

	at = (size_t)snprintf(text, sizeof text,
			      "dmabroker-layout-1\nsize %llu format %u modifier %llu width %u height %u\n",
			      (unsigned long long)info->size, info->format,
			      (unsigned long long)info->modifier, info->width, info->height);
	for (unsigned i = 0; i < info->memory_count; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, "memory %u %llu\n", i,
				       (unsigned long long)buffer->what->memories[i]);
	for (unsigned i = 0; i < info->plane_count; i++) {
		const struct dmabroker_plane *plane = &buffer->what->planes[i];

		at += (size_t)snprintf(text + at, sizeof text - at, "plane %u %u %u %u\n", i,
				       plane->memory, plane->offset, plane->stride);
	}
	digest_of(text, at, digest);
	return DMABROKER_OK;
}
