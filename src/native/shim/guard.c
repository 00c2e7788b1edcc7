/*
 * Copying to and from mapped memory that somebody else made. A page that its exporter has taken back
 * (purged, unplugged, truncated) answers the CPU with SIGBUS, which would end the daemon: here it ends the
 * copy.
 *
 * Owns: the process's handler of SIGBUS, from the first copy on. A SIGBUS of anybody else's is what it
 * always was: the end.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* Where this thread's copy is left; null while it does none. */
static __thread sigjmp_buf *volatile way_out;

static void on_bus_error(int signal_number)
{
	if (way_out)
		siglongjmp(*way_out, 1);
	/* The instruction is tried again, and ends the process. */
	signal(signal_number, SIG_DFL);
}

static void install(void)
{
	struct sigaction action = { .sa_handler = on_bus_error };
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}

static void prepare(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, install);
}

/* Returns 0, or -EFAULT where a page on either side is not there (any more): some may have been copied. */
EXPORT int64_t dmab_copy(void *to, const void *from, size_t bytes)
{
	sigjmp_buf here;

	prepare();
	if (sigsetjmp(here, 1)) {
		way_out = NULL;
		return -EFAULT;
	}
	way_out = &here;
	memcpy(to, from, bytes);
	way_out = NULL;
	return 0;
}

/* Fills whole words, as dmab_copy copies; `to` is aligned to one. */
EXPORT int64_t dmab_fill(void *to, uint32_t word, size_t bytes)
{
	sigjmp_buf here;

	prepare();
	if (sigsetjmp(here, 1)) {
		way_out = NULL;
		return -EFAULT;
	}
	way_out = &here;
	uint32_t *words = to;
	for (size_t i = 0; i < bytes / sizeof word; i++)
		words[i] = word;
	way_out = NULL;
	return 0;
}
