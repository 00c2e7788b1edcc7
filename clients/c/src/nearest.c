/*
 * The nearest request that would succeed, of a refusal's JSON (CreateBuffer of openapi.yaml), as params that allocate takes.
 * It has neither name nor lifetime. What a later daemon may say beside is left out.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct nearest {
	struct dmabroker_params params;
	uint64_t modifiers[256];
	struct dmabroker_plane_layout planes[MAX_PLANES];
	char source[64], device[64];
};

/* In the order of their bits, and of placement's values. */
static const char *const usages[] = { "sample",	   "render",	"transfer",	"storage",     "cpu_read",
				      "cpu_write", "scanout",	"video_decode", "video_encode" };
static const char *const handle_types[] = { "dma_buf", "opaque_fd", "memfd" };
static const char *const placements[] = { "any", "device_local", "host_visible", "host_cached" };
static const char *const contiguities[] = { "any", "preferred", "required" };
#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint64_t number_of(const char *object, const char *name)
{
	char *text = json_member(object, name);
	uint64_t number = text ? strtoull(text, NULL, 10) : 0;

	free(text);
	return number;
}

/* The next text of an array, or of a value that is one: where it begins and how long it is. NULL: there is none. */
static const char *next_text(const char *at, size_t *length)
{
	const char *begin = strchr(at, '"'), *end = begin ? strchr(begin + 1, '"') : NULL;

	if (!end)
		return NULL;
	*length = (size_t)(end - begin - 1);
	return begin + 1;
}

/* The first text of a member; none of those that are read has to be escaped. NULL: there is none. */
static const char *text_of(const char *object, const char *name, char *to, size_t room)
{
	char *member = json_member(object, name);
	size_t length = 0;
	const char *text = member ? next_text(member, &length) : NULL;
	bool fits = text && length < room;

	if (fits) {
		memcpy(to, text, length);
		to[length] = '\0';
	}
	free(member);
	return fits ? to : NULL;
}

static size_t place_of(const char *const *names, size_t count, const char *text, size_t length)
{
	size_t place = 0;

	while (place < count && (strlen(names[place]) != length || strncmp(names[place], text, length) != 0))
		place++;
	return place;
}

static uint32_t bits_of(const char *object, const char *name, const char *const *names, size_t count)
{
	char *member = json_member(object, name);
	uint32_t bits = 0;
	size_t length = 0;

	for (const char *at = member; at && (at = next_text(at, &length)); at += length + 1) {
		size_t place = place_of(names, count, at, length);

		if (place < count)
			bits |= 1u << place;
	}
	free(member);
	return bits;
}

static void read_arrays(struct nearest *nearest, const char *text)
{
	char *modifiers = json_member(text, "modifiers"), *layout = json_member(text, "layout");
	struct dmabroker_params *params = &nearest->params;
	size_t length = 0;

	for (const char *at = modifiers; at && (at = next_text(at, &length)); at += length + 1)
		if (params->modifier_count < COUNT(nearest->modifiers))
			nearest->modifiers[params->modifier_count++] = strtoull(at, NULL, 16);
	for (const char *at = layout; at && (at = strchr(at, '{')); at++)
		if (params->plane_count < MAX_PLANES)
			nearest->planes[params->plane_count++] = (struct dmabroker_plane_layout){
				.offset = (uint32_t)number_of(at, "offset"),
				.stride = (uint32_t)number_of(at, "stride"),
				.fd = -1,
			};
	params->modifiers = params->modifier_count > 0 ? nearest->modifiers : NULL;
	params->planes = params->plane_count > 0 ? nearest->planes : NULL;
	free(modifiers);
	free(layout);
}

static void read_alignment(struct dmabroker_params *params, const char *text)
{
	char *alignment = json_member(text, "alignment");

	if (alignment) {
		params->alignment.stride = (uint32_t)number_of(alignment, "stride");
		params->alignment.offset = (uint32_t)number_of(alignment, "offset");
		params->alignment.size = (uint32_t)number_of(alignment, "size");
		params->alignment.height = (uint32_t)number_of(alignment, "height");
	}
	free(alignment);
}

static bool read_memory(struct dmabroker_params *params, const char *text)
{
	char kind[16] = "", format[8] = "";

	if (!text_of(text, "kind", kind, sizeof kind))
		return false;
	if (strcmp(kind, "buffer") == 0) {
		*params = dmabroker_linear(number_of(text, "size"));
		return true;
	}
	if (!text_of(text, "format", format, sizeof format) || strlen(format) != 4)
		return false;
	*params = dmabroker_image((uint32_t)number_of(text, "width"), (uint32_t)number_of(text, "height"),
				  DMABROKER_FOURCC((unsigned char)format[0], (unsigned char)format[1],
						   (unsigned char)format[2], (unsigned char)format[3]));
	return true;
}

struct nearest *nearest_read(const char *text)
{
	struct nearest *nearest = calloc(1, sizeof *nearest);
	char placement[32] = "", contiguous[32] = "", *separate = json_member(text, "separate_planes");

	if (!nearest || !read_memory(&nearest->params, text)) {
		free(nearest);
		free(separate);
		return NULL;
	}
	struct dmabroker_params *params = &nearest->params;

	read_arrays(nearest, text);
	read_alignment(params, text);
	params->usage = bits_of(text, "usage", usages, COUNT(usages));
	params->handle_types = bits_of(text, "handle_types", handle_types, COUNT(handle_types));
	char *all = json_member(text, "all_handle_types");

	params->all_handle_types = all && strcmp(all, "true") == 0;
	free(all);
	params->separate_planes = separate && strcmp(separate, "true") == 0;
	params->source = text_of(text, "sources", nearest->source, sizeof nearest->source);
	params->device = text_of(text, "device", nearest->device, sizeof nearest->device);
	if (text_of(text, "placement", placement, sizeof placement)) {
		size_t place = place_of(placements, COUNT(placements), placement, strlen(placement));

		params->placement = place < COUNT(placements) ? (uint32_t)place : 0;
	}
	if (text_of(text, "contiguous", contiguous, sizeof contiguous)) {
		size_t how = place_of(contiguities, COUNT(contiguities), contiguous, strlen(contiguous));

		params->contiguous = how < COUNT(contiguities) ? (uint32_t)how : 0;
	}
	free(separate);
	return nearest;
}

const struct dmabroker_params *nearest_params(const struct nearest *nearest)
{
	return nearest ? &nearest->params : NULL;
}
