/*
 * Reading and sending, for calls that wait and for the program's own loop. What the loop polls is an epoll fd: of
 * the socket, and of an eventfd for what was heard while another call waited, which the socket would not tell again.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "internal.h"

int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t deadline_of(const struct dmabroker *client)
{
	return client->timeout < 0 ? FOREVER : now_ms() + client->timeout;
}

static int left_until(int64_t deadline)
{
	if (deadline == FOREVER)
		return -1;
	int64_t left = deadline - now_ms();

	return left > 0 ? (int)left : 0;
}

/* ---- the end ------------------------------------------------------------------------------------ */

static void say_end(struct dmabroker *client)
{
	const struct wl_interface *interface = NULL;
	uint32_t id, code = wl_display_get_protocol_error(client->display, &interface, &id);

	if (client->end.told.result != DMABROKER_OK)
		return;
	if (!interface) {
		error_say(&client->end, DMABROKER_ENDED, "the connection to the daemon is over");
		return;
	}
	/* libwayland has printed the daemon's own sentence, and keeps the code alone. */
	error_say(&client->end, DMABROKER_ENDED, "the daemon has ended the connection: %s, error %u",
		  interface->name, code);
	client->end.told.interface = interface->name;
	client->end.told.protocol_code = code;
}

void client_end(struct dmabroker *client)
{
	bool was_up = client->state == CLIENT_UP;

	if (client->state == CLIENT_ENDED)
		return;
	say_end(client);
	client->state = CLIENT_ENDED;
	client->connecting = NULL;
	/* At its end it can be read for ever. */
	epoll_ctl(client->poll_fd, EPOLL_CTL_DEL, wl_display_get_fd(client->display), NULL);
	while (!wl_list_empty(&client->calls)) {
		struct dmabroker_call *call;

		call = wl_container_of(client->calls.next, call, link);
		error_copy(&call->error, &client->end);
		call_failed(call);
	}
	if (was_up)
		notice_event(client, (struct dmabroker_event){ .type = DMABROKER_EVENT_ENDED });
	client_wake(client, false);
}

/* ---- hearing ------------------------------------------------------------------------------------ */

static int hear(struct dmabroker *client)
{
	if (wl_display_dispatch_pending(client->display) >= 0)
		return DMABROKER_OK;
	client_end(client);
	return DMABROKER_ENDED;
}

/* `events`: what poll(2) waits for; what cannot be sent is waited for beside. */
static int pump(struct dmabroker *client, int64_t deadline, short events)
{
	struct pollfd socket = { .fd = wl_display_get_fd(client->display), .events = events };

	if (wl_display_prepare_read(client->display) != 0)
		return hear(client);
	if (wl_display_flush(client->display) < 0 && errno == EAGAIN)
		socket.events |= POLLOUT;
	int ready = poll(&socket, 1, left_until(deadline));

	if (ready > 0 && (socket.revents & ~POLLOUT)) {
		if (wl_display_read_events(client->display) < 0) {
			client_end(client);
			return DMABROKER_ENDED;
		}
		return hear(client);
	}
	wl_display_cancel_read(client->display);
	return ready == 0 ? DMABROKER_TIMED_OUT : DMABROKER_OK;
}

int client_pump(struct dmabroker *client, int64_t deadline)
{
	return pump(client, deadline, POLLIN);
}

/* ---- sending ------------------------------------------------------------------------------------ */

static void wait_to_send(struct dmabroker *client, bool wait)
{
	struct epoll_event what = { .events = EPOLLIN | (wait ? EPOLLOUT : 0) };

	if (client->waits_to_send == wait)
		return;
	client->waits_to_send = wait;
	epoll_ctl(client->poll_fd, EPOLL_CTL_MOD, wl_display_get_fd(client->display), &what);
}

void client_flush(struct dmabroker *client)
{
	if (client->state == CLIENT_ENDED || !client->display)
		return;
	/* EPIPE: what the daemon has said before it left is still to be read. */
	wait_to_send(client, wl_display_flush(client->display) < 0 && errno == EAGAIN);
}

/*
 * libwayland before 1.23 ends the connection where its own 4 KiB and the socket are full. So much is left in the socket
 * that no single call fills it: the longest has 256 modifiers and three texts, 8 KiB.
 */
#define ROOM_OF_A_CALL (32 << 10)

static bool has_room_now(const struct dmabroker *client)
{
	int unread, reserve = client->send_buffer / 2;

	if (reserve > ROOM_OF_A_CALL)
		reserve = ROOM_OF_A_CALL;
	return ioctl(wl_display_get_fd(client->display), SIOCOUTQ, &unread) < 0 ||
	       unread + reserve <= client->send_buffer;
}

/*
 * The daemon stops reading from a client that does not read: what it says meanwhile is heard. A socket is writable when three
 * quarters of it are free (unix_writable of the kernel), which is room.
 */
bool client_has_room(struct dmabroker *client, bool wait)
{
	int64_t deadline = wait ? deadline_of(client) : 0;

	while (client->state != CLIENT_ENDED && !has_room_now(client)) {
		bool waited = wait && pump(client, deadline, POLLIN | POLLOUT) != DMABROKER_TIMED_OUT;

		client_wake(client, false);
		if (waited)
			continue;
		error_say(&client->error, DMABROKER_TIMED_OUT, "the daemon does not read what was sent before");
		return false;
	}
	if (client->state != CLIENT_ENDED)
		return true;
	error_copy(&client->error, &client->end);
	return false;
}

bool client_ready(struct dmabroker *client, bool wait)
{
	if (client->state == CLIENT_ENDED) {
		error_copy(&client->error, &client->end);
		return false;
	}
	if (client->state != CLIENT_UP) {
		error_say(&client->error, DMABROKER_INVALID, "connect comes first");
		return false;
	}
	return client_has_room(client, wait);
}

/* ---- the program's loop ------------------------------------------------------------------------- */

void client_wake(struct dmabroker *client, bool sends)
{
	uint64_t one = 1;

	if (client->woken || (!sends && wl_list_empty(&client->notices)))
		return;
	client->woken = write(client->wake_fd, &one, sizeof one) == sizeof one;
}

static void calm(struct dmabroker *client)
{
	uint64_t count;

	if (client->woken && read(client->wake_fd, &count, sizeof count) == sizeof count)
		client->woken = false;
}

void notice_event(struct dmabroker *client, struct dmabroker_event event)
{
	/* Without memory it is not told; dmabroker_buffer_state has it. */
	struct notice *notice = client->handler ? calloc(1, sizeof *notice) : NULL;

	if (!notice)
		return;
	notice->event = event;
	wl_list_insert(client->notices.prev, &notice->link);
}

void forget_notices(struct dmabroker *client, const struct dmabroker_buffer *buffer)
{
	struct notice *notice, *next;

	wl_list_for_each_safe(notice, next, &client->notices, link) {
		if (notice->call || notice->event.buffer != buffer)
			continue;
		wl_list_remove(&notice->link);
		free(notice);
	}
}

/* One at a time: a callback may let go of what the next one is about, or end the client. */
static void deliver(struct dmabroker *client)
{
	while (!client->doomed && !wl_list_empty(&client->notices)) {
		struct notice *notice;

		notice = wl_container_of(client->notices.next, notice, link);
		wl_list_remove(&notice->link);
		if (notice->call) {
			wl_list_init(&notice->link);
			if (notice->call->callback)
				notice->call->callback(notice->call->data, notice->call);
			call_free(notice->call);
			continue;
		}
		if (client->handler)
			client->handler(client->handler_data, &notice->event);
		free(notice);
	}
}

int dmabroker_get_fd(const struct dmabroker *client)
{
	return client->poll_fd;
}

int dmabroker_dispatch(struct dmabroker *client)
{
	if (client->state == CLIENT_NEW)
		return error_say(&client->error, DMABROKER_INVALID, "connect comes first");
	client->dispatching++;
	calm(client);
	if (client->state != CLIENT_ENDED) {
		/* What libwayland has read already is heard first, and more is read next time. */
		client_pump(client, 0);
		client_flush(client);
	}
	deliver(client);
	if (--client->dispatching == 0 && client->doomed) {
		client_free(client);
		return DMABROKER_ENDED;
	}
	if (client->state == CLIENT_ENDED) {
		error_copy(&client->error, &client->end);
		return DMABROKER_ENDED;
	}
	client_flush(client);
	return DMABROKER_OK;
}
