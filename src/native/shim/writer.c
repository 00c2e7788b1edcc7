/*
 * The thread that writes the log. write(2) waits for as long as the reader likes (a pipe that nobody
 * empties, a stopped terminal, a disk that hangs), and who serves requests must not. The queue has no bound of its
 * own: whoever adds lines knows how many are not written yet, and adds no more than it wants to keep
 * (server/log/queue.ts).
 *
 * Owns: the lines that were added until they are written. The descriptor stays the caller's.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { STACK_BYTES = 64 * 1024 };

struct line {
	struct line *next;
	uint64_t number;
	size_t size;
	char bytes[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t added = PTHREAD_COND_INITIALIZER, taken = PTHREAD_COND_INITIALIZER;
static struct line *first, **last = &first;
/* Those that could not be written, until dmab_writer_failed has told of them. */
static struct line *failed, **last_failed = &failed;
static uint64_t count_added, count_done;

/* 0, or errno where the rest of the line cannot be written. */
static int write_line(int fd, const struct line *line)
{
	for (size_t at = 0; at < line->size;) {
		ssize_t n = write(fd, line->bytes + at, line->size - at);
		if (n >= 0) {
			at += n;
		} else if (errno == EAGAIN) {
			/* Somebody else has made the file description non-blocking. */
			poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
		} else if (errno != EINTR) {
			return errno;
		}
	}
	return 0;
}

static void *writer(void *arg)
{
	int fd = (int)(intptr_t)arg;

	pthread_mutex_lock(&lock);
	for (;;) {
		while (!first)
			pthread_cond_wait(&added, &lock);
		struct line *line = first;
		first = line->next;
		if (!first)
			last = &first;
		pthread_mutex_unlock(&lock);

		int error = write_line(fd, line);

		pthread_mutex_lock(&lock);
		count_done++;
		if (error) {
			line->next = NULL;
			*last_failed = line;
			last_failed = &line->next;
		} else {
			free(line);
		}
		pthread_cond_broadcast(&taken);
	}
	return NULL;
}

/* Starts the thread, once; it never ends. Returns 0 or -errno. */
EXPORT int64_t dmab_writer_start(int fd)
{
	static bool started;
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;

	if (started)
		return -EALREADY;
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&taken, &monotonic);
	pthread_condattr_destroy(&monotonic);

	/* Signals are for the threads that handle them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	int error = pthread_create(&thread, &attr, writer, (void *)(intptr_t)fd);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	started = error == 0;
	return -error;
}

/* Adds a line (the bytes are copied). Returns 0 or -ENOMEM. */
EXPORT int64_t dmab_writer_add(const char *bytes, size_t size)
{
	struct line *line = malloc(sizeof *line + size);

	if (!line)
		return -ENOMEM;
	line->next = NULL;
	line->size = size;
	memcpy(line->bytes, bytes, size);
	pthread_mutex_lock(&lock);
	line->number = count_added++;
	*last = line;
	last = &line->next;
	pthread_cond_signal(&added);
	pthread_mutex_unlock(&lock);
	return 0;
}

/* How many lines are over, written or not. */
EXPORT int64_t dmab_writer_done(void)
{
	pthread_mutex_lock(&lock);
	int64_t done = count_done;
	pthread_mutex_unlock(&lock);
	return done;
}

/*
 * The numbers, from 0 in the order in which they were added, of lines that could not be written since the
 * last call, at most `max` of them; returns how many.
 */
EXPORT int64_t dmab_writer_failed(uint64_t *numbers, int max)
{
	int n = 0;

	pthread_mutex_lock(&lock);
	while (failed && n < max) {
		struct line *line = failed;
		failed = line->next;
		if (!failed)
			last_failed = &failed;
		numbers[n++] = line->number;
		free(line);
	}
	pthread_mutex_unlock(&lock);
	return n;
}

/* Waits until all lines are over, so many milliseconds at most. Returns how many are not. */
EXPORT int64_t dmab_writer_wait(int64_t milliseconds)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += milliseconds / 1000;
	until.tv_nsec += milliseconds % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&lock);
	while (count_done < count_added && pthread_cond_timedwait(&taken, &lock, &until) == 0)
		;
	int64_t left = count_added - count_done;
	pthread_mutex_unlock(&lock);
	return left;
}
