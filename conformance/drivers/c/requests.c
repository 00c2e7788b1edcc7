#include "requests.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dmabroker-v1-client.h"
#include "own.h"

static const char *const refusals[] = {
	"", "invalid_argument", "unsupported_format", "unsupported_modifier", "unsupported_handle_type",
	"unsupported_usage", "too_large", "out_of_memory", "limit_exceeded", "not_found",
	"invalid_token", "permission_denied", "device_lost", "internal", "unsupported_source",
	"unsupported_placement", "recalled", "unsupported_layout", "unsupported_device", "busy", "name_taken", NULL,
};
const char *const handle_types[] = { "dma_buf", "opaque_fd", "memfd", NULL };
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
const char *const work_paths[] = { "", "device", "cpu", NULL };

static unsigned place_of(const char *const *names, const char *name)
{
	for (unsigned i = 0; name && names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	end_rejected("%s is not known", name ? name : "what is missing");
}

/* A later daemon may say what this driver does not know. */
static const char *name_of(const char *const *names, unsigned place)
{
	for (unsigned i = 0; names[i]; i++)
		if (i == place)
			return names[i];
	return "unknown";
}

static uint32_t bits_of(const char *const *names, const struct json *list)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < list->count; i++)
		bits |= 1u << place_of(names, list->items[i].string);
	return bits;
}

uint32_t handle_types_of(const struct json *object)
{
	return bits_of(handle_types, json_get(object, "handle_types"));
}

static uint64_t join(uint32_t hi, uint32_t lo)
{
	return (uint64_t)hi << 32 | lo;
}

/* ---- requests ------------------------------------------------------------------------------- */

static uint32_t whole(const struct json *object, const char *name)
{
	return (uint32_t)json_number(object, name, 0);
}

static void say_memory(struct dmabroker_params_v1 *params, const struct json *request)
{
	const char *kind = json_string(request, "kind"), *format = json_string(request, "format");
	uint64_t size = (uint64_t)json_number(request, "size", 0);

	if (kind && strcmp(kind, "buffer") == 0) {
		dmabroker_params_v1_set_buffer(params, (uint32_t)(size >> 32), (uint32_t)size);
		return;
	}
	if (!format || strlen(format) != 4)
		end_rejected("a format has four characters");
	const unsigned char *f = (const unsigned char *)format;

	dmabroker_params_v1_set_image(params, whole(request, "width"), whole(request, "height"),
				      f[0] | (uint32_t)f[1] << 8 | (uint32_t)f[2] << 16 |
					      (uint32_t)f[3] << 24);
}

static void say_modifiers(struct dmabroker_params_v1 *params, const struct json *modifiers)
{
	for (size_t i = 0; modifiers && i < modifiers->count; i++) {
		uint64_t modifier = strtoull(modifiers->items[i].string, NULL, 16);

		dmabroker_params_v1_add_modifier(params, (uint32_t)(modifier >> 32), (uint32_t)modifier);
	}
}

static void say_planes(struct dmabroker_params_v1 *params, const struct json *request)
{
	const struct json *layout = json_get(request, "layout"), *planes = json_get(request, "planes");

	for (unsigned i = 0; layout && i < layout->count; i++)
		dmabroker_params_v1_set_plane_layout(params, i, whole(&layout->items[i], "offset"),
						     whole(&layout->items[i], "stride"));
	for (unsigned i = 0; planes && i < planes->count; i++) {
		const struct json *plane = &planes->items[i];
		const struct object *buffer = object_named(json_string(plane, "buffer"));
		int fd = plane_of(buffer, whole(plane, "plane"))->args[0].h;

		/* libwayland sends a duplicate; ours stays. */
		dmabroker_params_v1_add_plane(params, fd, i, whole(plane, "offset"),
					      whole(plane, "stride"));
	}
}

static void say_lifetime(struct dmabroker_params_v1 *params, const struct json *lifetime)
{
	const char *type = json_string(lifetime, "type");

	if (!lifetime)
		return;
	if (type && strcmp(type, "lease") == 0)
		dmabroker_params_v1_set_lease(params, whole(lifetime, "seconds"));
	else
		dmabroker_params_v1_set_lifetime(params, place_of(lifetimes, type));
}

static void say_own(struct dmabroker_params_v1 *params, const struct json *memory)
{
	uint64_t offset = (uint64_t)json_number(memory, "offset", 0);

	if (!memory)
		return;
	int fd = own_memfd(memory);

	/* libwayland sends a duplicate. */
	dmabroker_params_v1_set_memory(params, fd, (uint32_t)(offset >> 32), (uint32_t)offset);
	close(fd);
}

struct object *new_params(void)
{
	void *made = dmabroker_manager_v1_create_params((struct dmabroker_manager_v1 *)manager->proxy);

	return adopt(made, &dmabroker_params_v1_interface, "");
}

struct object *params_of(const struct json *request)
{
	struct object *object = new_params();
	struct dmabroker_params_v1 *params = (struct dmabroker_params_v1 *)object->proxy;
	const struct json *alignment = json_get(request, "alignment");
	const struct json *sources = json_get(request, "sources");
	const char *name = json_string(request, "name"), *device = json_string(request, "device");
	const char *placement = json_string(request, "placement");
	const char *contiguous = json_string(request, "contiguous");

	say_memory(params, request);
	say_modifiers(params, json_get(request, "modifiers"));
	say_planes(params, request);
	if (json_number(request, "separate_planes", 0) != 0)
		dmabroker_params_v1_set_planes(params, DMABROKER_PARAMS_V1_PLANE_MEMORY_SEPARATE);
	if (alignment)
		dmabroker_params_v1_set_alignment(params, whole(alignment, "stride"),
						  whole(alignment, "offset"), whole(alignment, "size"),
						  whole(alignment, "height"));
	if (sources && sources->count > 0)
		dmabroker_params_v1_set_source(params, sources->items[0].string);
	if (placement)
		dmabroker_params_v1_set_placement(params, place_of(placements, placement));
	if (contiguous)
		dmabroker_params_v1_set_contiguous(params, place_of(contiguities, contiguous));
	if (json_get(request, "usage"))
		dmabroker_params_v1_set_usage(params, bits_of(usages, json_get(request, "usage")));
	if (json_get(request, "handle_types") && json_number(request, "all_handle_types", 0) != 0)
		dmabroker_params_v1_require_handle_types(params, handle_types_of(request));
	else if (json_get(request, "handle_types"))
		dmabroker_params_v1_set_handle_types(params, handle_types_of(request));
	if (device)
		dmabroker_params_v1_set_device(params, device);
	if (json_get(request, "wait_ms"))
		dmabroker_params_v1_set_wait(params, whole(request, "wait_ms"));
	say_lifetime(params, json_get(request, "lifetime"));
	if (name)
		dmabroker_params_v1_set_name(params, name);
	say_own(params, json_get(request, "memory"));
	if (json_string(request, "lasting_name"))
		dmabroker_params_v1_set_lasting_name(params, json_string(request, "lasting_name"));
	return object;
}

/* ---- descriptions --------------------------------------------------------------------------- */

/* Where the buffer's last description begins: a reissue brings another. */
static size_t description_of(const struct object *object, const char *first)
{
	for (size_t i = event_count; i-- > 0;)
		if (is_event(&events[i], object, first))
			return i;
	return event_count;
}

const struct event *last_event(const struct object *buffer, const char *name)
{
	for (size_t i = event_count; i-- > description_of(buffer, "info");)
		if (is_event(&events[i], buffer, name))
			return &events[i];
	return NULL;
}

const struct event *plane_of(const struct object *buffer, unsigned plane)
{
	for (size_t i = description_of(buffer, "info"); i < event_count; i++)
		if (is_event(&events[i], buffer, "plane") && events[i].args[2].u == plane)
			return &events[i];
	end_rejected("there is no plane %u", plane);
}

uint64_t memory_size(const struct object *buffer, unsigned memory)
{
	for (size_t i = description_of(buffer, "info"); i < event_count; i++)
		if (is_event(&events[i], buffer, "memory") && events[i].args[0].u == memory)
			return join(events[i].args[1].u, events[i].args[2].u);
	end_rejected("there is no memory %u", memory);
}

static const char *comma(unsigned *count)
{
	return (*count)++ == 0 ? "" : ",";
}

static const char *handle_type(uint32_t bits)
{
	for (unsigned i = 0; handle_types[i]; i++)
		if (bits == 1u << i)
			return handle_types[i];
	return "unknown";
}

void describe_manager(struct text *to)
{
	unsigned count = 0;

	text_add(to, "{\"devices\":[");
	for (size_t i = 0; i < event_count; i++) {
		const union wl_argument *a = events[i].args;

		if (!is_event(&events[i], manager, "device"))
			continue;
		text_add(to, "%s{\"name\":", comma(&count));
		text_string(to, a[0].s);
		text_add(to, ",\"device_uuid\":\"%s\",\"driver_uuid\":\"%s\",\"main_device\":", a[1].s,
			 a[2].s);
		uint64_t node = join(a[3].u, a[4].u);

		if (node == 0)
			text_add(to, "null}");
		else
			text_add(to, "%" PRIu64 "}", node);
	}
	text_add(to, "],\"sources\":[");
	count = 0;
	for (size_t i = 0; i < event_count; i++) {
		const union wl_argument *a = events[i].args;

		if (!is_event(&events[i], manager, "source"))
			continue;
		text_add(to, "%s{\"name\":\"%s\",\"handle_type\":\"%s\",\"usable\":%s,\"reason\":",
			 comma(&count), a[0].s, handle_type(a[1].u), a[2].u ? "true" : "false");
		text_string(to, a[3].s);
		text_add(to, "}");
	}
	text_add(to, "],\"limits\":{");
	count = 0;
	for (size_t i = 0; i < event_count; i++)
		if (is_event(&events[i], manager, "limit"))
			text_add(to, "%s\"%s\":%" PRIu64, comma(&count),
				 name_of(limits, events[i].args[0].u),
				 join(events[i].args[1].u, events[i].args[2].u));
	text_add(to, "},\"session\":");
	for (size_t i = event_count; i-- > 0;)
		if (is_event(&events[i], manager, "session")) {
			text_string(to, events[i].args[0].s);
			text_add(to, "}");
			return;
		}
	text_add(to, "null}");
}

/* A plane event, of the kind that is told first: those of the others say the same. */
static bool is_told(const struct event *event, const struct object *buffer, uint32_t type)
{
	return !is_event(event, buffer, "plane") || event->args[1].u == type;
}

/* Memories, planes and what is taken on trust, of a buffer or a plan, from an event on. */
static void describe_places(struct text *to, const struct object *object, size_t from,
			    const char *plane, int first, uint32_t type)
{
	unsigned memories = 0, planes = 0, trusted = 0, given = 0;

	text_add(to, ",\"memories\":[");
	for (size_t i = from; i < event_count; i++)
		if (is_event(&events[i], object, "memory"))
			text_add(to, "%s{\"size\":%" PRIu64 "}", comma(&memories),
				 join(events[i].args[1].u, events[i].args[2].u));
	text_add(to, "],\"planes\":[");
	for (size_t i = from; i < event_count; i++)
		if (is_event(&events[i], object, plane) && is_told(&events[i], object, type))
			text_add(to, "%s{\"memory\":%u,\"offset\":%u,\"stride\":%u}", comma(&planes),
				 events[i].args[first].u, events[i].args[first + 1].u,
				 events[i].args[first + 2].u);
	for (size_t i = from; i < event_count; i++)
		if (is_event(&events[i], object, "unverified"))
			trusted = events[i].args[0].u;
	text_add(to, "],\"unverified_usage\":[");
	for (unsigned i = 0; usages[i]; i++)
		if (trusted & 1u << i)
			text_add(to, "%s\"%s\"", comma(&given), usages[i]);
	text_add(to, "]");
}

void describe_buffer(struct text *to, const struct object *buffer)
{
	size_t from = description_of(buffer, "info");
	const union wl_argument *a = events[from].args;
	const struct event *device = last_event(buffer, "device"), *checked = last_event(buffer, "checked");
	const struct event *fell_back = last_event(buffer, "fell_back");
	uint32_t type = plane_of(buffer, 0)->args[1].u;
	char format[5] = "";

	text_add(to, "{\"id\":\"%s\",\"generation\":%u,\"handle_type\":\"%s\",\"source\":\"%s\"", a[0].s,
		 a[1].u, handle_type(type), a[3].s);
	text_add(to, ",\"size\":%" PRIu64, join(a[4].u, a[5].u));
	if (a[6].u == 0)
		text_add(to, ",\"format\":null,\"modifier\":null,\"width\":null,\"height\":null");
	else {
		for (int i = 0; i < 4; i++)
			format[i] = (char)(a[6].u >> 8 * i);
		text_add(to, ",\"format\":\"%s\",\"modifier\":\"0x%016" PRIx64 "\"", format,
			 join(a[7].u, a[8].u));
		text_add(to, ",\"width\":%u,\"height\":%u", a[9].u, a[10].u);
	}
	describe_places(to, buffer, from, "plane", 3, type);
	if (device)
		text_add(to, ",\"device\":\"%s\"", device->args[0].s);
	else
		text_add(to, ",\"device\":null");
	if (checked) {
		text_add(to, ",\"checked\":{\"how\":\"%s\",\"reason\":",
			 name_of(checks, checked->args[0].u));
		text_string(to, checked->args[1].s);
		text_add(to, "}");
	} else
		text_add(to, ",\"checked\":null");
	if (fell_back) {
		const union wl_argument *why = fell_back->args;

		text_add(to, ",\"fell_back\":{\"reason\":\"%s\",\"source\":", name_of(fall_backs, why[0].u));
		if (*why[1].s)
			text_string(to, why[1].s);
		else
			text_add(to, "null");
		text_add(to, ",\"message\":");
		text_string(to, why[2].s);
		text_add(to, "}}");
	} else
		text_add(to, ",\"fell_back\":null}");
}

void describe_plan(struct text *to, const struct object *test)
{
	size_t from = description_of(test, "possible");
	const union wl_argument *a = events[from].args;

	text_add(to, "{\"source\":\"%s\",\"size\":%" PRIu64 ",\"handle_type\":\"%s\"", a[0].s,
		 join(a[1].u, a[2].u), handle_type(a[3].u));
	describe_places(to, test, from, "plane_layout", 1, 0);
	text_add(to, "}");
}

void describe_state(struct text *to, const struct object *buffer)
{
	const char *released = NULL, *recalled = NULL;
	bool leased = false, lost = false;
	uint32_t generation = 0;

	for (size_t i = 0; i < event_count; i++) {
		const union wl_argument *a = events[i].args;

		if (is_event(&events[i], buffer, "info")) {
			generation = a[1].u;
			lost = false;
		} else if (is_event(&events[i], buffer, "lost"))
			lost = true;
		else if (is_event(&events[i], buffer, "released"))
			released = name_of(releases, a[0].u);
		else if (is_event(&events[i], buffer, "recall"))
			recalled = a[0].u == 0 ? NULL : name_of(recalls, a[0].u);
		else if (is_event(&events[i], buffer, "lease")) {
			leased = true;
			if (recalled && strcmp(recalled, "lease_expired") == 0)
				recalled = NULL;
		}
	}
	text_add(to, "{\"released\":");
	text_add(to, released ? "\"%s\"" : "null", released);
	text_add(to, ",\"recalled\":");
	text_add(to, recalled ? "\"%s\"" : "null", recalled);
	text_add(to, ",\"leased\":%s,\"lost\":%s,\"generation\":%u}", leased ? "true" : "false",
		 lost ? "true" : "false", generation);
}

/* The whole of a long detail; its fd is closed. */
static char *read_detail(struct event *said)
{
	uint32_t size = said->args[1].u, length = 0;
	char *text = calloc(1, (size_t)size + 1);

	while (text && length < size) {
		ssize_t got = pread(said->args[0].h, text + length, size - length, length);

		if (got <= 0)
			break;
		length += (uint32_t)got;
	}
	close(said->args[0].h);
	said->args[0].h = -1;
	return text;
}

void describe_refusal(struct text *to, const struct event *failed)
{
	size_t at = (size_t)(failed - events);
	char *whole = NULL;

	while (at-- > 0 && !whole && events[at].object == failed->object)
		if (is_event(&events[at], failed->object, "long_detail") && events[at].args[0].h >= 0)
			whole = read_detail(&events[at]);
	text_add(to, "{\"code\":\"%s\",\"message\":", name_of(refusals, failed->args[0].u));
	text_string(to, failed->args[1].s);
	text_add(to, ",\"detail\":%s}", whole ? whole : failed->args[2].s);
	free(whole);
}
