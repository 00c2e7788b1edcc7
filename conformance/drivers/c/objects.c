#include "objects.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dmabroker-v1-client.h"
#include "requests.h"

struct wl_display *display;
struct object *manager;
struct event *events;
size_t event_count;
static struct object *objects;

/* "?3uon" without the digits and the question marks (wl_message.signature). */
char argument_type(const struct wl_message *message, int index)
{
	for (const char *at = message->signature; *at; at++) {
		if (strchr("?0123456789", *at))
			continue;
		if (index-- == 0)
			return *at;
	}
	return '\0';
}

/* Every event of every object. */
static int note(const void *data, void *target, uint32_t opcode, const struct wl_message *message,
		union wl_argument *args)
{
	struct object *object = wl_proxy_get_user_data(target);
	struct event *event;
	char type;

	(void)data, (void)opcode;
	events = realloc(events, (event_count + 1) * sizeof *events);
	if (!events)
		abort();
	event = &events[event_count++];
	event->object = object;
	event->message = message;
	for (int i = 0; i < MAX_ARGS && (type = argument_type(message, i)); i++) {
		event->args[i] = args[i];
		if (type == 's')
			event->args[i].s = args[i].s ? strdup(args[i].s) : NULL;
	}
	return 0;
}

struct object *adopt(void *proxy, const struct wl_interface *interface, const char *name)
{
	struct object *object = calloc(1, sizeof *object);

	if (!object || !proxy)
		abort();
	strncpy(object->name, name, sizeof object->name - 1);
	object->proxy = proxy;
	object->interface = interface;
	object->seen = event_count;
	object->next = objects;
	objects = object;
	wl_proxy_add_dispatcher(proxy, note, NULL, object);
	return object;
}

struct object *object_named(const char *name)
{
	for (struct object *object = objects; object && name; object = object->next)
		if (object->proxy && strcmp(object->name, name) == 0)
			return object;
	end_rejected("nothing here is called %s", name ? name : "");
}

static void describe_display(void)
{
	struct object *object = calloc(1, sizeof *object);

	if (!object)
		abort();
	strcpy(object->name, "display");
	object->proxy = (struct wl_proxy *)display;
	object->interface = &wl_display_interface;
	object->next = objects;
	objects = object;
}

bool connect_to(const char *path)
{
	static const char *const globals[] = { "global", NULL }, *const done[] = { "done", NULL };

	display = wl_display_connect(path);
	if (!display)
		return false;
	describe_display();
	struct object *registry =
		adopt(wl_display_get_registry(display), &wl_registry_interface, "registry");
	struct event *global = await_event(registry, 0, globals);

	while (strcmp(global->args[1].s, dmabroker_manager_v1_interface.name) != 0)
		global = await_event(registry, (size_t)(global - events) + 1, globals);
	void *bound = wl_registry_bind((struct wl_registry *)registry->proxy, global->args[0].u,
				       &dmabroker_manager_v1_interface, 1);
	manager = adopt(bound, &dmabroker_manager_v1_interface, "manager");
	await_event(manager, 0, done);
	return true;
}

void disconnect_all(void)
{
	for (size_t i = 0; i < event_count; i++)
		for (int a = 0; a < MAX_ARGS && argument_type(events[i].message, a); a++) {
			char type = argument_type(events[i].message, a);

			if (type == 's')
				free((char *)events[i].args[a].s);
			if (type == 'h' && events[i].args[a].h >= 0)
				close(events[i].args[a].h);
		}
	free(events);
	events = NULL;
	event_count = 0;
	while (objects) {
		struct object *object = objects;

		objects = object->next;
		if (object->proxy && object->proxy != (struct wl_proxy *)display)
			wl_proxy_destroy(object->proxy);
		free(object);
	}
	manager = NULL;
	if (display)
		wl_display_disconnect(display);
	display = NULL;
}

bool is_event(const struct event *event, const struct object *object, const char *name)
{
	return event->object == object && strcmp(event->message->name, name) == 0;
}

struct event *await_event(struct object *object, size_t from, const char *const *names)
{
	for (size_t at = from;; at++) {
		while (at >= event_count)
			if (wl_display_dispatch(display) < 0)
				end_over();
		for (const char *const *name = names; *name; name++)
			if (is_event(&events[at], object, *name))
				return &events[at];
	}
}

static int opcode_of(const struct wl_interface *interface, const char *name)
{
	for (int i = 0; i < interface->method_count; i++)
		if (strcmp(interface->methods[i].name, name) == 0)
			return i;
	end_rejected("%s has no request %s", interface->name, name);
}

void destroy_object(struct object *object)
{
	if (!object->proxy)
		return;
	union wl_argument none[1] = { { 0 } };

	wl_proxy_marshal_array_flags(object->proxy,
				     (uint32_t)opcode_of(object->interface, "destroy"), NULL, 1,
				     WL_MARSHAL_FLAG_DESTROY, none);
	object->proxy = NULL;
}

void send_message(const struct json *message)
{
	if (message->count < 2)
		end_rejected("a message has an object and a request");
	struct object *object = object_named(message->items[0].string);
	const char *request = message->items[1].string;

	if (strcmp(request, "destroy") == 0) {
		destroy_object(object);
		return;
	}
	int opcode = opcode_of(object->interface, request);
	const struct wl_message *what = &object->interface->methods[opcode];
	union wl_argument args[MAX_ARGS] = { { 0 } };
	const struct wl_interface *made = NULL;
	const char *name = NULL;
	char type;

	for (int i = 0; i < MAX_ARGS && (type = argument_type(what, i)); i++) {
		if ((size_t)i + 2 >= message->count)
			end_rejected("%s has more arguments", request);
		const struct json *value = &message->items[i + 2];

		if (type == 'n') {
			/* A bind says the interface itself. */
			made = what->types[i] ? what->types[i] : &dmabroker_manager_v1_interface;
			name = value->string;
		} else if (type == 'o')
			args[i].o = (struct wl_object *)object_named(value->string)->proxy;
		else if (type == 's')
			args[i].s = value->string;
		else if (type == 'u')
			args[i].u = (uint32_t)value->number;
		else
			end_rejected("%s: fds are sent by the command import", request);
	}
	struct wl_proxy *proxy =
		wl_proxy_marshal_array_flags(object->proxy, (uint32_t)opcode, made, 1, 0, args);
	if (made)
		adopt(proxy, made, name);
}
