#include "words.h"
#include "own.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const handle_types[] = { "dma_buf", "opaque_fd", "memfd", NULL };
static const char *const usages[] = { "sample", "render", "transfer", "storage", "cpu_read",
				      "cpu_write", "scanout", "video_decode", "video_encode", NULL };
static const char *const limits[] = { "", "buffer_size", "image_dimension", "buffers", "objects",
				      "fds", "batch", NULL };
static const char *const lifetimes[] = { "connection", "until_released", NULL };
static const char *const placements[] = { "any", "device_local", "host_visible", "host_cached", NULL };
static const char *const contiguities[] = { "any", "preferred", "required", NULL };
static const char *const releases[] = { "", "owner", "administrator", "lease_expired", NULL };
static const char *const recalls[] = { "", "share", "memory_pressure", "lease_expired",
				       "administrator", NULL };
static const char *const fall_backs[] = { "", "out_of_memory", "not_contiguous", "display_refused", NULL };
static const char *const checks[] = { "", "device", "layout", NULL };
static const char *const paths[] = { "", "device", "cpu", NULL };

static uint32_t place_of(const char *const *names, const char *name)
{
	for (uint32_t i = 0; name && names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	end_rejected("%s is not known", name ? name : "what is missing");
}

static const char *name_of(const char *const *names, uint32_t place)
{
	for (uint32_t i = 0; names[i]; i++)
		if (i == place)
			return names[i];
	return "unknown";
}

static uint32_t bits_of(const char *const *names, const struct json *list)
{
	uint32_t bits = 0;

	for (size_t i = 0; list && i < list->count; i++)
		bits |= 1u << place_of(names, list->items[i].string);
	return bits;
}

uint32_t handle_types_of(const struct json *object)
{
	return bits_of(handle_types, json_get(object, "handle_types"));
}

static uint32_t whole(const struct json *object, const char *name)
{
	return (uint32_t)json_number(object, name, 0);
}

/* ---- requests ------------------------------------------------------------------------------- */

static void read_memory(struct dmabroker_params *params, const struct json *words)
{
	const char *kind = json_string(words, "kind"), *format = json_string(words, "format");

	if (kind && strcmp(kind, "buffer") == 0) {
		*params = dmabroker_linear((uint64_t)json_number(words, "size", 0));
		return;
	}
	if (!format || strlen(format) != 4)
		end_rejected("a format has four characters");
	*params = dmabroker_image(whole(words, "width"), whole(words, "height"),
				  DMABROKER_FOURCC(format[0], format[1], format[2], format[3]));
}

static void read_planes(struct request *request, const struct json *words)
{
	const struct json *layout = json_get(words, "layout"), *brought = json_get(words, "planes");
	const struct json *planes = layout ? layout : brought;

	if (!planes)
		return;
	if (planes->count > 4)
		end_rejected("more than four planes");
	for (size_t i = 0; i < planes->count; i++) {
		const struct json *each = &planes->items[i];
		struct dmabroker_plane_layout *plane = &request->planes[i];

		plane->offset = whole(each, "offset");
		plane->stride = whole(each, "stride");
		plane->fd = -1;
		if (layout)
			continue;
		const char *name = json_string(each, "buffer");
		const struct dmabroker_plane *from =
			dmabroker_buffer_plane(buffer_named(name), whole(each, "plane"));

		plane->fd = from ? from->fd : -1;
	}
	request->params.planes = request->planes;
	request->params.plane_count = planes->count;
}

static void read_modifiers(struct request *request, const struct json *modifiers)
{
	if (!modifiers)
		return;
	if (modifiers->count > 256)
		end_rejected("more than 256 modifiers");
	for (size_t i = 0; i < modifiers->count; i++)
		request->modifiers[i] = strtoull(modifiers->items[i].string, NULL, 16);
	request->params.modifiers = request->modifiers;
	request->params.modifier_count = modifiers->count;
}

/* The last one stays open until there is another: it has to be there as long as the call. */
static void read_own(struct request *request, const struct json *memory)
{
	static int last = -1;

	if (last >= 0)
		close(last);
	last = memory ? own_memfd(memory) : -1;
	request->memory.fd = last;
	request->memory.offset = (uint64_t)json_number(memory, "offset", 0);
	request->params.memory = memory ? &request->memory : NULL;
}

void read_request(struct request *request, const struct json *words)
{
	struct dmabroker_params *params = &request->params;
	const struct json *alignment = json_get(words, "alignment");
	const struct json *sources = json_get(words, "sources"), *lifetime = json_get(words, "lifetime");
	const char *placement = json_string(words, "placement"), *type = json_string(lifetime, "type");

	const char *contiguous = json_string(words, "contiguous");

	read_memory(params, words);
	read_modifiers(request, json_get(words, "modifiers"));
	read_planes(request, words);
	params->usage = bits_of(usages, json_get(words, "usage"));
	params->handle_types = handle_types_of(words);
	params->placement = placement ? place_of(placements, placement) : 0;
	params->contiguous = contiguous ? place_of(contiguities, contiguous) : 0;
	params->separate_planes = json_number(words, "separate_planes", 0) != 0;
	params->name = json_string(words, "name");
	params->lasting_name = json_string(words, "lasting_name");
	params->device = json_string(words, "device");
	params->all_handle_types = json_number(words, "all_handle_types", 0) != 0;
	params->wait_ms = whole(words, "wait_ms");
	params->source = sources && sources->count > 0 ? sources->items[0].string : NULL;
	params->alignment.stride = whole(alignment, "stride");
	params->alignment.offset = whole(alignment, "offset");
	params->alignment.size = whole(alignment, "size");
	params->alignment.height = whole(alignment, "height");
	if (type && strcmp(type, "lease") == 0)
		params->lease_seconds = whole(lifetime, "seconds");
	else if (type)
		params->lifetime = place_of(lifetimes, type);
	read_own(request, json_get(words, "memory"));
}

/* ---- descriptions --------------------------------------------------------------------------- */

const char *path_name(uint32_t path)
{
	return name_of(paths, path);
}

static const char *handle_type(uint32_t bits)
{
	for (uint32_t i = 0; handle_types[i]; i++)
		if (bits == 1u << i)
			return handle_types[i];
	return "unknown";
}

static const char *comma(unsigned index)
{
	return index == 0 ? "" : ",";
}

static void text_or_null(struct text *to, const char *text)
{
	if (text)
		text_string(to, text);
	else
		text_add(to, "null");
}

void tell_client(struct text *to, const struct dmabroker *client)
{
	const struct dmabroker_device *device;
	const struct dmabroker_source *source;
	unsigned count = 0;

	text_add(to, "{\"devices\":[");
	for (unsigned i = 0; (device = dmabroker_get_device(client, i)); i++) {
		text_add(to, "%s{\"name\":", comma(i));
		text_string(to, device->name);
		text_add(to, ",\"device_uuid\":\"%s\",\"driver_uuid\":\"%s\",\"main_device\":",
			 device->device_uuid, device->driver_uuid);
		if (device->main_device)
			text_add(to, "%" PRIu64 "}", device->main_device);
		else
			text_add(to, "null}");
	}
	text_add(to, "],\"sources\":[");
	for (unsigned i = 0; (source = dmabroker_get_source(client, i)); i++) {
		text_add(to, "%s{\"name\":\"%s\",\"handle_type\":\"%s\",\"usable\":%s,\"reason\":", comma(i),
			 source->name, handle_type(source->handle_type),
			 source->usable ? "true" : "false");
		text_string(to, source->reason);
		text_add(to, "}");
	}
	text_add(to, "],\"limits\":{");
	for (uint32_t i = 1; limits[i]; i++)
		if (dmabroker_get_limit(client, i))
			text_add(to, "%s\"%s\":%" PRIu64, comma(count++), limits[i],
				 dmabroker_get_limit(client, i));
	text_add(to, "},\"session\":");
	text_or_null(to, dmabroker_get_session(client));
	text_add(to, "}");
}

static void tell_places(struct text *to, const struct dmabroker_buffer *buffer)
{
	const struct dmabroker_buffer_info *info = dmabroker_buffer_info(buffer);
	unsigned trusted = 0;

	text_add(to, ",\"memories\":[");
	for (unsigned i = 0; i < info->memory_count; i++)
		text_add(to, "%s{\"size\":%" PRIu64 "}", comma(i),
			 dmabroker_buffer_memory_size(buffer, i));
	text_add(to, "],\"planes\":[");
	for (unsigned i = 0; i < info->plane_count; i++) {
		const struct dmabroker_plane *plane = dmabroker_buffer_plane(buffer, i);

		text_add(to, "%s{\"memory\":%u,\"offset\":%u,\"stride\":%u}", comma(i), plane->memory,
			 plane->offset, plane->stride);
	}
	text_add(to, "],\"unverified_usage\":[");
	for (unsigned i = 0; usages[i]; i++)
		if (info->unverified_usage & 1u << i)
			text_add(to, "%s\"%s\"", comma(trusted++), usages[i]);
	text_add(to, "]");
}

void tell_buffer(struct text *to, const struct dmabroker_buffer *buffer)
{
	const struct dmabroker_buffer_info *info = dmabroker_buffer_info(buffer);
	uint32_t f = info->format;

	text_add(to, "{\"id\":\"%s\",\"generation\":%u,\"handle_type\":\"%s\",\"source\":\"%s\"", info->id,
		 info->generation, handle_type(info->handle_type), info->source);
	text_add(to, ",\"size\":%" PRIu64, info->size);
	if (f == 0)
		text_add(to, ",\"format\":null,\"modifier\":null,\"width\":null,\"height\":null");
	else
		text_add(to,
			 ",\"format\":\"%c%c%c%c\",\"modifier\":\"0x%016" PRIx64
			 "\",\"width\":%u,\"height\":%u",
			 (int)(f & 255), (int)(f >> 8 & 255), (int)(f >> 16 & 255), (int)(f >> 24),
			 info->modifier, info->width, info->height);
	tell_places(to, buffer);
	text_add(to, ",\"device\":");
	text_or_null(to, info->device);
	if (info->checked) {
		text_add(to, ",\"checked\":{\"how\":\"%s\",\"reason\":", name_of(checks, info->checked));
		text_string(to, info->checked_reason);
		text_add(to, "}");
	} else
		text_add(to, ",\"checked\":null");
	if (info->fell_back) {
		text_add(to, ",\"fell_back\":{\"reason\":\"%s\",\"source\":",
			 name_of(fall_backs, info->fell_back));
		text_or_null(to, info->fell_back_source);
		text_add(to, ",\"message\":");
		text_string(to, info->fell_back_message);
		text_add(to, "}}");
	} else
		text_add(to, ",\"fell_back\":null}");
}

void tell_state(struct text *to, struct dmabroker_buffer *buffer)
{
	const struct dmabroker_state *state = dmabroker_buffer_state(buffer);

	text_add(to, "{\"released\":");
	text_or_null(to, state->released ? name_of(releases, state->released) : NULL);
	text_add(to, ",\"recalled\":");
	text_or_null(to, state->recalled ? name_of(recalls, state->recalled) : NULL);
	text_add(to, ",\"leased\":%s,\"lost\":%s,\"generation\":%u}", state->leased ? "true" : "false",
		 state->lost ? "true" : "false", dmabroker_buffer_info(buffer)->generation);
}
