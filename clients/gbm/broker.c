/*
 * What a device has of the daemon: buffers, each under the bo that Mesa has made of it, by a connection which the first
 * allocation makes (connection.c), so that who never allocates (the device that EGL opens beside a compositor's) has none. A
 * program that ends, or is killed, leaves nothing.
 *
 * Owns: the buffers that are kept.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"

/* How long one that does not answer is left alone. Milliseconds. */
#define PAUSE 60000

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- which device it is --------------------------------------------------------------------------- */

/* Where sysfs has what a DRM node belongs to: its card and its render node are both there. */
static bool parent(dev_t node, char found[4096])
{
	char path[64];

	snprintf(path, sizeof path, "/sys/dev/char/%u:%u/device", major(node), minor(node));
	return realpath(path, found) != NULL;
}

/* The daemon's Vulkan device of the same hardware, whose layouts are the driver's own; NULL: it has none. */
static const char *same_device(const struct broker *broker)
{
	char own[4096], other[4096];
	const struct dmabroker_device *each;

	if (!parent(broker->device, own))
		return NULL;
	for (unsigned i = 0; (each = dmabroker_get_device(broker->client, i)); i++)
		if (each->main_device && parent((dev_t)each->main_device, other) && strcmp(own, other) == 0)
			return each->device_uuid;
	return NULL;
}

struct broker *broker_new(int fd)
{
	struct broker *broker = calloc(1, sizeof *broker);
	struct stat node;
	char path[64], target[256];
	ssize_t length;

	if (!broker)
		return NULL;
	pthread_mutex_init(&broker->lock, NULL);
	broker->owner = getpid();
	broker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (broker->wake < 0 || fstat(fd, &node) < 0) {
		broker_free(broker);
		return NULL;
	}
	broker->device = node.st_rdev;
	snprintf(path, sizeof path, "/sys/dev/char/%u:%u", major(node.st_rdev), minor(node.st_rdev));
	length = readlink(path, target, sizeof target - 1);
	target[length > 0 ? length : 0] = 0;
	const char *slash = strrchr(target, '/');

	snprintf(broker->name, sizeof broker->name, "%s", slash ? slash + 1 : "?");
	snprintf(broker->label, sizeof broker->label, "gbm %s", broker->name);
	return broker;
}

/* ---- buffers -------------------------------------------------------------------------------------- */

static struct dmabroker_buffer *ask(struct broker *broker, struct dmabroker_params *params, int *result)
{
	struct dmabroker_buffer *buffer = NULL;
	const char *source = secure_getenv("DMABROKER_GBM_SOURCE");

	params->name = broker->label;
	params->device = NULL;
	params->source = source && *source ? source : NULL;
	if (!params->source)
		params->device = same_device(broker);
	/* Of what is not that hardware's own memory: most of it takes rows that begin there. */
	params->alignment.stride = params->device ? 0 : 256;
	*result = dmabroker_allocate(broker->client, params, &buffer);
	return buffer;
}

/* With the lock. */
static struct dmabroker_buffer *allocate(struct broker *broker, struct dmabroker_params *params)
{
	int result = DMABROKER_ENDED;
	struct dmabroker_buffer *buffer = NULL;

	if (now_ms() < broker->not_before)
		return NULL;
	if (broker->client)
		buffer = ask(broker, params, &result);
	/* There is no connection yet, or the daemon was restarted. */
	if (result == DMABROKER_ENDED && connection_renew(broker))
		buffer = ask(broker, params, &result);
	if (buffer) {
		connection_watch(broker);
		return buffer;
	}
	if (result == DMABROKER_ENDED || result == DMABROKER_TIMED_OUT)
		broker->not_before = now_ms() + PAUSE;
	if (broker->client && result != DMABROKER_ENDED)
		say_once(WHY_REFUSED, "%s: Mesa allocates some buffers, since %.4s of %ux%u was refused: %s", broker->name,
			 (const char *)&params->format, params->width, params->height,
			 dmabroker_last_error(broker->client)->message);
	return NULL;
}

struct dmabroker_buffer *broker_allocate(struct broker *broker, struct dmabroker_params *params)
{
	struct dmabroker_buffer *buffer;

	if (broker->owner != getpid())
		return NULL;
	pthread_mutex_lock(&broker->lock);
	buffer = allocate(broker, params);
	pthread_mutex_unlock(&broker->lock);
	return buffer;
}

bool broker_keep(struct broker *broker, struct dmabroker_buffer *buffer, const struct gbm_bo *bo)
{
	struct kept *kept = malloc(sizeof *kept);

	if (!kept)
		return false;
	pthread_mutex_lock(&broker->lock);
	*kept = (struct kept){ .next = broker->kept, .bo = bo, .buffer = buffer };
	broker->kept = kept;
	pthread_mutex_unlock(&broker->lock);
	return true;
}

struct dmabroker_buffer *broker_take(struct broker *broker, const struct gbm_bo *bo)
{
	struct dmabroker_buffer *buffer = NULL;
	struct kept **link, *found;

	if (broker->owner != getpid())
		return NULL;
	pthread_mutex_lock(&broker->lock);
	for (link = &broker->kept; *link && (*link)->bo != bo; link = &(*link)->next)
		;
	found = *link;
	if (found) {
		*link = found->next;
		buffer = found->buffer;
		free(found);
	}
	pthread_mutex_unlock(&broker->lock);
	return buffer;
}

void broker_release(struct broker *broker, struct dmabroker_buffer *buffer)
{
	if (!buffer)
		return;
	pthread_mutex_lock(&broker->lock);
	dmabroker_buffer_release(buffer);
	pthread_mutex_unlock(&broker->lock);
}

void broker_leave(struct broker *broker)
{
	pthread_mutex_lock(&broker->lock);
	connection_end(broker);
	broker->not_before = INT64_MAX;
	connection_wake(broker);
	pthread_mutex_unlock(&broker->lock);
}

void broker_free(struct broker *broker)
{
	if (!broker)
		return;
	if (broker->owner == getpid()) {
		pthread_mutex_lock(&broker->lock);
		broker->ending = true;
		connection_wake(broker);
		pthread_mutex_unlock(&broker->lock);
		if (broker->watched)
			pthread_join(broker->watcher, NULL);
		connection_end(broker);
	}
	if (broker->wake >= 0)
		close(broker->wake);
	pthread_mutex_destroy(&broker->lock);
	free(broker);
}
