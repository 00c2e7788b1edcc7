/* The daemon is killed: calls end with an error, no signal comes, and memory stays. */
#include <string.h>
#include <unistd.h>

#include "checks.h"

static unsigned answers, ends;

static void over(void *data, struct dmabroker_call *call)
{
	(void)data;
	CHECK(dmabroker_call_error(call)->result == DMABROKER_ENDED);
	answers++;
}

static void hear(void *data, const struct dmabroker_event *event)
{
	(void)data;
	CHECK(event->type == DMABROKER_EVENT_ENDED && event->buffer == NULL);
	ends++;
}

void check_vanishing(void)
{
	struct dmabroker *waiting = connected(), *looping = connected();
	struct dmabroker_buffer *buffer = allocated(waiting, 4096), *other = allocated(looping, 4096);
	struct dmabroker_buffer *third = allocated(looping, 4096);
	struct dmabroker_mapping *mapping, *late;
	char line[16];

	DONE(waiting, dmabroker_buffer_map(buffer, 0, DMABROKER_READ_WRITE, &mapping));
	memset(dmabroker_mapping_data(mapping), 7, 4096);
	dmabroker_set_event_handler(looping, hear, NULL);
	printf("ready\n");
	fflush(stdout);
	CHECK(fgets(line, sizeof line, stdin));

	/* Sending is what would raise SIGPIPE. */
	CHECK(dmabroker_buffer_fill(buffer, 0, 0, 0, NULL) == DMABROKER_ENDED);
	CHECK(dmabroker_last_error(waiting)->message[0] != '\0' && !dmabroker_last_error(waiting)->interface);
	CHECK(dmabroker_sync(waiting) == DMABROKER_ENDED);
	CHECK(dmabroker_buffer_begin_park(buffer, 10, over, NULL) == NULL);
	CHECK(((uint8_t *)dmabroker_mapping_data(mapping))[4095] == 7);
	CHECK(lseek(dmabroker_buffer_plane(buffer, 0)->fd, 0, SEEK_END) == 4096);

	CHECK(dmabroker_buffer_begin_fill(other, 0, 0, 0, over, NULL));
	CHECK(dmabroker_buffer_begin_park(third, 10, over, NULL));
	/* It ends while another call waits, and what was asked for has ended with it, whatever becomes of the buffer then. */
	CHECK(dmabroker_sync(looping) == DMABROKER_ENDED && answers == 0);
	dmabroker_buffer_destroy(third);
	CHECK(turn(looping) == DMABROKER_ENDED);
	CHECK(answers == 2 && ends == 1);
	CHECK(dmabroker_dispatch(looping) == DMABROKER_ENDED && ends == 1);
	DONE(looping, dmabroker_buffer_map(other, 0, DMABROKER_READ, &late));

	dmabroker_destroy(waiting);
	dmabroker_unmap(mapping);
	dmabroker_unmap(late);
	dmabroker_buffer_release(buffer);
	dmabroker_buffer_destroy(other);
	dmabroker_destroy(looping);
}
