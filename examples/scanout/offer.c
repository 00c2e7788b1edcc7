/* Why: whoever shows memory of the broker's must find out first which of it the display takes; all of that asking is here. */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <drm_fourcc.h>

#include "offer.h"

struct dmabroker_buffer *offer_allocate(struct dmabroker *client, const struct display *d, uint32_t format,
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

int offer_verify(const struct display *d, struct dmabroker_buffer *buffer, uint32_t *framebuffer)
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

void offer_say(const struct dmabroker_buffer *buffer, int error)
{
	const struct dmabroker_buffer_info *info = dmabroker_buffer_info(buffer);

	printf("%.4s modifier %#llx of %s: %s%s\n", (const char *)&info->format, (unsigned long long)info->modifier,
	       info->source, error ? "refused, " : "verified", error ? strerror(error) : "");
	fflush(stdout);
}

const char *offer_next_source(const struct dmabroker *client, unsigned *index)
{
	const struct dmabroker_source *source;

	while ((source = dmabroker_get_source(client, (*index)++)))
		if (source->usable && source->handle_type == DMABROKER_HANDLE_TYPE_DMA_BUF)
			return source->name;
	return NULL;
}

struct dmabroker_buffer *offer_verified(struct dmabroker *client, const struct display *d, const char *wanted,
					uint32_t format, uint32_t *framebuffer)
{
	const uint32_t usage = DMABROKER_USAGE_SCANOUT | DMABROKER_USAGE_CPU_WRITE;
	const uint64_t linear = DRM_FORMAT_MOD_LINEAR;
	const char *source = wanted;
	unsigned index = 0;

	do {
		struct dmabroker_buffer *buffer = offer_allocate(client, d, format, &linear, 1, source, usage);
		int error;

		if (!buffer) {
			warnx("%s", dmabroker_last_error(client)->message);
			continue;
		}
		error = offer_verify(d, buffer, framebuffer);
		offer_say(buffer, error);
		if (!error)
			return buffer;
		dmabroker_buffer_release(buffer);
	} while (!wanted && (source = offer_next_source(client, &index)));
	errx(1, "%s (%s) takes none of what the broker has", d->path, d->driver);
}
