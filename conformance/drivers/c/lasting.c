#define _GNU_SOURCE
#include "lasting.h"

#include <fcntl.h>
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
