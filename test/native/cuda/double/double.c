/* Devices and contexts of the double, and how it is told to fail; see double.h. */
#define _GNU_SOURCE
#include "double.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool initialized;
struct context contexts[MAX_DEVICES];
uint64_t used[MAX_DEVICES];
uint64_t kept[MAX_DEVICES];
__thread CUcontext current;

static const char *setting(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value != NULL && *value != 0 ? value : otherwise;
}

int device_count(void) {
  int count = atoi(setting("DMABROKER_CUDA_DEVICES", "1"));
  return count < MAX_DEVICES ? count : MAX_DEVICES;
}

uint64_t total(void) { return strtoull(setting("DMABROKER_CUDA_TOTAL", "1073741824"), NULL, 10); }

bool has_attribute(int attribute) {
  char list[256], wanted[16];
  snprintf(list, sizeof list, ",%s,", setting("DMABROKER_CUDA_LACKS", ""));
  snprintf(wanted, sizeof wanted, ",%d,", attribute);
  return strstr(list, wanted) == NULL;
}

bool driver_id(unsigned char id[DRIVER_ID]) {
  const char *text = setting("DMABROKER_CUDA_DRIVER", "");
  if (strlen(text) != 2 * DRIVER_ID) return false;
  for (int i = 0; i < DRIVER_ID; i++) {
    unsigned byte = 0;
    if (sscanf(text + 2 * i, "%2x", &byte) != 1) return false;
    id[i] = byte;
  }
  return true;
}

/* A file of the folder; false where there is no folder. */
static bool path_of(const char *file, char *path, size_t size) {
  const char *folder = getenv("DMABROKER_CUDA_FOLDER");
  if (folder == NULL) return false;
  snprintf(path, size, "%s/%s", folder, file);
  return true;
}

static void write_file(const char *file, int flags, const char *text) {
  char path[4096];
  if (!path_of(file, path, sizeof path)) return;
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666);
  if (fd < 0) return;
  if (write(fd, text, strlen(text)) < 0) abort();
  close(fd);
}

CUresult complain(const char *function, const char *what) {
  char line[512];
  snprintf(line, sizeof line, "%s: %s\n", function, what);
  write_file("complaints", O_APPEND, line);
  return INVALID_VALUE;
}

/* What the function is told to return. */
static CUresult ordered(const char *function) {
  char path[4096];
  if (!path_of("gone", path, sizeof path)) return SUCCESS;
  if (access(path, F_OK) == 0) return UNKNOWN;
  path_of(function, path, sizeof path);
  FILE *file = fopen(path, "re");
  if (file == NULL) return SUCCESS;
  int result = 0, count = 1;
  int read = fscanf(file, "%d %d", &result, &count);
  fclose(file);
  if (read < 1) return SUCCESS;
  if (count <= 1) {
    unlink(path);
    return result;
  }
  char text[64];
  snprintf(text, sizeof text, "%d %d", result, count - 1);
  write_file(function, O_TRUNC, text);
  return SUCCESS;
}

bool is_kept(void) {
  char path[4096];
  return path_of("kept", path, sizeof path) && access(path, F_OK) == 0;
}

static bool is_sticky(CUresult result) { return result == 214 || result >= 700; }

CUresult begin(const char *function) {
  pthread_mutex_lock(&lock);
  CUresult result = ordered(function);
  if (result != SUCCESS && result != NOT_SUPPORTED && is_sticky(result) && current != NULL) {
    current->sticky = result;
    drop();
  }
  if (result == SUCCESS && !initialized && strcmp(function, "cuInit") != 0) result = NOT_INITIALIZED;
  return result;
}

CUresult in_context(const char *function) {
  CUresult result = begin(function);
  if (result != SUCCESS) return result;
  if (current == NULL || current->retained == 0) {
    complain(function, "no context is current");
    return INVALID_CONTEXT;
  }
  return current->sticky;
}

CUresult end(CUresult result) {
  int handles, reservations, mappings, retained = 0;
  uint64_t bytes = 0;
  count_memory(&handles, &reservations, &mappings);
  for (int i = 0; i < MAX_DEVICES; i++) {
    retained += contexts[i].retained;
    bytes += used[i];
  }
  char text[256];
  snprintf(text, sizeof text, "contexts %d handles %d reservations %d mappings %d bytes %llu\n", retained,
           handles, reservations, mappings, (unsigned long long)bytes);
  static char last[sizeof text];
  if (strcmp(last, text) != 0) write_file("live", O_TRUNC, strcpy(last, text));
  pthread_mutex_unlock(&lock);
  return result;
}

static bool is_device(CUdevice device) { return device >= 0 && device < device_count(); }

ENTRY CUresult cuInit(unsigned flags) {
  CUresult result = begin("cuInit");
  if (result == SUCCESS && flags != 0) result = complain("cuInit", "flags");
  if (result == SUCCESS && device_count() == 0) result = NO_DEVICE;
  if (result == SUCCESS) initialized = true;
  return end(result);
}

ENTRY CUresult cuGetErrorName(CUresult result, const char **name) {
  *name = result == INVALID_VALUE     ? "CUDA_ERROR_INVALID_VALUE"
          : result == OUT_OF_MEMORY   ? "CUDA_ERROR_OUT_OF_MEMORY"
          : result == NO_DEVICE       ? "CUDA_ERROR_NO_DEVICE"
          : result == INVALID_CONTEXT ? "CUDA_ERROR_INVALID_CONTEXT"
          : result == ILLEGAL_ADDRESS ? "CUDA_ERROR_ILLEGAL_ADDRESS"
          : result == NOT_SUPPORTED   ? "CUDA_ERROR_NOT_SUPPORTED"
          : result == UNKNOWN         ? "CUDA_ERROR_UNKNOWN"
                                      : NULL;
  return *name == NULL ? INVALID_VALUE : SUCCESS;
}

ENTRY CUresult cuDeviceGetCount(int *count) {
  CUresult result = begin("cuDeviceGetCount");
  *count = device_count();
  return end(result);
}

ENTRY CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  CUresult result = begin("cuDeviceGet");
  if (result == SUCCESS && !is_device(ordinal)) result = complain("cuDeviceGet", "ordinal");
  *device = ordinal;
  return end(result);
}

ENTRY CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
  CUresult result = begin("cuDeviceGetName");
  if (result == SUCCESS && (length < 32 || !is_device(device)))
    result = complain("cuDeviceGetName", "length or device");
  if (result == SUCCESS) snprintf(name, length, "Double %d", device);
  return end(result);
}

ENTRY CUresult cuDeviceGetUuid(unsigned char *uuid, CUdevice device) {
  CUresult result = begin("cuDeviceGetUuid");
  if (result == SUCCESS && !is_device(device)) result = complain("cuDeviceGetUuid", "device");
  const char *text = setting("DMABROKER_CUDA_UUID", "0123456789abcdef0123456789abcdef");
  for (int i = 0; i < 16; i++) {
    unsigned byte = 0;
    if (sscanf(text + 2 * i, "%2x", &byte) != 1) result = complain("cuDeviceGetUuid", text);
    uuid[i] = byte;
  }
  uuid[15] += device;
  return end(result);
}

ENTRY CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
  CUresult result = begin("cuDeviceTotalMem_v2");
  if (result == SUCCESS && !is_device(device)) result = complain("cuDeviceTotalMem_v2", "device");
  *bytes = total();
  return end(result);
}

ENTRY CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
  CUresult result = begin("cuDeviceGetAttribute");
  const int integrated = 18, known[] = {integrated, 102, 103, 110, 124};
  bool found = false;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) found |= known[i] == attribute;
  if (result == SUCCESS && (!found || !is_device(device)))
    result = complain("cuDeviceGetAttribute", "attribute or device");
  *value = attribute == integrated ? *setting("DMABROKER_CUDA_INTEGRATED", "0") == '1' : has_attribute(attribute);
  return end(result);
}

ENTRY CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  CUresult result = begin("cuDevicePrimaryCtxRetain");
  if (result == SUCCESS && !is_device(device)) result = complain("cuDevicePrimaryCtxRetain", "device");
  if (result == SUCCESS) {
    *context = &contexts[device];
    (*context)->device = device;
    (*context)->retained++;
    result = (*context)->sticky;
  }
  return end(result);
}

ENTRY CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  CUresult result = begin("cuDevicePrimaryCtxRelease_v2");
  /* Whatever else there is to say: a reference is let go of. */
  if (!is_device(device) || contexts[device].retained == 0)
    return end(complain("cuDevicePrimaryCtxRelease_v2", "it was not retained"));
  /* With the last one the context is destroyed. */
  if (--contexts[device].retained == 0) {
    contexts[device].sticky = SUCCESS;
    if (current == &contexts[device]) current = NULL;
  }
  return end(result);
}

ENTRY CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
  CUresult result = begin("cuDevicePrimaryCtxReset_v2");
  if (is_device(device)) contexts[device].sticky = SUCCESS;
  return end(result);
}

ENTRY CUresult cuCtxSetCurrent(CUcontext context) {
  CUresult result = begin("cuCtxSetCurrent");
  if (result == SUCCESS && context != NULL && context->retained == 0) {
    complain("cuCtxSetCurrent", "no such context");
    result = INVALID_CONTEXT;
  }
  if (result == SUCCESS) current = context;
  return end(result);
}

ENTRY CUresult cuCtxGetCurrent(CUcontext *context) {
  CUresult result = begin("cuCtxGetCurrent");
  *context = current;
  return end(result);
}

/* As long as the device is told to take. */
static void take_its_time(void) {
  char path[4096];
  if (!path_of("slow", path, sizeof path)) return;
  FILE *file = fopen(path, "re");
  if (file == NULL) return;
  int milliseconds = 0;
  if (fscanf(file, "%d", &milliseconds) == 1) usleep(1000 * milliseconds);
  fclose(file);
}

ENTRY CUresult cuCtxSynchronize(void) {
  CUresult result = in_context("cuCtxSynchronize");
  if (result == SUCCESS) take_its_time();
  if (result == SUCCESS) finish();
  return end(result);
}

ENTRY CUresult cuMemGetInfo_v2(size_t *left, size_t *all) {
  CUresult result = in_context("cuMemGetInfo_v2");
  if (result == SUCCESS) {
    *all = total();
    if (!is_kept()) kept[current->device] = 0;
    *left = total() - used[current->device] - kept[current->device];
  }
  return end(result);
}
