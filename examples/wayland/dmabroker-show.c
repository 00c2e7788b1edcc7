/*
 * Shows a picture in a Wayland compositor from memory that the broker allocated: no copy is made
 * between what is drawn here and what the compositor samples.
 *
 *   dmabroker-show [--socket PATH] [--format AR24|XR24|NV12]
 *
 *   --socket PATH   the broker's client socket (default: see ../c/find-socket.h); the compositor's
 *                   is $WAYLAND_DISPLAY
 *
 * Prints `showing …` once the compositor has drawn it, and stays until stdin ends or the
 * compositor closes the window.
 */
#include <err.h>
#include <getopt.h>
#include <stdio.h>

#include "broker.h"
#include "draw.h"
#include "window.h"

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "format", required_argument, NULL, 'f' },
		{ 0 },
	};
	const char *socket = NULL;
	uint32_t format = FORMAT_AR24;
	struct window window;
	struct broker broker;
	struct broker_buffer buffer;

	for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
		if (c == 's')
			socket = optarg;
		else if (c == 'f')
			format = format_named(optarg);
		else
			errx(1, "usage: dmabroker-show [--socket PATH] [--format AR24|XR24|NV12]");
	}

	/* The compositor first: it says how large the picture is to be. */
	window_open(&window, format);
	broker_connect(&broker, socket);
	broker_allocate(&broker, &buffer, "Wayland example", window.width ? window.width : 640,
			window.height ? window.height : 480, format);
	draw(&buffer);
	window_show(&window, &buffer);
	printf("showing %ux%u %.4s\n", buffer.width, buffer.height, (const char *)&buffer.format);
	fflush(stdout);
	window_run(&window);

	window_close(&window);
	broker_release(&buffer);
	broker_disconnect(&broker);
	return 0;
}
