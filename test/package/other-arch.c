/*
 * Opens the prebuilt shim of the architecture that this was compiled for, and calls what it can be asked
 * without a daemon: started by qemu-user in test/package/arm64.test.ts.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* struct call of src/native/shim/dmabroker.c */
struct call {
	uint64_t fn, arg[12], ret;
	int64_t err;
};

int main(int argc, char **argv)
{
	void *shim = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
	if (shim == NULL) {
		fprintf(stderr, "%s\n", argc == 2 ? dlerror() : "usage: other-arch <shim>");
		return 1;
	}
	void (*call)(struct call *) = (void (*)(struct call *))dlsym(shim, "dmab_call");
	int64_t (*symbol)(const char *) = (int64_t (*)(const char *))dlsym(shim, "dmab_symbol");
	int64_t (*copy)(void *, const void *, int64_t) =
		(int64_t (*)(void *, const void *, int64_t))dlsym(shim, "dmab_copy");
	if (call == NULL || symbol == NULL || copy == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	/* A C function by its address, a variadic one with more arguments than it takes, and its errno. */
	struct call pid = { .fn = (uint64_t)symbol("getpid") };
	call(&pid);
	char text[64] = "";
	struct call print = { .fn = (uint64_t)symbol("snprintf"),
			      .arg = { (uint64_t)text, sizeof text, (uint64_t)"%d %d %s", 1, 2, (uint64_t)"three" } };
	call(&print);
	struct call closed = { .fn = (uint64_t)symbol("close"), .arg = { (uint64_t)-1 } };
	call(&closed);
	char from[4096], to[4096];
	memset(from, 7, sizeof from);
	int64_t copied = copy(to, from, sizeof from);
	printf("{\"pid\":%d,\"text\":\"%s\",\"close\":%d,\"errno\":%d,\"copied\":%d,\"same\":%d}\n",
	       (int)pid.ret == getpid(), text, (int)closed.ret, (int)closed.err, (int)copied,
	       memcmp(from, to, sizeof from) == 0);
	return 0;
}
