/* A display of the kernel's (KMS, atomic): what it takes, and what it shows. Errors end the program unless it is said. */
#ifndef DISPLAY_H
#define DISPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xf86drmMode.h>

#include "dmabroker.h"

struct display {
	char path[64], driver[32];
	int fd; /* ours until display_close */
	uint32_t connector, crtc, plane;
	uint32_t writeback; /* a connector that writes what is shown into memory; 0: none */
	drmModeModeInfo mode;
	uint32_t mode_blob;
	bool has_modifiers;
};

/* By its path or its driver's name ("vkms"); NULL: the first with something connected. Size 0: what that prefers. */
void display_open(struct display *display, const char *card, uint32_t width, uint32_t height);
void display_close(struct display *display);

/* The formats that its plane takes; returns how many there are. */
size_t display_formats(const struct display *display, uint32_t *formats, size_t most);
/* And the modifiers of one; without a list of the driver's: linear. */
size_t display_modifiers(const struct display *display, uint32_t format, uint64_t *modifiers, size_t most);

/*
 * A framebuffer of the buffer's planes, which holds the memory until display_forget, or the program's end. 0: the driver refuses
 * it (errno).
 */
uint32_t display_framebuffer(const struct display *display, struct dmabroker_buffer *buffer);
void display_forget(const struct display *display, uint32_t framebuffer);

/* Whether it would be shown (DRM_MODE_ATOMIC_TEST_ONLY): 0, or an errno. Nothing changes on the screen. */
int display_test(const struct display *display, uint32_t framebuffer);
void display_show(const struct display *display, uint32_t framebuffer);
/* Shows it, and has what is shown written into `into`. Returns when that is done. */
void display_write_back(const struct display *display, uint32_t framebuffer, uint32_t into);

#endif
