/*
 * The shim as a Node-API addon: what src/native/hot.ts names is called through it, in tens of nanoseconds
 * where ffi-rs takes microseconds. It has these functions:
 *
 *  - bind(block): a function without arguments that runs dmab_call on that block. No argument crosses
 *    from JavaScript, so that there is none to convert, and none that could be wrong. The block's memory
 *    must not be transferred to another thread; who binds keeps it to himself.
 *  - address(bytes): where a Uint8Array's memory is.
 *  - view(address, length): a Buffer over that memory, without a copy; undefined where the process may have
 *    none (Electron).
 *  - collect(): a collection of this thread's heap that gives back what it can.
 *  - poll(fd, readable), where the process has libuv: see poll.c.
 *
 * What is wrong is a TypeError; nothing here ends the process. Each thread that loads it has functions
 * of its own, and nothing is shared between them.
 *
 * It owns, for each bound function, a reference to its block, for as long as the function can be called.
 */
#include <stdlib.h>

#include "call.h"
#include "napi.h"

struct bound {
	struct call *block;
	napi_ref keeps; /* the Uint8Array, and by it the memory */
};

napi_value dmab_wrong(napi_env env, const char *what)
{
	bool pending = true;

	/* Where Node itself has thrown (out of memory, a thread that is being ended), that stands. */
	if (napi_is_exception_pending(env, &pending) == napi_ok && !pending)
		napi_throw_type_error(env, NULL, what);
	return NULL;
}

/* The memory of the one argument, which must be a Uint8Array (a Buffer is one); false where it is not. */
static bool bytes_of(napi_env env, napi_callback_info info, napi_value *value, void **data,
		     size_t *length)
{
	napi_typedarray_type type;
	size_t count = 1;
	bool typed = false;

	return napi_get_cb_info(env, info, &count, value, NULL, NULL) == napi_ok && count >= 1 &&
	       napi_is_typedarray(env, *value, &typed) == napi_ok && typed &&
	       napi_get_typedarray_info(env, *value, &type, length, data, NULL, NULL) == napi_ok &&
	       type == napi_uint8_array;
}

/* Each hot call comes through here. The result is in the block. */
static napi_value call_bound(napi_env env, napi_callback_info info)
{
	void *data = NULL;

	if (napi_get_cb_info(env, info, NULL, NULL, NULL, &data) != napi_ok)
		return dmab_wrong(env, "the call cannot be read");
	struct call *block = ((struct bound *)data)->block;
	if (block->fn == 0)
		return dmab_wrong(env, "the block has no function");
	dmab_call(block);
	return NULL;
}

static void unbind(napi_env env, void *data, void *hint)
{
	struct bound *bound = data;

	(void)hint;
	napi_delete_reference(env, bound->keeps);
	free(bound);
}

static napi_value door_bind(napi_env env, napi_callback_info info)
{
	napi_value block, function;
	void *data;
	size_t length;

	if (!bytes_of(env, info, &block, &data, &length) || length < sizeof(struct call) ||
	    (uintptr_t)data % _Alignof(struct call) != 0)
		return dmab_wrong(env, "bind wants a Uint8Array with room for a call, at a word's boundary");
	struct bound *bound = malloc(sizeof *bound);
	if (!bound)
		return dmab_wrong(env, "no memory to bind a call");
	bound->block = data;
	if (napi_create_reference(env, block, 1, &bound->keeps) != napi_ok) {
		free(bound);
		return dmab_wrong(env, "the block cannot be kept");
	}
	/* A function that gets no finalizer is not returned: it would outlive what it is bound to. */
	if (napi_create_function(env, "call", NAPI_AUTO_LENGTH, call_bound, bound, &function) !=
		    napi_ok ||
	    napi_add_finalizer(env, function, bound, unbind, NULL, NULL) != napi_ok) {
		unbind(env, bound, NULL);
		return dmab_wrong(env, "the call cannot be bound");
	}
	return function;
}

static napi_value door_address(napi_env env, napi_callback_info info)
{
	napi_value bytes, result;
	void *data;
	size_t length;

	if (!bytes_of(env, info, &bytes, &data, &length))
		return dmab_wrong(env, "addressOf wants a Uint8Array");
	/* User space ends below 2^47: a double holds it exactly. */
	if (napi_create_double(env, (double)(uintptr_t)data, &result) != napi_ok)
		return dmab_wrong(env, "the address cannot be told");
	return result;
}

/* Who asks keeps the memory mapped for as long as the Buffer can be reached. */
static napi_value door_view(napi_env env, napi_callback_info info)
{
	napi_value args[2], view;
	size_t count = 2;
	int64_t address, length;

	if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count < 2 ||
	    napi_get_value_int64(env, args[0], &address) != napi_ok || address <= 0 ||
	    napi_get_value_int64(env, args[1], &length) != napi_ok || length <= 0)
		return dmab_wrong(env, "view wants an address and a length");
	switch (napi_create_external_buffer(env, (size_t)length, (void *)(uintptr_t)address, NULL,
					    NULL, &view)) {
	case napi_ok:
		return view;
	case napi_no_external_buffers_allowed:
		return NULL;
	default:
		return dmab_wrong(env, "the memory cannot be viewed");
	}
}

/*
 * V8 collects with the heap's size in mind where it is told of much memory outside of it, more than half of what its
 * heap may have: that is what Node-API has of it.
 */
static napi_value door_collect(napi_env env, napi_callback_info info)
{
	const int64_t much = INT64_C(1) << 40;
	int64_t now;

	(void)info;
	if (napi_adjust_external_memory(env, much, &now) != napi_ok ||
	    napi_adjust_external_memory(env, -much, &now) != napi_ok)
		return dmab_wrong(env, "the heap cannot be collected");
	return NULL;
}

NAPI_MODULE_INIT()
{
	const napi_property_descriptor functions[] = {
		{ .utf8name = "bind", .method = door_bind, .attributes = napi_enumerable },
		{ .utf8name = "address", .method = door_address, .attributes = napi_enumerable },
		{ .utf8name = "view", .method = door_view, .attributes = napi_enumerable },
		{ .utf8name = "collect", .method = door_collect, .attributes = napi_enumerable },
		{ .utf8name = "poll", .method = dmab_poll, .attributes = napi_enumerable },
	};

	if (napi_define_properties(env, exports, dmab_can_poll() ? 5 : 4, functions) != napi_ok)
		return dmab_wrong(env, "the shim's functions cannot be defined");
	return exports;
}
