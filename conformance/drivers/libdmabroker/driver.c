/*
 * The driver of the C library: conformance/README.md has the commands. One that is refused, is none, or loses its
 * connection leaves by longjmp.
 *
 * Owns: the connection, and what was got through it, until `disconnect`.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wayland-client-core.h>

#include "words.h"

enum kind { BUFFER, SHARE, MAPPING };

/* What has a name: the last one of a name is meant. */
struct named {
	enum kind kind;
	char name[64];
	void *what;
	struct named *next;
};

static struct dmabroker *client;
static struct named *all;
static struct text answer;
static jmp_buf ended;

/* ---- how commands end ----------------------------------------------------------------------- */

static void begin_answer(const char *outcome)
{
	text_free(&answer);
	text_add(&answer, "{\"%s\":", outcome);
}

_Noreturn void end_rejected(const char *format, ...)
{
	char message[512];
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

/* Of every call: where it did not go well the command has ended. */
static void well(int result)
{
	const struct dmabroker_error *error = dmabroker_last_error(client);

	if (result == DMABROKER_OK)
		return;
	if (result == DMABROKER_REFUSED) {
		begin_answer("refused");
		text_add(&answer, "{\"code\":\"%s\",\"message\":", error->name);
		text_string(&answer, error->message);
		text_add(&answer, ",\"detail\":%s}", error->detail);
	} else if (result == DMABROKER_ENDED) {
		begin_answer("ended");
		text_add(&answer, "{\"interface\":\"%s\",\"code\":%u,\"message\":",
			 error->interface ? error->interface : "", error->protocol_code);
		text_string(&answer, error->message);
		text_add(&answer, "}");
	} else
		end_rejected("%s", error->message);
	longjmp(ended, 1);
}

/* ---- names ---------------------------------------------------------------------------------- */

static void keep(enum kind kind, const char *name, void *what)
{
	struct named *named = calloc(1, sizeof *named);

	if (!named)
		abort();
	named->kind = kind;
	named->what = what;
	snprintf(named->name, sizeof named->name, "%s", name);
	named->next = all;
	all = named;
}

static struct named **find(enum kind kind, const char *name)
{
	for (struct named **at = &all; *at && name; at = &(*at)->next)
		if ((*at)->kind == kind && strcmp((*at)->name, name) == 0)
			return at;
	end_rejected("nothing here is called %s", name ? name : "");
}

/* It has no name any more. */
static void *forget(enum kind kind, const char *name)
{
	struct named **at = find(kind, name), *named = *at;
	void *what = named->what;

	*at = named->next;
	free(named);
	return what;
}

static const char *required(const struct json *args, const char *name)
{
	const char *value = json_string(args, name);

	if (!value)
		end_rejected("%s is missing", name);
	return value;
}

struct dmabroker_buffer *buffer_named(const char *name)
{
	return (*find(BUFFER, name))->what;
}

static struct dmabroker_buffer *buffer_of(const struct json *args)
{
	return buffer_named(required(args, "buffer"));
}

/* What has no name is told, and let go. */
static void tell(struct dmabroker_buffer *buffer, const char *as)
{
	tell_buffer(&answer, buffer);
	if (*as)
		keep(BUFFER, as, buffer);
	else
		dmabroker_buffer_destroy(buffer);
}

/* ---- the commands --------------------------------------------------------------------------- */

static void do_connect(const struct json *args, const char *as)
{
	(void)as;
	client = dmabroker_new();
	if (!client)
		end_rejected("%m");
	well(dmabroker_connect(client, json_string(args, "socket")));
	tell_client(&answer, client);
}

static void do_disconnect(const struct json *args, const char *as)
{
	(void)args, (void)as;
	dmabroker_destroy(client);
	client = NULL;
	while (all) {
		struct named *named = all;

		if (named->kind == BUFFER)
			dmabroker_buffer_destroy(named->what);
		else if (named->kind == SHARE)
			dmabroker_share_destroy(named->what);
		else
			dmabroker_unmap(named->what);
		all = named->next;
		free(named);
	}
	text_add(&answer, "{}");
}

static void do_sync(const struct json *args, const char *as)
{
	(void)args, (void)as;
	well(dmabroker_sync(client));
	text_add(&answer, "{}");
}

static void do_allocate(const struct json *args, const char *as)
{
	struct dmabroker_buffer *buffer;
	struct request request;

	read_request(&request, json_get(args, "request"));
	well(dmabroker_allocate(client, &request.params, &buffer));
	tell(buffer, as);
}

static void do_allocate_many(const struct json *args, const char *as)
{
	struct dmabroker_buffer *buffers[64];
	unsigned count = (unsigned)json_number(args, "count", 0);
	struct request request;

	read_request(&request, json_get(args, "request"));
	well(dmabroker_allocate_many(client, &request.params, count, buffers));
	text_add(&answer, "{\"buffers\":[");
	for (unsigned i = 0; i < count; i++) {
		char name[64] = "";

		if (*as)
			snprintf(name, sizeof name, "%.50s%u", as, i);
		text_add(&answer, "%s", i == 0 ? "" : ",");
		tell(buffers[i], name);
	}
	text_add(&answer, "]}");
}

static void do_test(const struct json *args, const char *as)
{
	struct dmabroker_buffer *plan;
	struct request request;

	(void)as;
	read_request(&request, json_get(args, "request"));
	well(dmabroker_test(client, &request.params, &plan));
	tell(plan, "");
}

static void do_import(const struct json *args, const char *as)
{
	struct dmabroker_buffer *buffer;
	struct request request;

	read_request(&request, json_get(args, "request"));
	well(dmabroker_import(client, &request.params, &buffer));
	tell(buffer, as);
}

static void do_adopt(const struct json *args, const char *as)
{
	const struct json *words = json_get(args, "request");
	struct dmabroker_buffer *buffer;
	struct request request;

	if (words)
		read_request(&request, words);
	well(dmabroker_adopt(client, required(args, "id"), required(args, "session"),
			     words ? &request.params : NULL, &buffer));
	tell(buffer, as);
}

static void do_redeem(const struct json *args, const char *as)
{
	struct dmabroker_buffer *buffer;

	const char *token = required(args, "token");
	uint32_t types = json_get(args, "handle_types") ? handle_types_of(args) : 0;

	well(types ? dmabroker_redeem_as(client, token, types, &buffer) :
		     dmabroker_redeem(client, token, &buffer));
	tell(buffer, as);
}

static void do_claim(const struct json *args, const char *as)
{
	uint32_t writer = json_number(args, "writer", 0) != 0 ? DMABROKER_CLAIM_WRITER : 0;
	uint32_t committed = json_number(args, "committed", 0) != 0 ? DMABROKER_CLAIM_COMMITTED : 0;
	struct dmabroker_buffer *buffer;

	well(dmabroker_claim(client, required(args, "name"), (uint32_t)json_number(args, "wait", 0),
			     writer | committed, &buffer));
	tell(buffer, as);
}

static void tell_committed(const struct dmabroker_buffer *buffer, bool whole)
{
	const struct dmabroker_committed *committed = dmabroker_buffer_committed(buffer);

	if (!committed) {
		text_add(&answer, "{\"revision\":null,\"digest\":null,\"metadata\":null}");
		return;
	}
	text_add(&answer, "{\"revision\":%llu,\"digest\":\"%s\"", (unsigned long long)committed->revision,
		 committed->digest);
	if (whole)
		text_add(&answer, ",\"metadata\":%s", committed->metadata ? committed->metadata : "null");
	text_add(&answer, "}");
}

static void do_commit(const struct json *args, const char *as)
{
	struct dmabroker_buffer *buffer = buffer_of(args);
	struct text metadata = { 0 };

	(void)as;
	if (json_get(args, "metadata"))
		text_json(&metadata, json_get(args, "metadata"));
	int result = dmabroker_buffer_commit(buffer, (uint64_t)json_number(args, "revision", 0),
					     metadata.bytes);

	text_free(&metadata);
	well(result);
	tell_committed(buffer, false);
}

static void do_published(const struct json *args, const char *as)
{
	(void)as;
	well(dmabroker_sync(client));
	tell_committed(buffer_of(args), true);
}

static void do_layout_digest(const struct json *args, const char *as)
{
	char digest[65];

	(void)as;
	well(dmabroker_buffer_layout_digest(buffer_of(args), digest));
	text_add(&answer, "{\"digest\":\"%s\"}", digest);
}

static void do_share(const struct json *args, const char *as)
{
	struct dmabroker_terms terms = {
		.struct_size = sizeof terms,
		.uses = (uint32_t)json_number(args, "uses", 1),
		.seconds = (uint32_t)json_number(args, "seconds", 0),
		.one_user = json_get(args, "uid") != NULL,
		.uid = (uint32_t)json_number(args, "uid", 0),
		.may_renew = json_number(args, "may_renew", 0) != 0,
	};
	struct dmabroker_share *share;

	well(dmabroker_buffer_share(buffer_of(args), &terms, &share));
	text_add(&answer, "{\"token\":\"%s\",\"token_id\":\"%s\"}", dmabroker_share_token(share),
		 dmabroker_share_token_id(share));
	if (*as)
		keep(SHARE, as, share);
	else
		dmabroker_share_destroy(share);
}

static void do_revoke(const struct json *args, const char *as)
{
	dmabroker_share_revoke(forget(SHARE, required(args, "share")));
	do_sync(args, as);
}

static void do_renew(const struct json *args, const char *as)
{
	(void)as;
	well(dmabroker_buffer_renew(buffer_of(args), (uint32_t)json_number(args, "seconds", 0)));
	text_add(&answer, "{}");
}

static void do_park(const struct json *args, const char *as)
{
	(void)as;
	well(dmabroker_buffer_park(buffer_of(args), (uint32_t)json_number(args, "seconds", 0)));
	text_add(&answer, "{}");
}

static void do_reissue(const struct json *args, const char *as)
{
	struct dmabroker_buffer *buffer = buffer_of(args);

	(void)as;
	well(dmabroker_buffer_reissue(buffer));
	tell_buffer(&answer, buffer);
}

static void do_state(const struct json *args, const char *as)
{
	(void)as;
	/* What the daemon has said before is heard first. */
	well(dmabroker_sync(client));
	tell_state(&answer, buffer_of(args));
}

static void do_release(const struct json *args, const char *as)
{
	dmabroker_buffer_release(forget(BUFFER, required(args, "buffer")));
	do_sync(args, as);
}

static void do_close(const struct json *args, const char *as)
{
	dmabroker_buffer_destroy(forget(BUFFER, required(args, "buffer")));
	do_sync(args, as);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void do_map(const struct json *args, const char *as)
{
	struct dmabroker_buffer *buffer = buffer_of(args);
	unsigned memory = (unsigned)json_number(args, "memory", 0);
	uint32_t access = json_number(args, "write", 1) != 0 ? DMABROKER_READ_WRITE : DMABROKER_READ;
	struct dmabroker_mapping *mapping;

	if (json_get(args, "plane")) {
		unsigned index = (unsigned)json_number(args, "plane", 0);
		const struct dmabroker_plane *plane = dmabroker_buffer_plane(buffer, index);

		if (!plane)
			end_rejected("there is no plane %u", index);
		memory = plane->memory;
	}
	well(dmabroker_buffer_map(buffer, memory, access, &mapping));
	text_add(&answer, "{\"size\":%zu}", dmabroker_mapping_size(mapping));
	keep(MAPPING, as, mapping);
}

static uint8_t *range_of(const struct dmabroker_mapping *mapping, size_t offset, size_t size)
{
	size_t whole = dmabroker_mapping_size(mapping);

	if (offset > whole || size > whole - offset)
		end_rejected("the memory has %zu bytes", whole);
	return (uint8_t *)dmabroker_mapping_data(mapping) + offset;
}

static void do_poke(const struct json *args, const char *as)
{
	struct dmabroker_mapping *mapping = (*find(MAPPING, required(args, "mapping")))->what;
	const char *hex = required(args, "bytes");
	size_t size = strlen(hex) / 2;
	uint8_t *to = range_of(mapping, (size_t)json_number(args, "offset", 0), size);

	(void)as;
	if (dmabroker_mapping_begin(mapping, DMABROKER_WRITE) != DMABROKER_OK)
		end_rejected("DMA_BUF_IOCTL_SYNC: %m");
	for (size_t i = 0; i < size; i++)
		sscanf(hex + 2 * i, "%2hhx", &to[i]);
	dmabroker_mapping_end(mapping, DMABROKER_WRITE);
	text_add(&answer, "{}");
}

static void do_peek(const struct json *args, const char *as)
{
	struct dmabroker_mapping *mapping = (*find(MAPPING, required(args, "mapping")))->what;
	size_t size = (size_t)json_number(args, "size", 0);
	uint8_t *from = range_of(mapping, (size_t)json_number(args, "offset", 0), size);

	(void)as;
	text_add(&answer, "{\"bytes\":\"");
	if (dmabroker_mapping_begin(mapping, DMABROKER_READ) != DMABROKER_OK)
		end_rejected("DMA_BUF_IOCTL_SYNC: %m");
	text_hex(&answer, from, size);
	dmabroker_mapping_end(mapping, DMABROKER_READ);
	text_add(&answer, "\"}");
}

static void do_unmap(const struct json *args, const char *as)
{
	(void)as;
	dmabroker_unmap(forget(MAPPING, required(args, "mapping")));
	text_add(&answer, "{}");
}

static void do_fill(const struct json *args, const char *as)
{
	uint32_t path;

	(void)as;
	well(dmabroker_buffer_fill(buffer_of(args), (uint32_t)json_number(args, "value", 0),
				   (uint64_t)json_number(args, "offset", 0),
				   (uint64_t)json_number(args, "size", 0), &path));
	text_add(&answer, "{\"path\":\"%s\"}", path_name(path));
}

static void do_copy(const struct json *args, const char *as)
{
	uint32_t path;

	(void)as;
	well(dmabroker_buffer_copy(buffer_of(args), (uint64_t)json_number(args, "offset", 0),
				   buffer_named(required(args, "source")),
				   (uint64_t)json_number(args, "source_offset", 0),
				   (uint64_t)json_number(args, "size", 0), &path));
	text_add(&answer, "{\"path\":\"%s\"}", path_name(path));
}

static void do_read(const struct json *args, const char *as)
{
	uint64_t size;
	uint32_t path;
	int content;

	(void)as;
	well(dmabroker_buffer_read(buffer_of(args), (uint64_t)json_number(args, "offset", 0),
				   (uint64_t)json_number(args, "size", 0), &content, &size, &path));
	text_add(&answer, "{\"bytes\":\"");
	for (uint64_t at = 0; at < size;) {
		uint8_t bytes[4096];
		size_t want = size - at < sizeof bytes ? (size_t)(size - at) : sizeof bytes;
		ssize_t got = pread(content, bytes, want, (off_t)at);

		if (got <= 0)
			break; /* the text is too short then, and the scenario sees it */
		text_hex(&answer, bytes, (size_t)got);
		at += (uint64_t)got;
	}
	close(content);
	text_add(&answer, "\",\"path\":\"%s\"}", path_name(path));
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
	{ "hello", do_hello, true },	    { "connect", do_connect, true },
	{ "fds", do_fds, true },	    { "disconnect", do_disconnect, true },
	{ "poke", do_poke, true },	    { "peek", do_peek, true },
	{ "unmap", do_unmap, true },	    { "sync", do_sync, false },
	{ "allocate", do_allocate, false }, { "allocate_many", do_allocate_many, false },
	{ "test", do_test, false },	    { "import", do_import, false },
	{ "adopt", do_adopt, false },	    { "redeem", do_redeem, false },
	{ "claim", do_claim, false },	    { "commit", do_commit, false },
	{ "published", do_published, false }, { "layout_digest", do_layout_digest, false },
	{ "share", do_share, false },	    { "revoke", do_revoke, false },
	{ "renew", do_renew, false },	    { "park", do_park, false },
	{ "reissue", do_reissue, false },   { "state", do_state, false },
	{ "release", do_release, false },   { "close", do_close, false },
	{ "map", do_map, false },	    { "fill", do_fill, false },
	{ "copy", do_copy, false },	    { "read", do_read, false },
};
#define COMMANDS (sizeof commands / sizeof *commands)

static void do_hello(const struct json *args, const char *as)
{
	(void)args, (void)as;
	text_add(&answer, "{\"library\":\"libdmabroker\",\"language\":\"C\",\"can\":[");
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
		if (!client && !commands[i].alone)
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
