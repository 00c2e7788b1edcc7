/*
 * What the files of the library know of each other. Listeners (of libwayland) only note what was said; callbacks are
 * called by dmabroker_dispatch alone, from the list of notices, so that a callback may do anything.
 *
 * Owns: a client its connection, calls and notices; a buffer its object and the fds of its description; a call
 * what nobody has taken of it. Buffers and shares are the program's, and outlive their client.
 */
#ifndef DMABROKER_INTERNAL_H
#define DMABROKER_INTERNAL_H

#include <wayland-client.h>

#include "dmabroker-v1-client.h"
#include "dmabroker.h"

/* set_plane_layout and add_plane have 0 to 3. */
#define MAX_PLANES 4
#define MAX_FURTHER 2
#define ALL_HANDLE_TYPES ((DMABROKER_HANDLE_TYPE_MEMFD << 1) - 1)
#define MAX_BATCH 64
#define DEFAULT_TIMEOUT 30000
/* What a text of a request may have: a message is 4096 bytes at most, and one that is longer ends the connection. */
#define MAX_TEXT 1024
#define FOREVER INT64_MAX

/* ---- errors: error.c, json.c, nearest.c ---- */

struct error {
	struct dmabroker_error told;
	char *message, *detail, *nearest; /* what told points to */
	struct nearest *params;
};

/* Returns `result`, so that a call that fails ends in one line. */
int error_say(struct error *error, enum dmabroker_result result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* SYSTEM, with errno's sentence behind what could not be done. */
int error_system(struct error *error, int number, const char *what);
/* `detail` is the error's from here on; NULL where there was no memory for it. */
void error_refused(struct error *error, uint32_t code, const char *message, char *detail);
void error_copy(struct error *to, const struct error *from);
void error_clear(struct error *error);
/* The text of a long_detail; closes the fd. NULL where it cannot be read. */
char *read_detail(int fd, uint32_t size);

/* The value of a member of the object that a text is, as it stands there; NULL: there is none, or it is null. */
char *json_member(const char *text, const char *name);

/* The request that a refusal's `nearest` is, to be freed; NULL: it is none. */
struct nearest *nearest_read(const char *text);
const struct dmabroker_params *nearest_params(const struct nearest *nearest);

/* ---- a client: client.c, connect.c, loop.c ---- */

enum client_state { CLIENT_NEW, CLIENT_CONNECTING, CLIENT_UP, CLIENT_ENDED };

struct dmabroker {
	enum client_state state;
	struct wl_display *display;
	struct wl_registry *registry;
	struct dmabroker_manager_v1 *manager;
	struct wl_callback *globals; /* tells that all globals have been told */
	struct dmabroker_call *connecting;
	int poll_fd, wake_fd;
	bool woken, waits_to_send;
	int timeout, send_buffer;
	struct dmabroker_device *devices;
	struct dmabroker_source *sources;
	unsigned device_count, source_count;
	uint64_t limits[16];
	char *session;
	struct wl_list buffers, shares, calls, notices;
	dmabroker_event_handler handler;
	void *handler_data;
	unsigned dispatching;
	bool doomed; /* destroyed by a callback: the outermost dispatch frees it */
	struct error error, end; /* of the last call that failed; why the connection ended */
};

void client_free(struct dmabroker *client);
/* The connection is over: all calls are answered, and the loop hears of it. */
void client_end(struct dmabroker *client);
/* Sends what is there, or has the loop send it when the daemon reads. */
void client_flush(struct dmabroker *client);
/* Whether requests can be sent: connected, and with room for them in the socket, for which `wait` waits. */
bool client_ready(struct dmabroker *client, bool wait);
/* Waits until something was heard, was sent or went wrong; DMABROKER_TIMED_OUT at the deadline. */
int client_pump(struct dmabroker *client, int64_t deadline);
/* The second half of that alone; else the client's error says that the daemon does not read. */
bool client_has_room(struct dmabroker *client, bool wait);
/* Has the loop dispatch, where there is something to send or there are notices that no callback has had. */
void client_wake(struct dmabroker *client, bool sends);
int64_t now_ms(void);
int64_t deadline_of(const struct dmabroker *client);
void manager_listen(struct dmabroker *client);

struct notice {
	struct wl_list link;
	struct dmabroker_call *call; /* else it is an event */
	struct dmabroker_event event;
};

void notice_event(struct dmabroker *client, struct dmabroker_event event);
void forget_notices(struct dmabroker *client, const struct dmabroker_buffer *buffer);

/* ---- calls: call.c ---- */

struct dmabroker_call {
	struct wl_list link; /* of the client's calls, until it is answered */
	struct notice notice;
	struct dmabroker *client;
	dmabroker_callback callback;
	void *data;
	bool blocking; /* who waits for it frees it, and there is no notice */
	bool answered, failed;
	bool owns; /* its buffers are this connection's own: those that nobody takes are released */
	struct error error;
	struct dmabroker_buffer **buffers;
	unsigned count, missing;
	struct dmabroker_share *share;
	struct dmabroker_work_v1 *work;
	struct dmabroker_test_v1 *test;
	struct wl_callback *sync;
	int content;
	uint64_t content_size;
	uint32_t path, place;
	char *long_detail;
};

/* NULL, and the client's error says why, where nothing can be asked for. WAITS as callback: a blocking call. */
struct dmabroker_call *call_new(struct dmabroker *client, dmabroker_callback callback, void *data);
void call_done(struct dmabroker_call *call);
/* With what call->error says. */
void call_failed(struct dmabroker_call *call);
void call_refused(struct dmabroker_call *call, uint32_t code, const char *message, char *detail);
/* Nobody waits for it: what came of it is let go. */
void call_free(struct dmabroker_call *call);
/* It is whole, and goes out. Where an object could not be made the call is over: NULL. */
struct dmabroker_call *call_sent(struct dmabroker_call *call, bool whole);
/* Waits for a blocking call (NULL: it was not sent): its result; it is to be freed with call_free. */
int call_wait(struct dmabroker *client, struct dmabroker_call *call);
void waits(void *data, struct dmabroker_call *call);

/* ---- buffers: description.c, buffer.c, buffer_events.c, share.c, memory.c ---- */

struct description {
	struct dmabroker_buffer_info info;
	struct dmabroker_plane planes[MAX_PLANES];
	bool plane_told[MAX_PLANES];
	struct further {
		uint32_t handle_type; /* 0: none */
		int fd;
	} further[MAX_PLANES][MAX_FURTHER]; /* the same planes as other types */
	uint64_t memories[MAX_PLANES];
	char id[32], source[64], device[64], reason[256], wanted[64], why[256];
};

struct description *description_new(void);
/* Closes what was not taken. */
void description_free(struct description *what);
void describe_text(char *to, size_t room, const char *text);

/* An answer that is to come to a buffer's object; of a call that was given up it comes all the same. */
struct awaited {
	struct wl_list link;
	struct dmabroker_call *call; /* NULL: given up */
	char *document;		     /* of a commit: what was sent with it; NULL: nothing */
};

struct dmabroker_buffer {
	struct wl_list link;
	struct dmabroker *client; /* NULL: it is gone */
	struct dmabroker_buffer_v1 *object;
	struct dmabroker_call *making; /* the call that it is for, until it is answered */
	struct wl_list leases, reissues, commits; /* awaited answers */
	struct description *what, *coming;
	char *long_detail;
	struct dmabroker_state state;
	struct dmabroker_committed committed; /* revision 0: nothing was */
	char *metadata, *coming_metadata, digest[65];
	int64_t lease_ends;
	uint32_t usage, lifetime; /* as it was asked for; 0 where it was not by this program */
	void *data;
};

/* One that is for a call; NULL without memory. Its object is still to be made. */
struct dmabroker_buffer *buffer_new(struct dmabroker_call *call, unsigned index);
/* The object tells this buffer from now on. */
void buffer_take_object(struct dmabroker_buffer *buffer, struct dmabroker_buffer *from);
void buffer_listen(struct dmabroker_buffer *buffer, struct dmabroker_buffer_v1 *object);
/* Its connection is over: answers do not come any more. */
void buffer_detach(struct dmabroker_buffer *buffer);
/* Whether calls of it can be sent, and by whom; the client's error says why not. */
bool buffer_ready(struct dmabroker_buffer *buffer, dmabroker_callback callback);
/* A call whose answer comes to the buffer's object. The document is the call's from here on, whatever comes of it. */
struct dmabroker_call *buffer_await(struct dmabroker_buffer *buffer, struct wl_list *list, char *document,
				    dmabroker_callback callback, void *data);
/* Nothing is answered to this call any more. */
void buffer_give_up(struct dmabroker_buffer *buffer, const struct dmabroker_call *call);

/* ---- revisions: lasting.c, digest.c ---- */

/* Takes the fd. */
void lasting_metadata(struct dmabroker_buffer *buffer, int fd, uint32_t size);
/* `metadata` is the buffer's from here on, or is what it has. */
void lasting_committed(struct dmabroker_buffer *buffer, uint64_t revision, const char *digest,
		       char *metadata);
void lasting_forget(struct dmabroker_buffer *buffer);
/* What was told of one is told of the other. */
void lasting_move(struct dmabroker_buffer *buffer, struct dmabroker_buffer *from);
/* SHA-256 as hexadecimal digits. */
void digest_of(const char *text, size_t length, char digest[65]);

struct dmabroker_share {
	struct wl_list link;
	struct dmabroker *client;
	struct dmabroker_share_v1 *object;
	struct dmabroker_call *call; /* until it is answered */
	char token[128], id[64];
	char *long_detail;
};

void share_detach(struct dmabroker_share *share);

/* ---- requests: params.c ---- */

/*
 * A struct of the caller's that begins with its size, as this version has it. A smaller one is an older header's: the rest is
 * 0. Of a larger one, a later header's, what this version does not know must be 0.
 */
bool struct_read(struct dmabroker *client, const char *what, const void *given, void *known, size_t size,
		 size_t first);
/* The caller's params as this version has them; false, with the error, where they are none. `planes`: with fds. */
bool params_read(struct dmabroker *client, const struct dmabroker_params *given,
		 struct dmabroker_params *params, bool planes);
void params_send(struct dmabroker_params_v1 *object, const struct dmabroker_params *params, bool planes);
/* Asks what would be, for the call's one buffer; false without memory: plan.c. */
bool plan_ask(struct dmabroker_call *call, struct dmabroker_params_v1 *object,
	      const struct dmabroker_params *params);
bool text_fits(struct dmabroker *client, const char *what, const char *text);

static inline uint32_t high(uint64_t value)
{
	return (uint32_t)(value >> 32);
}

static inline uint32_t low(uint64_t value)
{
	return (uint32_t)value;
}

static inline uint64_t join(uint32_t hi, uint32_t lo)
{
	return (uint64_t)hi << 32 | lo;
}

#endif
