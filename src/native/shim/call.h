/*
 * What a call of a C function by its address is made of: door.c (Node-API) and ffi-rs bring the block,
 * dmab_call of dmabroker.c runs it. src/native/block.ts writes and reads it.
 */
#ifndef DMABROKER_CALL_H
#define DMABROKER_CALL_H

#include <stdint.h>

enum { MAX_ARGS = 12 };

struct call {
	uint64_t fn;
	uint64_t arg[MAX_ARGS];
	uint64_t ret;
	int64_t err; /* errno after the call; meaningful only where the function says so */
};

void dmab_call(struct call *c);

#endif
