/*
 * Frames through a V4L2 scaler, encoder or decoder, all of whose memory is the broker's.
 *
 *   dmabroker-m2m [--socket PATH] --device DEVICE --in FOURCC:WxH --out FOURCC:WxH FROM TO
 *
 *   --device      /dev/videoN, or what its driver calls it: vim2m, stateful-encoder, stateful-decoder
 *   --in, --out   V4L2's formats: RGB3, BGR3, RGBP, XR24, AR24, NV12, YU12; every other is taken for a compressed one, FWHT say
 *
 * FROM and TO are files of raw frames, or of compressed ones as v4l2-ctl --stream-to-hdr writes them.
 */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "m2m.h"

static void usage(void)
{
	errx(2, "usage: dmabroker-m2m [--socket PATH] --device DEVICE --in FOURCC:WxH --out FOURCC:WxH FROM TO");
}

static bool parse(struct side *side, const char *text)
{
	return sscanf(text, "%4[^:]:%ux%u", side->fourcc, &side->width, &side->height) == 3 && strlen(side->fourcc) == 4;
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "socket", required_argument, NULL, 'S' }, { "device", required_argument, NULL, 'd' },
		{ "in", required_argument, NULL, 'i' },	    { "out", required_argument, NULL, 'o' },
		{ 0 },
	};
	const char *socket = NULL, *device = NULL;
	struct m2m m = { 0 };

	for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
		if (c == 'S')
			socket = optarg;
		else if (c == 'd')
			device = optarg;
		else if ((c != 'i' && c != 'o') || !parse(c == 'i' ? &m.in : &m.out, optarg))
			usage();
	}
	if (!device || !m.in.width || !m.out.width || argc - optind != 2)
		usage();
	m.in.file = fopen(argv[optind], "re");
	m.out.file = m.in.file ? fopen(argv[optind + 1], "we") : NULL;
	if (!m.out.file)
		err(1, "%s", argv[optind + (m.in.file != NULL)]);
	m2m_open(&m, device);
	m.client = dmabroker_new();
	if (!m.client)
		errx(1, "no memory");
	if (dmabroker_connect(m.client, socket))
		errx(1, "%s", dmabroker_last_error(m.client)->message);
	m2m_run(&m);
	if (fclose(m.out.file))
		err(1, "%s", argv[optind + 1]);
	printf("%lu frames in, %lu out\n", m.in.frames, m.out.frames);
	if (dmabroker_sync(m.client))
		errx(1, "%s", dmabroker_last_error(m.client)->message);
	dmabroker_destroy(m.client);
	m2m_close(&m);
	return 0;
}
