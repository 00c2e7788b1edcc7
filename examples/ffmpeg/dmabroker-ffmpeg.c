/*
 * Raw frames through a filter graph and an encoder of FFmpeg's, in memory of the broker.
 *
 *   dmabroker-ffmpeg [--socket PATH] --size WxH [--format nv12] [--filter GRAPH] [--codec ffv1] [--rate 25] FROM TO
 *
 *   --format   of FROM, by FFmpeg's name: nv12 (default), yuv420p, bgr0
 *   --filter   default: hwmap=mode=read,format=FORMAT, which gives the rest of a graph the broker's memory itself, mapped;
 *              hwdownload copies it
 *   --codec    default: ffv1, and rawvideo for what ffv1 does not take (nv12)
 *   --rate     frames a second: 25
 *
 * FROM has rows without padding; TO's name says what kind of file it is (FILE.nut). Each frame is a dma_buf of the broker's from a
 * pool (pool.c).
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>

#include "pool.h"

struct options {
	const char *socket, *filter, *codec; /* NULL: not named */
	int width, height, rate;
	enum AVPixelFormat format;
};

struct pipeline {
	AVFilterGraph *graph;
	AVFilterContext *source, *sink;
	AVCodecContext *encoder;
	AVFormatContext *file;
	AVStream *stream;
	AVPacket *packet;
	unsigned long packets;
};

static void fail(const char *what, int error)
{
	fprintf(stderr, "dmabroker-ffmpeg: %s%s%s\n", what, error ? ": " : "", error ? av_err2str(error) : "");
	exit(1);
}

static int must(int result, const char *what)
{
	if (result < 0)
		fail(what, result);
	return result;
}

static void *there(void *object)
{
	if (!object)
		fail("no memory", 0);
	return object;
}

static void usage(void)
{
	fputs("usage: dmabroker-ffmpeg [--socket PATH] --size WxH [--format nv12|yuv420p|bgr0] [--filter GRAPH] "
	      "[--codec NAME] [--rate FRAMES] FROM TO\n", stderr);
	exit(2);
}

/* buffer → the graph that was asked for → buffersink. */
static void open_graph(struct pipeline *p, const struct options *o, AVBufferRef *frames)
{
	AVBufferSrcParameters *parameters = there(av_buffersrc_parameters_alloc());
	AVFilterInOut *inputs = there(avfilter_inout_alloc()), *outputs = there(avfilter_inout_alloc());
	char usual[128];

	snprintf(usual, sizeof usual, "hwmap=mode=read,format=%s", av_get_pix_fmt_name(o->format));
	p->graph = there(avfilter_graph_alloc());
	p->source = there(avfilter_graph_alloc_filter(p->graph, avfilter_get_by_name("buffer"), "in"));
	p->sink = there(avfilter_graph_alloc_filter(p->graph, avfilter_get_by_name("buffersink"), "out"));
	parameters->format = AV_PIX_FMT_DRM_PRIME;
	parameters->width = o->width;
	parameters->height = o->height;
	parameters->time_base = (AVRational){ 1, o->rate };
	parameters->frame_rate = (AVRational){ o->rate, 1 };
	parameters->hw_frames_ctx = frames;
	must(av_buffersrc_parameters_set(p->source, parameters), "the frames");
	must(avfilter_init_str(p->source, NULL), "the frames");
	must(avfilter_init_str(p->sink, NULL), "the sink");
	outputs->name = there(av_strdup("in"));
	outputs->filter_ctx = p->source;
	inputs->name = there(av_strdup("out"));
	inputs->filter_ctx = p->sink;
	must(avfilter_graph_parse_ptr(p->graph, o->filter ? o->filter : usual, &inputs, &outputs, NULL), "--filter");
	must(avfilter_graph_config(p->graph, NULL), "--filter");
	avfilter_inout_free(&inputs);
	avfilter_inout_free(&outputs);
	av_free(parameters);
}

static bool takes(const AVCodec *codec, enum AVPixelFormat format)
{
	const enum AVPixelFormat *formats = NULL;

#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(61, 13, 100)
	must(avcodec_get_supported_config(NULL, codec, AV_CODEC_CONFIG_PIX_FORMAT, 0, (const void **)&formats, NULL),
	     "--codec");
#else
	formats = codec->pix_fmts;
#endif
	if (!formats) /* it takes all, or does not say */
		return true;
	for (; *formats != AV_PIX_FMT_NONE; formats++)
		if (*formats == format)
			return true;
	return false;
}

/* The one that was named, which must take what comes out of the graph; else one that does. */
static const AVCodec *encoder_for(const char *name, enum AVPixelFormat format)
{
	const AVCodec *codec = avcodec_find_encoder_by_name(name ? name : "ffv1");

	if (!codec || codec->type != AVMEDIA_TYPE_VIDEO)
		fail("there is no such --codec of pictures: `ffmpeg -encoders` lists them", 0);
	if (takes(codec, format))
		return codec;
	if (!name)
		return there((void *)avcodec_find_encoder_by_name("rawvideo"));
	/* avcodec_open2 would print all that it takes. */
	fprintf(stderr, "dmabroker-ffmpeg: %s does not take %s: end --filter in a format that it takes (`ffmpeg -h encoder=%s`), "
		"or name another --codec\n", name, av_get_pix_fmt_name(format), name);
	exit(1);
}

/* What comes out of the graph decides what the encoder has. */
static void open_encoder(struct pipeline *p, const struct options *o)
{
	const AVCodec *codec = encoder_for(o->codec, av_buffersink_get_format(p->sink));

	p->encoder = there(avcodec_alloc_context3(codec));
	p->encoder->width = av_buffersink_get_w(p->sink);
	p->encoder->height = av_buffersink_get_h(p->sink);
	p->encoder->pix_fmt = av_buffersink_get_format(p->sink);
	p->encoder->time_base = av_buffersink_get_time_base(p->sink);
	p->encoder->framerate = av_buffersink_get_frame_rate(p->sink);
	p->encoder->thread_count = 1;
	if (p->file->oformat->flags & AVFMT_GLOBALHEADER)
		p->encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
	must(avcodec_open2(p->encoder, codec, NULL), "--codec");
}

static void open_file(struct pipeline *p, const struct options *o, const char *path)
{
	must(avformat_alloc_output_context2(&p->file, NULL, NULL, path), path);
	open_encoder(p, o);
	p->stream = there(avformat_new_stream(p->file, NULL));
	must(avcodec_parameters_from_context(p->stream->codecpar, p->encoder), path);
	p->stream->time_base = p->encoder->time_base;
	p->stream->avg_frame_rate = p->encoder->framerate;
	must(avio_open(&p->file->pb, path, AVIO_FLAG_WRITE), path);
	must(avformat_write_header(p->file, NULL), path);
	p->packet = there(av_packet_alloc());
}

/* A frame of the graph's, or NULL for the end. */
static void encode(struct pipeline *p, AVFrame *frame)
{
	must(avcodec_send_frame(p->encoder, frame), "the encoder");
	for (;;) {
		int result = avcodec_receive_packet(p->encoder, p->packet);

		if (result == AVERROR(EAGAIN) || result == AVERROR_EOF)
			return;
		must(result, "the encoder");
		av_packet_rescale_ts(p->packet, p->encoder->time_base, p->stream->time_base);
		must(av_interleaved_write_frame(p->file, p->packet), "the file");
		p->packets++;
	}
}

/* A frame for the graph, or NULL for the end. */
static void push(struct pipeline *p, AVFrame *frame, AVFrame *filtered)
{
	/* The graph takes the reference, and with the last one the buffer goes back to the pool. */
	must(av_buffersrc_add_frame(p->source, frame), "the filter");
	for (;;) {
		int result = av_buffersink_get_frame(p->sink, filtered);

		if (result == AVERROR(EAGAIN) || result == AVERROR_EOF)
			return;
		must(result, "the filter");
		filtered->pict_type = AV_PICTURE_TYPE_NONE;
		encode(p, filtered);
		av_frame_unref(filtered);
	}
}

/* The next frame of the file into memory of the pool; false: there is none. */
static bool read_frame(FILE *from, const struct options *o, AVBufferRef *frames, AVFrame *frame, int64_t number)
{
	const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(o->format);
	int planes = av_pix_fmt_count_planes(o->format);
	AVFrame *mapped = there(av_frame_alloc());
	size_t moved = 0, wanted = 0;

	must(av_hwframe_get_buffer(frames, frame, 0), "a frame");
	mapped->format = o->format;
	/* Until it is unmapped: between DMA_BUF_IOCTL_SYNC's start and end. */
	must(av_hwframe_map(mapped, frame, AV_HWFRAME_MAP_WRITE | AV_HWFRAME_MAP_OVERWRITE), "a frame");
	for (int i = 0; i < planes; i++) {
		size_t row = (size_t)must(av_image_get_linesize(o->format, o->width, i), "a frame");
		int shift = i == 1 || i == 2 ? format->log2_chroma_h : 0;

		for (int y = 0; y < AV_CEIL_RSHIFT(o->height, shift); y++, wanted += row)
			moved += fread(mapped->data[i] + (ptrdiff_t)y * mapped->linesize[i], 1, row, from);
	}
	av_frame_free(&mapped);
	frame->pts = number;
	if (moved > 0 && moved < wanted)
		fail("the last frame is not whole", 0);
	return moved > 0;
}

static void run(struct pipeline *p, const struct options *o, AVBufferRef *frames, FILE *from)
{
	AVFrame *frame = there(av_frame_alloc()), *filtered = there(av_frame_alloc());

	for (int64_t number = 0; read_frame(from, o, frames, frame, number); number++)
		push(p, frame, filtered);
	push(p, NULL, filtered);
	encode(p, NULL);
	must(av_write_trailer(p->file), "the file");
	av_frame_free(&frame);
	av_frame_free(&filtered);
}

static void close_all(struct pipeline *p)
{
	avfilter_graph_free(&p->graph);
	avcodec_free_context(&p->encoder);
	av_packet_free(&p->packet);
	must(avio_closep(&p->file->pb), "the file");
	avformat_free_context(p->file);
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "socket", required_argument, NULL, 'S' }, { "size", required_argument, NULL, 's' },
		{ "format", required_argument, NULL, 'f' }, { "filter", required_argument, NULL, 'F' },
		{ "codec", required_argument, NULL, 'c' },  { "rate", required_argument, NULL, 'r' },
		{ 0 },
	};
	struct options o = { .format = AV_PIX_FMT_NV12, .rate = 25 };
	struct pipeline pipeline = { 0 };
	struct pool pool = { 0 };
	AVBufferRef *frames;
	FILE *from;

	for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
		if (c == 'S')
			o.socket = optarg;
		else if (c == 'f')
			o.format = av_get_pix_fmt(optarg);
		else if (c == 'F')
			o.filter = optarg;
		else if (c == 'c')
			o.codec = optarg;
		else if (c == 'r')
			o.rate = atoi(optarg);
		else if (c != 's' || sscanf(optarg, "%dx%d", &o.width, &o.height) != 2)
			usage();
	}
	if (argc - optind != 2 || o.width < 1 || o.height < 1 || o.rate < 1 || !pool_knows(o.format))
		usage();
	av_log_set_level(AV_LOG_ERROR);
	from = fopen(argv[optind], "re");
	if (!from)
		fail(argv[optind], AVERROR(errno));
	pool.client = there(dmabroker_new());
	if (dmabroker_connect(pool.client, o.socket))
		fail(dmabroker_last_error(pool.client)->message, 0);
	pool.software = o.format;
	pool.width = o.width;
	pool.height = o.height;
	frames = there(pool_create(&pool));
	open_graph(&pipeline, &o, frames);
	open_file(&pipeline, &o, argv[optind + 1]);
	run(&pipeline, &o, frames, from);
	close_all(&pipeline);
	av_buffer_unref(&frames); /* the last one: the buffers are released */
	if (pool.released != pool.allocated)
		fail("frames are still out", 0);
	printf("%lu frames through %u buffers\n", pipeline.packets, pool.allocated);
	fclose(from);
	if (dmabroker_sync(pool.client))
		fail(dmabroker_last_error(pool.client)->message, 0);
	dmabroker_destroy(pool.client);
	return 0;
}
