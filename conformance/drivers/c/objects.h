/*
 * A connection whose objects have names, and all events of them. Requests are sent by their names and
 * opcodes, as wayland-scanner's tables have them, so that a scenario can say any of them.
 *
 * Owns: the connection, and the fds of every event, until `disconnect_all`.
 */
#ifndef OBJECTS_H
#define OBJECTS_H

#include <stdbool.h>

#include <wayland-client.h>

#include "json.h"

#define MAX_ARGS 20

struct object {
	char name[64];
	struct wl_proxy *proxy; /* NULL once it is destroyed */
	const struct wl_interface *interface;
	size_t seen; /* how many of the events were taken */
	struct object *next;
};

struct event {
	struct object *object;
	const struct wl_message *message;
	/* Strings are ours. fds too: -1 once they are closed. */
	union wl_argument args[MAX_ARGS];
};

extern struct wl_display *display;
extern struct object *manager;
extern struct event *events;
extern size_t event_count;

/* Binds the manager and waits for its description; false where nobody answers. */
bool connect_to(const char *path);
void disconnect_all(void);

/* The last one of that name; ends the command where there is none (driver.c). */
struct object *object_named(const char *name);
struct object *adopt(void *proxy, const struct wl_interface *interface, const char *name);
void destroy_object(struct object *object);

/* The first event of that object, from `from` on, of one of the names (NULL ends them); waits for it. */
struct event *await_event(struct object *object, size_t from, const char *const *names);
bool is_event(const struct event *event, const struct object *object, const char *name);

/* One message of a scenario: [object, request, argument…]. */
void send_message(const struct json *message);
/* The type letter of an argument. */
char argument_type(const struct wl_message *message, int index);

/* How commands end that get no answer: driver.c. */
_Noreturn void end_rejected(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void end_over(void);

#endif
