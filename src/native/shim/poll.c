/*
 * Tells JavaScript that a file descriptor is readable, by libuv's own poll of this thread's event loop:
 * no other thread and no pipe lies between the kernel and the callback (dmab_watch has both, for where
 * there is no addon).
 *
 *  - poll(fd, readable): calls `readable` for as long as there is something to read, or the end of it; so
 *    read until there is nothing, and close at the end. Returns what controls it, or a negative errno where
 *    the fd cannot be polled.
 *  - control(what): POLL_UNREF, POLL_REF or POLL_CLOSE. After POLL_CLOSE nothing calls back, and every
 *    control does nothing.
 *
 * The fd stays the caller's: it may be closed right after POLL_CLOSE, and not before (libuv's
 * documentation of uv_poll_t). libuv makes it non-blocking.
 *
 * A thread that ends closes what it polls (the async cleanup hook), since libuv's loop must be empty then.
 * `struct poll` is freed by the last of two: libuv, when it has closed the handle, and the control function,
 * when it is collected.
 */
#include <errno.h>
#include <stdlib.h>

#include "napi.h"

/*
 * libuv's functions, which Node's binary has beside Node-API's and no header of npm declares. Values and
 * prototypes are those of uv.h of libuv 1.46 (Node 20); its ABI is the same in all of 1.x.
 */
struct uv_handle_s;
struct uv_poll_s;
enum { UV_READABLE = 1 }; /* enum uv_poll_event */
enum { UV_POLL = 8 };     /* uv_handle_type */
#define UV_EXTERN extern __attribute__((visibility("default"), weak))
UV_EXTERN size_t uv_handle_size(int type);
UV_EXTERN void uv_handle_set_data(struct uv_handle_s *handle, void *data);
UV_EXTERN void *uv_handle_get_data(const struct uv_handle_s *handle);
UV_EXTERN int uv_poll_init(struct uv_loop_s *loop, struct uv_poll_s *handle, int fd);
UV_EXTERN int uv_poll_start(struct uv_poll_s *handle, int events,
			    void (*cb)(struct uv_poll_s *handle, int status, int events));
UV_EXTERN void uv_close(struct uv_handle_s *handle, void (*cb)(struct uv_handle_s *handle));
UV_EXTERN void uv_ref(struct uv_handle_s *handle);
UV_EXTERN void uv_unref(struct uv_handle_s *handle);

enum { POLL_UNREF = 0, POLL_REF = 1, POLL_CLOSE = 2 };

struct poll {
	napi_env env;
	void *handle; /* a uv_poll_t; null once it is being closed */
	napi_ref readable;
	napi_async_context context; /* the callback's, so that promises go on after it */
	napi_async_cleanup_hook_handle hook;
	int users;
};

bool dmab_can_poll(void)
{
	return uv_handle_size && uv_handle_set_data && uv_handle_get_data && uv_poll_init &&
	       uv_poll_start && uv_close && uv_ref && uv_unref && napi_get_uv_event_loop;
}

static void poll_let_go(struct poll *p)
{
	if (--p->users == 0)
		free(p);
}

static void poll_closed(struct uv_handle_s *handle)
{
	struct poll *p = uv_handle_get_data(handle);

	/* Tells a thread that ends that this is done: the last that may be asked of its environment. */
	if (p->hook)
		napi_remove_async_cleanup_hook(p->hook);
	free(handle);
	poll_let_go(p);
}

/* Once; the environment is still whole. */
static void poll_close(struct poll *p)
{
	void *handle = p->handle;

	if (!handle)
		return;
	p->handle = NULL;
	if (p->readable)
		napi_delete_reference(p->env, p->readable);
	if (p->context)
		napi_async_destroy(p->env, p->context);
	uv_close(handle, poll_closed);
}

static void poll_ends(napi_async_cleanup_hook_handle hook, void *data)
{
	(void)hook;
	/* One that is being closed already takes its hook off itself. */
	poll_close(data);
}

/* A status below 0 is an error of the socket, which the reader meets as well. */
static void poll_ready(struct uv_poll_s *handle, int status, int events)
{
	struct poll *p = uv_handle_get_data((struct uv_handle_s *)handle);
	napi_env env = p->env;
	napi_handle_scope scope;
	napi_value receiver, readable, error;
	bool pending = false;

	(void)status;
	(void)events;
	if (napi_open_handle_scope(env, &scope) != napi_ok)
		return;
	/* Runs what waits for promises afterwards. `p` may be closed by it, but is there until the next turn. */
	if (napi_get_global(env, &receiver) == napi_ok &&
	    napi_get_reference_value(env, p->readable, &readable) == napi_ok)
		napi_make_callback(env, p->context, receiver, readable, 0, NULL, NULL);
	/* As from any other callback: it is the process's. */
	if (napi_is_exception_pending(env, &pending) == napi_ok && pending &&
	    napi_get_and_clear_last_exception(env, &error) == napi_ok)
		napi_fatal_exception(env, error);
	napi_close_handle_scope(env, scope);
}

static napi_value poll_control(napi_env env, napi_callback_info info)
{
	napi_value what;
	size_t count = 1;
	void *data = NULL;
	int32_t wanted;

	if (napi_get_cb_info(env, info, &count, &what, NULL, &data) != napi_ok || count < 1 ||
	    napi_get_value_int32(env, what, &wanted) != napi_ok || wanted < POLL_UNREF ||
	    wanted > POLL_CLOSE)
		return dmab_wrong(env, "control wants 0, 1 or 2");
	struct poll *p = data;
	if (!p->handle)
		return NULL;
	if (wanted == POLL_CLOSE)
		poll_close(p);
	else if (wanted == POLL_REF)
		uv_ref(p->handle);
	else
		uv_unref(p->handle);
	return NULL;
}

/* Nobody can control it any more; it goes on until its thread ends. */
static void poll_collected(napi_env env, void *data, void *hint)
{
	(void)env;
	(void)hint;
	poll_let_go(data);
}

napi_value dmab_poll(napi_env env, napi_callback_info info)
{
	napi_value args[2], name, control, result;
	napi_valuetype type;
	size_t count = 2;
	int32_t fd;
	struct uv_loop_s *loop;

	if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count < 2 ||
	    napi_get_value_int32(env, args[0], &fd) != napi_ok ||
	    napi_typeof(env, args[1], &type) != napi_ok || type != napi_function)
		return dmab_wrong(env, "poll wants a file descriptor and a function");
	if (napi_get_uv_event_loop(env, &loop) != napi_ok)
		return dmab_wrong(env, "there is no event loop");
	struct poll *p = calloc(1, sizeof *p);
	void *handle = calloc(1, uv_handle_size(UV_POLL));
	int error = p && handle ? uv_poll_init(loop, handle, fd) : -ENOMEM;
	if (error < 0) {
		free(handle);
		free(p);
		return napi_create_int32(env, error, &result) == napi_ok ?
			       result :
			       dmab_wrong(env, "the fd cannot be polled");
	}
	/* From here on uv_close frees it. */
	p->env = env;
	p->handle = handle;
	p->users = 1;
	uv_handle_set_data(handle, p);
	if (napi_create_reference(env, args[1], 1, &p->readable) != napi_ok ||
	    napi_create_string_utf8(env, "dmabroker", NAPI_AUTO_LENGTH, &name) != napi_ok ||
	    napi_async_init(env, NULL, name, &p->context) != napi_ok ||
	    napi_add_async_cleanup_hook(env, poll_ends, p, &p->hook) != napi_ok ||
	    napi_create_function(env, "control", NAPI_AUTO_LENGTH, poll_control, p, &control) !=
		    napi_ok ||
	    napi_add_finalizer(env, control, p, poll_collected, NULL, NULL) != napi_ok) {
		poll_close(p);
		return dmab_wrong(env, "the fd cannot be polled");
	}
	p->users = 2;
	error = uv_poll_start(handle, UV_READABLE, poll_ready);
	if (error < 0) {
		poll_close(p);
		return napi_create_int32(env, error, &result) == napi_ok ?
			       result :
			       dmab_wrong(env, "the fd cannot be polled");
	}
	return control;
}
