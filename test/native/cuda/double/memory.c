/* Memory of the double: handles, ranges of addresses, mappings, what is exported; see double.h. */
#define _GNU_SOURCE
#include "double.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX = 4096 };

/*
 * What Mesa's util/os_memory_fd.c has at the start of a memfd that it exports as OPAQUE_FD; the offset of the memory is
 * once more right before that. Here it has a whole granule, so that what is mapped is aligned.
 */
struct header {
  size_t size;
  size_t offset;
  unsigned char driver[DRIVER_ID];
};

/* Where the memory begins in its file. */
static size_t start(void) {
  unsigned char id[DRIVER_ID];
  return driver_id(id) ? GRANULARITY : 0;
}

static bool write_header(int fd, size_t size) {
  struct header header = {.size = size + GRANULARITY, .offset = GRANULARITY};
  if (!driver_id(header.driver)) return true;
  const off_t before = GRANULARITY - sizeof header.offset;
  return pwrite(fd, &header, sizeof header, 0) == sizeof header &&
         pwrite(fd, &header.offset, sizeof header.offset, before) == sizeof header.offset;
}

/* A handle; its memory is there until it was let go of and is mapped nowhere. */
static struct allocation {
  bool held;
  int mapped;
  int fd;
  size_t size;
  CUdevice device;
} allocations[MAX];

/* A range of addresses. */
static struct range {
  CUdeviceptr address;
  size_t size;
  /* Into `allocations`; -1. */
  int allocation;
  bool accessible;
} ranges[MAX];

void count_memory(int *handles, int *reservations, int *mappings) {
  *handles = *reservations = *mappings = 0;
  for (int i = 0; i < MAX; i++) {
    *handles += allocations[i].held;
    *reservations += ranges[i].address != 0;
    *mappings += ranges[i].address != 0 && ranges[i].allocation >= 0;
  }
}

static struct allocation *unused(void) {
  for (int i = 0; i < MAX; i++)
    if (!allocations[i].held && allocations[i].mapped == 0) return &allocations[i];
  return NULL;
}

/* Handles are numbers that are no index, and above 32 bits. */
static CUmemGenericAllocationHandle handle_of(const struct allocation *allocation) {
  return 0x100000000ull + (CUmemGenericAllocationHandle)(allocation - allocations);
}

static struct allocation *allocation_of(CUmemGenericAllocationHandle handle) {
  CUmemGenericAllocationHandle index = handle - 0x100000000ull;
  return index < MAX && allocations[index].held ? &allocations[index] : NULL;
}

static void let_go(struct allocation *allocation) {
  if (allocation->held || allocation->mapped > 0) return;
  close(allocation->fd);
  used[allocation->device] -= allocation->size;
  if (is_kept()) kept[allocation->device] += allocation->size;
}

static struct range *range_at(CUdeviceptr address) {
  for (int i = 0; i < MAX; i++)
    if (ranges[i].address != 0 && ranges[i].address == address) return &ranges[i];
  return NULL;
}

/* The range that all the bytes lie in, if they can be used in the current context. */
static struct range *usable(CUdeviceptr address, size_t size) {
  for (int i = 0; i < MAX; i++) {
    struct range *range = &ranges[i];
    if (range->address == 0 || address < range->address) continue;
    if (size > range->size || address - range->address > range->size - size) continue;
    if (range->allocation < 0 || !range->accessible) return NULL;
    return allocations[range->allocation].device == current->device ? range : NULL;
  }
  return NULL;
}

static const char *wrong(const CUmemAllocationProp *prop) {
  if (prop->type != 1) return "type is not PINNED";
  if (prop->requestedHandleTypes != 1) return "requestedHandleTypes is not POSIX_FILE_DESCRIPTOR";
  if (prop->location.type != 1) return "location is no device";
  if (prop->location.id < 0 || prop->location.id >= device_count()) return "no such device";
  if (prop->win32HandleMetaData != NULL) return "win32HandleMetaData";
  if (prop->allocFlags.compressionType != 0 || prop->allocFlags.usage != 0) return "allocFlags";
  if (prop->allocFlags.gpuDirectRDMACapable > 1) return "gpuDirectRDMACapable";
  if (prop->allocFlags.gpuDirectRDMACapable == 1 && !has_attribute(110)) return "no RDMA here";
  for (int i = 0; i < 4; i++)
    if (prop->allocFlags.reserved[i] != 0) return "reserved";
  return NULL;
}

ENTRY CUresult cuMemGetAllocationGranularity(size_t *granularity, const CUmemAllocationProp *prop,
                                             unsigned option) {
  const char *function = "cuMemGetAllocationGranularity";
  CUresult result = begin(function);
  if (result == SUCCESS && option > 1) result = complain(function, "option");
  if (result == SUCCESS && wrong(prop) != NULL) result = complain(function, wrong(prop));
  *granularity = GRANULARITY;
  return end(result);
}

static bool fill(int fd, size_t size) {
  unsigned char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, start());
  if (bytes == MAP_FAILED) return false;
  memset(bytes, 0xa5, size);
  munmap(bytes, size);
  return true;
}

ENTRY CUresult cuMemCreate(CUmemGenericAllocationHandle *handle, size_t size, const CUmemAllocationProp *prop,
                           unsigned long long flags) {
  const char *function = "cuMemCreate";
  CUresult result = begin(function);
  if (result == SUCCESS && (flags != 0 || size == 0 || size % GRANULARITY != 0))
    result = complain(function, "flags or size");
  if (result == SUCCESS && wrong(prop) != NULL) result = complain(function, wrong(prop));
  if (result != SUCCESS) return end(result);
  CUdevice device = prop->location.id;
  struct allocation *made = unused();
  if (made == NULL || size > total() - used[device]) return end(OUT_OF_MEMORY);
  int fd = memfd_create("cuda-double", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return end(OPERATING_SYSTEM);
  /* udmabuf takes no memfd that could shrink. */
  if (ftruncate(fd, start() + size) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0 || !write_header(fd, size) ||
      !fill(fd, size)) {
    close(fd);
    return end(OUT_OF_MEMORY);
  }
  *made = (struct allocation){.held = true, .fd = fd, .size = size, .device = device};
  used[device] += size;
  *handle = handle_of(made);
  return end(SUCCESS);
}

ENTRY CUresult cuMemRelease(CUmemGenericAllocationHandle handle) {
  CUresult result = begin("cuMemRelease");
  struct allocation *allocation = allocation_of(handle);
  if (allocation == NULL) return end(complain("cuMemRelease", "no such handle"));
  allocation->held = false;
  let_go(allocation);
  return end(result);
}

ENTRY CUresult cuMemAddressReserve(CUdeviceptr *address, size_t size, size_t alignment, CUdeviceptr wanted,
                                   unsigned long long flags) {
  const char *function = "cuMemAddressReserve";
  CUresult result = begin(function);
  if (result == SUCCESS && (size == 0 || size % GRANULARITY != 0 || wanted != 0 || flags != 0 || alignment != 0))
    result = complain(function, "size, alignment, address or flags");
  if (result != SUCCESS) return end(result);
  for (int i = 0; i < MAX; i++) {
    if (ranges[i].address != 0) continue;
    void *at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) break;
    ranges[i] = (struct range){.address = (uintptr_t)at, .size = size, .allocation = -1};
    *address = ranges[i].address;
    return end(SUCCESS);
  }
  return end(OUT_OF_MEMORY);
}

ENTRY CUresult cuMemAddressFree(CUdeviceptr address, size_t size) {
  CUresult result = begin("cuMemAddressFree");
  struct range *range = range_at(address);
  if (range == NULL || range->size != size || range->allocation >= 0)
    return end(complain("cuMemAddressFree", "no such range, or it is mapped"));
  munmap((void *)(uintptr_t)address, size);
  *range = (struct range){0};
  return end(result);
}

ENTRY CUresult cuMemMap(CUdeviceptr address, size_t size, size_t offset, CUmemGenericAllocationHandle handle,
                        unsigned long long flags) {
  CUresult result = begin("cuMemMap");
  struct range *range = range_at(address);
  struct allocation *allocation = allocation_of(handle);
  if (result == SUCCESS && (range == NULL || range->allocation >= 0 || range->size != size))
    result = complain("cuMemMap", "no such range");
  if (result == SUCCESS && (allocation == NULL || allocation->size != size || offset != 0 || flags != 0))
    result = complain("cuMemMap", "handle, size, offset or flags");
  if (result != SUCCESS) return end(result);
  void *at = (void *)(uintptr_t)address;
  if (mmap(at, size, PROT_NONE, MAP_SHARED | MAP_FIXED, allocation->fd, start()) == MAP_FAILED) return end(OUT_OF_MEMORY);
  range->allocation = allocation - allocations;
  allocation->mapped++;
  return end(SUCCESS);
}

/* The last memset, or copy by the device, while nobody has waited for it. */
static struct {
  uint32_t *words;
  /* NULL: a memset, of `value`. */
  const uint32_t *from;
  /* In bytes; 0: there is none. */
  size_t size;
  uint32_t value;
} begun;

void finish(void) {
  if (begun.from != NULL) memmove(begun.words, begun.from, begun.size);
  else
    for (size_t i = 0; i < begun.size / 4; i++) begun.words[i] = begun.value;
  drop();
}

void drop(void) {
  begun.size = 0;
  begun.from = NULL;
}

/* Whether the device has still to do something there. */
static bool is_busy(const struct range *range) {
  const uintptr_t to = (uintptr_t)begun.words, from = (uintptr_t)begun.from;
  return begun.size > 0 && (to - range->address < range->size || from - range->address < range->size);
}

ENTRY CUresult cuMemUnmap(CUdeviceptr address, size_t size) {
  CUresult result = begin("cuMemUnmap");
  struct range *range = range_at(address);
  if (range == NULL || range->allocation < 0 || range->size != size)
    return end(complain("cuMemUnmap", "no such mapping"));
  if (is_busy(range)) complain("cuMemUnmap", "nobody has waited for what was begun there");
  finish();
  void *at = (void *)(uintptr_t)address;
  mmap(at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  struct allocation *allocation = &allocations[range->allocation];
  range->allocation = -1;
  range->accessible = false;
  allocation->mapped--;
  let_go(allocation);
  return end(result);
}

ENTRY CUresult cuMemSetAccess(CUdeviceptr address, size_t size, const CUmemAccessDesc *access, size_t count) {
  CUresult result = begin("cuMemSetAccess");
  struct range *range = range_at(address);
  if (result == SUCCESS && (range == NULL || range->allocation < 0 || range->size != size))
    result = complain("cuMemSetAccess", "no such mapping");
  if (result == SUCCESS && (count != 1 || access->location.type != 1 || access->flags != 3 ||
                            access->location.id != allocations[range->allocation].device))
    result = complain("cuMemSetAccess", "location, flags or count");
  if (result != SUCCESS) return end(result);
  mprotect((void *)(uintptr_t)address, size, PROT_READ | PROT_WRITE);
  range->accessible = true;
  return end(SUCCESS);
}

ENTRY CUresult cuMemGetHandleForAddressRange(void *handle, CUdeviceptr address, size_t size, unsigned type,
                                             unsigned long long flags) {
  const char *function = "cuMemGetHandleForAddressRange";
  CUresult result = in_context(function);
  if (result != SUCCESS) return end(result);
  if (type != 1 || flags != 0 || size == 0 || (address | size) % 4096 != 0)
    return end(complain(function, "type, flags, address or size"));
  struct range *range = usable(address, size);
  if (range == NULL) return end(complain(function, "not mapped, or not accessible"));
  if (!has_attribute(124)) return end(NOT_SUPPORTED);
  int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
  if (device < 0) return end(errno == ENOENT ? NOT_SUPPORTED : OPERATING_SYSTEM);
  /* Not CLOEXEC: no driver is obliged to set it. */
  struct udmabuf_create create = {
      .memfd = allocations[range->allocation].fd, .offset = start() + address - range->address, .size = size};
  int fd = ioctl(device, UDMABUF_CREATE, &create);
  close(device);
  if (fd < 0) return end(OPERATING_SYSTEM);
  *(int *)handle = fd;
  return end(SUCCESS);
}

ENTRY CUresult cuMemExportToShareableHandle(void *shareable, CUmemGenericAllocationHandle handle, unsigned type,
                                            unsigned long long flags) {
  const char *function = "cuMemExportToShareableHandle";
  CUresult result = begin(function);
  struct allocation *allocation = allocation_of(handle);
  if (result == SUCCESS && (allocation == NULL || type != 1 || flags != 0))
    result = complain(function, "handle, type or flags");
  if (result != SUCCESS) return end(result);
  int fd = fcntl(allocation->fd, F_DUPFD, 3);
  if (fd < 0) return end(OPERATING_SYSTEM);
  *(int *)shareable = fd;
  return end(SUCCESS);
}

ENTRY CUresult cuMemImportFromShareableHandle(CUmemGenericAllocationHandle *handle, void *shareable, unsigned type) {
  const char *function = "cuMemImportFromShareableHandle";
  CUresult result = begin(function);
  struct stat found;
  int fd = (int)(intptr_t)shareable;
  if (result == SUCCESS && (type != 1 || fstat(fd, &found) < 0 || found.st_size % GRANULARITY != 0 ||
                            (size_t)found.st_size <= start()))
    result = complain(function, "type or fd");
  if (result != SUCCESS) return end(result);
  struct allocation *made = unused();
  if (made == NULL) return end(OUT_OF_MEMORY);
  int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (own < 0) return end(OPERATING_SYSTEM);
  CUdevice device = current == NULL ? 0 : current->device;
  *made = (struct allocation){.held = true, .fd = own, .size = found.st_size - start(), .device = device};
  used[device] += made->size;
  *handle = handle_of(made);
  return end(SUCCESS);
}

/* The daemon sets whole words alone, in one stream: what was begun before is done before. */
static CUresult set(CUdeviceptr address, uint32_t value, size_t count) {
  finish();
  begun.words = (uint32_t *)(uintptr_t)address;
  begun.value = value;
  begun.size = 4 * count;
  return SUCCESS;
}

ENTRY CUresult cuMemsetD8_v2(CUdeviceptr address, unsigned char value, size_t count) {
  CUresult result = in_context("cuMemsetD8_v2");
  if (result == SUCCESS && usable(address, count) == NULL) result = complain("cuMemsetD8_v2", "range");
  return end(result == SUCCESS ? set(address, value * 0x01010101u, count / 4) : result);
}

ENTRY CUresult cuMemsetD32_v2(CUdeviceptr address, unsigned value, size_t count) {
  CUresult result = in_context("cuMemsetD32_v2");
  if (result == SUCCESS && (address % 4 != 0 || usable(address, 4 * count) == NULL))
    result = complain("cuMemsetD32_v2", "range");
  return end(result == SUCCESS ? set(address, value, count) : result);
}

static CUresult copy(const char *function, CUdeviceptr device, size_t size, void *to, const void *from) {
  CUresult result = in_context(function);
  if (result == SUCCESS && usable(device, size) == NULL) result = complain(function, "range");
  finish();
  if (result == SUCCESS) memcpy(to, from, size);
  return end(result);
}

ENTRY CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t size) {
  return copy("cuMemcpyDtoH_v2", from, size, to, (const void *)(uintptr_t)from);
}

ENTRY CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t size) {
  return copy("cuMemcpyHtoD_v2", to, size, (void *)(uintptr_t)to, from);
}

ENTRY CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t size) {
  CUresult result = in_context("cuMemcpyDtoD_v2");
  if (result == SUCCESS && (usable(to, size) == NULL || usable(from, size) == NULL))
    result = complain("cuMemcpyDtoD_v2", "range");
  if (result != SUCCESS) return end(result);
  finish();
  begun.words = (uint32_t *)(uintptr_t)to;
  begun.from = (const uint32_t *)(uintptr_t)from;
  begun.size = size;
  return end(SUCCESS);
}
