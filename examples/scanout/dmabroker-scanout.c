/*
 * Memory of the broker on a display, and what the display says of it.
 *
 *   dmabroker-scanout [options] show PICTURE   shows a raw frame of the display's size until stdin ends; each line there
 *                                              shows the next frame of the file
 *   dmabroker-scanout [options] ask [FORMAT…]  asks, for each format (default: all of the plane's) and each source of
 *                                              dma_bufs, whether the display would show such a buffer; shows nothing
 *
 *   --socket PATH      the broker's client socket (default: where every client looks)
 *   --card CARD        /dev/dri/cardN or a driver's name (default: the first with something connected)
 *   --size WxH         a mode of that size (default: the preferred one)
 *   --format FOURCC    of the picture: XR24 (default), AR24, RG16, NV12, YU12
 *   --source NAME      memory of that source of the broker's alone
 *   --writeback FILE   has the display write what it shows into a second buffer, and that into FILE, as XR24
 *
 * The broker takes it on trust that memory is for scanout (`unverified` in its answers) unless its administrator lets it ask: while a
 * program shows, that alone may ask the display (display.c). So this one does, with a commit that changes nothing (TEST_ONLY), and where the display refuses memory of
 * one source it takes the next.
 */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <drm_fourcc.h>

#include "display.h"
#include "offer.h"
#include "picture.h"

enum { FORMATS = 64, MODIFIERS = 64 };

struct options {
	const char *socket, *card, *format, *source, *writeback;
	uint32_t width, height;
};

static void usage(void)
{
	errx(2, "usage: dmabroker-scanout [--socket PATH] [--card CARD] [--size WxH] [--format FOURCC] [--source NAME] "
		"[--writeback FILE] show PICTURE | ask [FORMAT…]");
}

static void ask(struct dmabroker *client, const struct display *d, const struct options *o, char **names)
{
	uint32_t formats[FORMATS], framebuffer;
	uint64_t modifiers[MODIFIERS];
	size_t count = 0;

	for (; names[count]; count++) {
		if (count == FORMATS || strlen(names[count]) != 4)
			usage();
		memcpy(&formats[count], names[count], 4);
	}
	if (count == 0)
		count = display_formats(d, formats, FORMATS);
	for (size_t i = 0; i < count; i++) {
		size_t taken = display_modifiers(d, formats[i], modifiers, MODIFIERS);
		const char *source = o->source;

		if (taken == 0)
			printf("%.4s: %s has it not\n", (const char *)&formats[i], d->path);
		for (unsigned index = 0; taken && (o->source || (source = offer_next_source(client, &index)));) {
			struct dmabroker_buffer *buffer =
				offer_allocate(client, d, formats[i], modifiers, taken, source, DMABROKER_USAGE_SCANOUT);

			if (buffer) {
				int error = offer_verify(d, buffer, &framebuffer);

				offer_say(buffer, error);
				if (!error)
					display_forget(d, framebuffer);
				dmabroker_buffer_release(buffer);
			}
			if (o->source)
				break;
		}
	}
}

static void save(struct dmabroker *client, const struct display *d, const struct options *o, uint32_t shown)
{
	const struct picture_format *format = picture_named("XR24");
	const uint64_t linear = DRM_FORMAT_MOD_LINEAR;
	struct dmabroker_buffer *buffer;
	uint32_t framebuffer;
	FILE *file = fopen(o->writeback, "we");

	if (!file)
		err(1, "%s", o->writeback);
	if (!d->writeback)
		errx(1, "%s (%s) writes nothing back", d->path, d->driver);
	buffer = offer_allocate(client, d, picture_fourcc(format), &linear, 1, o->source, DMABROKER_USAGE_CPU_READ);
	if (!buffer)
		errx(1, "%s", dmabroker_last_error(client)->message);
	framebuffer = display_framebuffer(d, buffer);
	if (!framebuffer)
		err(1, "%s does not write into that", d->path);
	display_write_back(d, shown, framebuffer);
	picture_write(file, format, buffer);
	if (fclose(file))
		err(1, "%s", o->writeback);
	display_forget(d, framebuffer);
	dmabroker_buffer_release(buffer);
}

/* Of two that take turns: what is drawn into is not what people look at. */
struct frame {
	struct dmabroker_buffer *buffer;
	uint32_t framebuffer;
};

/* false: the file has no more. */
static bool draw_next(struct dmabroker *client, const struct display *d, const struct options *o, FILE *file,
		      struct frame *frame)
{
	const struct picture_format *format = picture_named(o->format);

	if (!frame->buffer)
		frame->buffer = offer_verified(client, d, o->source, picture_fourcc(format), &frame->framebuffer);
	return picture_read(file, format, frame->buffer);
}

static void show(struct dmabroker *client, const struct display *d, const struct options *o, const char *picture)
{
	FILE *file = fopen(picture, "re");
	struct frame frames[2] = { 0 };
	unsigned count = 0;
	char bytes[256];

	if (!picture_named(o->format))
		usage();
	if (!file)
		err(1, "%s", picture);
	if (!draw_next(client, d, o, file, &frames[0]))
		errx(1, "%s is empty", picture);
	if (o->writeback)
		save(client, d, o, frames[0].framebuffer);
	display_show(d, frames[0].framebuffer);
	printf("showing %ux%u on %s (%s)\n", d->mode.hdisplay, d->mode.vdisplay, d->path, d->driver);
	fflush(stdout);
	/* Each by a commit: a card with memory of its own copies what it shows then, and sees nothing that is drawn later. */
	for (ssize_t length; (length = read(STDIN_FILENO, bytes, sizeof bytes)) > 0;)
		for (ssize_t i = 0; i < length; i++) {
			struct frame *next = &frames[(count + 1) % 2];

			if (bytes[i] != '\n' || !draw_next(client, d, o, file, next))
				continue;
			display_show(d, next->framebuffer);
			printf("showing frame %u\n", ++count + 1);
			fflush(stdout);
		}
	fclose(file);
	for (int i = 0; i < 2 && frames[i].buffer; i++) {
		display_forget(d, frames[i].framebuffer);
		dmabroker_buffer_release(frames[i].buffer);
	}
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "socket", required_argument, NULL, 'S' },    { "card", required_argument, NULL, 'c' },
		{ "size", required_argument, NULL, 's' },      { "format", required_argument, NULL, 'f' },
		{ "source", required_argument, NULL, 'm' },    { "writeback", required_argument, NULL, 'w' },
		{ 0 },
	};
	struct options o = { .format = "XR24" };
	struct dmabroker *client;
	struct display display;

	for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
		if (c == 'S')
			o.socket = optarg;
		else if (c == 'c')
			o.card = optarg;
		else if (c == 'f')
			o.format = optarg;
		else if (c == 'm')
			o.source = optarg;
		else if (c == 'w')
			o.writeback = optarg;
		else if (c != 's' || sscanf(optarg, "%ux%u", &o.width, &o.height) != 2)
			usage();
	}
	argv += optind;
	if (!argv[0] || (strcmp(argv[0], "ask") != 0 && (strcmp(argv[0], "show") != 0 || !argv[1] || argv[2])))
		usage();
	display_open(&display, o.card, o.width, o.height);
	client = dmabroker_new();
	if (!client)
		errx(1, "no memory");
	if (dmabroker_connect(client, o.socket))
		errx(1, "%s", dmabroker_last_error(client)->message);
	if (strcmp(argv[0], "ask") == 0)
		ask(client, &display, &o, argv + 1);
	else
		show(client, &display, &o, argv[1]);
	if (dmabroker_sync(client))
		errx(1, "%s", dmabroker_last_error(client)->message);
	dmabroker_destroy(client);
	display_close(&display);
	return 0;
}
