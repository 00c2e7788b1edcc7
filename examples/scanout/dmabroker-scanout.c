/*
 * Memory of the broker on a display, and what the display says of it.
 *
 *   dmabroker-scanout [options] show PICTURE   shows a raw frame of the display's size until stdin ends
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
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <drm_fourcc.h>

#include "display.h"
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

/* One of the display's size; NULL where the source, or the broker, has none. */
static struct dmabroker_buffer *allocate(struct dmabroker *client, const struct display *d, uint32_t format,
					 const uint64_t *modifiers, size_t count, const char *source, uint32_t usage)
{
	struct dmabroker_params params = dmabroker_image(d->mode.hdisplay, d->mode.vdisplay, format);
	struct dmabroker_buffer *buffer;

	params.name = "scanout example";
	params.usage = usage;
	params.modifiers = modifiers;
	params.modifier_count = count;
	params.source = source;
	return dmabroker_allocate(client, &params, &buffer) == 0 ? buffer : NULL;
}

/* 0, or why the display would not show it. Of what it would show: a framebuffer. */
static int verify(const struct display *d, struct dmabroker_buffer *buffer, uint32_t *framebuffer)
{
	int error;

	*framebuffer = display_framebuffer(d, buffer);
	if (!*framebuffer)
		return errno;
	error = display_test(d, *framebuffer);
	if (error)
		display_forget(d, *framebuffer);
	return error;
}

static void say(const struct dmabroker_buffer *buffer, int error)
{
	const struct dmabroker_buffer_info *info = dmabroker_buffer_info(buffer);

	printf("%.4s modifier %#llx of %s: %s%s\n", (const char *)&info->format, (unsigned long long)info->modifier,
	       info->source, error ? "refused, " : "verified", error ? strerror(error) : "");
	fflush(stdout);
}

/* The next source of dma_bufs, from *index on; NULL: there are no more. */
static const char *next_source(const struct dmabroker *client, unsigned *index)
{
	const struct dmabroker_source *source;

	while ((source = dmabroker_get_source(client, (*index)++)))
		if (source->usable && source->handle_type == DMABROKER_HANDLE_TYPE_DMA_BUF)
			return source->name;
	return NULL;
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
		for (unsigned index = 0; taken && (o->source || (source = next_source(client, &index)));) {
			struct dmabroker_buffer *buffer =
				allocate(client, d, formats[i], modifiers, taken, source, DMABROKER_USAGE_SCANOUT);

			if (buffer) {
				int error = verify(d, buffer, &framebuffer);

				say(buffer, error);
				if (!error)
					display_forget(d, framebuffer);
				dmabroker_buffer_release(buffer);
			}
			if (o->source)
				break;
		}
	}
}

/* Linear memory, since the CPU writes it, of the broker's choice, or of the next source, until the display takes it. */
static struct dmabroker_buffer *verified(struct dmabroker *client, const struct display *d, const struct options *o,
					 uint32_t format, uint32_t *framebuffer)
{
	const uint32_t usage = DMABROKER_USAGE_SCANOUT | DMABROKER_USAGE_CPU_WRITE;
	const uint64_t linear = DRM_FORMAT_MOD_LINEAR;
	const char *source = o->source;
	unsigned index = 0;

	do {
		struct dmabroker_buffer *buffer = allocate(client, d, format, &linear, 1, source, usage);
		int error;

		if (!buffer) {
			warnx("%s", dmabroker_last_error(client)->message);
			continue;
		}
		error = verify(d, buffer, framebuffer);
		say(buffer, error);
		if (!error)
			return buffer;
		dmabroker_buffer_release(buffer);
	} while (!o->source && (source = next_source(client, &index)));
	errx(1, "%s (%s) takes none of what the broker has", d->path, d->driver);
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
	buffer = allocate(client, d, picture_fourcc(format), &linear, 1, o->source, DMABROKER_USAGE_CPU_READ);
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

static void show(struct dmabroker *client, const struct display *d, const struct options *o, const char *picture)
{
	const struct picture_format *format = picture_named(o->format);
	FILE *file = fopen(picture, "re");
	struct dmabroker_buffer *buffer;
	uint32_t framebuffer;
	char bytes[256];

	if (!format)
		usage();
	if (!file)
		err(1, "%s", picture);
	buffer = verified(client, d, o, picture_fourcc(format), &framebuffer);
	if (!picture_read(file, format, buffer))
		errx(1, "%s is empty", picture);
	fclose(file);
	if (o->writeback)
		save(client, d, o, framebuffer);
	display_show(d, framebuffer);
	printf("showing %ux%u on %s (%s)\n", d->mode.hdisplay, d->mode.vdisplay, d->path, d->driver);
	fflush(stdout);
	while (read(STDIN_FILENO, bytes, sizeof bytes) > 0)
		;
	display_forget(d, framebuffer);
	dmabroker_buffer_release(buffer);
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
