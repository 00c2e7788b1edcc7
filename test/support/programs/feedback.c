/*
 * A client of linux-dmabuf of whatever version: `feedback SOCKET VERSION` binds it, says what is advertised, a word or two a line,
 * and brings parameters, for which it names the device from version 6 on.
 * wayland-info stops at version 5.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <wayland-client.h>

#include "linux-dmabuf-v1-client.h"

static struct zwp_linux_dmabuf_v1 *dmabuf;
static uint32_t wanted;
static uint8_t device[8];

static void format(void *data, struct zwp_linux_dmabuf_v1 *object, uint32_t code)
{
	(void)data, (void)object;
	printf("format %x\n", code);
}

static void modifier(void *data, struct zwp_linux_dmabuf_v1 *object, uint32_t code, uint32_t hi, uint32_t lo)
{
	(void)data, (void)object, (void)hi, (void)lo;
	printf("modifier of %x\n", code);
}

static const struct zwp_linux_dmabuf_v1_listener dmabuf_listener = { .format = format, .modifier = modifier };

static void done(void *data, struct zwp_linux_dmabuf_feedback_v1 *object)
{
	(void)data, (void)object;
	printf("done\n");
}

static void format_table(void *data, struct zwp_linux_dmabuf_feedback_v1 *object, int32_t fd, uint32_t size)
{
	(void)data, (void)object;
	printf("table %u\n", size / 16);
	close(fd);
}

static void main_device(void *data, struct zwp_linux_dmabuf_feedback_v1 *object, struct wl_array *bytes)
{
	(void)data, (void)object;
	printf("main_device %zu\n", bytes->size);
}

static void tranche_done(void *data, struct zwp_linux_dmabuf_feedback_v1 *object)
{
	(void)data, (void)object;
	printf("tranche_done\n");
}

static void target(void *data, struct zwp_linux_dmabuf_feedback_v1 *object, struct wl_array *bytes)
{
	uint64_t number = 0;

	(void)data, (void)object;
	if (bytes->size == sizeof device) {
		memcpy(device, bytes->data, sizeof device);
		memcpy(&number, device, sizeof number);
	}
	printf("target_device %u:%u\n", major(number), minor(number));
}

static void formats(void *data, struct zwp_linux_dmabuf_feedback_v1 *object, struct wl_array *indices)
{
	(void)data, (void)object;
	printf("formats %zu\n", indices->size / 2);
}

static void flags(void *data, struct zwp_linux_dmabuf_feedback_v1 *object, uint32_t bits)
{
	(void)data, (void)object;
	printf("flags %u\n", bits);
}

static const struct zwp_linux_dmabuf_feedback_v1_listener feedback_listener = {
	.done = done,
	.format_table = format_table,
	.main_device = main_device,
	.tranche_done = tranche_done,
	.tranche_target_device = target,
	.tranche_formats = formats,
	.tranche_flags = flags,
};

static void created(void *data, struct zwp_linux_buffer_params_v1 *object, struct wl_buffer *buffer)
{
	(void)data, (void)object, (void)buffer;
	printf("created\n");
}

static void failed(void *data, struct zwp_linux_buffer_params_v1 *object)
{
	(void)data, (void)object;
	printf("failed\n");
}

static const struct zwp_linux_buffer_params_v1_listener params_listener = { .created = created, .failed = failed };

static void global(void *data, struct wl_registry *registry, uint32_t name, const char *interface, uint32_t version)
{
	(void)data;
	if (strcmp(interface, zwp_linux_dmabuf_v1_interface.name) != 0 || version < wanted)
		return;
	dmabuf = wl_registry_bind(registry, name, &zwp_linux_dmabuf_v1_interface, wanted);
	zwp_linux_dmabuf_v1_add_listener(dmabuf, &dmabuf_listener, NULL);
}

static void global_remove(void *data, struct wl_registry *registry, uint32_t name)
{
	(void)data, (void)registry, (void)name;
}

static const struct wl_registry_listener registry_listener = { .global = global, .global_remove = global_remove };

int main(int argc, char **argv)
{
	struct wl_display *display = argc > 2 ? wl_display_connect(argv[1]) : NULL;
	struct wl_array bytes = { sizeof device, 0, device };
	struct zwp_linux_buffer_params_v1 *params;

	if (!display)
		return 2;
	wanted = (uint32_t)atoi(argv[2]);
	wl_registry_add_listener(wl_display_get_registry(display), &registry_listener, NULL);
	if (wl_display_roundtrip(display) < 0 || !dmabuf)
		return 2;
	if (wanted >= ZWP_LINUX_DMABUF_V1_GET_DEFAULT_FEEDBACK_SINCE_VERSION)
		zwp_linux_dmabuf_feedback_v1_add_listener(zwp_linux_dmabuf_v1_get_default_feedback(dmabuf),
							  &feedback_listener, NULL);
	if (wl_display_roundtrip(display) < 0)
		return 1;
	params = zwp_linux_dmabuf_v1_create_params(dmabuf);
	zwp_linux_buffer_params_v1_add_listener(params, &params_listener, NULL);
	if (wanted >= ZWP_LINUX_BUFFER_PARAMS_V1_SET_SAMPLING_DEVICE_SINCE_VERSION)
		zwp_linux_buffer_params_v1_set_sampling_device(params, &bytes);
	zwp_linux_buffer_params_v1_create(params, 64, 64, 0x34325258, 0);
	if (wl_display_roundtrip(display) < 0)
		return 1;
	wl_display_disconnect(display);
	return 0;
}
