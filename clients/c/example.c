/*
 * One process allocates an image, draws and shares it; another one redeems the token and looks.
 *
 *   example draw            prints a token, and keeps the image until stdin ends
 *   example look TOKEN      prints what the image is, and its first and last pixel
 */
#include <dmabroker.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int fail(struct dmabroker *client, const char *what)
{
	const struct dmabroker_error *error = dmabroker_last_error(client);

	fprintf(stderr, "%s: %s%s%s\n", what, error->message, error->nearest ? "; possible would be " : "",
		error->nearest ? error->nearest : "");
	return 1;
}

static int draw(struct dmabroker *client)
{
	struct dmabroker_params params =
		dmabroker_image(640, 480, DMABROKER_FOURCC('X', 'R', '2', '4'));
	struct dmabroker_buffer *image;
	struct dmabroker_mapping *mapping;
	struct dmabroker_share *share;

	params.usage = DMABROKER_USAGE_CPU_READ | DMABROKER_USAGE_CPU_WRITE;
	/* A memfd for a machine without an exporter of dma_bufs, while developing. */
	params.handle_types = DMABROKER_HANDLE_TYPE_DMA_BUF | DMABROKER_HANDLE_TYPE_MEMFD;
	params.name = "example";
	if (dmabroker_allocate(client, &params, &image) != DMABROKER_OK)
		return fail(client, "allocate");

	const struct dmabroker_plane *plane = dmabroker_buffer_plane(image, 0);

	if (dmabroker_buffer_map(image, plane->memory, DMABROKER_WRITE, &mapping) != DMABROKER_OK ||
	    dmabroker_mapping_begin(mapping, DMABROKER_WRITE) != DMABROKER_OK)
		return fail(client, "map");
	for (uint32_t y = 0; y < params.height; y++) {
		uint8_t *row = (uint8_t *)dmabroker_mapping_data(mapping) + plane->offset +
			       (size_t)y * plane->stride;

		for (uint32_t x = 0; x < params.width; x++)
			memcpy(row + 4 * (size_t)x, &(uint32_t){ 0xff000000u | x << 8 | (y & 255) }, 4);
	}
	dmabroker_mapping_end(mapping, DMABROKER_WRITE);
	dmabroker_unmap(mapping);

	if (dmabroker_buffer_share(image, NULL, &share) != DMABROKER_OK)
		return fail(client, "share");
	printf("%s\n", dmabroker_share_token(share)); /* a secret, for the other process */
	fflush(stdout);
	while (getchar() != EOF)
		;
	dmabroker_share_destroy(share);
	dmabroker_buffer_destroy(image); /* released: nobody else has asked to keep it */
	return 0;
}

static int look(struct dmabroker *client, const char *token)
{
	struct dmabroker_buffer *image;
	struct dmabroker_mapping *mapping;

	if (dmabroker_redeem(client, token, &image) != DMABROKER_OK)
		return fail(client, "redeem");
	const struct dmabroker_buffer_info *info = dmabroker_buffer_info(image);
	const struct dmabroker_plane *plane = dmabroker_buffer_plane(image, 0);

	if (dmabroker_buffer_map(image, plane->memory, DMABROKER_READ, &mapping) != DMABROKER_OK ||
	    dmabroker_mapping_begin(mapping, DMABROKER_READ) != DMABROKER_OK)
		return fail(client, "map");
	const uint8_t *pixels = (uint8_t *)dmabroker_mapping_data(mapping) + plane->offset;
	uint32_t first, last;

	memcpy(&first, pixels, 4);
	memcpy(&last, pixels + (size_t)(info->height - 1) * plane->stride + 4 * (size_t)(info->width - 1), 4);
	dmabroker_mapping_end(mapping, DMABROKER_READ);
	printf("%s %" PRIu32 "x%" PRIu32 " from %s: %08" PRIx32 " %08" PRIx32 "\n", info->id, info->width,
	       info->height, info->source, first, last);
	dmabroker_unmap(mapping);
	dmabroker_buffer_destroy(image);
	return 0;
}

int main(int argc, char **argv)
{
	struct dmabroker *client = dmabroker_new();

	if (!client)
		return 1;
	int status = dmabroker_connect(client, NULL) != DMABROKER_OK ? fail(client, "connect") :
		     argc == 3 && strcmp(argv[1], "look") == 0	     ? look(client, argv[2]) :
								       draw(client);
	dmabroker_destroy(client);
	return status;
}
