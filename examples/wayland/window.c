/*
 * The compositor's side: xdg-shell for a fullscreen window, linux-dmabuf for what it shows. The
 * planes' fds stay the caller's: libwayland sends duplicates of them.
 */
#include <err.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <wayland-client.h>

#include "broker.h"
#include "linux-dmabuf-unstable-v1-client.h"
#include "window.h"
#include "xdg-shell-client.h"

#define DMABUF_VERSION 3 /* the last that lists modifiers without a device to open */

static void dispatch(struct window *w)
{
	if (wl_display_dispatch(w->display) < 0)
		errx(1, "the connection to the compositor broke (error %d)",
		     wl_display_get_error(w->display));
}

/* ---- what the compositor has ---------------------------------------------------------------- */

static void dmabuf_format(void *data, struct zwp_linux_dmabuf_v1 *dmabuf, uint32_t format)
{
	(void)data, (void)dmabuf, (void)format; /* modifier says it better */
}

static void dmabuf_modifier(void *data, struct zwp_linux_dmabuf_v1 *dmabuf, uint32_t format,
			    uint32_t modifier_hi, uint32_t modifier_lo)
{
	struct window *w = data;

	(void)dmabuf;
	if (format == w->format && modifier_hi == 0 && modifier_lo == 0)
		w->format_offered = true;
}

static const struct zwp_linux_dmabuf_v1_listener dmabuf_listener = {
	.format = dmabuf_format,
	.modifier = dmabuf_modifier,
};

static void wm_base_ping(void *data, struct xdg_wm_base *wm_base, uint32_t serial)
{
	(void)data;
	xdg_wm_base_pong(wm_base, serial);
}

static const struct xdg_wm_base_listener wm_base_listener = { .ping = wm_base_ping };

static void registry_global(void *data, struct wl_registry *registry, uint32_t name,
			    const char *interface, uint32_t version)
{
	struct window *w = data;

	if (strcmp(interface, wl_compositor_interface.name) == 0 && version >= 4) {
		w->compositor = wl_registry_bind(registry, name, &wl_compositor_interface, 4);
	} else if (strcmp(interface, xdg_wm_base_interface.name) == 0) {
		w->wm_base = wl_registry_bind(registry, name, &xdg_wm_base_interface, 1);
		xdg_wm_base_add_listener(w->wm_base, &wm_base_listener, w);
	} else if (strcmp(interface, zwp_linux_dmabuf_v1_interface.name) == 0 &&
		   version >= DMABUF_VERSION) {
		w->dmabuf = wl_registry_bind(registry, name, &zwp_linux_dmabuf_v1_interface,
					     DMABUF_VERSION);
		zwp_linux_dmabuf_v1_add_listener(w->dmabuf, &dmabuf_listener, w);
	}
}

static void registry_global_remove(void *data, struct wl_registry *registry, uint32_t name)
{
	(void)data, (void)registry, (void)name;
}

static const struct wl_registry_listener registry_listener = {
	.global = registry_global,
	.global_remove = registry_global_remove,
};

/* ---- the window ----------------------------------------------------------------------------- */

static void xdg_surface_configure(void *data, struct xdg_surface *xdg_surface, uint32_t serial)
{
	xdg_surface_ack_configure(xdg_surface, serial);
	((struct window *)data)->configured = true;
}

static const struct xdg_surface_listener xdg_surface_listener = {
	.configure = xdg_surface_configure,
};

static void toplevel_configure(void *data, struct xdg_toplevel *toplevel, int32_t width,
			       int32_t height, struct wl_array *states)
{
	struct window *w = data;

	(void)toplevel, (void)states;
	if (w->configured)
		return; /* one buffer, one size */
	w->width = (uint32_t)width;
	w->height = (uint32_t)height;
}

static void toplevel_close(void *data, struct xdg_toplevel *toplevel)
{
	(void)toplevel;
	((struct window *)data)->closed = true;
}

static const struct xdg_toplevel_listener toplevel_listener = {
	.configure = toplevel_configure,
	.close = toplevel_close,
};

void window_open(struct window *w, uint32_t format)
{
	*w = (struct window){ .display = wl_display_connect(NULL), .format = format };
	if (!w->display)
		err(1, "cannot connect to the compositor");
	w->registry = wl_display_get_registry(w->display);
	wl_registry_add_listener(w->registry, &registry_listener, w);
	/* The first roundtrip finds the globals, the second brings the formats. */
	if (wl_display_roundtrip(w->display) < 0 || wl_display_roundtrip(w->display) < 0)
		errx(1, "the connection to the compositor broke");
	if (!w->compositor || !w->wm_base || !w->dmabuf)
		errx(1, "the compositor lacks xdg_wm_base or zwp_linux_dmabuf_v1");
	if (!w->format_offered)
		errx(1, "the compositor takes no linear %.4s", (const char *)&format);

	w->surface = wl_compositor_create_surface(w->compositor);
	w->xdg_surface = xdg_wm_base_get_xdg_surface(w->wm_base, w->surface);
	xdg_surface_add_listener(w->xdg_surface, &xdg_surface_listener, w);
	w->toplevel = xdg_surface_get_toplevel(w->xdg_surface);
	xdg_toplevel_add_listener(w->toplevel, &toplevel_listener, w);
	xdg_toplevel_set_title(w->toplevel, "dmabroker");
	xdg_toplevel_set_fullscreen(w->toplevel, NULL);
	wl_surface_commit(w->surface);
	while (!w->configured)
		dispatch(w);
}

/* ---- the picture ---------------------------------------------------------------------------- */

static void frame_done(void *data, struct wl_callback *callback, uint32_t time)
{
	(void)time;
	wl_callback_destroy(callback);
	((struct window *)data)->shown = true;
}

static const struct wl_callback_listener frame_listener = { .done = frame_done };

void window_show(struct window *w, const struct broker_buffer *b)
{
	struct zwp_linux_buffer_params_v1 *params = zwp_linux_dmabuf_v1_create_params(w->dmabuf);

	for (unsigned i = 0; i < b->plane_count; i++)
		zwp_linux_buffer_params_v1_add(params, b->planes[i].fd, i, b->planes[i].offset,
					       b->planes[i].stride, (uint32_t)(b->modifier >> 32),
					       (uint32_t)b->modifier);
	/* A compositor that cannot import it ends the connection with a protocol error. */
	w->buffer = zwp_linux_buffer_params_v1_create_immed(params, (int32_t)b->width,
							    (int32_t)b->height, b->format, 0);
	zwp_linux_buffer_params_v1_destroy(params);
	wl_surface_attach(w->surface, w->buffer, 0, 0);
	wl_surface_damage_buffer(w->surface, 0, 0, (int32_t)b->width, (int32_t)b->height);
	wl_callback_add_listener(wl_surface_frame(w->surface), &frame_listener, w);
	wl_surface_commit(w->surface);
	while (!w->shown)
		dispatch(w);
}

void window_run(struct window *w)
{
	struct pollfd fds[] = {
		{ .fd = wl_display_get_fd(w->display), .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	char ignored[256];

	while (!w->closed) {
		wl_display_flush(w->display);
		if (poll(fds, 2, -1) < 0)
			err(1, "poll");
		if (fds[1].revents && read(STDIN_FILENO, ignored, sizeof ignored) <= 0)
			return;
		if (fds[0].revents)
			dispatch(w);
	}
}

void window_close(struct window *w)
{
	xdg_toplevel_destroy(w->toplevel);
	xdg_surface_destroy(w->xdg_surface);
	wl_surface_destroy(w->surface);
	wl_buffer_destroy(w->buffer);
	zwp_linux_dmabuf_v1_destroy(w->dmabuf);
	xdg_wm_base_destroy(w->wm_base);
	wl_compositor_destroy(w->compositor);
	wl_registry_destroy(w->registry);
	wl_display_roundtrip(w->display);
	wl_display_disconnect(w->display);
}
