/*
 * What is asked of the daemon. Each question has a connection of its own, which is gone with its answer: a program may
 * fork, start threads, and close every fd that it does not know, and its buffers are few. Memory whose connection has
 * ended is released: the daemon charges it until the kernel says that nobody has it any more, which is what a device's
 * memory is, too. What a program does with its fds (dup, mmap, SCM_RIGHTS, a driver's import) need not be watched for that.
 *
 * Owns: the connection, while a call of this file lasts.
 */
#define _GNU_SOURCE
#include <dmabroker.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "heaps.h"

static void say_once(const char *path, const char *why)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;

	if (!atomic_flag_test_and_set(&said))
		dprintf(STDERR_FILENO, "dmabroker-heaps: %s: the system's own device is used, since %s\n", path,
			why);
}

/* The devices' errno for what went wrong: programs know no others. */
static int number_of(const struct dmabroker_error *error)
{
	switch (error->result) {
	case DMABROKER_SYSTEM:
		switch (error->system_error) {
		case EMFILE:
		case ENFILE:
		case ENOMEM:
			return error->system_error;
		}
		return ENODEV;
	case DMABROKER_REFUSED:
		switch (error->code) {
		case DMABROKER_CODE_LIMIT_EXCEEDED:
		case DMABROKER_CODE_OUT_OF_MEMORY:
		case DMABROKER_CODE_TOO_LARGE:
		case DMABROKER_CODE_RECALLED:
			return ENOMEM;
		case DMABROKER_CODE_INVALID_ARGUMENT:
			return EINVAL;
		case DMABROKER_CODE_PERMISSION_DENIED:
			return EACCES;
		}
		return ENODEV;
	case DMABROKER_TIMED_OUT:
		return ENOMEM;
	case DMABROKER_INVALID:
		return EINVAL;
	default:
		return ENODEV;
	}
}

static enum found look(struct dmabroker *client, const char *source)
{
	const struct dmabroker_source *each;

	for (unsigned i = 0; (each = dmabroker_get_source(client, i)); i++)
		if (each->usable && each->handle_type == DMABROKER_HANDLE_TYPE_DMA_BUF &&
		    strcmp(each->name, source) == 0)
			return FOUND;
	return NOT_THERE;
}

enum found broker_has(const char *source, const char *path)
{
	enum found found = NOBODY;
	int cancel, number = errno;

	/* open(2) is a cancellation point, and what is opened here is not the program's. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	struct dmabroker *client = dmabroker_new();

	if (!client)
		say_once(path, strerror(errno));
	else if (dmabroker_connect(client, NULL) != DMABROKER_OK)
		say_once(path, dmabroker_last_error(client)->message);
	else
		found = look(client, source);
	dmabroker_destroy(client);
	pthread_setcancelstate(cancel, NULL);
	errno = number;
	return found;
}

static int allocate(struct dmabroker *client, const struct dmabroker_params *params)
{
	struct dmabroker_buffer *buffer;

	if (dmabroker_allocate(client, params, &buffer) != DMABROKER_OK) {
		errno = number_of(dmabroker_last_error(client));
		return -1;
	}
	int fd = dmabroker_buffer_take_fd(buffer, 0);

	dmabroker_buffer_destroy(buffer);
	return fd;
}

static int connect_and_allocate(struct dmabroker *client, const struct dmabroker_params *params)
{
	if (dmabroker_connect(client, NULL) != DMABROKER_OK) {
		errno = number_of(dmabroker_last_error(client));
		return -1;
	}
	int fd = allocate(client, params), number = errno;
	/* What is unread when the connection is closed would look to the daemon as if it had broken off. */
	int heard = dmabroker_sync(client);

	(void)heard;
	errno = number;
	return fd;
}

int broker_allocate(const char *source, uint64_t size, const struct memory *own, bool close_on_exec)
{
	struct dmabroker_params params = dmabroker_linear(size);
	struct dmabroker_own_memory memory = { own ? own->memfd : -1, own ? own->offset : 0 };
	int cancel, fd = -1, number = errno;

	params.source = source;
	params.name = source;
	if (own)
		params.memory = &memory;
	params.placement = DMABROKER_PLACEMENT_HOST_VISIBLE; /* programs map what a heap gives */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	struct dmabroker *client = dmabroker_new();

	if (client)
		fd = connect_and_allocate(client, &params);
	if (fd < 0)
		number = errno;
	else if (!close_on_exec)
		fcntl(fd, F_SETFD, 0);
	dmabroker_destroy(client);
	pthread_setcancelstate(cancel, NULL);
	errno = number;
	return fd;
}
