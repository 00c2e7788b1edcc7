/*
 * LD_PRELOAD: a program that opens /dev/dma_heap/NAME or /dev/udmabuf and allocates by ioctl(2) gets its memory from
 * dmabroker. docs/heaps.md has what is not seen here.
 *
 * Everything else goes on to libc's next definition: by two comparisons of an open's path, or one of an ioctl's number.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <unistd.h>

#include "heaps.h"

#define PUBLIC __attribute__((visibility("default")))
#define HEAPS "/dev/dma_heap/"
#define UDMABUF "/dev/udmabuf"

/* ---- what a path is ----------------------------------------------------------------------------- */

/* What DMABROKER_HEAPS, "NAME=SOURCE NAME=SOURCE", says for a heap, or for udmabuf: false, nothing. */
static bool said_of(const char *name, char *source, size_t room)
{
	const char *rule = secure_getenv("DMABROKER_HEAPS");
	size_t length = strlen(name);

	for (; rule && *rule; rule += strcspn(rule, " ")) {
		rule += strspn(rule, " ");
		if (strncmp(rule, name, length) != 0 || rule[length] != '=')
			continue;
		rule += length + 1;
		snprintf(source, room, "%.*s", (int)strcspn(rule, " "), rule);
		return true;
	}
	return false;
}

/* Whether a path is one of the devices; then which. */
static bool is_device(const char *path, struct node *node)
{
	if (!path || strncmp(path, "/dev/", 5) != 0)
		return false;
	bool is_udmabuf = strcmp(path, UDMABUF) == 0;
	const char *name = is_udmabuf ? "udmabuf" : path + strlen(HEAPS);

	if (!is_udmabuf && (strncmp(path, HEAPS, strlen(HEAPS)) != 0 || !*name || strchr(name, '/')))
		return false;
	memset(node, 0, sizeof *node);
	node->is_udmabuf = is_udmabuf;
	if (!said_of(name, node->source, sizeof node->source))
		snprintf(node->source, sizeof node->source, is_udmabuf ? "%s" : "dma-heap:%s", name);
	return true;
}

/* The device's fd, or -1 and errno; false: it is to be opened as everything else is. */
static bool open_device(const char *path, int flags, int *fd)
{
	struct node node;

	if (!is_device(path, &node) || (flags & O_PATH))
		return false;
	switch (node.source[0] ? broker_has(node.source, path) : NOT_THERE) {
	case FOUND:
		*fd = node_open(&node, flags & O_CLOEXEC);
		return true;
	case NOT_THERE:
		errno = ENOENT;
		*fd = -1;
		return true;
	default:
		return false;
	}
}

/* ---- open(2) ------------------------------------------------------------------------------------ */

/* libc's, or of another preloaded object. */
#define NEXT(name)                                                    \
	({                                                            \
		static __typeof__(name) *next;                        \
		__typeof__(name) *found = __atomic_load_n(&next, __ATOMIC_RELAXED); \
		if (!found) {                                         \
			*(void **)&found = dlsym(RTLD_NEXT, #name);   \
			__atomic_store_n(&next, found, __ATOMIC_RELAXED); \
		}                                                     \
		found;                                                \
	})

/* The third argument is there for these alone; what it is otherwise is not looked at by the kernel. */
#define MODE(flags)                                                      \
	({                                                               \
		mode_t mode = 0;                                         \
		if ((flags) & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {  \
			va_list list;                                    \
			va_start(list, flags);                           \
			mode = va_arg(list, mode_t);                     \
			va_end(list);                                    \
		}                                                        \
		mode;                                                    \
	})

#define OPEN(name)                                               \
	PUBLIC int name(const char *path, int flags, ...)        \
	{                                                        \
		int fd;                                          \
		if (open_device(path, flags, &fd))               \
			return fd;                               \
		return NEXT(name)(path, flags, MODE(flags));     \
	}
#define OPENAT(name)                                                       \
	PUBLIC int name(int folder, const char *path, int flags, ...)      \
	{                                                                  \
		int fd;                                                    \
		if (open_device(path, flags, &fd))                         \
			return fd;                                         \
		return NEXT(name)(folder, path, flags, MODE(flags));       \
	}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

/* What -D_FORTIFY_SOURCE makes of a call without a mode. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int folder, const char *path, int flags);
int __openat64_2(int folder, const char *path, int flags);

#define OPEN_2(name)                                             \
	PUBLIC int name(const char *path, int flags)             \
	{                                                        \
		int fd;                                          \
		return open_device(path, flags, &fd) ? fd : NEXT(name)(path, flags); \
	}
#define OPENAT_2(name)                                           \
	PUBLIC int name(int folder, const char *path, int flags) \
	{                                                        \
		int fd;                                          \
		return open_device(path, flags, &fd) ? fd : NEXT(name)(folder, path, flags); \
	}

OPEN_2(__open_2)
OPEN_2(__open64_2)
OPENAT_2(__openat_2)
OPENAT_2(__openat64_2)

/* ---- ioctl(2) ----------------------------------------------------------------------------------- */

static int failed(int number)
{
	errno = number;
	return -1;
}

/* drivers/dma-buf/dma-heap.c, dma_heap_ioctl_allocate */
static int heap_allocate(const struct node *node, struct dma_heap_allocation_data *data)
{
	if (data->fd || (data->fd_flags & ~DMA_HEAP_VALID_FD_FLAGS) ||
	    (data->heap_flags & ~DMA_HEAP_VALID_HEAP_FLAGS) || data->len == 0)
		return failed(EINVAL);
	int fd = broker_allocate(node->source, data->len, NULL, data->fd_flags & O_CLOEXEC);

	if (fd < 0)
		return -1;
	data->fd = fd;
	return 0;
}

/* drivers/dma-buf/udmabuf.c, udmabuf_create: the rest of what it demands the daemon sees to */
static int udmabuf_create(const struct node *node, uint32_t flags, const struct udmabuf_create_item *item)
{
	uint64_t page = sysconf(_SC_PAGESIZE);
	struct memory own = { .memfd = item->memfd, .offset = item->offset };

	if (item->offset % page || item->size % page || item->size == 0)
		return failed(EINVAL);
	/* EBADF where it is not open, EBADFD where it is no memfd, as the kernel says. */
	if (fcntl(own.memfd, F_GET_SEALS) < 0)
		return errno == EINVAL ? failed(EBADFD) : -1;
	return broker_allocate(node->source, item->size, &own, flags & UDMABUF_FLAGS_CLOEXEC);
}

/* Several memfds in one dma_buf are nothing that the daemon makes: the device is asked where there is one. */
static int real_list(const struct udmabuf_create_list *list)
{
	int device = NEXT(open)(UDMABUF, O_RDWR | O_CLOEXEC);

	if (device < 0)
		return failed(EINVAL);
	int fd = NEXT(ioctl)(device, UDMABUF_CREATE_LIST, list), number = errno;

	close(device);
	errno = number;
	return fd;
}

static int udmabuf_create_list(const struct node *node, const struct udmabuf_create_list *list)
{
	if (list->count == 1)
		return udmabuf_create(node, list->flags, &list->list[0]);
	return list->count == 0 ? failed(EINVAL) : real_list(list);
}

static int udmabuf_create_one(const struct node *node, const struct udmabuf_create *create)
{
	struct udmabuf_create_item item = { .memfd = create->memfd,
					    .offset = create->offset,
					    .size = create->size };

	return udmabuf_create(node, create->flags, &item);
}

static int node_ioctl(const struct node *node, uint32_t request, void *argument)
{
	if (node->is_udmabuf ? request == DMA_HEAP_IOCTL_ALLOC : request != DMA_HEAP_IOCTL_ALLOC)
		return failed(ENOTTY);
	if (!argument)
		return failed(EFAULT);
	switch (request) {
	case DMA_HEAP_IOCTL_ALLOC:
		return heap_allocate(node, argument);
	case UDMABUF_CREATE:
		return udmabuf_create_one(node, argument);
	default:
		return udmabuf_create_list(node, argument);
	}
}

PUBLIC int ioctl(int fd, unsigned long request, ...)
{
	struct node node;
	va_list list;

	va_start(list, request);
	void *argument = va_arg(list, void *);

	va_end(list);
	/* As the kernel takes it: 32 bits, whatever a program's int was made of. */
	switch ((uint32_t)request) {
	case DMA_HEAP_IOCTL_ALLOC:
	case UDMABUF_CREATE:
	case UDMABUF_CREATE_LIST:
		if (node_read(fd, &node))
			return node_ioctl(&node, (uint32_t)request, argument);
	}
	return NEXT(ioctl)(fd, request, argument);
}
