/*
 * The connection that a device's buffers live by: made by the first allocation, so that who never allocates (the device that
 * EGL opens beside a compositor's) has none. Buffers of it are the program's for as long as it runs and keeps them; a program
 * that is killed leaves nothing.
 *
 * A thread hears what the daemon says, since compositors allocate when they start and hardly again: when the daemon was
 * restarted, it takes the buffers to the next one, so that they are listed and charged again. The memory stays good meanwhile.
 *
 * Owns: the connection, the thread, and the buffers that are kept, each under its bo.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "broker.h"

/* A program that draws waits for no answer longer than that; then it is left alone for a while. Milliseconds. */
#define PATIENCE 5000
#define PAUSE 60000
/* How long a daemon that has gone is looked for, once a second. */
#define TRIES 60

struct kept {
	struct kept *next;
	const struct gbm_bo *bo;
	struct dmabroker_buffer *buffer;
};

struct broker {
	pthread_mutex_t lock; /* of all that follows */
	struct dmabroker *client;
	struct kept *kept;
	int64_t not_before;
	pthread_t watcher;
	bool watched, ending;
	int wake; /* an eventfd: there is another client, or the end */
	pid_t owner; /* a child that was forked has neither the thread nor the connection */
	dev_t device;
	char name[32], label[64];
};

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

const char *broker_name(const struct broker *broker)
{
	return broker->name;
}

/* ---- the connection: all of this with the lock held ------------------------------------------------- */

static void wake(const struct broker *broker)
{
	ssize_t written = write(broker->wake, &(uint64_t){ 1 }, sizeof(uint64_t));

	(void)written; /* it is non-blocking, and full only where it says so already */
}

/* Another connection, in which the kept buffers of the one that is over go on. False: there is none. */
static bool move(struct broker *broker)
{
	struct dmabroker *client = dmabroker_new();

	if (!client)
		return false;
	dmabroker_set_timeout(client, PATIENCE);
	if (dmabroker_connect(client, NULL) != DMABROKER_OK) {
		/* While a daemon starts again, nothing is lost yet. */
		if (!broker->client)
			say_once(WHY_NOBODY, "%s: Mesa allocates, since %s", broker->name,
				 dmabroker_last_error(client)->message);
		dmabroker_destroy(client);
		return false;
	}
	for (struct kept **link = &broker->kept, *each; (each = *link);) {
		if (dmabroker_buffer_move(each->buffer, client) == DMABROKER_OK) {
			link = &each->next;
			continue;
		}
		/* The daemon has no place for it any more. What Mesa has of it stays good. */
		*link = each->next;
		dmabroker_buffer_destroy(each->buffer);
		free(each);
	}
	dmabroker_destroy(broker->client);
	broker->client = client;
	broker->not_before = 0;
	wake(broker);
	return true;
}

static void let_go(struct broker *broker)
{
	for (struct kept *each; (each = broker->kept);) {
		broker->kept = each->next;
		dmabroker_buffer_destroy(each->buffer);
		free(each);
	}
	dmabroker_destroy(broker->client);
	broker->client = NULL;
}

/* ---- the thread ----------------------------------------------------------------------------------- */

/* Waits, without the lock, for an fd (-1: none), for somebody to wake it, or for so many milliseconds (-1: for ever). */
static void pause_for(struct broker *broker, int fd, int milliseconds)
{
	struct pollfd fds[] = { { .fd = broker->wake, .events = POLLIN }, { .fd = fd, .events = POLLIN } };
	uint64_t count;

	pthread_mutex_unlock(&broker->lock);
	if (poll(fds, 2, milliseconds) > 0 && fds[0].revents) {
		ssize_t taken = read(broker->wake, &count, sizeof count);

		(void)taken;
	}
	pthread_mutex_lock(&broker->lock);
}

static void *watch(void *data)
{
	struct broker *broker = data;
	int tries = 0;

	pthread_mutex_lock(&broker->lock);
	while (!broker->ending) {
		if (!broker->client) {
			pause_for(broker, -1, -1);
		} else if (dmabroker_dispatch(broker->client) != DMABROKER_ENDED) {
			tries = 0;
			pause_for(broker, dmabroker_get_fd(broker->client), -1);
		} else if (!broker->kept || tries == TRIES) {
			tries = 0;
			let_go(broker);
		} else if (!move(broker)) {
			tries++;
			pause_for(broker, -1, 1000);
		}
	}
	pthread_mutex_unlock(&broker->lock);
	return NULL;
}

/* Signals are the program's own threads' affair. */
static void begin_to_watch(struct broker *broker)
{
	sigset_t every, before;

	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	broker->watched = pthread_create(&broker->watcher, NULL, watch, broker) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
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
	if (result == DMABROKER_ENDED && move(broker))
		buffer = ask(broker, params, &result);
	if (buffer) {
		if (!broker->watched)
			begin_to_watch(broker);
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
	let_go(broker);
	broker->not_before = INT64_MAX;
	wake(broker);
	pthread_mutex_unlock(&broker->lock);
}

void broker_free(struct broker *broker)
{
	if (!broker)
		return;
	if (broker->owner == getpid()) {
		pthread_mutex_lock(&broker->lock);
		broker->ending = true;
		wake(broker);
		pthread_mutex_unlock(&broker->lock);
		if (broker->watched)
			pthread_join(broker->watcher, NULL);
		let_go(broker);
	}
	if (broker->wake >= 0)
		close(broker->wake);
	pthread_mutex_destroy(&broker->lock);
	free(broker);
}
