/* The calls that give buffers: each sends its params, makes the objects that are answered, and is answered by them. */
#include <stdlib.h>

#include "internal.h"

/* A call for so many buffers, whose objects are still to be made. */
static struct dmabroker_call *new_call(struct dmabroker *client, unsigned count,
				       dmabroker_callback callback, void *data)
{
	struct dmabroker_call *call = call_new(client, callback, data);

	if (!call)
		return NULL;
	call->buffers = calloc(count, sizeof(struct dmabroker_buffer *));
	bool whole = call->buffers != NULL;

	for (unsigned i = 0; whole && i < count; i++) {
		whole = buffer_new(call, i) != NULL;
		call->count += whole;
	}
	call->missing = call->count;
	return whole ? call : call_sent(call, false);
}

static struct dmabroker_params_v1 *new_params(struct dmabroker *client)
{
	return dmabroker_manager_v1_create_params(client->manager);
}

/* What it makes is this connection's, on the terms that are remembered for whoever moves it to another one. */
static void own(struct dmabroker_call *call, const struct dmabroker_params *params)
{
	call->owns = true;
	for (unsigned i = 0; i < call->count; i++) {
		call->buffers[i]->usage = params->usage;
		call->buffers[i]->lifetime = params->lifetime;
	}
}

struct dmabroker_call *dmabroker_begin_allocate(struct dmabroker *client,
						const struct dmabroker_params *given,
						dmabroker_callback callback, void *data)
{
	struct dmabroker_params params;

	if (!params_read(client, given, &params, false) || !client_ready(client, callback == waits))
		return NULL;
	struct dmabroker_call *call = new_call(client, 1, callback, data);
	struct dmabroker_params_v1 *object = call ? new_params(client) : NULL;

	if (!object)
		return call ? call_sent(call, false) : NULL;
	params_send(object, &params, false);
	own(call, &params);
	buffer_listen(call->buffers[0], dmabroker_params_v1_create(object));
	dmabroker_params_v1_destroy(object);
	return call_sent(call, call->buffers[0]->object != NULL);
}

struct dmabroker_call *dmabroker_begin_allocate_many(struct dmabroker *client,
						     const struct dmabroker_params *given, unsigned count,
						     dmabroker_callback callback, void *data)
{
	struct dmabroker_params params;

	if (count < 1 || count > MAX_BATCH) {
		error_say(&client->error, DMABROKER_INVALID, "count: 1 to %d", MAX_BATCH);
		return NULL;
	}
	if (!params_read(client, given, &params, false) || !client_ready(client, callback == waits))
		return NULL;
	if (params.memory) {
		error_say(&client->error, DMABROKER_INVALID, "memory is of one buffer: dmabroker_allocate");
		return NULL;
	}
	struct dmabroker_call *call = new_call(client, count, callback, data);
	struct dmabroker_params_v1 *object = call ? new_params(client) : NULL;
	bool whole = true;

	if (!object)
		return call ? call_sent(call, false) : NULL;
	params_send(object, &params, false);
	own(call, &params);
	for (unsigned i = 0; i < count; i++) {
		buffer_listen(call->buffers[i], dmabroker_params_v1_add_buffer(object));
		whole = whole && call->buffers[i]->object;
	}
	if (whole)
		dmabroker_params_v1_create_batch(object);
	dmabroker_params_v1_destroy(object);
	return call_sent(call, whole);
}

struct dmabroker_call *dmabroker_begin_test(struct dmabroker *client,
					    const struct dmabroker_params *given,
					    dmabroker_callback callback, void *data)
{
	struct dmabroker_params params;

	if (!params_read(client, given, &params, false) || !client_ready(client, callback == waits))
		return NULL;
	struct dmabroker_call *call = new_call(client, 1, callback, data);
	struct dmabroker_params_v1 *object = call ? new_params(client) : NULL;

	if (!object)
		return call ? call_sent(call, false) : NULL;
	params_send(object, &params, false);
	bool whole = plan_ask(call, object, &params);

	dmabroker_params_v1_destroy(object);
	return call_sent(call, whole);
}

struct dmabroker_call *dmabroker_begin_import(struct dmabroker *client,
					      const struct dmabroker_params *given,
					      dmabroker_callback callback, void *data)
{
	struct dmabroker_params params;

	if (!params_read(client, given, &params, true) || !client_ready(client, callback == waits))
		return NULL;
	struct dmabroker_call *call = new_call(client, 1, callback, data);
	struct dmabroker_params_v1 *object = call ? new_params(client) : NULL;

	if (!object)
		return call ? call_sent(call, false) : NULL;
	params_send(object, &params, true);
	own(call, &params);
	buffer_listen(call->buffers[0], dmabroker_params_v1_import(object));
	dmabroker_params_v1_destroy(object);
	return call_sent(call, call->buffers[0]->object != NULL);
}

struct dmabroker_call *dmabroker_begin_redeem(struct dmabroker *client, const char *token,
					      dmabroker_callback callback, void *data)
{
	if (!text_fits(client, "token", token) || !client_ready(client, callback == waits))
		return NULL;
	struct dmabroker_call *call = new_call(client, 1, callback, data);

	if (!call)
		return NULL;
	buffer_listen(call->buffers[0], dmabroker_manager_v1_redeem(client->manager, token));
	return call_sent(call, call->buffers[0]->object != NULL);
}

struct dmabroker_call *dmabroker_begin_redeem_as(struct dmabroker *client, const char *token,
						 uint32_t handle_types, dmabroker_callback callback,
						 void *data)
{
	if (!handle_types || handle_types & ~(uint32_t)ALL_HANDLE_TYPES) {
		error_say(&client->error, DMABROKER_INVALID,
			  "handle_types: bits of enum dmabroker_handle_type, and one at least");
		return NULL;
	}
	if (!text_fits(client, "token", token) || !client_ready(client, callback == waits))
		return NULL;
	struct dmabroker_call *call = new_call(client, 1, callback, data);

	if (!call)
		return NULL;
	buffer_listen(call->buffers[0],
		      dmabroker_manager_v1_redeem_as(client->manager, token, handle_types));
	return call_sent(call, call->buffers[0]->object != NULL);
}

struct dmabroker_call *dmabroker_begin_claim(struct dmabroker *client, const char *name,
					     uint32_t milliseconds, uint32_t how,
					     dmabroker_callback callback, void *data)
{
	if (how & ~(uint32_t)(DMABROKER_CLAIM_WRITER | DMABROKER_CLAIM_COMMITTED)) {
		error_say(&client->error, DMABROKER_INVALID,
			  "how: bits that are not of enum dmabroker_claim_how");
		return NULL;
	}
	if (!text_fits(client, "name", name) || !client_ready(client, callback == waits))
		return NULL;
	struct dmabroker_call *call = new_call(client, 1, callback, data);

	if (!call)
		return NULL;
	buffer_listen(call->buffers[0],
		      dmabroker_manager_v1_claim(client->manager, name, milliseconds, how));
	return call_sent(call, call->buffers[0]->object != NULL);
}

struct dmabroker_call *dmabroker_begin_adopt(struct dmabroker *client, const char *id,
					     const char *session, const struct dmabroker_params *memory,
					     dmabroker_callback callback, void *data)
{
	struct dmabroker_params params;

	if (!text_fits(client, "id", id) || !text_fits(client, "session", session) ||
	    (memory && !params_read(client, memory, &params, true)) ||
	    !client_ready(client, callback == waits))
		return NULL;
	struct dmabroker_call *call = new_call(client, 1, callback, data);
	struct dmabroker_params_v1 *object = call ? new_params(client) : NULL;

	if (!object)
		return call ? call_sent(call, false) : NULL;
	if (memory)
		params_send(object, &params, true);
	buffer_listen(call->buffers[0], dmabroker_params_v1_adopt(object, id, session));
	dmabroker_params_v1_destroy(object);
	return call_sent(call, call->buffers[0]->object != NULL);
}

/* ---- the same, waiting -------------------------------------------------------------------------- */

static int given(struct dmabroker *client, struct dmabroker_call *call, unsigned count,
		 struct dmabroker_buffer **buffers)
{
	int result = call_wait(client, call);

	/* A count that is none is no array's. */
	for (unsigned i = 0; i < count && count <= MAX_BATCH; i++)
		buffers[i] = result == DMABROKER_OK ? dmabroker_call_take_buffer(call, i) : NULL;
	call_free(call);
	return result;
}

int dmabroker_allocate(struct dmabroker *client, const struct dmabroker_params *params,
		       struct dmabroker_buffer **buffer)
{
	return given(client, dmabroker_begin_allocate(client, params, waits, NULL), 1, buffer);
}

int dmabroker_allocate_many(struct dmabroker *client, const struct dmabroker_params *params,
			    unsigned count, struct dmabroker_buffer **buffers)
{
	return given(client, dmabroker_begin_allocate_many(client, params, count, waits, NULL), count,
		     buffers);
}

int dmabroker_test(struct dmabroker *client, const struct dmabroker_params *params,
		   struct dmabroker_buffer **plan)
{
	return given(client, dmabroker_begin_test(client, params, waits, NULL), 1, plan);
}

int dmabroker_import(struct dmabroker *client, const struct dmabroker_params *params,
		     struct dmabroker_buffer **buffer)
{
	return given(client, dmabroker_begin_import(client, params, waits, NULL), 1, buffer);
}

int dmabroker_redeem(struct dmabroker *client, const char *token, struct dmabroker_buffer **buffer)
{
	return given(client, dmabroker_begin_redeem(client, token, waits, NULL), 1, buffer);
}

int dmabroker_redeem_as(struct dmabroker *client, const char *token, uint32_t handle_types,
			struct dmabroker_buffer **buffer)
{
	return given(client, dmabroker_begin_redeem_as(client, token, handle_types, waits, NULL), 1, buffer);
}

int dmabroker_adopt(struct dmabroker *client, const char *id, const char *session,
		    const struct dmabroker_params *memory, struct dmabroker_buffer **buffer)
{
	return given(client, dmabroker_begin_adopt(client, id, session, memory, waits, NULL), 1, buffer);
}
