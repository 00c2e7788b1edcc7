/* Tokens: made, told, ended. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static void heard_token_id(void *data, struct dmabroker_share_v1 *object, const char *id)
{
	struct dmabroker_share *share = data;

	(void)object;
	describe_text(share->id, sizeof share->id, id);
}

static void heard_token(void *data, struct dmabroker_share_v1 *object, const char *token)
{
	struct dmabroker_share *share = data;

	(void)object;
	describe_text(share->token, sizeof share->token, token);
	if (share->call)
		call_done(share->call);
	share->call = NULL;
}

static void heard_long_detail(void *data, struct dmabroker_share_v1 *object, int32_t fd, uint32_t size)
{
	struct dmabroker_share *share = data;

	(void)object;
	free(share->long_detail);
	share->long_detail = read_detail(fd, size);
}

static void heard_failed(void *data, struct dmabroker_share_v1 *object, uint32_t code,
			 const char *message, const char *detail)
{
	struct dmabroker_share *share = data;
	char *text = share->long_detail ? share->long_detail : strdup(detail);

	(void)object;
	share->long_detail = NULL;
	if (share->call)
		call_refused(share->call, code, message, text);
	else
		free(text);
	share->call = NULL;
}

static const struct dmabroker_share_v1_listener listener = {
	.token = heard_token,
	.long_detail = heard_long_detail,
	.failed = heard_failed,
	.token_id = heard_token_id,
};

static bool terms_read(struct dmabroker *client, const struct dmabroker_terms *given,
		       struct dmabroker_terms *terms)
{
	size_t first = offsetof(struct dmabroker_terms, may_renew) + sizeof terms->may_renew;

	*terms = (struct dmabroker_terms){ 0 };
	return !given || struct_read(client, "terms", given, terms, sizeof *terms, first);
}

struct dmabroker_call *dmabroker_buffer_begin_share(struct dmabroker_buffer *buffer,
						    const struct dmabroker_terms *given,
						    dmabroker_callback callback, void *data)
{
	struct dmabroker *client = buffer->client;
	struct dmabroker_terms terms;

	if (!client || !terms_read(client, given, &terms) || !buffer_ready(buffer, callback))
		return NULL;
	struct dmabroker_call *call = call_new(client, callback, data);
	struct dmabroker_share *share = call ? calloc(1, sizeof *share) : NULL;

	if (!share)
		return call ? call_sent(call, false) : NULL;
	share->client = client;
	share->call = call;
	call->share = share;
	wl_list_insert(&client->shares, &share->link);
	share->object = dmabroker_buffer_v1_share(
		buffer->object, terms.uses ? terms.uses : 1, terms.one_user ? terms.uid : UINT32_MAX,
		terms.seconds, terms.may_renew ? DMABROKER_SHARE_V1_RIGHT_RENEW : 0);
	if (share->object)
		dmabroker_share_v1_add_listener(share->object, &listener, share);
	return call_sent(call, share->object != NULL);
}

int dmabroker_buffer_share(struct dmabroker_buffer *buffer, const struct dmabroker_terms *terms,
			   struct dmabroker_share **share)
{
	*share = NULL;
	if (!buffer->client)
		return DMABROKER_ENDED;
	struct dmabroker_call *call = dmabroker_buffer_begin_share(buffer, terms, waits, NULL);
	int result = call_wait(buffer->client, call);

	if (result == DMABROKER_OK)
		*share = dmabroker_call_take_share(call);
	call_free(call);
	return result;
}

const char *dmabroker_share_token(const struct dmabroker_share *share)
{
	return share->token;
}

const char *dmabroker_share_token_id(const struct dmabroker_share *share)
{
	return share->id;
}

void share_detach(struct dmabroker_share *share)
{
	if (share->object)
		dmabroker_share_v1_destroy(share->object);
	share->object = NULL;
	wl_list_remove(&share->link);
	wl_list_init(&share->link);
	share->client = NULL;
}

void dmabroker_share_destroy(struct dmabroker_share *share)
{
	if (!share)
		return;
	struct dmabroker *client = share->client;

	if (client) {
		share_detach(share);
		client_flush(client);
	}
	free(share->long_detail);
	free(share);
}

void dmabroker_share_revoke(struct dmabroker_share *share)
{
	if (share && share->object) {
		if (share->client->state == CLIENT_UP)
			client_has_room(share->client, true);
		dmabroker_share_v1_revoke(share->object);
	}
	dmabroker_share_destroy(share);
}
