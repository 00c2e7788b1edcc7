/*
 * A client of dmabroker in C, with nothing but libwayland-client and the code that wayland-scanner
 * makes of protocol/dmabroker-v1.xml.
 *
 *   dmabroker-example [options] alloc          allocate an image, draw into it, print what it is
 *   dmabroker-example [options] redeem TOKEN   get a shared buffer, write its bytes to stdout
 *
 *   --socket PATH        the broker's client socket (default: see find-socket.h)
 *   --handle-type TYPE   dma_buf (default) or memfd
 *   --size WxH           pixels, for alloc (default: 640x480)
 *   --share              alloc: print a token, then wait until stdin ends
 *   --hold               redeem: after the bytes, wait until stdin ends
 *
 * A restart of the daemon ends the connection; the fds that were received stay good. dmabroker-reconnect.c
 * goes on then.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <wayland-client.h>

#include "dmabroker-v1-client.h"
#include "find-socket.h"

#define FOURCC(a, b, c, d) \
	((uint32_t)(a) | ((uint32_t)(b) << 8) | ((uint32_t)(c) << 16) | ((uint32_t)(d) << 24))
#define MAX_PLANES 4
#define ANY_USER 0xffffffffu

struct plane {
	int fd; /* ours: the receiver of an fd owns it; each plane has one of its own */
	uint32_t handle_type, memory, offset, stride;
};

struct buffer {
	struct dmabroker_buffer_v1 *object;
	char id[14];
	char source[32];
	uint32_t format, width, height;
	uint64_t modifier;
	uint64_t memories[MAX_PLANES]; /* bytes of each: so much can be mapped, and no more */
	struct plane planes[MAX_PLANES];
	unsigned memory_count, plane_count;
	bool done, failed;
};

static struct dmabroker_manager_v1 *manager;
static bool described;

static void die(const char *what)
{
	fprintf(stderr, "dmabroker-example: %s\n", what);
	exit(1);
}

/* ---- what the broker says about itself ------------------------------------------------------ */

static void manager_device(void *data, struct dmabroker_manager_v1 *m, const char *name,
			   const char *device_uuid, const char *driver_uuid, uint32_t main_device_hi,
			   uint32_t main_device_lo)
{
	(void)data, (void)m, (void)driver_uuid, (void)main_device_hi, (void)main_device_lo;
	fprintf(stderr, "device: %s (%s)\n", name, device_uuid);
}

static void manager_source(void *data, struct dmabroker_manager_v1 *m, const char *name,
			   uint32_t handle_type, uint32_t usable, const char *reason)
{
	(void)data, (void)m, (void)handle_type;
	fprintf(stderr, "source: %s: %s: %s\n", name, usable ? "usable" : "not usable", reason);
}

static void manager_limit(void *data, struct dmabroker_manager_v1 *m, uint32_t what, uint32_t hi,
			  uint32_t lo)
{
	(void)data, (void)m, (void)what, (void)hi, (void)lo;
}

static void manager_session(void *data, struct dmabroker_manager_v1 *m, const char *token)
{
	(void)data, (void)m, (void)token;
}

static void manager_done(void *data, struct dmabroker_manager_v1 *m)
{
	(void)data, (void)m;
	described = true;
}

static const struct dmabroker_manager_v1_listener manager_listener = {
	.device = manager_device,
	.source = manager_source,
	.limit = manager_limit,
	.session = manager_session,
	.done = manager_done,
};

static void registry_global(void *data, struct wl_registry *registry, uint32_t name,
			    const char *interface, uint32_t version)
{
	(void)data, (void)version;
	if (strcmp(interface, dmabroker_manager_v1_interface.name) != 0 || manager)
		return;
	manager = wl_registry_bind(registry, name, &dmabroker_manager_v1_interface, 1);
	dmabroker_manager_v1_add_listener(manager, &manager_listener, NULL);
}

static void registry_global_remove(void *data, struct wl_registry *registry, uint32_t name)
{
	(void)data, (void)registry, (void)name;
}

static const struct wl_registry_listener registry_listener = {
	.global = registry_global,
	.global_remove = registry_global_remove,
};

/* ---- a buffer ------------------------------------------------------------------------------- */

static void buffer_info(void *data, struct dmabroker_buffer_v1 *object, const char *id,
			uint32_t generation, uint32_t handle_types, const char *source,
			uint32_t size_hi, uint32_t size_lo, uint32_t format, uint32_t modifier_hi,
			uint32_t modifier_lo, uint32_t width, uint32_t height)
{
	struct buffer *b = data;

	(void)object, (void)generation, (void)handle_types, (void)size_hi, (void)size_lo;
	snprintf(b->id, sizeof b->id, "%s", id);
	snprintf(b->source, sizeof b->source, "%s", source);
	b->modifier = (uint64_t)modifier_hi << 32 | modifier_lo;
	b->format = format;
	b->width = width;
	b->height = height;
}

static void buffer_memory(void *data, struct dmabroker_buffer_v1 *object, uint32_t index,
			  uint32_t size_hi, uint32_t size_lo)
{
	struct buffer *b = data;

	(void)object;
	if (index >= MAX_PLANES)
		die("more memories than expected");
	b->memories[index] = (uint64_t)size_hi << 32 | size_lo;
	b->memory_count++;
}

static void buffer_plane(void *data, struct dmabroker_buffer_v1 *object, int32_t fd,
			 uint32_t handle_type, uint32_t index, uint32_t memory, uint32_t offset,
			 uint32_t stride)
{
	struct buffer *b = data;

	(void)object;
	if (index >= MAX_PLANES || memory >= b->memory_count)
		die("more planes than expected, or of an unknown memory");
	b->planes[index] = (struct plane){ .fd = fd,
					   .handle_type = handle_type,
					   .memory = memory,
					   .offset = offset,
					   .stride = stride };
	b->plane_count++;
}

static void buffer_done(void *data, struct dmabroker_buffer_v1 *object)
{
	(void)object;
	((struct buffer *)data)->done = true;
}

/* Only imports are checked; this example allocates. */
static void buffer_checked(void *data, struct dmabroker_buffer_v1 *object, uint32_t how,
			   const char *reason)
{
	(void)data, (void)object, (void)how, (void)reason;
}

/* Only for an opaque_fd, which this example does not ask for. */
static void buffer_vulkan_memory(void *data, struct dmabroker_buffer_v1 *object,
				 uint32_t memory_type, uint32_t dedicated)
{
	(void)data, (void)object, (void)memory_type, (void)dedicated;
}

/* The whole of what failed says, where that is too long for it. */
static void buffer_long_detail(void *data, struct dmabroker_buffer_v1 *object, int32_t fd,
			       uint32_t size)
{
	(void)data, (void)object, (void)size;
	close(fd); /* ours, whether or not it is read */
}

static void buffer_failed(void *data, struct dmabroker_buffer_v1 *object, uint32_t code,
			  const char *message, const char *detail)
{
	(void)object;
	fprintf(stderr, "refused (%u): %s %s\n", code, message, detail);
	((struct buffer *)data)->failed = true;
}

static void buffer_released(void *data, struct dmabroker_buffer_v1 *object, uint32_t reason)
{
	(void)data, (void)object;
	fprintf(stderr, "the broker let go of the buffer (%u); our fds stay good\n", reason);
}

static void buffer_lost(void *data, struct dmabroker_buffer_v1 *object, uint32_t generation)
{
	(void)data, (void)object;
	fprintf(stderr, "the device was lost: generation %u holds nothing any more\n", generation);
}

static void buffer_reissued(void *data, struct dmabroker_buffer_v1 *object, uint32_t generation)
{
	(void)data, (void)object;
	fprintf(stderr, "there is new memory: generation %u\n", generation);
}

/* For displays and codecs; this example asks for neither. */
static void buffer_unverified(void *data, struct dmabroker_buffer_v1 *object, uint32_t usage)
{
	(void)data, (void)object, (void)usage;
}

static void buffer_recall(void *data, struct dmabroker_buffer_v1 *object, uint32_t reason,
			  uint32_t seconds)
{
	(void)data, (void)object;
	if (reason != DMABROKER_BUFFER_V1_RECALL_REASON_WITHDRAWN)
		fprintf(stderr, "the broker wants the buffer back within %u s\n", seconds);
}

/* For buffers with a lease; this example makes none. */
static void buffer_lease(void *data, struct dmabroker_buffer_v1 *object, uint32_t seconds,
			 uint32_t answer)
{
	(void)data, (void)object, (void)seconds, (void)answer;
}

static void buffer_lease_refused(void *data, struct dmabroker_buffer_v1 *object, uint32_t code,
				 const char *message, const char *detail)
{
	(void)data, (void)object, (void)code, (void)message, (void)detail;
}

static void buffer_metadata(void *data, struct dmabroker_buffer_v1 *object, int32_t fd, uint32_t size)
{
	(void)data, (void)object, (void)size;
	close(fd);
}

static void buffer_committed(void *data, struct dmabroker_buffer_v1 *object, uint32_t revision_hi,
			     uint32_t revision_lo, const char *digest, uint32_t answer)
{
	(void)data, (void)object, (void)revision_hi, (void)revision_lo, (void)digest, (void)answer;
}

static void buffer_device(void *data, struct dmabroker_buffer_v1 *object, const char *uuid)
{
	(void)data, (void)object, (void)uuid;
}

static void buffer_fell_back(void *data, struct dmabroker_buffer_v1 *object, uint32_t reason,
			     const char *source, const char *message)
{
	(void)data, (void)object, (void)reason, (void)source;
	fprintf(stderr, "not from the source that was wanted first: %s\n", message);
}

static const struct dmabroker_buffer_v1_listener buffer_listener = {
	.info = buffer_info,
	.memory = buffer_memory,
	.plane = buffer_plane,
	.done = buffer_done,
	.long_detail = buffer_long_detail,
	.failed = buffer_failed,
	.released = buffer_released,
	.checked = buffer_checked,
	.vulkan_memory = buffer_vulkan_memory,
	.lost = buffer_lost,
	.reissued = buffer_reissued,
	.unverified = buffer_unverified,
	.recall = buffer_recall,
	.lease = buffer_lease,
	.lease_refused = buffer_lease_refused,
	.device = buffer_device,
	.metadata = buffer_metadata,
	.committed = buffer_committed,
	.commit_refused = buffer_lease_refused,
	.fell_back = buffer_fell_back,
};

static void wait_for(struct wl_display *display, struct buffer *b)
{
	dmabroker_buffer_v1_add_listener(b->object, &buffer_listener, b);
	/* A roundtrip may come back before the buffer does: wait for its own events. */
	while (!b->done && !b->failed)
		if (wl_display_dispatch(display) < 0)
			die("the connection broke");
	if (b->failed)
		exit(1);
}

static void print_buffer(const struct buffer *b)
{
	fprintf(stderr, "buffer: %s %ux%u %.4s modifier 0x%016" PRIx64 " from %s\n", b->id, b->width,
		b->height, (const char *)&b->format, b->modifier, b->source);
	for (unsigned i = 0; i < b->memory_count; i++)
		fprintf(stderr, "memory %u: %" PRIu64 " bytes\n", i, b->memories[i]);
	for (unsigned i = 0; i < b->plane_count; i++) {
		char link[64], target[128] = "";
		struct plane plane = b->planes[i];

		snprintf(link, sizeof link, "/proc/self/fd/%d", plane.fd);
		if (readlink(link, target, sizeof target - 1) < 0)
			die("no /proc");
		fprintf(stderr, "plane %u: memory %u offset %u stride %u fd -> %s\n", i, plane.memory,
			plane.offset, plane.stride, target);
	}
}

/* ---- the CPU's view ------------------------------------------------------------------------- */

static void sync_dma_buf(const struct plane *plane, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };
	int result;

	if (plane->handle_type != DMABROKER_MANAGER_V1_HANDLE_TYPE_DMA_BUF)
		return; /* a memfd is ordinary memory */
	do
		result = ioctl(plane->fd, DMA_BUF_IOCTL_SYNC, &sync);
	while (result < 0 && (errno == EINTR || errno == EAGAIN));
	if (result < 0)
		die("DMA_BUF_IOCTL_SYNC failed");
}

/* All of the memory that a plane lies in. */
static uint8_t *map(const struct buffer *b, const struct plane *plane, int protection)
{
	void *memory = mmap(NULL, b->memories[plane->memory], protection, MAP_SHARED, plane->fd, 0);

	if (memory == MAP_FAILED)
		die("mmap failed");
	return memory;
}

/* A gradient: something else in every pixel of a row and in every row. */
static void draw(const struct buffer *b)
{
	const struct plane *plane = &b->planes[0];
	uint8_t *memory = map(b, plane, PROT_READ | PROT_WRITE);

	sync_dma_buf(plane, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	for (uint32_t y = 0; y < b->height; y++) {
		uint32_t *row = (uint32_t *)(memory + plane->offset + (size_t)y * plane->stride);
		for (uint32_t x = 0; x < b->width; x++)
			row[x] = 0xff000000u | (x & 0xff) << 16 | (y & 0xff) << 8 | ((x ^ y) & 0xff);
	}
	sync_dma_buf(plane, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
	fprintf(stderr, "drew %ux%u pixels\n", b->width, b->height);
	munmap(memory, b->memories[plane->memory]);
}

/* Memory after memory: separate planes lie in several. */
static void dump(const struct buffer *b)
{
	for (unsigned m = 0; m < b->memory_count; m++) {
		const struct plane *plane = b->planes;

		while (plane->memory != m)
			if (++plane == b->planes + b->plane_count)
				die("a memory without a plane");
		uint8_t *memory = map(b, plane, PROT_READ);

		sync_dma_buf(plane, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
		size_t written = fwrite(memory, 1, b->memories[m], stdout);
		sync_dma_buf(plane, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
		if (written != b->memories[m] || fflush(stdout) != 0)
			die("cannot write to stdout");
		munmap(memory, b->memories[m]);
	}
}

/* ---- sharing -------------------------------------------------------------------------------- */

static bool answered;

static void share_token(void *data, struct dmabroker_share_v1 *share, const char *token)
{
	(void)data, (void)share;
	printf("%s\n", token);
	fflush(stdout);
	answered = true;
}

/* The whole of what failed says, where that is too long for it. */
static void share_long_detail(void *data, struct dmabroker_share_v1 *share, int32_t fd,
			       uint32_t size)
{
	(void)data, (void)share, (void)size;
	close(fd); /* ours, whether or not it is read */
}

static void share_failed(void *data, struct dmabroker_share_v1 *share, uint32_t code,
			 const char *message, const char *detail)
{
	(void)data, (void)share, (void)code, (void)detail;
	die(message);
}

static void share_token_id(void *data, struct dmabroker_share_v1 *share, const char *id)
{
	(void)data, (void)share, (void)id;
}

static const struct dmabroker_share_v1_listener share_listener = {
	.token = share_token,
	.long_detail = share_long_detail,
	.failed = share_failed,
	.token_id = share_token_id,
};

static void share(struct wl_display *display, const struct buffer *b)
{
	struct dmabroker_share_v1 *object = dmabroker_buffer_v1_share(b->object, 1, ANY_USER, 0, 0);

	dmabroker_share_v1_add_listener(object, &share_listener, NULL);
	while (!answered)
		if (wl_display_dispatch(display) < 0)
			die("the connection broke");
	dmabroker_share_v1_destroy(object);
}

static void wait_for_end_of_stdin(void)
{
	char bytes[256];

	while (read(STDIN_FILENO, bytes, sizeof bytes) > 0)
		;
}

/* ---- the command line ----------------------------------------------------------------------- */

struct options {
	const char *socket;
	uint32_t handle_types, width, height;
	bool share, hold;
};

static struct buffer allocate(struct wl_display *display, const struct options *o)
{
	struct buffer b = { 0 };
	struct dmabroker_params_v1 *params = dmabroker_manager_v1_create_params(manager);

	dmabroker_params_v1_set_image(params, o->width, o->height, FOURCC('X', 'R', '2', '4'));
	dmabroker_params_v1_add_modifier(params, 0, 0); /* DRM_FORMAT_MOD_LINEAR */
	dmabroker_params_v1_set_usage(params, DMABROKER_MANAGER_V1_USAGE_TRANSFER |
					      DMABROKER_MANAGER_V1_USAGE_CPU_WRITE);
	dmabroker_params_v1_set_handle_types(params, o->handle_types);
	dmabroker_params_v1_set_name(params, "C example");
	b.object = dmabroker_params_v1_create(params);
	dmabroker_params_v1_destroy(params);
	wait_for(display, &b);
	return b;
}

static void parse(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{ "socket", required_argument, NULL, 'S' },
		{ "handle-type", required_argument, NULL, 't' },
		{ "size", required_argument, NULL, 's' },
		{ "share", no_argument, NULL, 'x' },
		{ "hold", no_argument, NULL, 'h' },
		{ 0 },
	};
	for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
		if (c == 'S')
			o->socket = optarg;
		else if (c == 't' && strcmp(optarg, "memfd") == 0)
			o->handle_types = DMABROKER_MANAGER_V1_HANDLE_TYPE_MEMFD;
		else if (c == 't' && strcmp(optarg, "dma_buf") == 0)
			o->handle_types = DMABROKER_MANAGER_V1_HANDLE_TYPE_DMA_BUF;
		else if (c == 's' && sscanf(optarg, "%ux%u", &o->width, &o->height) == 2)
			continue;
		else if (c == 'x')
			o->share = true;
		else if (c == 'h')
			o->hold = true;
		else
			die("usage: dmabroker-example [options] alloc | redeem TOKEN");
	}
}

int main(int argc, char **argv)
{
	struct options o = {
		.socket = find_socket(),
		.handle_types = DMABROKER_MANAGER_V1_HANDLE_TYPE_DMA_BUF,
		.width = 640,
		.height = 480,
	};
	struct buffer b = { 0 };

	parse(argc, argv, &o);
	const char *command = optind < argc ? argv[optind] : "alloc";
	struct wl_display *display = wl_display_connect(o.socket);
	if (!display) {
		fprintf(stderr, "dmabroker-example: nobody answers at %s: %s\n", o.socket, strerror(errno));
		return 1;
	}
	struct wl_registry *registry = wl_display_get_registry(display);
	wl_registry_add_listener(registry, &registry_listener, NULL);
	/* The first roundtrip finds the manager, the second brings its description. */
	if (wl_display_roundtrip(display) < 0 || !manager || wl_display_roundtrip(display) < 0 || !described) {
		/* libwayland has printed the daemon's own sentence. */
		if (wl_display_get_error(display) == EPROTO)
			die("the daemon has refused this connection");
		die("there is no dmabroker at this socket");
	}

	if (strcmp(command, "alloc") == 0) {
		b = allocate(display, &o);
		print_buffer(&b);
		draw(&b);
		if (o.share) {
			share(display, &b);
			wait_for_end_of_stdin();
		}
	} else if (strcmp(command, "redeem") == 0 && optind + 1 < argc) {
		b.object = dmabroker_manager_v1_redeem(manager, argv[optind + 1]);
		wait_for(display, &b);
		print_buffer(&b);
		dump(&b);
		if (o.hold)
			wait_for_end_of_stdin();
	} else
		die("usage: dmabroker-example [options] alloc | redeem TOKEN");

	dmabroker_buffer_v1_destroy(b.object);
	for (unsigned i = 0; i < b.plane_count; i++)
		close(b.planes[i].fd);
	dmabroker_manager_v1_destroy(manager);
	wl_registry_destroy(registry);
	if (wl_display_roundtrip(display) < 0)
		die("the connection broke");
	wl_display_disconnect(display);
	return 0;
}
