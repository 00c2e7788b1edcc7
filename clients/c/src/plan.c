/* The answer to a dry run: a buffer without an object, an id and fds. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static struct description *coming_of(struct dmabroker_call *call)
{
	return call->buffers[0]->coming;
}

static void heard_possible(void *data, struct dmabroker_test_v1 *test, const char *source,
			   uint32_t size_hi, uint32_t size_lo, uint32_t handle_types,
			   uint32_t modifier_hi, uint32_t modifier_lo, uint32_t planes)
{
	struct description *what = coming_of(data);

	(void)test, (void)planes;
	describe_text(what->source, sizeof what->source, source);
	what->info.size = join(size_hi, size_lo);
	what->info.handle_types = handle_types;
	/* A dma_buf comes first; else it is one alone, or a memfd. */
	what->info.handle_type = handle_types & DMABROKER_HANDLE_TYPE_DMA_BUF ? DMABROKER_HANDLE_TYPE_DMA_BUF :
				 handle_types & DMABROKER_HANDLE_TYPE_MEMFD ?
				 DMABROKER_HANDLE_TYPE_MEMFD :
				 handle_types;
	what->info.modifier = join(modifier_hi, modifier_lo);
}

static void heard_memory(void *data, struct dmabroker_test_v1 *test, uint32_t index, uint32_t size_hi,
			 uint32_t size_lo)
{
	struct description *what = coming_of(data);

	(void)test;
	if (index >= MAX_PLANES)
		return;
	what->memories[index] = join(size_hi, size_lo);
	if (index >= what->info.memory_count)
		what->info.memory_count = index + 1;
}

static void heard_plane_layout(void *data, struct dmabroker_test_v1 *test, uint32_t index,
			       uint32_t memory, uint32_t offset, uint32_t stride)
{
	struct description *what = coming_of(data);

	(void)test;
	if (index >= MAX_PLANES)
		return;
	what->planes[index] = (struct dmabroker_plane){
		.fd = -1, .memory = memory, .offset = offset, .stride = stride
	};
	if (index >= what->info.plane_count)
		what->info.plane_count = index + 1;
}

static void heard_unverified(void *data, struct dmabroker_test_v1 *test, uint32_t usage)
{
	(void)test;
	coming_of(data)->info.unverified_usage = usage;
}

static void heard_done(void *data, struct dmabroker_test_v1 *test)
{
	struct dmabroker_call *call = data;
	struct dmabroker_buffer *plan = call->buffers[0];

	(void)test;
	plan->what = plan->coming;
	plan->coming = NULL;
	plan->making = NULL;
	call_done(call);
}

static void heard_long_detail(void *data, struct dmabroker_test_v1 *test, int32_t fd, uint32_t size)
{
	struct dmabroker_call *call = data;

	(void)test;
	free(call->long_detail);
	call->long_detail = read_detail(fd, size);
}

static void heard_failed(void *data, struct dmabroker_test_v1 *test, uint32_t code, const char *message,
			 const char *detail)
{
	struct dmabroker_call *call = data;
	char *text = call->long_detail ? call->long_detail : strdup(detail);

	(void)test;
	call->long_detail = NULL;
	call->buffers[0]->making = NULL;
	call_refused(call, code, message, text);
}

static const struct dmabroker_test_v1_listener listener = {
	.possible = heard_possible,
	.memory = heard_memory,
	.plane_layout = heard_plane_layout,
	.unverified = heard_unverified,
	.done = heard_done,
	.long_detail = heard_long_detail,
	.failed = heard_failed,
};

bool plan_ask(struct dmabroker_call *call, struct dmabroker_params_v1 *object,
	      const struct dmabroker_params *params)
{
	struct description *what = call->buffers[0]->coming = description_new();

	if (!what)
		return false;
	what->info.format = params->kind == DMABROKER_KIND_IMAGE ? params->format : 0;
	what->info.width = params->kind == DMABROKER_KIND_IMAGE ? params->width : 0;
	what->info.height = params->kind == DMABROKER_KIND_IMAGE ? params->height : 0;
	call->test = dmabroker_params_v1_test(object);
	if (call->test)
		dmabroker_test_v1_add_listener(call->test, &listener, call);
	return call->test != NULL;
}
