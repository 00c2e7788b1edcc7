/*
 * A plain CUDA program that does what the daemon does for memory of a GPU, and nothing else: makes it, clears it, exports it
 * and lets it go, and says how long each took.
 *
 *   cuda-memory <device UUID, 32 digits>
 *
 * Reads lines "<bytes> dma_buf|posix|hold <many>": makes so many in a row and then lets go of them all; what is held is only
 * made, and stays until the program ends. Answers each with a line of JSON: microseconds, of one of them on average. libcuda.so.1
 * is loaded here, so that a machine without CUDA's headers compiles this; the structs are those of cuda.h on 64 bits.
 */
#include <dlfcn.h>
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef unsigned long long u64;

#define MOST 1024

struct memory {
	u64 handle, address;
	int fd;
};

struct location {
	uint32_t type;
	int32_t id;
};
struct properties {
	uint32_t type, handle_types;
	struct location location;
	void *win32;
	struct {
		uint8_t compression, rdma;
		uint16_t usage;
		uint8_t reserved[4];
	} flags;
};
struct access {
	struct location location;
	uint32_t flags;
};

static int (*init)(unsigned), (*count)(int *), (*uuid)(void *, int), (*attribute)(int *, int, int);
static int (*retain)(void **, int), (*current)(void *), (*synchronize)(void), (*fill)(u64, unsigned char, size_t);
static int (*granularity)(size_t *, const struct properties *, unsigned);
static int (*create)(u64 *, size_t, const struct properties *, u64), (*reserve)(u64 *, size_t, size_t, u64, u64);
static int (*map)(u64, size_t, size_t, u64, u64), (*grant)(u64, size_t, const struct access *, size_t);
static int (*dma_buf)(void *, u64, size_t, unsigned, u64), (*shareable)(void *, u64, unsigned, u64);
static int (*unmap)(u64, size_t), (*give_back)(u64, size_t), (*release)(u64);

static const struct {
	void *function;
	const char *name;
} functions[] = {
	{ &init, "cuInit" },
	{ &count, "cuDeviceGetCount" },
	{ &uuid, "cuDeviceGetUuid" },
	{ &attribute, "cuDeviceGetAttribute" },
	{ &retain, "cuDevicePrimaryCtxRetain" },
	{ &current, "cuCtxSetCurrent" },
	{ &synchronize, "cuCtxSynchronize" },
	{ &fill, "cuMemsetD8_v2" },
	{ &granularity, "cuMemGetAllocationGranularity" },
	{ &create, "cuMemCreate" },
	{ &reserve, "cuMemAddressReserve" },
	{ &map, "cuMemMap" },
	{ &grant, "cuMemSetAccess" },
	{ &dma_buf, "cuMemGetHandleForAddressRange" },
	{ &shareable, "cuMemExportToShareableHandle" },
	{ &unmap, "cuMemUnmap" },
	{ &give_back, "cuMemAddressFree" },
	{ &release, "cuMemRelease" },
};

#define CHECK(call) check(#call, call)

static void check(const char *call, int result)
{
	if (result != 0) errx(1, "%s: CUresult %d", call, result);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int find(const char *wanted)
{
	int devices;
	CHECK(count(&devices));
	for (int device = 0; device < devices; device++) {
		unsigned char bytes[16];
		char text[33];
		CHECK(uuid(bytes, device));
		for (int i = 0; i < 16; i++) sprintf(text + 2 * i, "%02x", bytes[i]);
		if (strcmp(text, wanted) == 0) return device;
	}
	errx(1, "CUDA has no device %s", wanted);
}

int main(int argc, char **argv)
{
	if (argc != 2) errx(2, "usage: cuda-memory <device UUID>");
	void *library = dlopen("libcuda.so.1", RTLD_NOW);
	if (library == NULL) errx(1, "%s", dlerror());
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
		void *found = dlsym(library, functions[i].name);
		if (found == NULL) errx(1, "%s", dlerror());
		memcpy(functions[i].function, &found, sizeof found);
	}
	CHECK(init(0));
	int device = find(argv[1]), rdma = 0;
	void *context;
	double begun = now();
	CHECK(retain(&context, device));
	CHECK(current(context));
	double made = now();
	CHECK(attribute(&rdma, 110, device));
	struct properties properties = { .type = 1, .handle_types = 1, .location = { 1, device } };
	properties.flags.rdma = rdma;
	struct access access = { .location = { 1, device }, .flags = 3 };
	size_t granule;
	CHECK(granularity(&granule, &properties, 0));
	printf("{\"context\": %.1f}\n", made - begun);
	fflush(stdout);

	size_t bytes, many;
	char kind[16];
	while (scanf("%zu %15s %zu", &bytes, kind, &many) == 3) {
		if (many < 1 || many > MOST) errx(2, "from 1 to %d", MOST);
		bytes = (bytes + granule - 1) / granule * granule;
		bool held = strcmp(kind, "hold") == 0, as_dma_buf = strcmp(kind, "dma_buf") == 0;
		static struct memory all[MOST];
		double makes = 0, clears = 0, exports = 0, start = now();
		for (size_t i = 0; i < many; i++) {
			struct memory *one = &all[i];
			double t0 = now();
			CHECK(create(&one->handle, bytes, &properties, 0));
			CHECK(reserve(&one->address, bytes, 0, 0, 0));
			CHECK(map(one->address, bytes, 0, one->handle, 0));
			CHECK(grant(one->address, bytes, &access, 1));
			double t1 = now();
			makes += t1 - t0;
			if (held) continue;
			CHECK(fill(one->address, 0, bytes));
			CHECK(synchronize());
			double t2 = now();
			if (as_dma_buf) CHECK(dma_buf(&one->fd, one->address, bytes, 1, 0));
			else CHECK(shareable(&one->fd, one->handle, 1, 0));
			clears += t2 - t1;
			exports += now() - t2;
		}
		double end = now(), let_go = end, closed = end;
		if (!held) {
			for (size_t i = 0; i < many; i++) {
				CHECK(unmap(all[i].address, bytes));
				CHECK(give_back(all[i].address, bytes));
				CHECK(release(all[i].handle));
			}
			let_go = now();
			for (size_t i = 0; i < many; i++) close(all[i].fd);
			closed = now();
		}
		printf("{\"each\": %.1f, \"make\": %.1f, \"clear\": %.1f, \"export\": %.1f, \"letGo\": %.1f, \"close\": %.1f}\n",
		       (end - start) / many, makes / many, clears / many, exports / many, (let_go - end) / many,
		       (closed - let_go) / many);
		fflush(stdout);
	}
	return 0;
}
