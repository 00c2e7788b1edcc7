/*
 * dmabroker-pipewire [--socket PATH] --size WxH [--format XR24] [--rate 25] [--name NAME] FILE
 *
 * Plays raw frames, again and again, as a camera of PipeWire's: a node (Video/Source) whose buffers are dma_bufs of the
 * broker's. It says "ready" once PipeWire has it.
 */
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <spa/param/video/raw.h>

#include "node.h"

static const struct {
	const char *name;
	enum spa_video_format format;
} formats[] = {
	{ "XR24", SPA_VIDEO_FORMAT_BGRx },
	{ "AR24", SPA_VIDEO_FORMAT_BGRA },
	{ "XB24", SPA_VIDEO_FORMAT_RGBx },
	{ "AB24", SPA_VIDEO_FORMAT_RGBA },
};

struct player {
	struct node node;
	struct pw_main_loop *loop;
	const uint8_t *frames;
	size_t count, next;
	int status;
};

static void usage(void)
{
	fputs("usage: dmabroker-pipewire [--socket PATH] --size WxH [--format XR24|AR24|XB24|AB24] "
	      "[--rate FRAMES] [--name NAME] FILE\n", stderr);
	exit(2);
}

static void draw(void *data, uint8_t *pixels, uint32_t stride)
{
	struct player *player = data;
	size_t row = player->node.width * 4;
	const uint8_t *frame = player->frames + player->next * row * player->node.height;

	for (uint32_t y = 0; y < player->node.height; y++)
		memcpy(pixels + y * (size_t)stride, frame + y * row, row);
	player->next = (player->next + 1) % player->count;
}

static void failed(void *data, const char *why)
{
	struct player *player = data;

	warnx("%s", why);
	player->status = 1;
	pw_main_loop_quit(player->loop);
}

static void told_to_end(void *data, int number)
{
	(void)number;
	pw_main_loop_quit(((struct player *)data)->loop);
}

/* What the broker says meanwhile; the end of the connection above all. */
static void broker_readable(void *data, int fd, uint32_t mask)
{
	struct player *player = data;

	(void)fd;
	(void)mask;
	if (dmabroker_dispatch(player->node.client))
		failed(player, dmabroker_last_error(player->node.client)->message);
}

static void map_file(struct player *player, const char *path)
{
	size_t size = (size_t)player->node.width * player->node.height * 4;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat file;

	if (fd < 0 || fstat(fd, &file) < 0)
		err(2, "%s", path);
	player->count = (size_t)file.st_size / size;
	if (player->count == 0 || (size_t)file.st_size % size != 0)
		errx(2, "%s has %lld bytes, which are no frames of %zu", path, (long long)file.st_size, size);
	player->frames = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (player->frames == MAP_FAILED)
		err(2, "%s", path);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' }, { "size", required_argument, NULL, 'z' },
		{ "format", required_argument, NULL, 'f' }, { "rate", required_argument, NULL, 'r' },
		{ "name", required_argument, NULL, 'n' },   { 0 },
	};
	struct player player = { .node = { .name = "dmabroker", .rate = 25 } };
	struct node *node = &player.node;
	const char *socket = NULL, *format = "XR24";
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			socket = optarg;
		else if (option == 'f')
			format = optarg;
		else if (option == 'n')
			node->name = optarg;
		else if (option == 'r')
			node->rate = (uint32_t)atoi(optarg);
		else if (option != 'z' || sscanf(optarg, "%ux%u", &node->width, &node->height) != 2)
			usage();
	}
	if (optind != argc - 1 || node->rate < 1 || node->rate > 1000 || node->width < 1 || node->height < 1 ||
	    node->width > 16384 || node->height > 16384)
		usage();
	for (size_t i = 0; i < SPA_N_ELEMENTS(formats); i++) {
		if (strcmp(formats[i].name, format) != 0)
			continue;
		node->format = formats[i].format;
		node->fourcc = DMABROKER_FOURCC(format[0], format[1], format[2], format[3]);
	}
	if (!node->fourcc)
		usage();
	map_file(&player, argv[optind]);

	node->client = dmabroker_new();
	if (!node->client)
		errx(1, "no memory");
	if (dmabroker_connect(node->client, socket))
		errx(1, "%s", dmabroker_last_error(node->client)->message);
	pw_init(NULL, NULL);
	player.loop = pw_main_loop_new(NULL);
	if (!player.loop)
		errx(1, "no memory");
	node->loop = pw_main_loop_get_loop(player.loop);
	node->draw = draw;
	node->failed = failed;
	node->data = &player;
	pw_loop_add_signal(node->loop, SIGTERM, told_to_end, &player);
	pw_loop_add_signal(node->loop, SIGINT, told_to_end, &player);
	pw_loop_add_io(node->loop, dmabroker_get_fd(node->client), SPA_IO_IN, false, broker_readable, &player);
	if (node_open(node)) {
		puts("ready");
		fflush(stdout);
		pw_main_loop_run(player.loop);
	} else
		player.status = 1;
	node_close(node);
	pw_main_loop_destroy(player.loop);
	pw_deinit();
	dmabroker_destroy(node->client);
	return player.status;
}
