#define _GNU_SOURCE
#include "lasting.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dmabroker-v1-client.h"

#define MAX_SENT 64

/* Documents that were sent, by the number of the event that has answered them: nobody sends them back. */
static struct {
	size_t at;
	const struct object *buffer;
	char *document;
} sent[MAX_SENT];
static size_t sent_count;

void send_commit(struct object *buffer, double revision, const struct json *metadata)
{
	struct dmabroker_buffer_v1 *proxy = (struct dmabroker_buffer_v1 *)buffer->proxy;
	uint64_t number = (uint64_t)revision;

	if (metadata) {
		struct text text = { 0 };
		int fd = memfd_create("document", MFD_CLOEXEC | MFD_ALLOW_SEALING);

		text_json(&text, metadata);
		if (fd < 0 || write(fd, text.bytes, text.length) != (ssize_t)text.length ||
		    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
			end_rejected("no document can be made: %m");
		dmabroker_buffer_v1_set_metadata(proxy, fd, (uint32_t)text.length);
		close(fd);
		text_free(&text);
	}
	dmabroker_buffer_v1_commit(proxy, (uint32_t)(number >> 32), (uint32_t)number);
}

void note_commit(const struct event *committed, const struct json *metadata)
{
	struct text text = { 0 };

	if (!metadata)
		return;
	if (sent_count == MAX_SENT)
		end_rejected("too many documents");
	text_json(&text, metadata);
	sent[sent_count].at = (size_t)(committed - events);
	sent[sent_count].buffer = committed->object;
	sent[sent_count++].document = text.bytes;
}

void layout_digest(const struct object *buffer, char digest[65])
{
	struct text text = { 0 };
	char command[64];
	size_t at = event_count;
	int fd = memfd_create("layout", 0);

	while (at > 0 && !is_event(&events[--at], buffer, "info"))
		;
	const union wl_argument *info = events[at].args;

	text_add(&text, "dmabroker-layout-1\nsize %llu format %u modifier %llu width %u height %u\n",
		 (unsigned long long)info[4].u << 32 | info[5].u, info[6].u,
		 (unsigned long long)info[7].u << 32 | info[8].u, info[9].u, info[10].u);
	for (size_t i = at; i < event_count; i++)
		if (is_event(&events[i], buffer, "memory"))
			text_add(&text, "memory %u %llu\n", events[i].args[0].u,
				 (unsigned long long)events[i].args[1].u << 32 | events[i].args[2].u);
	for (size_t i = at; i < event_count; i++)
		if (is_event(&events[i], buffer, "plane"))
			text_add(&text, "plane %u %u %u %u\n", events[i].args[2].u, events[i].args[3].u,
				 events[i].args[4].u, events[i].args[5].u);
	if (fd < 0 || write(fd, text.bytes, text.length) != (ssize_t)text.length)
		end_rejected("the layout cannot be written: %m");
	text_free(&text);
	snprintf(command, sizeof command, "sha256sum /proc/%d/fd/%d", (int)getpid(), fd);
	FILE *sum = popen(command, "r");

	if (!sum || fscanf(sum, "%64s", digest) != 1)
		end_rejected("sha256sum says nothing");
	pclose(sum);
	close(fd);
}

static char *content_of(const struct event *metadata)
{
	uint32_t size = metadata->args[1].u;
	char *content = calloc(1, size + 1);

	if (!content)
		abort();
	if (pread(metadata->args[0].h, content, size, 0) != (ssize_t)size)
		end_rejected("a document cannot be read: %m");
	return content;
}

void describe_published(struct text *text, struct object *buffer)
{
	const struct event *committed = NULL, *told = NULL, *coming = NULL;
	const char *own = NULL;

	for (size_t i = 0; i < event_count; i++) {
		if (is_event(&events[i], buffer, "metadata"))
			coming = &events[i];
		if (!is_event(&events[i], buffer, "committed"))
			continue;
		committed = &events[i];
		if (committed->args[3].u == 0) {
			told = coming;
			own = NULL;
		} else
			for (size_t each = 0; each < sent_count; each++)
				if (sent[each].at == i && sent[each].buffer == buffer)
					own = sent[each].document;
		coming = NULL;
	}
	if (!committed) {
		text_add(text, "{\"revision\":null,\"digest\":null,\"metadata\":null}");
		return;
	}
	char *content = told && !own ? content_of(told) : NULL;
	double revision = committed->args[0].u * 4294967296.0 + committed->args[1].u;

	text_add(text, "{\"revision\":%.0f,\"digest\":\"%s\",\"metadata\":%s}", revision,
		 committed->args[2].s, own ? own : content ? content : "null");
	free(content);
}
