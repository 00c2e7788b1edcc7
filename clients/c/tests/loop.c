/* The library in a program's own loop: what is called back, when, and what a callback may do. */
#include <poll.h>
#include <string.h>

#include "checks.h"

/* The daemon takes 64 allocations of a connection at once. */
#define MANY 60

struct seen {
	struct dmabroker *client;
	unsigned calls, events;
	struct dmabroker_buffer *buffers[MANY];
	struct dmabroker_event last;
};

/* What a call that had to be done says in place of that. */
static void must_be_done(const struct dmabroker_call *call)
{
	const struct dmabroker_error *error = dmabroker_call_error(call);

	if (error)
		fprintf(stderr, "%s\n", error->message);
	CHECK(!error);
}

static void count(void *data, struct dmabroker_call *call)
{
	struct seen *seen = data;

	must_be_done(call);
	seen->calls++;
}

static void take(void *data, struct dmabroker_call *call)
{
	struct seen *seen = data;

	must_be_done(call);
	/* Every second one is not taken: it is let go. */
	if (seen->calls % 2 == 0)
		seen->buffers[seen->calls] = dmabroker_call_take_buffer(call, 0);
	CHECK(dmabroker_call_take_buffer(call, 1) == NULL);
	seen->calls++;
}

static void never(void *data, struct dmabroker_call *call)
{
	(void)data, (void)call;
	CHECK(!"it was cancelled");
}

static void refused(void *data, struct dmabroker_call *call)
{
	const struct dmabroker_error *error = dmabroker_call_error(call);

	CHECK(error && error->code == DMABROKER_CODE_UNSUPPORTED_SOURCE && error->nearest);
	CHECK(dmabroker_call_take_buffer(call, 0) == NULL && dmabroker_call_take_share(call) == NULL);
	((struct seen *)data)->calls++;
}

/* A callback may call what waits, cancel itself, dispatch, and end the client. */
static void do_all(void *data, struct dmabroker_call *call)
{
	struct seen *seen = data;
	struct dmabroker_buffer *buffer = allocated(seen->client, 4096);

	dmabroker_call_cancel(call);
	DONE(seen->client, dmabroker_buffer_fill(buffer, 1, 0, 0, NULL));
	CHECK(dmabroker_dispatch(seen->client) == DMABROKER_OK);
	dmabroker_buffer_release(buffer);
	dmabroker_destroy(seen->client);
	seen->calls++;
}

static void hear(void *data, const struct dmabroker_event *event)
{
	struct seen *seen = data;

	seen->last = *event;
	seen->events++;
}

static void share_taken(void *data, struct dmabroker_call *call)
{
	*(struct dmabroker_share **)data = dmabroker_call_take_share(call);
}

static void check_many(struct seen *seen)
{
	struct dmabroker *client = seen->client;
	struct dmabroker_params params = linear(client, 4096);
	struct dmabroker_call *given_up;

	for (unsigned i = 0; i < MANY; i++)
		CHECK(dmabroker_begin_allocate(client, &params, take, seen));
	given_up = dmabroker_begin_allocate(client, &params, never, NULL);
	CHECK(given_up);
	dmabroker_call_cancel(given_up);
	CHECK(dmabroker_begin_allocate(client, &params, NULL, NULL));
	while (seen->calls < MANY)
		CHECK(turn(client) == DMABROKER_OK);
	for (unsigned i = 0; i < MANY; i++) {
		CHECK((seen->buffers[i] != NULL) == (i % 2 == 0));
		dmabroker_buffer_destroy(seen->buffers[i]);
	}
	params.source = "nowhere";
	seen->calls = 0;
	CHECK(dmabroker_begin_allocate(client, &params, refused, seen));
	while (seen->calls == 0)
		CHECK(turn(client) == DMABROKER_OK);
	params.kind = 0;
	CHECK(dmabroker_begin_allocate(client, &params, never, NULL) == NULL);
}

/* What is answered while another call waits is called back by dispatch, which the fd says. */
static void check_waking(struct seen *seen)
{
	struct pollfd loop = { .fd = dmabroker_get_fd(seen->client), .events = POLLIN };

	seen->calls = 0;
	CHECK(dmabroker_begin_sync(seen->client, count, seen));
	CHECK(dmabroker_begin_sync(seen->client, count, seen));
	DONE(seen->client, dmabroker_sync(seen->client));
	CHECK(seen->calls == 0);
	CHECK(turn(seen->client) == DMABROKER_OK && seen->calls == 2);
	/* And then it is quiet. */
	while (poll(&loop, 1, 0) == 1)
		CHECK(dmabroker_dispatch(seen->client) == DMABROKER_OK);
	CHECK(poll(&loop, 1, 50) == 0);
}

static void check_events(struct seen *seen)
{
	struct dmabroker *owner = connected();
	struct dmabroker_buffer *mine = allocated(owner, 4096), *theirs;
	struct dmabroker_share *share = NULL;

	CHECK(dmabroker_buffer_begin_share(mine, NULL, share_taken, &share));
	while (!share)
		CHECK(turn(owner) == DMABROKER_OK);
	dmabroker_set_event_handler(seen->client, hear, seen);
	DONE(seen->client, dmabroker_redeem(seen->client, dmabroker_share_token(share), &theirs));
	dmabroker_buffer_set_data(theirs, seen);
	DONE(owner, dmabroker_buffer_park(mine, 60));
	while (seen->events == 0)
		CHECK(turn(seen->client) == DMABROKER_OK);
	CHECK(seen->last.type == DMABROKER_EVENT_LEASE && seen->last.seconds >= 59);
	CHECK(seen->last.buffer == theirs && dmabroker_buffer_get_data(seen->last.buffer) == seen);
	dmabroker_buffer_release(mine);
	while (seen->last.type != DMABROKER_EVENT_RELEASED)
		CHECK(turn(seen->client) == DMABROKER_OK);
	CHECK(seen->last.reason == DMABROKER_RELEASE_REASON_OWNER);
	CHECK(dmabroker_buffer_state(theirs)->released == DMABROKER_RELEASE_REASON_OWNER);
	dmabroker_buffer_destroy(theirs);
	dmabroker_share_destroy(share);
	dmabroker_destroy(owner);
}

/* Given up while it waits, and what is let go of while something is asked of it. */
static void check_giving_up(struct seen *seen)
{
	struct dmabroker_buffer *buffer = allocated(seen->client, 4096);
	struct dmabroker_call *call = dmabroker_buffer_begin_park(buffer, 60, never, NULL);

	CHECK(call);
	dmabroker_call_cancel(call);
	DONE(seen->client, dmabroker_buffer_renew(buffer, 120)); /* its own answer, not that one's */
	CHECK(dmabroker_buffer_begin_reissue(buffer, NULL, NULL));
	CHECK(dmabroker_buffer_begin_reissue(buffer, NULL, NULL));
	CHECK(dmabroker_buffer_begin_share(buffer, NULL, NULL, NULL));
	CHECK(dmabroker_buffer_begin_fill(buffer, 1, 0, 0, NULL, NULL));
	CHECK(dmabroker_buffer_begin_renew(buffer, 60, NULL, NULL));
	dmabroker_buffer_release(buffer);
	DONE(seen->client, dmabroker_sync(seen->client));
	CHECK(dmabroker_begin_sync(seen->client, never, NULL)); /* the client goes before its answer */
}

void check_loop(void)
{
	struct seen seen = { .client = dmabroker_new() };

	CHECK(dmabroker_begin_connect(seen.client, NULL, count, &seen));
	while (seen.calls == 0)
		CHECK(turn(seen.client) == DMABROKER_OK);
	seen.calls = 0;
	check_many(&seen);
	check_waking(&seen);
	check_events(&seen);
	check_giving_up(&seen);
	dmabroker_destroy(seen.client);

	seen = (struct seen){ .client = connected() };
	CHECK(dmabroker_begin_sync(seen.client, do_all, &seen));
	CHECK(dmabroker_begin_sync(seen.client, count, &seen)); /* by the callback's own dispatch */
	while (seen.calls == 0) {
		int result = turn(seen.client);

		CHECK(result == (seen.calls == 0 ? DMABROKER_OK : DMABROKER_ENDED));
	}
	CHECK(seen.calls == 2);
}

/* Places in the queue, of calls that wait for memory. */
void check_waiting(void)
{
	struct seen seen = { .client = connected() };
	struct dmabroker_params params = linear(seen.client, 8192);
	struct dmabroker_buffer *held[2] = { allocated(seen.client, 8192), allocated(seen.client, 8192) };
	struct dmabroker_call *sync = dmabroker_begin_sync(seen.client, NULL, NULL);

	CHECK(sync && dmabroker_call_place(sync) == 0);
	params.wait_ms = 600000;
	struct dmabroker_call *first = dmabroker_begin_allocate(seen.client, &params, take, &seen);
	struct dmabroker_call *second = dmabroker_begin_allocate(seen.client, &params, take, &seen);
	struct dmabroker_call *third = dmabroker_begin_allocate(seen.client, &params, never, NULL);

	CHECK(first && second && third && dmabroker_call_place(first) == 0);
	while (dmabroker_call_place(third) != 3)
		CHECK(turn(seen.client) == DMABROKER_OK);
	CHECK(dmabroker_call_place(first) == 1 && dmabroker_call_place(second) == 2);
	dmabroker_buffer_release(held[0]);
	while (dmabroker_call_place(third) != 2)
		CHECK(turn(seen.client) == DMABROKER_OK);
	CHECK(seen.calls == 1 && dmabroker_call_place(second) == 1);
	dmabroker_call_cancel(second); /* who waits no more is before nobody */
	while (dmabroker_call_place(third) != 1)
		CHECK(turn(seen.client) == DMABROKER_OK);
	dmabroker_call_cancel(third);
	dmabroker_buffer_release(held[1]);
	dmabroker_buffer_release(seen.buffers[0]);
	DONE(seen.client, dmabroker_sync(seen.client));
	dmabroker_destroy(seen.client);
}
