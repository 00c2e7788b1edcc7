/*
 * The conformance driver over libwayland-client: no line of it is the project's own library, and the
 * messages come from wayland-scanner. conformance/README.md has the commands.
 *
 * Reads a command a line from stdin, answers a line on stdout. A command that is refused, is none, or loses
 * its connection leaves by longjmp.
 */
#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "dmabroker-v1-client.h"
#include "find-socket.h"
#include "json.h"
#include "lasting.h"
#include "objects.h"
#include "requests.h"

#define MAX_MAPPINGS 64

struct mapping {
	char name[64];
	uint8_t *bytes; /* NULL: there is none here */
	size_t size;
	int fd; /* the buffer's; -1 where nothing is to be synchronised */
};

static struct mapping mappings[MAX_MAPPINGS];
static struct text answer;
static jmp_buf ended;

static const char *const completed[] = { "done", "failed", NULL };

/* ---- how commands end ----------------------------------------------------------------------- */

static void begin_answer(const char *outcome)
{
	text_free(&answer);
	text_add(&answer, "{\"%s\":", outcome);
}

_Noreturn void end_rejected(const char *format, ...)
{
	char message[256];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	begin_answer("rejected");
	text_add(&answer, "{\"message\":");
	text_string(&answer, message);
	text_add(&answer, "}");
	longjmp(ended, 1);
}

_Noreturn void end_over(void)
{
	const struct wl_interface *interface = NULL;
	uint32_t id, code = wl_display_get_protocol_error(display, &interface, &id);

	begin_answer("ended");
	if (interface)
		text_add(&answer, "{\"interface\":\"%s\",\"code\":%u}", interface->name, code);
	else
		text_add(&answer, "{\"interface\":\"wl_display\",\"code\":%d}",
			 wl_display_get_error(display) ? (int)code : -1);
	longjmp(ended, 1);
}

static _Noreturn void end_refused(const struct event *failed)
{
	begin_answer("refused");
	describe_refusal(&answer, failed);
	longjmp(ended, 1);
}

/* Waits for the answer of an object; where it is a refusal, the command has ended. */
static const struct event *answered(struct object *object, size_t from, const char *const *names)
{
	const struct event *event = await_event(object, from, names);
	const char *name = event->message->name;

	if (strcmp(name, "failed") == 0 || strcmp(name, "lease_refused") == 0 ||
	    strcmp(name, "commit_refused") == 0)
		end_refused(event);
	return event;
}

/* ---- the commands --------------------------------------------------------------------------- */

static void roundtrip(void)
{
	if (wl_display_roundtrip(display) < 0)
		end_over();
}

static void do_connect(const struct json *args, const char *as)
{
	const char *socket = json_string(args, "socket");

	(void)as;
	if (!connect_to(socket ? socket : find_socket()))
		end_rejected("nobody answers at the socket");
	describe_manager(&answer);
}

static void unmap(struct mapping *mapping)
{
	if (mapping->bytes)
		munmap(mapping->bytes, mapping->size);
	mapping->bytes = NULL;
}

static void do_disconnect(const struct json *args, const char *as)
{
	(void)args, (void)as;
	for (int i = 0; i < MAX_MAPPINGS; i++)
		unmap(&mappings[i]);
	disconnect_all();
	text_add(&answer, "{}");
}

static void do_sync(const struct json *args, const char *as)
{
	(void)args, (void)as;
	roundtrip();
	text_add(&answer, "{}");
}

static void close_fds(struct object *object)
{
	for (size_t i = 0; i < event_count; i++)
		for (int a = 0; events[i].object == object && argument_type(events[i].message, a); a++)
			if (argument_type(events[i].message, a) == 'h' && events[i].args[a].h >= 0) {
				close(events[i].args[a].h);
				events[i].args[a].h = -1;
			}
}

/* What has no name is told, and let go. */
static void tell_buffer(struct object *buffer)
{
	/* A refusal is all that there was of it. */
	if (strcmp(await_event(buffer, buffer->seen, completed)->message->name, "failed") == 0)
		destroy_object(buffer);
	answered(buffer, buffer->seen, completed);
	describe_buffer(&answer, buffer);
	if (*buffer->name)
		return;
	close_fds(buffer);
	destroy_object(buffer);
}

static const char *required(const struct json *args, const char *name)
{
	const char *value = json_string(args, name);

	if (!value)
		end_rejected("%s is missing", name);
	return value;
}

static void do_allocate(const struct json *args, const char *as)
{
	struct object *params = params_of(json_get(args, "request"));
	void *made = dmabroker_params_v1_create((struct dmabroker_params_v1 *)params->proxy);
	struct object *buffer = adopt(made, &dmabroker_buffer_v1_interface, as);

	destroy_object(params);
	tell_buffer(buffer);
}

#define MAX_MANY 64

static void do_allocate_many(const struct json *args, const char *as)
{
	struct object *params = params_of(json_get(args, "request")), *buffers[MAX_MANY];
	int count = (int)json_number(args, "count", 0);

	if (count < 0 || count > MAX_MANY)
		end_rejected("no more than %d", MAX_MANY);
	for (int i = 0; i < count; i++) {
		char name[64] = "";

		if (as && *as)
			snprintf(name, sizeof name, "%.50s%d", as, i);
		buffers[i] = adopt(
			dmabroker_params_v1_add_buffer((struct dmabroker_params_v1 *)params->proxy),
			&dmabroker_buffer_v1_interface, name);
	}
	dmabroker_params_v1_create_batch((struct dmabroker_params_v1 *)params->proxy);
	destroy_object(params);
	/* All have the same answer: refused, it is told of the first, and the others are let go before. */
	for (int i = count - 1; i > 0; i--)
		if (strcmp(await_event(buffers[i], buffers[i]->seen, completed)->message->name, "failed") == 0)
			destroy_object(buffers[i]);
	text_add(&answer, "{\"buffers\":[");
	for (int i = 0; i < count; i++) {
		text_add(&answer, i == 0 ? "" : ",");
		tell_buffer(buffers[i]);
	}
	text_add(&answer, "]}");
}

static void do_import(const struct json *args, const char *as)
{
	struct object *params = params_of(json_get(args, "request"));
	void *made = dmabroker_params_v1_import((struct dmabroker_params_v1 *)params->proxy);
	struct object *buffer = adopt(made, &dmabroker_buffer_v1_interface, as);

	destroy_object(params);
	tell_buffer(buffer);
}

static void do_adopt(const struct json *args, const char *as)
{
	const struct json *request = json_get(args, "request");
	const char *id = required(args, "id"), *session = required(args, "session");
	/* Without memory nothing is said but what was there. */
	struct object *params = request ? params_of(request) : new_params();
	void *made = dmabroker_params_v1_adopt((struct dmabroker_params_v1 *)params->proxy, id, session);
	struct object *buffer = adopt(made, &dmabroker_buffer_v1_interface, as);

	destroy_object(params);
	tell_buffer(buffer);
}

static void do_test(const struct json *args, const char *as)
{
	struct object *params = params_of(json_get(args, "request"));
	void *made = dmabroker_params_v1_test((struct dmabroker_params_v1 *)params->proxy);
	struct object *test = adopt(made, &dmabroker_test_v1_interface, as);

	destroy_object(params);
	await_event(test, test->seen, completed);
	destroy_object(test);
	answered(test, test->seen, completed);
	describe_plan(&answer, test);
}

static void do_redeem(const struct json *args, const char *as)
{
	struct dmabroker_manager_v1 *on = (struct dmabroker_manager_v1 *)manager->proxy;
	const char *token = required(args, "token");
	uint32_t types = json_get(args, "handle_types") ? handle_types_of(args) : 0;
	void *made = types ? dmabroker_manager_v1_redeem_as(on, token, types) :
			     dmabroker_manager_v1_redeem(on, token);

	tell_buffer(adopt(made, &dmabroker_buffer_v1_interface, as));
}

static void do_claim(const struct json *args, const char *as)
{
	uint32_t writer = json_number(args, "writer", 0) != 0 ? DMABROKER_MANAGER_V1_CLAIM_WRITER : 0;
	uint32_t committed = json_number(args, "committed", 0) != 0 ? DMABROKER_MANAGER_V1_CLAIM_COMMITTED : 0;
	void *made = dmabroker_manager_v1_claim((struct dmabroker_manager_v1 *)manager->proxy,
						required(args, "name"),
						(uint32_t)json_number(args, "wait", 0), writer | committed);

	tell_buffer(adopt(made, &dmabroker_buffer_v1_interface, as));
}

static struct object *buffer_of(const struct json *args)
{
	return object_named(required(args, "buffer"));
}

static struct dmabroker_buffer_v1 *proxy_of(const struct object *buffer)
{
	return (struct dmabroker_buffer_v1 *)buffer->proxy;
}

static void do_share(const struct json *args, const char *as)
{
	static const char *const names[] = { "token", "failed", NULL };
	uint32_t rights = json_number(args, "may_renew", 0) != 0 ? DMABROKER_SHARE_V1_RIGHT_RENEW : 0;
	void *made = dmabroker_buffer_v1_share(proxy_of(buffer_of(args)),
					       (uint32_t)json_number(args, "uses", 1),
					       (uint32_t)json_number(args, "uid", UINT32_MAX),
					       (uint32_t)json_number(args, "seconds", 0), rights);
	struct object *share = adopt(made, &dmabroker_share_v1_interface, as);
	const struct event *token = answered(share, share->seen, names), *id = token;

	while (!is_event(id, share, "token_id"))
		id--;
	text_add(&answer, "{\"token\":\"%s\",\"token_id\":\"%s\"}", token->args[0].s, id->args[0].s);
}

static void do_revoke(const struct json *args, const char *as)
{
	struct object *share = object_named(required(args, "share"));

	(void)as;
	dmabroker_share_v1_revoke((struct dmabroker_share_v1 *)share->proxy);
	destroy_object(share);
	do_sync(args, as);
}

/* Of renew and park: the answer is the lease that there is then. */
static void tell_lease(struct object *buffer, size_t from)
{
	static const char *const names[] = { "lease", "lease_refused", NULL };
	const struct event *lease;

	do {
		lease = answered(buffer, from, names);
		from = (size_t)(lease - events) + 1;
	} while (lease->args[1].u == 0); /* somebody else's renewal */
	text_add(&answer, "{}");
}

static void do_renew(const struct json *args, const char *as)
{
	struct object *buffer = buffer_of(args);
	size_t from = event_count;

	(void)as;
	dmabroker_buffer_v1_renew(proxy_of(buffer), (uint32_t)json_number(args, "seconds", 0));
	tell_lease(buffer, from);
}

static void do_park(const struct json *args, const char *as)
{
	struct object *buffer = buffer_of(args);
	size_t from = event_count;

	(void)as;
	dmabroker_buffer_v1_park(proxy_of(buffer), (uint32_t)json_number(args, "seconds", 0));
	tell_lease(buffer, from);
}

static void do_commit(const struct json *args, const char *as)
{
	static const char *const names[] = { "committed", "commit_refused", NULL };
	struct object *buffer = buffer_of(args);
	const struct json *metadata = json_get(args, "metadata");
	const struct event *committed;
	size_t from = event_count;

	(void)as;
	send_commit(buffer, json_number(args, "revision", 0), metadata);
	do {
		committed = answered(buffer, from, names);
		from = (size_t)(committed - events) + 1;
	} while (committed->args[3].u == 0); /* of a writer before this one */
	note_commit(committed, metadata);
	text_add(&answer, "{\"revision\":%.0f,\"digest\":\"%s\"}",
		 committed->args[0].u * 4294967296.0 + committed->args[1].u, committed->args[2].s);
}

static void do_published(const struct json *args, const char *as)
{
	(void)as;
	roundtrip();
	describe_published(&answer, buffer_of(args));
}

static void do_layout_digest(const struct json *args, const char *as)
{
	char digest[65];

	(void)as;
	layout_digest(buffer_of(args), digest);
	text_add(&answer, "{\"digest\":\"%s\"}", digest);
}

static void do_reissue(const struct json *args, const char *as)
{
	struct object *buffer = buffer_of(args);
	size_t from = event_count;

	(void)as;
	dmabroker_buffer_v1_reissue(proxy_of(buffer));
	answered(buffer, from, completed);
	describe_buffer(&answer, buffer);
}

static void do_state(const struct json *args, const char *as)
{
	(void)as;
	roundtrip();
	describe_state(&answer, buffer_of(args));
}

static void let_go(const struct json *args, bool release)
{
	struct object *buffer = buffer_of(args);

	if (release)
		dmabroker_buffer_v1_release(proxy_of(buffer));
	close_fds(buffer);
	destroy_object(buffer);
	do_sync(args, NULL);
}

static void do_release(const struct json *args, const char *as)
{
	(void)as;
	let_go(args, true);
}

static void do_close(const struct json *args, const char *as)
{
	(void)as;
	let_go(args, false);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static struct mapping *mapping_named(const char *name)
{
	for (int i = 0; i < MAX_MAPPINGS; i++)
		if (mappings[i].bytes && strcmp(mappings[i].name, name) == 0)
			return &mappings[i];
	end_rejected("nothing here is mapped as %s", name);
}

/* An fd of a memory: any plane's that lies in it. */
static const struct event *plane_in(const struct object *buffer, unsigned memory)
{
	for (unsigned plane = 0;; plane++) {
		const struct event *found = plane_of(buffer, plane);

		if (found->args[3].u == memory)
			return found;
	}
}

static void do_map(const struct json *args, const char *as)
{
	struct object *buffer = buffer_of(args);
	double plane = json_number(args, "plane", -1);
	unsigned memory = plane >= 0 ? plane_of(buffer, (unsigned)plane)->args[3].u :
				       (unsigned)json_number(args, "memory", 0);
	const struct event *in = plane_in(buffer, memory);
	struct mapping *mapping = mappings;

	while (mapping->bytes)
		if (++mapping == mappings + MAX_MAPPINGS)
			end_rejected("too much is mapped");
	mapping->size = memory_size(buffer, memory);
	void *bytes = mmap(NULL, mapping->size, PROT_READ | PROT_WRITE, MAP_SHARED, in->args[0].h, 0);

	if (bytes == MAP_FAILED)
		end_rejected("it cannot be mapped: %m");
	mapping->bytes = bytes;
	mapping->fd = in->args[1].u == DMABROKER_MANAGER_V1_HANDLE_TYPE_DMA_BUF ? in->args[0].h : -1;
	snprintf(mapping->name, sizeof mapping->name, "%s", as);
	text_add(&answer, "{\"size\":%zu}", mapping->size);
}

static void synchronise(const struct mapping *mapping, uint64_t when)
{
	struct dma_buf_sync sync = { .flags = when | DMA_BUF_SYNC_RW };

	if (mapping->fd >= 0 && ioctl(mapping->fd, DMA_BUF_IOCTL_SYNC, &sync) < 0)
		end_rejected("DMA_BUF_IOCTL_SYNC: %m");
}

static uint8_t *range_of(const struct mapping *mapping, size_t offset, size_t size)
{
	if (offset > mapping->size || size > mapping->size - offset)
		end_rejected("the memory has %zu bytes", mapping->size);
	return mapping->bytes + offset;
}

static void do_poke(const struct json *args, const char *as)
{
	struct mapping *mapping = mapping_named(required(args, "mapping"));
	const char *hex = required(args, "bytes");
	size_t size = strlen(hex) / 2;
	uint8_t *to = range_of(mapping, (size_t)json_number(args, "offset", 0), size);

	(void)as;
	synchronise(mapping, DMA_BUF_SYNC_START);
	for (size_t i = 0; i < size; i++)
		sscanf(hex + 2 * i, "%2hhx", &to[i]);
	synchronise(mapping, DMA_BUF_SYNC_END);
	text_add(&answer, "{}");
}

static void do_peek(const struct json *args, const char *as)
{
	struct mapping *mapping = mapping_named(required(args, "mapping"));
	size_t size = (size_t)json_number(args, "size", 0);
	uint8_t *from = range_of(mapping, (size_t)json_number(args, "offset", 0), size);

	(void)as;
	text_add(&answer, "{\"bytes\":\"");
	synchronise(mapping, DMA_BUF_SYNC_START);
	text_hex(&answer, from, size);
	synchronise(mapping, DMA_BUF_SYNC_END);
	text_add(&answer, "\"}");
}

static void do_unmap(const struct json *args, const char *as)
{
	(void)as;
	unmap(mapping_named(required(args, "mapping")));
	text_add(&answer, "{}");
}

/* ---- work ------------------------------------------------------------------------------------ */

/* A work object that knows its range. */
static struct object *work_of(const struct json *args)
{
	void *made = dmabroker_manager_v1_create_work((struct dmabroker_manager_v1 *)manager->proxy,
						       proxy_of(buffer_of(args)));
	struct object *work = adopt(made, &dmabroker_work_v1_interface, "");
	uint64_t offset = (uint64_t)json_number(args, "offset", 0);
	uint64_t size = (uint64_t)json_number(args, "size", 0);

	dmabroker_work_v1_set_offset(made, (uint32_t)(offset >> 32), (uint32_t)offset);
	dmabroker_work_v1_set_size(made, (uint32_t)(size >> 32), (uint32_t)size);
	return work;
}

static const char *work_path(struct object *work)
{
	await_event(work, work->seen, completed);
	destroy_object(work);
	uint32_t path = answered(work, work->seen, completed)->args[0].u;

	return path == 1 || path == 2 ? work_paths[path] : "unknown";
}

static void do_fill(const struct json *args, const char *as)
{
	struct object *work = work_of(args);

	(void)as;
	dmabroker_work_v1_fill((struct dmabroker_work_v1 *)work->proxy,
			       (uint32_t)json_number(args, "value", 0));
	text_add(&answer, "{\"path\":\"%s\"}", work_path(work));
}

static void do_copy(const struct json *args, const char *as)
{
	struct object *source = object_named(required(args, "source")), *work = work_of(args);
	uint64_t from = (uint64_t)json_number(args, "source_offset", 0);

	(void)as;
	dmabroker_work_v1_set_source_offset((struct dmabroker_work_v1 *)work->proxy,
					    (uint32_t)(from >> 32), (uint32_t)from);
	dmabroker_work_v1_copy((struct dmabroker_work_v1 *)work->proxy, proxy_of(source));
	text_add(&answer, "{\"path\":\"%s\"}", work_path(work));
}

/* What a memfd has, as hexadecimal digits. */
static void add_content(int fd, uint64_t size)
{
	uint8_t bytes[4096];

	for (uint64_t at = 0; at < size;) {
		size_t want = size - at < sizeof bytes ? (size_t)(size - at) : sizeof bytes;
		ssize_t got = pread(fd, bytes, want, (off_t)at);

		if (got <= 0)
			end_rejected("the content ends at %" PRIu64, at);
		text_hex(&answer, bytes, (size_t)got);
		at += (uint64_t)got;
	}
}

static void do_read(const struct json *args, const char *as)
{
	static const char *const content[] = { "content", NULL };
	struct object *work = work_of(args);

	(void)as;
	dmabroker_work_v1_read((struct dmabroker_work_v1 *)work->proxy);
	const char *path = work_path(work);
	const struct event *said = await_event(work, work->seen, content);

	text_add(&answer, "{\"bytes\":\"");
	add_content(said->args[0].h, (uint64_t)said->args[1].u << 32 | said->args[2].u);
	text_add(&answer, "\",\"path\":\"%s\"}", path);
	close_fds(work);
}

/* ---- the protocol's own words ----------------------------------------------------------------- */

static void do_send(const struct json *args, const char *as)
{
	const struct json *messages = json_get(args, "messages");

	(void)as;
	for (size_t i = 0; messages && i < messages->count; i++)
		send_message(&messages->items[i]);
	/* What has ended the connection meanwhile is told by whoever waits next. */
	wl_display_flush(display);
	text_add(&answer, "{}");
}

static void add_argument(const struct event *event, int index)
{
	const union wl_argument *arg = &event->args[index];
	char type = argument_type(event->message, index);

	if (type == 's')
		text_string(&answer, arg->s ? arg->s : "");
	else if (type == 'h' && strcmp(event->message->name, "content") == 0) {
		text_add(&answer, "{\"fd\":\"");
		add_content(arg->h, (uint64_t)event->args[1].u << 32 | event->args[2].u);
		text_add(&answer, "\"}");
	} else if (type == 'h')
		text_add(&answer, "\"fd\"");
	else
		text_add(&answer, "%u", arg->u);
}

static void add_events(struct object *object)
{
	bool first = true;

	text_add(&answer, "[");
	for (size_t i = object->seen; i < event_count; i++) {
		if (events[i].object != object)
			continue;
		text_add(&answer, "%s[", first ? "" : ",");
		text_string(&answer, events[i].message->name);
		for (int a = 0; argument_type(events[i].message, a); a++) {
			text_add(&answer, ",");
			add_argument(&events[i], a);
		}
		text_add(&answer, "]");
		first = false;
	}
	object->seen = event_count;
	text_add(&answer, "]");
}

static void do_events(const struct json *args, const char *as)
{
	const struct json *until = json_get(args, "until");
	unsigned count = 0;

	(void)as;
	for (size_t i = 0; until && i < until->count; i++) {
		const struct json *each = &until->items[i];
		struct object *object = object_named(each->items[0].string);
		const char *names[] = { each->items[1].string, NULL };

		await_event(object, object->seen, names);
	}
	text_add(&answer, "{\"objects\":{");
	for (size_t i = 0; i < event_count; i++) {
		struct object *object = events[i].object;

		if (i < object->seen || !object->proxy || object == manager || !*object->name)
			continue;
		text_add(&answer, "%s", count++ == 0 ? "" : ",");
		text_string(&answer, object->name);
		text_add(&answer, ":");
		add_events(object);
	}
	text_add(&answer, "}}");
}

/* A message that no table has: an object, an opcode, and whatever bytes behind. */
static void do_raw(const struct json *args, const char *as)
{
	struct object *object = object_named(required(args, "object"));
	const char *hex = required(args, "bytes");
	uint32_t size = 8 + (uint32_t)strlen(hex) / 2;
	uint32_t words[64] = { wl_proxy_get_id(object->proxy),
			       size << 16 | (uint32_t)json_number(args, "opcode", 0) };

	(void)as;
	if (size > sizeof words)
		end_rejected("too many bytes");
	for (uint32_t i = 8; i < size; i++)
		sscanf(hex + 2 * (i - 8), "%2hhx", (unsigned char *)words + i);
	wl_display_flush(display);
	if (write(wl_display_get_fd(display), words, size) != (ssize_t)size)
		end_rejected("it cannot be sent: %m");
	text_add(&answer, "{}");
}

static void do_fds(const struct json *args, const char *as)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned open = 0;

	(void)args, (void)as;
	for (struct dirent *entry; folder && (entry = readdir(folder));)
		open += entry->d_name[0] != '.';
	if (folder)
		closedir(folder);
	text_add(&answer, "{\"open\":%u}", open);
}

/* ---- the loop --------------------------------------------------------------------------------- */

static void do_hello(const struct json *args, const char *as);

static const struct {
	const char *name;
	void (*run)(const struct json *args, const char *as);
	bool alone; /* it takes no connection */
} commands[] = {
	{ "hello", do_hello, true },	  { "connect", do_connect, true },
	{ "fds", do_fds, true },	  { "disconnect", do_disconnect, true },
	{ "poke", do_poke, true },	  { "peek", do_peek, true },
	{ "unmap", do_unmap, true },	  { "sync", do_sync, false },
	{ "allocate", do_allocate, false }, { "allocate_many", do_allocate_many, false },
	{ "import", do_import, false },
	{ "test", do_test, false },	  { "redeem", do_redeem, false },
	{ "share", do_share, false },	  { "revoke", do_revoke, false },
	{ "renew", do_renew, false },	  { "reissue", do_reissue, false },
	{ "state", do_state, false },	  { "release", do_release, false },
	{ "close", do_close, false },	  { "map", do_map, false },
	{ "fill", do_fill, false },	  { "copy", do_copy, false },
	{ "read", do_read, false },	  { "adopt", do_adopt, false },
	{ "claim", do_claim, false },	  { "commit", do_commit, false },
	{ "published", do_published, false }, { "layout_digest", do_layout_digest, false },
	{ "park", do_park, false },	  { "send", do_send, false },
	{ "events", do_events, false },	  { "raw", do_raw, false },
};
#define COMMANDS (sizeof commands / sizeof *commands)

static void do_hello(const struct json *args, const char *as)
{
	(void)args, (void)as;
	text_add(&answer, "{\"library\":\"libwayland-client\",\"language\":\"C\",\"can\":[");
	for (size_t i = 0; i < COMMANDS; i++)
		text_add(&answer, "%s\"%s\"", i == 0 ? "" : ",", commands[i].name);
	text_add(&answer, "]}");
}

static void run(const struct json *command)
{
	const char *name = required(command, "do"), *as = json_string(command, "as");

	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		if (!display && !commands[i].alone)
			end_rejected("connect comes first");
		commands[i].run(json_get(command, "args"), as ? as : "");
		return;
	}
	end_rejected("there is no command %s", name);
}

/* libwayland prints what ends a connection: that is an answer here. */
static void say_nothing(const char *format, va_list args)
{
	(void)format, (void)args;
}

int main(void)
{
	char *line = NULL;
	size_t room = 0;

	wl_log_set_handler_client(say_nothing);
	while (getline(&line, &room, stdin) > 0) {
		struct json *command = json_read(line);

		begin_answer("ok");
		if (setjmp(ended) == 0)
			run(command);
		printf("%s}\n", answer.bytes);
		fflush(stdout);
		json_free(command);
	}
	begin_answer("ok");
	do_disconnect(NULL, NULL);
	text_free(&answer);
	free(line);
	return 0;
}
