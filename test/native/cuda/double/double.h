/*
 * libcuda.so.1 as tests have it: the entry points that the daemon calls, with the signatures and structs of cuda.h, over
 * memfds. Its "device addresses" are this process's own, so that memset and memcpy are what they are; a dma_buf is made
 * by /dev/udmabuf, a POSIX file descriptor is the memfd's.
 *
 * Whatever cuda.h forbids is refused, and written to FOLDER/complaints. New memory is full of 0xa5, and what is set is there when it
 * has been waited for: a memset, or a copy within the device, may return before the device has done it ("API synchronization
 * behavior" of CUDA's manual). What is unmapped before that is a complaint.
 *
 *   DMABROKER_CUDA_FOLDER   where it is told what to do, and tells what there is; may be absent
 *     FOLDER/<function>     "RESULT COUNT": the COUNT-th call from now on returns it, after which the file is gone. What
 *                           CUDA calls sticky every call of that context returns from then on, until it is reset.
 *     FOLDER/gone           while it is there, the device is: nothing works, and no context is made
 *     FOLDER/slow           while it is there, to wait for the device takes so many milliseconds
 *     FOLDER/kept           while it is there, memory that is let go of stays in use: another process has it
 *     FOLDER/live           what was not let go of: contexts, handles, reservations, mappings, bytes
 *     FOLDER/complaints
 *   DMABROKER_CUDA_DEVICES  how many there are; 1
 *   DMABROKER_CUDA_UUID     of the first one, 32 digits; the last byte of the others counts up from it
 *   DMABROKER_CUDA_TOTAL    bytes that each has; 1 GiB
 *   DMABROKER_CUDA_LACKS    numbers of attributes that are 0, with commas
 *   DMABROKER_CUDA_INTEGRATED   1: the devices are part of the processor
 *   DMABROKER_CUDA_DRIVER   32 digits: how the Vulkan driver here (Mesa's lavapipe) marks the memfds that it takes as
 *                           OPAQUE_FD; a POSIX file descriptor is one of those then, so that Vulkan imports it
 */
#ifndef DOUBLE_H
#define DOUBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENTRY __attribute__((visibility("default")))

typedef int CUresult;
typedef int CUdevice;
typedef struct context *CUcontext;
typedef unsigned long long CUdeviceptr;
typedef unsigned long long CUmemGenericAllocationHandle;

enum {
  SUCCESS = 0,
  INVALID_VALUE = 1,
  OUT_OF_MEMORY = 2,
  NOT_INITIALIZED = 3,
  NO_DEVICE = 100,
  INVALID_DEVICE = 101,
  INVALID_CONTEXT = 201,
  OPERATING_SYSTEM = 304,
  INVALID_HANDLE = 400,
  ILLEGAL_ADDRESS = 700,
  NOT_SUPPORTED = 801,
  UNKNOWN = 999,
};

enum { MAX_DEVICES = 8, GRANULARITY = 2 << 20, DRIVER_ID = 16 };

/* cuda.h: CUmemLocation, CUmemAllocationProp, CUmemAccessDesc, on 64 bits. */
typedef struct {
  uint32_t type;
  int32_t id;
} CUmemLocation;

typedef struct {
  uint32_t type;
  uint32_t requestedHandleTypes;
  CUmemLocation location;
  void *win32HandleMetaData;
  struct {
    unsigned char compressionType;
    unsigned char gpuDirectRDMACapable;
    unsigned short usage;
    unsigned char reserved[4];
  } allocFlags;
} CUmemAllocationProp;

typedef struct {
  CUmemLocation location;
  uint32_t flags;
} CUmemAccessDesc;

_Static_assert(sizeof(CUmemAllocationProp) == 32, "CUmemAllocationProp");
_Static_assert(offsetof(CUmemAllocationProp, allocFlags.gpuDirectRDMACapable) == 25, "allocFlags");
_Static_assert(sizeof(CUmemAccessDesc) == 12, "CUmemAccessDesc");

struct context {
  CUdevice device;
  int retained;
  /* What every call returns since a sticky error; 0. */
  CUresult sticky;
};

extern struct context contexts[MAX_DEVICES];
extern uint64_t used[MAX_DEVICES];
/* What others have of what was let go of here. */
extern uint64_t kept[MAX_DEVICES];
bool is_kept(void);

/* Of this thread; NULL. */
extern __thread CUcontext current;

/* Takes the one lock of all; what an entry point begins with. Returns what it is to fail with, or SUCCESS. */
CUresult begin(const char *function);
/* Notes what there is, lets go of the lock. */
CUresult end(CUresult result);
/* The same for what needs a context that is current and works. */
CUresult in_context(const char *function);
CUresult complain(const char *function, const char *what);

int device_count(void);
bool has_attribute(int attribute);
uint64_t total(void);
/* Of DMABROKER_CUDA_DRIVER; false: there is none. */
bool driver_id(unsigned char id[DRIVER_ID]);

/* memory.c: for FOLDER/live. */
void count_memory(int *handles, int *reservations, int *mappings);
/* memory.c: the device does what it was given to do. */
void finish(void);
/* memory.c: it does that no more. */
void drop(void);

#endif
