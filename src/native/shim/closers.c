/*
 * Threads that close what clients gave. close(2) may wait for as long as the file's owner likes: for
 * a TCP socket that lingers (socket(7), SO_LINGER), for the server of a FUSE file (FLUSH), and not
 * even SIGKILL ends the latter. So no thread that serves anybody calls it on a file that is not known
 * to be harmless, and the threads here may wait; whose turn it is and how many may wait for one user is
 * decided by who asks (server/wayland/closing.ts).
 *
 * A connection is read out before it is closed: where something unread is left, its peer is told
 * ECONNRESET in place of the end (unix_release_sock of the kernel), and libwayland then forgets the
 * wl_display.error that it has received and not yet dispatched.
 *
 * Owns: each fd from dmab_close_later on, and the threads, which never end.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* A thread has nothing on its stack but this file's frames and the kernel's business. */
enum { STACK_BYTES = 64 * 1024 };

struct closing {
	struct closing *next;
	uint32_t ticket;
	int fd;
	int is_connection;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t added = PTHREAD_COND_INITIALIZER;
static struct closing *waiting, **last_waiting = &waiting;
static struct closing *closed;
static int idle, queued, wake_fd = -1;

/*
 * Takes what a connection that was shut down still holds: no more comes. Without room for control data
 * the kernel closes the fds in it (unix(7)), which may wait as long as any other close here.
 */
static void read_out(int fd)
{
	char bytes[4096];

	while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
		;
}

static void *closer(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	for (;;) {
		while (!waiting) {
			idle++;
			pthread_cond_wait(&added, &lock);
			idle--;
		}
		struct closing *c = waiting;
		waiting = c->next;
		if (!waiting)
			last_waiting = &waiting;
		queued--;
		pthread_mutex_unlock(&lock);

		if (c->is_connection)
			read_out(c->fd);
		close(c->fd); /* Whatever it answers, the descriptor is gone (close(2)). */

		pthread_mutex_lock(&lock);
		c->next = closed;
		closed = c;
		uint64_t one = 1;
		/* Its reader counts nothing: that it is full tells as much. */
		if (wake_fd >= 0 && write(wake_fd, &one, sizeof one) < 0)
			continue;
	}
	return NULL;
}

/* Signals are for the threads that handle them: a closer would be interrupted for nothing. */
static int start_closer(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	int error = pthread_create(&thread, &attr, closer, NULL);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

/* The eventfd to be written whenever something was closed; -1: none any more. It stays the caller's. */
EXPORT void dmab_closers_wake(int fd)
{
	pthread_mutex_lock(&lock);
	wake_fd = fd;
	pthread_mutex_unlock(&lock);
}

/*
 * Takes the fd and closes it in a thread of its own; `ticket` is among dmab_closed's answers afterwards.
 * A connection, which the caller has shut down, is read out first.
 * Returns 0, or -errno where there is no thread for it: then the fd stays the caller's.
 */
EXPORT int64_t dmab_close_later(int fd, uint32_t ticket, int is_connection)
{
	struct closing *c = malloc(sizeof *c);
	int error = 0;

	if (!c)
		return -ENOMEM;
	*c = (struct closing){ .ticket = ticket, .fd = fd, .is_connection = is_connection };
	pthread_mutex_lock(&lock);
	/* Each one that waits gets a thread: the one before it may never end. */
	if (queued >= idle)
		error = start_closer();
	if (!error) {
		*last_waiting = c;
		last_waiting = &c->next;
		queued++;
		pthread_cond_signal(&added);
	}
	pthread_mutex_unlock(&lock);
	if (error)
		free(c);
	return -error;
}

/* The tickets of what was closed since the last call, at most `max` of them; returns how many. */
EXPORT int64_t dmab_closed(uint32_t *tickets, int max)
{
	int n = 0;

	pthread_mutex_lock(&lock);
	while (closed && n < max) {
		struct closing *c = closed;
		closed = c->next;
		tickets[n++] = c->ticket;
		free(c);
	}
	pthread_mutex_unlock(&lock);
	return n;
}
