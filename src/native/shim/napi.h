/*
 * Node-API as the shim uses it. Node's functions are weak symbols: where there is no Node
 * (test/package/other-arch.c) nothing is missing, however the library was linked.
 */
#ifndef DMABROKER_NAPI_H
#define DMABROKER_NAPI_H

#define NAPI_VERSION 8
#define NAPI_EXTERN __attribute__((visibility("default"), weak))
#include <node_api.h>

/* Throws a TypeError; returns what a function that has thrown returns. */
napi_value dmab_wrong(napi_env env, const char *what);

/* poll.c: whether this process has what it takes, and the function that JavaScript calls. */
bool dmab_can_poll(void);
napi_value dmab_poll(napi_env env, napi_callback_info info);

#endif
