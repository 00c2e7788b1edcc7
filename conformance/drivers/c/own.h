/* What both C drivers bring where a request has `memory`: ../../README.md. */
#ifndef OWN_H
#define OWN_H

#include "json.h"

/* A memfd of `size` bytes, sealed against shrinking, with `bytes` at `offset`: the caller's. */
int own_memfd(const struct json *memory);

#endif
