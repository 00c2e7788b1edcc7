/*
 * A client that outlives the daemon: when the connection breaks it connects again, adopts its buffer with the
 * session that it was told before, and goes on drawing in the memory that it has mapped all the time.
 *
 *   dmabroker-reconnect [options]     draws a frame for each line of stdin, until that ends
 *
 *   --socket PATH        the broker's client socket (default: see find-socket.h)
 *   --handle-type TYPE   dma_buf (default) or memfd
 *   --lease SECONDS      keep the buffer so long without us; else it is bound to our connection
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <wayland-client.h>

#include "dmabroker-v1-client.h"
#include "find-socket.h"

#define XR24 0x34325258u
#define WIDTH 64
#define HEIGHT 64
#define MAX_PLANES 4
#define TRY_AGAIN_MS 50
#define TRIES 600 /* half a minute: after that a restart is none */

struct plane {
	int fd; /* ours, each */
	uint32_t handle_type, offset, stride;
};

struct buffer {
	struct dmabroker_buffer_v1 *object;
	char id[14];
	uint64_t modifier, size;
	struct plane planes[MAX_PLANES];
	unsigned plane_count;
	bool done, failed;
};

static struct {
	const char *socket;
	uint32_t handle_types, lease;
} options = { .handle_types = DMABROKER_MANAGER_V1_HANDLE_TYPE_DMA_BUF };

static struct wl_display *display;
static struct wl_registry *registry;
static struct dmabroker_manager_v1 *manager;
static char session[64]; /* of the connection that there is */
static bool described;

static void die(const char *what)
{
	fprintf(stderr, "dmabroker-reconnect: %s\n", what);
	exit(1);
}

/* ---- what is of no use here: an event without a listener is an error of libwayland's ---------- */

static void ignore_device(void *d, struct dmabroker_manager_v1 *m, const char *name, const char *device,
			  const char *driver, uint32_t hi, uint32_t lo)
{
	(void)d, (void)m, (void)name, (void)device, (void)driver, (void)hi, (void)lo;
}

static void ignore_source(void *d, struct dmabroker_manager_v1 *m, const char *name, uint32_t type,
			  uint32_t usable, const char *reason)
{
	(void)d, (void)m, (void)name, (void)type, (void)usable, (void)reason;
}

static void ignore_limit(void *d, struct dmabroker_manager_v1 *m, uint32_t what, uint32_t hi, uint32_t lo)
{
	(void)d, (void)m, (void)what, (void)hi, (void)lo;
}

static void ignore_number(void *d, struct dmabroker_buffer_v1 *o, uint32_t value)
{
	(void)d, (void)o, (void)value;
}

static void ignore_numbers(void *d, struct dmabroker_buffer_v1 *o, uint32_t one, uint32_t two)
{
	(void)d, (void)o, (void)one, (void)two;
}

static void ignore_check(void *d, struct dmabroker_buffer_v1 *o, uint32_t how, const char *reason)
{
	(void)d, (void)o, (void)how, (void)reason;
}

static void ignore_fall_back(void *d, struct dmabroker_buffer_v1 *o, uint32_t reason, const char *source,
			     const char *message)
{
	(void)d, (void)o, (void)reason, (void)source, (void)message;
}

static void ignore_text(void *d, struct dmabroker_buffer_v1 *o, const char *text)
{
	(void)d, (void)o, (void)text;
}

static void ignore_revision(void *d, struct dmabroker_buffer_v1 *o, uint32_t hi, uint32_t lo,
			    const char *digest, uint32_t answer)
{
	(void)d, (void)o, (void)hi, (void)lo, (void)digest, (void)answer;
}

static void ignore_refusal(void *d, struct dmabroker_buffer_v1 *o, uint32_t code, const char *message,
			   const char *detail)
{
	(void)d, (void)o, (void)code, (void)message, (void)detail;
}

static void close_detail(void *d, struct dmabroker_buffer_v1 *o, int32_t fd, uint32_t size)
{
	(void)d, (void)o, (void)size;
	close(fd);
}

/* ---- a connection ----------------------------------------------------------------------------- */

static void manager_session(void *data, struct dmabroker_manager_v1 *m, const char *token)
{
	(void)data, (void)m;
	snprintf(session, sizeof session, "%s", token);
}

static void manager_done(void *data, struct dmabroker_manager_v1 *m)
{
	(void)data, (void)m;
	described = true;
}

static const struct dmabroker_manager_v1_listener manager_listener = {
	.device = ignore_device,
	.source = ignore_source,
	.limit = ignore_limit,
	.session = manager_session,
	.done = manager_done,
};

static void registry_global(void *data, struct wl_registry *r, uint32_t name, const char *interface,
			    uint32_t version)
{
	(void)data, (void)version;
	if (strcmp(interface, dmabroker_manager_v1_interface.name) != 0 || manager)
		return;
	manager = wl_registry_bind(r, name, &dmabroker_manager_v1_interface, 1);
	dmabroker_manager_v1_add_listener(manager, &manager_listener, NULL);
}

static void registry_global_remove(void *data, struct wl_registry *r, uint32_t name)
{
	(void)data, (void)r, (void)name;
}

static const struct wl_registry_listener registry_listener = {
	.global = registry_global,
	.global_remove = registry_global_remove,
};

/* What was received, fds above all, is not touched by it. */
static void disconnect(void)
{
	if (manager)
		dmabroker_manager_v1_destroy(manager);
	if (registry)
		wl_registry_destroy(registry);
	if (display)
		wl_display_disconnect(display);
	manager = NULL;
	registry = NULL;
	display = NULL;
	described = false;
}

static bool connect_once(void)
{
	display = wl_display_connect(options.socket);
	if (!display)
		return false;
	registry = wl_display_get_registry(display);
	wl_registry_add_listener(registry, &registry_listener, NULL);
	/* The first roundtrip finds the manager, the second brings its description. */
	if (wl_display_roundtrip(display) >= 0 && manager && wl_display_roundtrip(display) >= 0 && described)
		return true;
	disconnect();
	return false;
}

/* With systemd the first time succeeds at once, and is answered when the daemon is up. */
static void connect_again(void)
{
	const struct timespec pause = { .tv_nsec = TRY_AGAIN_MS * 1000000 };

	disconnect();
	for (int i = 0; i < TRIES; i++) {
		if (connect_once())
			return;
		nanosleep(&pause, NULL);
	}
	die("the daemon has not come back");
}

/* ---- a buffer --------------------------------------------------------------------------------- */

static void buffer_info(void *data, struct dmabroker_buffer_v1 *object, const char *id,
			uint32_t generation, uint32_t handle_types, const char *source,
			uint32_t size_hi, uint32_t size_lo, uint32_t format, uint32_t modifier_hi,
			uint32_t modifier_lo, uint32_t width, uint32_t height)
{
	struct buffer *b = data;

	(void)object, (void)generation, (void)handle_types, (void)source, (void)size_hi, (void)size_lo;
	(void)format, (void)width, (void)height;
	snprintf(b->id, sizeof b->id, "%s", id);
	b->modifier = (uint64_t)modifier_hi << 32 | modifier_lo;
}

/* XR24 lies in one memory. */
static void buffer_memory(void *data, struct dmabroker_buffer_v1 *object, uint32_t index, uint32_t hi,
			  uint32_t lo)
{
	(void)object;
	if (index == 0)
		((struct buffer *)data)->size = (uint64_t)hi << 32 | lo;
}

static void buffer_plane(void *data, struct dmabroker_buffer_v1 *object, int32_t fd, uint32_t handle_type,
			 uint32_t index, uint32_t memory, uint32_t offset, uint32_t stride)
{
	struct buffer *b = data;

	(void)object, (void)memory;
	if (index >= MAX_PLANES)
		die("more planes than expected");
	b->planes[index] = (struct plane){ fd, handle_type, offset, stride };
	b->plane_count = index + 1;
}

static void buffer_done(void *data, struct dmabroker_buffer_v1 *object)
{
	(void)object;
	((struct buffer *)data)->done = true;
}

static void buffer_failed(void *data, struct dmabroker_buffer_v1 *object, uint32_t code,
			  const char *message, const char *detail)
{
	(void)object, (void)detail;
	printf("refused (%u): %s\n", code, message);
	((struct buffer *)data)->failed = true;
}

static const struct dmabroker_buffer_v1_listener buffer_listener = {
	.info = buffer_info,
	.memory = buffer_memory,
	.plane = buffer_plane,
	.done = buffer_done,
	.long_detail = close_detail,
	.failed = buffer_failed,
	.released = ignore_number,
	.checked = ignore_check,
	.vulkan_memory = ignore_numbers,
	.lost = ignore_number,
	.reissued = ignore_number,
	.unverified = ignore_number,
	.recall = ignore_numbers,
	.lease = ignore_numbers,
	.lease_refused = ignore_refusal,
	.device = ignore_text,
	.metadata = close_detail,
	.committed = ignore_revision,
	.commit_refused = ignore_refusal,
	.fell_back = ignore_fall_back,
};

static void close_planes(const struct buffer *b)
{
	for (unsigned i = 0; i < b->plane_count; i++)
		close(b->planes[i].fd);
}

/* What an allocation and an adoption have in common. */
static struct dmabroker_params_v1 *describe(uint64_t modifier)
{
	struct dmabroker_params_v1 *params = dmabroker_manager_v1_create_params(manager);

	dmabroker_params_v1_set_image(params, WIDTH, HEIGHT, XR24);
	dmabroker_params_v1_add_modifier(params, modifier >> 32, modifier & 0xffffffff);
	dmabroker_params_v1_set_usage(params, DMABROKER_MANAGER_V1_USAGE_TRANSFER |
						      DMABROKER_MANAGER_V1_USAGE_CPU_WRITE);
	if (options.lease)
		dmabroker_params_v1_set_lease(params, options.lease);
	return params;
}

/* Whether it is there; false: the connection broke, and everything begins again. */
static bool answered(struct buffer *b, struct dmabroker_params_v1 *params)
{
	dmabroker_params_v1_destroy(params);
	dmabroker_buffer_v1_add_listener(b->object, &buffer_listener, b);
	while (!b->done && !b->failed)
		if (wl_display_dispatch(display) < 0)
			return false;
	return true;
}

static bool allocate(struct buffer *b)
{
	struct dmabroker_params_v1 *params = describe(0); /* DRM_FORMAT_MOD_LINEAR */

	*b = (struct buffer){ 0 };
	dmabroker_params_v1_set_handle_types(params, options.handle_types);
	b->object = dmabroker_params_v1_create(params);
	return answered(b, params);
}

/*
 * Takes up what we had: with the same id where the daemon knows it; where it does not, a dma_buf is imported,
 * under another id. Our planes go along for both. libwayland sends duplicates of them.
 */
static bool adopt(struct buffer *b, const char *earlier)
{
	struct buffer fresh = { 0 };
	struct dmabroker_params_v1 *params = describe(b->modifier);

	for (unsigned i = 0; i < b->plane_count; i++)
		dmabroker_params_v1_add_plane(params, b->planes[i].fd, i, b->planes[i].offset,
					      b->planes[i].stride);
	fresh.object = dmabroker_params_v1_adopt(params, b->id, earlier);
	if (!answered(&fresh, params)) {
		dmabroker_buffer_v1_destroy(fresh.object);
		close_planes(&fresh);
		return false;
	}
	b->object = fresh.object;
	dmabroker_buffer_v1_set_user_data(b->object, b);
	b->failed = fresh.failed;
	if (!b->failed) {
		printf("%s %s\n", strcmp(b->id, fresh.id) == 0 ? "adopted" : "imported as", fresh.id);
		memcpy(b->id, fresh.id, sizeof b->id);
	}
	close_planes(&fresh); /* it is the memory that we have */
	return true;
}

/* ---- drawing ---------------------------------------------------------------------------------- */

static uint8_t *map(const struct buffer *b)
{
	void *memory = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED, b->planes[0].fd, 0);

	if (memory == MAP_FAILED)
		die("mmap failed");
	return memory;
}

static void sync_dma_buf(const struct plane *plane, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_WRITE };
	int result;

	if (plane->handle_type != DMABROKER_MANAGER_V1_HANDLE_TYPE_DMA_BUF)
		return; /* a memfd is ordinary memory */
	do
		result = ioctl(plane->fd, DMA_BUF_IOCTL_SYNC, &sync);
	while (result < 0 && (errno == EINTR || errno == EAGAIN));
	if (result < 0)
		die("DMA_BUF_IOCTL_SYNC failed");
}

/* Each frame is a line; those before it stay, which shows that the memory is the same. */
static void draw(const struct buffer *b, uint8_t *memory, unsigned frame)
{
	const struct plane *plane = &b->planes[0];
	unsigned lines = 0;

	sync_dma_buf(plane, DMA_BUF_SYNC_START);
	for (uint32_t y = 0; y < HEIGHT; y++) {
		uint32_t *row = (uint32_t *)(memory + plane->offset + (size_t)y * plane->stride);

		for (uint32_t x = 0; y == frame % HEIGHT && x < WIDTH; x++)
			row[x] = 0xffffffff;
		lines += row[0] == 0xffffffff;
	}
	sync_dma_buf(plane, DMA_BUF_SYNC_END);
	printf("frame %u in %s: %u lines\n", frame, b->id, lines);
}

/* ---- the whole -------------------------------------------------------------------------------- */

/* Until we have the buffer again, or another one; the mapping follows. */
static void come_back(struct buffer *b, uint8_t **memory)
{
	char earlier[sizeof session];

	printf("the connection broke\n");
	memcpy(earlier, session, sizeof earlier);
	dmabroker_buffer_v1_destroy(b->object);
	for (;;) {
		connect_again();
		if (adopt(b, earlier))
			break;
	}
	while (b->failed) {
		dmabroker_buffer_v1_destroy(b->object);
		munmap(*memory, b->size);
		close_planes(b);
		if (!allocate(b))
			die("the connection broke again");
		if (b->failed)
			exit(1);
		*memory = map(b);
		printf("allocated %s\n", b->id);
	}
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {
		{ "socket", required_argument, NULL, 'S' },
		{ "handle-type", required_argument, NULL, 't' },
		{ "lease", required_argument, NULL, 'l' },
		{ 0 },
	};

	options.socket = find_socket();
	for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
		if (c == 'S')
			options.socket = optarg;
		else if (c == 't' && strcmp(optarg, "memfd") == 0)
			options.handle_types = DMABROKER_MANAGER_V1_HANDLE_TYPE_MEMFD;
		else if (c == 't' && strcmp(optarg, "dma_buf") == 0)
			options.handle_types = DMABROKER_MANAGER_V1_HANDLE_TYPE_DMA_BUF;
		else if (c != 'l' || sscanf(optarg, "%u", &options.lease) != 1)
			die("usage: dmabroker-reconnect [--socket PATH] [--handle-type TYPE] [--lease SECONDS]");
	}
}

int main(int argc, char **argv)
{
	struct buffer b;
	unsigned frame = 0;
	char line[256];

	setvbuf(stdout, NULL, _IOLBF, 0);
	parse(argc, argv);
	if (!connect_once())
		die("there is no dmabroker at this socket");
	if (!allocate(&b))
		die("the connection broke");
	if (b.failed)
		return 1;
	uint8_t *memory = map(&b);
	printf("allocated %s\n", b.id);

	for (;;) {
		struct pollfd fds[] = { { .fd = wl_display_get_fd(display), .events = POLLIN },
					{ .fd = STDIN_FILENO, .events = POLLIN } };

		if (wl_display_dispatch_pending(display) < 0 || wl_display_flush(display) < 0) {
			come_back(&b, &memory);
			continue;
		}
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			die("poll failed");
		if (fds[0].revents && wl_display_dispatch(display) < 0) {
			come_back(&b, &memory);
			continue;
		}
		if (fds[1].revents) {
			if (read(STDIN_FILENO, line, sizeof line) <= 0)
				break;
			draw(&b, memory, frame++);
		}
	}
	munmap(memory, b.size);
	close_planes(&b);
	dmabroker_buffer_v1_release(b.object);
	dmabroker_buffer_v1_destroy(b.object);
	wl_display_roundtrip(display);
	disconnect();
	return 0;
}
