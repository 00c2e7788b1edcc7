/*
 * The broker's side of an example: a connection, images that it allocates or is told
 * of, and a token for other processes. What goes wrong ends the program with a sentence, as err(3) does.
 */
#ifndef BROKER_H
#define BROKER_H

#include <stdbool.h>
#include <stdint.h>

#define FOURCC(a, b, c, d) \
	((uint32_t)(a) | ((uint32_t)(b) << 8) | ((uint32_t)(c) << 16) | ((uint32_t)(d) << 24))
#define FORMAT_AR24 FOURCC('A', 'R', '2', '4') /* B, G, R, A in memory */
#define FORMAT_XR24 FOURCC('X', 'R', '2', '4')
#define FORMAT_NV12 FOURCC('N', 'V', '1', '2') /* Y; then U and V in turns, for 2x2 pixels each */

#define MAX_PLANES 4

struct broker_plane {
	int fd; /* ours: the receiver of an fd owns it; broker_release closes it */
	uint32_t offset, stride;
};

struct broker_buffer {
	struct dmabroker_buffer_v1 *object;
	char id[14];
	char source[32];
	uint32_t format, width, height;
	uint64_t size, modifier;
	struct broker_plane planes[MAX_PLANES]; /* of one memory, whose size is above */
	unsigned plane_count;
	bool done;
};

struct broker {
	struct wl_display *display;
	struct wl_registry *registry;
	struct dmabroker_manager_v1 *manager;
};

/* The code of "AR24" and the like; ends the program if it is none of the three above. */
uint32_t format_named(const char *name);

/* At a client socket; NULL: where ../c/find-socket.h finds it. */
void broker_connect(struct broker *broker, const char *socket);
void broker_disconnect(struct broker *broker);

/* A linear image as a dma_buf; it lives as long as the connection or its last fd. */
void broker_allocate(struct broker *broker, struct broker_buffer *buffer, const char *name,
		     uint32_t width, uint32_t height, uint32_t format);

/*
 * The same, of one source (NULL: the broker's choice), and physically contiguous or not: "preferred", "required", NULL. Ends
 * the program where it is none of these.
 */
void broker_allocate_from(struct broker *broker, struct broker_buffer *buffer, const char *name,
			  uint32_t width, uint32_t height, uint32_t format, const char *source,
			  const char *contiguous);

/* Memory of somebody else's, registered; the planes' fds stay the caller's. Same lifetime. */
void broker_import(struct broker *broker, struct broker_buffer *buffer, const char *name,
		   uint32_t width, uint32_t height, uint32_t format,
		   const struct broker_plane *planes, unsigned plane_count);
void broker_release(struct broker_buffer *buffer);

/* Lets another process redeem the buffer once: prints the token, a secret, to stdout. */
void broker_print_token(struct broker *broker, struct broker_buffer *buffer);

#endif
