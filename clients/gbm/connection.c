/*
 * The connection of a device's buffers. A thread hears what the daemon says, since compositors allocate when they start and
 * hardly again: when the daemon was restarted, it takes the buffers to the next one, so that they are listed and charged again.
 * The memory stays good meanwhile.
 *
 * Owns: the connection, the thread.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend.h"

/* How long a daemon that has gone is looked for, once a second. */
#define TRIES 60

void connection_wake(const struct broker *broker)
{
	ssize_t written = write(broker->wake, &(uint64_t){ 1 }, sizeof(uint64_t));

	(void)written; /* it is non-blocking, and full only where it says so already */
}

static void destroy_clients(struct broker *broker)
{
	while (broker->earlier_count > 0)
		dmabroker_destroy(broker->earlier[--broker->earlier_count]);
	dmabroker_destroy(broker->client);
	broker->client = NULL;
}

void connection_end(struct broker *broker)
{
	for (struct kept *each; (each = broker->kept);) {
		broker->kept = each->next;
		dmabroker_buffer_destroy(each->buffer);
		free(each);
	}
	destroy_clients(broker);
}

/* False: that daemon has gone, too. */
static bool move_buffers(struct broker *broker, struct dmabroker *client)
{
	for (struct kept **link = &broker->kept, *each; (each = *link);) {
		int result = dmabroker_buffer_move(each->buffer, client);

		if (result == DMABROKER_ENDED)
			return false;
		if (result == DMABROKER_OK) {
			link = &each->next;
			continue;
		}
		/* The daemon has no place for it any more. What Mesa has of it stays good. */
		*link = each->next;
		dmabroker_buffer_destroy(each->buffer);
		free(each);
	}
	return true;
}

bool connection_renew(struct broker *broker)
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
	bool moved = move_buffers(broker, client);

	if (moved)
		destroy_clients(broker);
	else if (broker->earlier_count == MOST_EARLIER)
		connection_end(broker);
	else if (broker->client)
		broker->earlier[broker->earlier_count++] = broker->client;
	broker->client = client;
	broker->not_before = 0;
	connection_wake(broker);
	return moved;
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
			connection_end(broker);
		} else if (!connection_renew(broker)) {
			tries++;
			pause_for(broker, -1, 1000);
		}
	}
	pthread_mutex_unlock(&broker->lock);
	return NULL;
}

void connection_watch(struct broker *broker)
{
	sigset_t every, before;

	if (broker->watched)
		return;
	/* Signals are for the program's own threads. */
	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	broker->watched = pthread_create(&broker->watcher, NULL, watch, broker) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}
