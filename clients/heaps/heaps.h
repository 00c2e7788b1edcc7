/* What the parts of the preloaded object say to each other. All of it is hidden but the calls of libc in preload.c. */
#ifndef HEAPS_H
#define HEAPS_H

#include <stdbool.h>
#include <stdint.h>

/* A device that the program has opened, as it is kept in its file descriptor (node.c). */
struct node {
	char mark[16];
	uint32_t is_udmabuf; /* else a heap */
	char source[76];     /* of the broker's, to allocate from */
};

/* An fd for a device, -1 and errno where there is none to be had. */
int node_open(const struct node *node, bool close_on_exec);
/* Whether an fd is one of those. */
bool node_read(int fd, struct node *node);

enum found {
	FOUND,	    /* the daemon has the source */
	NOT_THERE,  /* it has not */
	NOBODY,	    /* there is no daemon */
};

/* Whether memory can be had of a source. What stands in the way of asking is said on stderr, once in a process. */
enum found broker_has(const char *source, const char *path);

/* The program's own memory, which is to become a buffer. */
struct memory {
	int memfd;
	uint64_t offset;
};

/* A dma_buf, the caller's; -1 and the errno that the device would have given. */
int broker_allocate(const char *source, uint64_t size, const struct memory *own, bool close_on_exec);

#endif
