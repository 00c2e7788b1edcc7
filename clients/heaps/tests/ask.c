/*
 * A program that knows the kernel's devices and nothing else: what the tests start under the preloaded object.
 *
 *   ask hold NAME LENGTH      memory of a heap: zeroed, written and read back; a line, and it waits for its stdin
 *   ask hold udmabuf LENGTH   the same of a memfd of its own, in which there is something already
 *   ask passing NAME          the opened device by dup, after fork and exec, and in many threads
 *   ask wrong NAME            what is refused, and by which errno: lines
 *   ask spend NAME LENGTH     memory until there is none: how often it was had, and the errno
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEED 0x9e3779b1u

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static int device(const char *name)
{
	char path[300];

	snprintf(path, sizeof path, strcmp(name, "udmabuf") ? "/dev/dma_heap/%s" : "/dev/%s", name);
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die(path);
	return fd;
}

static int allocate(int heap, size_t length)
{
	struct dma_heap_allocation_data data = { .len = length, .fd_flags = O_RDWR | O_CLOEXEC };

	return ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data) ? -1 : (int)data.fd;
}

static uint32_t *map(int fd, size_t length)
{
	void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

/* DMA_BUF_IOCTL_SYNC is a dma_buf's alone, and goes past what is preloaded. */
static void bracket(int fd, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_RW };

	if (ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync))
		die("DMA_BUF_IOCTL_SYNC");
}

static void check(int fd, size_t length)
{
	uint32_t *words = map(fd, length);

	if (lseek(fd, 0, SEEK_END) != (off_t)length || !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
		die("the dma_buf is another");
	bracket(fd, DMA_BUF_SYNC_START);
	for (size_t i = 0; i < length / 4; i++)
		if (words[i])
			die("not zeroed");
	for (size_t i = 0; i < length / 4; i++)
		words[i] = (uint32_t)i * SEED;
	bracket(fd, DMA_BUF_SYNC_END);
	for (size_t i = 0; i < length / 4; i++)
		if (words[i] != (uint32_t)i * SEED)
			die("not what was written");
	munmap(words, length);
}

/* What `check` has written. */
static void still(int fd, size_t length)
{
	uint32_t *words = map(fd, length);

	for (size_t i = 0; i < length / 4; i++)
		if (words[i] != (uint32_t)i * SEED)
			die("not what was written any more");
	munmap(words, length);
}

static int sealed(size_t length, int seals)
{
	int memfd = memfd_create("own", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	if (memfd < 0 || ftruncate(memfd, length) || fcntl(memfd, F_ADD_SEALS, seals))
		die("memfd_create");
	return memfd;
}

static int make(int udmabuf, int memfd, uint64_t offset, uint64_t length)
{
	struct udmabuf_create create = {
		.memfd = memfd, .flags = UDMABUF_FLAGS_CLOEXEC, .offset = offset, .size = length
	};

	return ioctl(udmabuf, UDMABUF_CREATE, &create);
}

/* The second half of the memfd, so that its offset counts; of its pages the first alone was touched. */
static int own(int udmabuf, size_t length)
{
	int memfd = sealed(2 * length, F_SEAL_SHRINK);
	uint32_t *words = map(memfd, 2 * length);

	for (size_t i = 0; i < 1024; i++)
		words[length / 4 + i] = (uint32_t)i * SEED;
	int fd = make(udmabuf, memfd, length, length);

	if (fd < 0)
		die("UDMABUF_CREATE");
	uint32_t *same = map(fd, length);

	if (memcmp(same, words + length / 4, length))
		die("not the program's own bytes");
	same[1] = 4711;
	if (words[length / 4 + 1] != 4711)
		die("not the program's own memory");
	close(memfd);
	munmap(words, 2 * length);
	return fd;
}

static void hold(const char *name, size_t length)
{
	int opened = device(name), fd;

	if (strcmp(name, "udmabuf") == 0) {
		fd = own(opened, length);
	} else {
		fd = allocate(opened, length);
		if (fd < 0)
			die("DMA_HEAP_IOCTL_ALLOC");
		check(fd, length);
	}
	close(opened);
	puts("holds");
	fflush(stdout);
	getchar();
	if (strcmp(name, "udmabuf") != 0)
		still(fd, length);
	close(fd);
}

static void *in_thread(void *heap)
{
	for (int i = 0; i < 4; i++) {
		int fd = allocate(*(int *)heap, 4096 * (i + 1));

		if (fd < 0)
			die("in a thread");
		check(fd, 4096 * (i + 1));
		close(fd);
	}
	return NULL;
}

static void passing(const char *program, const char *name)
{
	int opened = device(name), copy = dup(opened);
	pthread_t threads[4];
	char number[20];

	close(opened);
	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, in_thread, &copy))
			die("pthread_create");
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	int before = dup(0);

	close(before);
	in_thread(&copy);
	int after = dup(0);

	if (before != after)
		die("an fd is left");
	snprintf(number, sizeof number, "%d", copy);
	pid_t child = fork();

	if (child == 0) {
		in_thread(&copy);
		execl(program, program, "inherited", number, NULL);
		_exit(1);
	}
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		die("a child");
	puts("passed");
}

static void told(const char *what, int result)
{
	printf("%s %s\n", what, result >= 0 ? "OK" : strerrorname_np(errno));
}

static int heap_call(int heap, uint64_t length, uint32_t fd, uint32_t fd_flags, uint64_t heap_flags)
{
	struct dma_heap_allocation_data data = {
		.len = length, .fd = fd, .fd_flags = fd_flags, .heap_flags = heap_flags
	};

	return ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data);
}

static void wrong(const char *name)
{
	int opened = device(name);
	struct {
		struct udmabuf_create_list head;
		struct udmabuf_create_item items[2];
	} list = { .head.count = 0 };

	if (strcmp(name, "udmabuf") != 0) {
		told("length", heap_call(opened, 0, 0, O_RDWR, 0));
		told("fd", heap_call(opened, 4096, 1, O_RDWR, 0));
		told("fd_flags", heap_call(opened, 4096, 0, O_APPEND, 0));
		told("heap_flags", heap_call(opened, 4096, 0, O_RDWR, 1));
		told("huge", heap_call(opened, 1ull << 50, 0, O_RDWR, 0));
		told("other", ioctl(opened, UDMABUF_CREATE, &list));
		told("missing", open("/dev/dma_heap/none", O_RDWR));
		told("folder", open("/dev/dma_heap/", O_WRONLY));
		return;
	}
	int memfd = sealed(8192, F_SEAL_SHRINK);

	told("offset", make(opened, memfd, 1, 4096));
	told("size", make(opened, memfd, 0, 1));
	told("nothing", make(opened, memfd, 0, 0));
	told("end", make(opened, memfd, 4096, 8192));
	told("closed", make(opened, 999, 0, 4096));
	told("unsealed", make(opened, sealed(4096, 0), 0, 4096));
	told("unwritable", make(opened, sealed(4096, F_SEAL_SHRINK | F_SEAL_WRITE), 0, 4096));
	told("pipe", make(opened, 0, 0, 4096));
	told("none", ioctl(opened, UDMABUF_CREATE_LIST, &list));
	list.head.count = 1;
	list.items[0] = (struct udmabuf_create_item){ .memfd = memfd, .size = 4096 };
	told("one", ioctl(opened, UDMABUF_CREATE_LIST, &list));
	list.head.count = 2;
	list.items[1] = list.items[0];
	told("two", ioctl(opened, UDMABUF_CREATE_LIST, &list));
}

static void spend(const char *name, size_t length)
{
	int opened = device(name), count = 0;
	bool is_udmabuf = strcmp(name, "udmabuf") == 0;

	while (count < 1000 && (is_udmabuf ? make(opened, sealed(length, F_SEAL_SHRINK), 0, length) :
					     allocate(opened, length)) >= 0)
		count++;
	printf("%d %s\n", count, strerrorname_np(errno));
}

int main(int count, char **args)
{
	size_t length = count > 3 ? strtoull(args[3], NULL, 0) : 0;

	if (count < 3)
		return 2;
	if (strcmp(args[1], "hold") == 0)
		hold(args[2], length);
	else if (strcmp(args[1], "passing") == 0)
		passing(args[0], args[2]);
	else if (strcmp(args[1], "wrong") == 0)
		wrong(args[2]);
	else if (strcmp(args[1], "spend") == 0)
		spend(args[2], length);
	else
		in_thread(&(int){ atoi(args[2]) });
	return 0;
}
