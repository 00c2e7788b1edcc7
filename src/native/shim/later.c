/*
 * Calls that may take as long as they like, each in a thread of its own: close(2) of what a client gave, and
 * the making of much memory.
 *
 * close(2) may wait for as long as the file's owner likes: for a TCP socket that lingers (socket(7), SO_LINGER),
 * for the server of a FUSE file (FLUSH), and not even SIGKILL ends the latter. An ioctl(2) that takes a gigabyte
 * of pages has the kernel clear them, and perhaps look for them (direct reclaim). So no thread that serves
 * anybody makes such a call, and the threads here may wait; whose turn it is and how many may wait for one user
 * is decided by who asks (broker/fair-calls.ts).
 *
 * A connection is read out before it is closed: where something unread is left, its peer is told
 * ECONNRESET in place of the end (unix_release_sock of the kernel), and libwayland then forgets the
 * wl_display.error that it has received and not yet dispatched.
 *
 * Owns: the threads, which never end; each fd that dmab_close_file is to close.
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

typedef int (*later_fn)(uint64_t, uint64_t, uint64_t);

struct later {
	struct later *next;
	uint32_t ticket;
	later_fn fn;
	uint64_t arg[3];
	int64_t result; /* or -errno */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t added = PTHREAD_COND_INITIALIZER;
static struct later *waiting, **last_waiting = &waiting;
static struct later *done;
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

/* For dmab_later: closes an fd, which is a connection that was shut down, or not. */
EXPORT int dmab_close_file(int fd, int is_connection)
{
	if (is_connection)
		read_out(fd);
	close(fd); /* Whatever it answers, the descriptor is gone (close(2)). */
	return 0;
}

static void *worker(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	for (;;) {
		while (!waiting) {
			idle++;
			pthread_cond_wait(&added, &lock);
			idle--;
		}
		struct later *l = waiting;
		waiting = l->next;
		if (!waiting)
			last_waiting = &waiting;
		queued--;
		pthread_mutex_unlock(&lock);

		l->result = l->fn(l->arg[0], l->arg[1], l->arg[2]);
		if (l->result < 0)
			l->result = -errno;

		pthread_mutex_lock(&lock);
		l->next = done;
		done = l;
		uint64_t one = 1;
		/* Its reader counts nothing: that it is full tells as much. */
		if (wake_fd >= 0 && write(wake_fd, &one, sizeof one) < 0)
			continue;
	}
	return NULL;
}

/* Signals are for the threads that handle them: a worker would be interrupted for nothing. */
static int start_worker(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	int error = pthread_create(&thread, &attr, worker, NULL);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

/* The eventfd to be written whenever a call is over; -1: none any more. It stays the caller's. */
EXPORT void dmab_later_wake(int fd)
{
	pthread_mutex_lock(&lock);
	wake_fd = fd;
	pthread_mutex_unlock(&lock);
}

/*
 * Calls an int function of up to three arguments in a thread of its own; `ticket` is among dmab_later_done's
 * answers afterwards. What the arguments point to is the caller's to keep until then.
 * Returns 0, or -errno where there is no thread for it: then nothing is called.
 */
EXPORT int64_t dmab_later(uint64_t fn, uint64_t a, uint64_t b, uint64_t c, uint32_t ticket)
{
	struct later *l = malloc(sizeof *l);
	int error = 0;

	if (!l)
		return -ENOMEM;
	*l = (struct later){
		.ticket = ticket, .fn = (later_fn)(uintptr_t)fn, .arg = { a, b, c },
	};
	pthread_mutex_lock(&lock);
	/* Each one that waits gets a thread: the one before it may never end. */
	if (queued >= idle)
		error = start_worker();
	if (!error) {
		*last_waiting = l;
		last_waiting = &l->next;
		queued++;
		pthread_cond_signal(&added);
	}
	pthread_mutex_unlock(&lock);
	if (error)
		free(l);
	return -error;
}

/*
 * The calls that have ended since the last call of this, at most `max`: for each its ticket, and what it
 * returned or -errno. Returns how many.
 */
EXPORT int64_t dmab_later_done(int64_t *pairs, int max)
{
	int n = 0;

	pthread_mutex_lock(&lock);
	while (done && n < max) {
		struct later *l = done;
		done = l->next;
		pairs[2 * n] = l->ticket;
		pairs[2 * n + 1] = l->result;
		n++;
		free(l);
	}
	pthread_mutex_unlock(&lock);
	return n;
}
