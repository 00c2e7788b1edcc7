/* A daemon that does not read for a while: what cannot be sent is refused, and the connection is good when it reads on. */
#include "checks.h"

#define BUFFERS 40

static unsigned answers;

static void count(void *data, struct dmabroker_call *call)
{
	(void)data;
	CHECK(dmabroker_call_error(call) == NULL);
	answers++;
}

static void wait_for_line(const char *said)
{
	char line[16];

	printf("%s\n", said);
	fflush(stdout);
	CHECK(fgets(line, sizeof line, stdin));
}

void check_stalled(void)
{
	struct dmabroker *client = connected();
	struct dmabroker_params params = linear(client, 4096);
	struct dmabroker_buffer *buffers[BUFFERS];
	unsigned asked = 0;

	DONE(client, dmabroker_allocate_many(client, &params, BUFFERS, buffers));
	wait_for_line("ready");
	dmabroker_set_timeout(client, 1);
	while (dmabroker_begin_sync(client, count, NULL)) {
		asked++;
		/* Each in a message of its own fills it sooner. */
		CHECK(dmabroker_dispatch(client) == DMABROKER_OK);
	}
	CHECK(dmabroker_last_error(client)->result == DMABROKER_TIMED_OUT && asked > 50 && answers == 0);
	CHECK(dmabroker_sync(client) == DMABROKER_TIMED_OUT);
	for (unsigned i = 0; i < BUFFERS; i++)
		dmabroker_buffer_release(buffers[i]);
	wait_for_line("full");
	dmabroker_set_timeout(client, 30000);
	while (answers < asked)
		CHECK(turn(client) == DMABROKER_OK);
	DONE(client, dmabroker_sync(client));
	dmabroker_destroy(client);
}
