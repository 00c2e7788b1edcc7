/*
 * What the tests ask of libgbm, and so of the backend behind it: by libgbm's own calls, of a device that is named. Prints a line
 * for each thing it has asked.
 *
 *   ask hold DEVICE COUNT WIDTH HEIGHT   so many buffers for a display, until standard input ends; then destroys them
 *   ask cases DEVICE                     what Mesa has to do itself, and what nobody has
 *   ask draw DEVICE                      what is drawn by gbm_bo_map is in the dma_buf
 *   ask churn DEVICE                     makes and destroys until it is killed
 */
#define _GNU_SOURCE
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <gbm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST 64

static const uint64_t linear[] = { DRM_FORMAT_MOD_LINEAR, DRM_FORMAT_MOD_INVALID };
static const uint64_t tiled[] = { I915_FORMAT_MOD_X_TILED };

static void say(const char *what, struct gbm_bo *bo)
{
	printf("%s %s\n", what, bo ? "made" : strerrorname_np(errno));
	if (bo)
		gbm_bo_destroy(bo);
}

static int hold(struct gbm_device *device, int count, uint32_t width, uint32_t height)
{
	struct gbm_bo *bos[MOST];

	for (int i = 0; i < count && i < MOST; i++) {
		bos[i] = gbm_bo_create_with_modifiers2(device, width, height, GBM_FORMAT_XRGB8888, linear, 2,
						       GBM_BO_USE_SCANOUT | GBM_BO_USE_RENDERING);
		if (!bos[i])
			return 1;
	}
	printf("holds\n");
	fflush(stdout);
	while (getchar() != EOF)
		;
	for (int i = 0; i < count && i < MOST; i++)
		gbm_bo_destroy(bos[i]);
	return 0;
}

static int cases(struct gbm_device *device)
{
	static const uint32_t pixels[64 * 64];
	struct gbm_bo *cursor = gbm_bo_create(device, 64, 64, GBM_FORMAT_ARGB8888, GBM_BO_USE_CURSOR | GBM_BO_USE_WRITE);

	printf("cursor %s\n", cursor && gbm_bo_write(cursor, pixels, sizeof pixels) == 0 ? "written" : "none");
	if (cursor)
		gbm_bo_destroy(cursor);
	say("without modifiers", gbm_bo_create(device, 64, 64, GBM_BO_FORMAT_XRGB8888, GBM_BO_USE_SCANOUT));
	say("linear", gbm_bo_create_with_modifiers(device, 64, 64, GBM_FORMAT_ARGB8888, linear, 2));
	say("16 bits", gbm_bo_create(device, 100, 50, GBM_FORMAT_RGB565, GBM_BO_USE_RENDERING | GBM_BO_USE_LINEAR));
	say("15 bits", gbm_bo_create(device, 64, 64, GBM_FORMAT_ARGB1555, GBM_BO_USE_RENDERING));
	say("half floats", gbm_bo_create(device, 64, 64, GBM_FORMAT_ABGR16161616F, GBM_BO_USE_SCANOUT));
	say("tiled", gbm_bo_create_with_modifiers(device, 64, 64, GBM_FORMAT_XRGB8888, tiled, 1));
	say("no format", gbm_bo_create(device, 64, 64, 0x5a5a5a5a /* ZZZZ */, GBM_BO_USE_RENDERING));
	say("huge", gbm_bo_create(device, 100000, 100000, GBM_FORMAT_XRGB8888, GBM_BO_USE_RENDERING));

	struct gbm_surface *surface = gbm_surface_create_with_modifiers(device, 64, 64, GBM_FORMAT_XRGB8888, linear, 2);

	printf("surface %s\n", surface ? "made" : "none");
	if (surface)
		gbm_surface_destroy(surface);
	return 0;
}

static int draw(struct gbm_device *device)
{
	struct gbm_bo *bo = gbm_bo_create(device, 100, 50, GBM_FORMAT_XRGB8888, GBM_BO_USE_RENDERING);
	uint32_t stride, *at;
	void *data = NULL;

	if (!bo)
		return 1;
	char *map = gbm_bo_map(bo, 0, 0, 100, 50, GBM_BO_TRANSFER_WRITE, &stride, &data);

	if (!map)
		return 1;
	for (uint32_t y = 0; y < 50; y++)
		for (uint32_t x = 0; x < 100; x++) {
			at = (uint32_t *)(map + y * stride) + x;
			*at = y << 8 | x;
		}
	gbm_bo_unmap(bo, data);
	int fd = gbm_bo_get_fd(bo), differs = 0;
	size_t size = (size_t)gbm_bo_get_stride(bo) * 50;
	char *memory = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, gbm_bo_get_offset(bo, 0));

	if (memory == MAP_FAILED)
		return 1;
	for (uint32_t y = 0; y < 50; y++)
		for (uint32_t x = 0; x < 100; x++) {
			at = (uint32_t *)(memory + y * gbm_bo_get_stride(bo)) + x;
			differs += *at != (y << 8 | x);
		}
	printf("%d pixels differ\n", differs);
	munmap(memory, size);
	close(fd);
	gbm_bo_destroy(bo);
	return 0;
}

static int churn(struct gbm_device *device)
{
	struct gbm_bo *bos[3] = { NULL };

	printf("begins\n");
	fflush(stdout);
	for (unsigned i = 0;; i++) {
		struct gbm_bo **each = &bos[i % 3];

		if (*each)
			gbm_bo_destroy(*each);
		*each = gbm_bo_create(device, 64, 64 + i % 7, GBM_FORMAT_XRGB8888, GBM_BO_USE_RENDERING);
		if (!*each)
			return 1;
	}
}

static int open_fds(void)
{
	int open = 0;

	for (int fd = 0; fd < 1024; fd++)
		open += fcntl(fd, F_GETFD) >= 0;
	return open;
}

int main(int count, char **words)
{
	int before = open_fds();
	int fd = count > 2 ? open(words[2], O_RDWR | O_CLOEXEC) : -1, status = 2;
	struct gbm_device *device = gbm_create_device(fd);

	if (!device) {
		perror(count > 2 ? words[2] : "ask WHAT DEVICE");
		return 2;
	}
	if (strcmp(words[1], "hold") == 0 && count == 6)
		status = hold(device, atoi(words[3]), (uint32_t)atoi(words[4]), (uint32_t)atoi(words[5]));
	else if (strcmp(words[1], "cases") == 0)
		status = cases(device);
	else if (strcmp(words[1], "draw") == 0)
		status = draw(device);
	else if (strcmp(words[1], "churn") == 0)
		status = churn(device);
	gbm_device_destroy(device);
	close(fd);
	if (open_fds() != before)
		printf("%d fds more than before\n", open_fds() - before);
	return status;
}
