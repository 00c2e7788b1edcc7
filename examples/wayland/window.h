/* The compositor's side: a fullscreen window that shows dma_bufs without a copy. */
#ifndef WINDOW_H
#define WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct broker_buffer;

struct window {
	struct wl_display *display;
	struct wl_registry *registry;
	struct wl_compositor *compositor;
	struct xdg_wm_base *wm_base;
	struct zwp_linux_dmabuf_v1 *dmabuf;
	struct wl_surface *surface;
	struct xdg_surface *xdg_surface;
	struct xdg_toplevel *toplevel;
	struct wl_buffer *buffer;
	uint32_t format;
	uint32_t width, height; /* what the compositor wants; 0: it is left to us */
	bool format_offered, configured, shown, closed;
};

/* Connects to $WAYLAND_DISPLAY; the compositor must take the format with a linear layout. */
void window_open(struct window *window, uint32_t format);

/* Returns when the compositor has drawn a picture with the buffer in it. Keeps no fd. */
void window_show(struct window *window, const struct broker_buffer *buffer);

/* Until the compositor closes the window or stdin ends. */
void window_run(struct window *window);
void window_close(struct window *window);

#endif
