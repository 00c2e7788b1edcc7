/* A linear dma_buf of the first Vulkan device, by the calls that src/native/vulkan makes for one. */
#pragma once
#include <stdint.h>

struct vulkan_memory {
	uint64_t buffer, memory;
};

/* Opens the loader, an instance and its first device that exports dma_bufs; ends the program where there is none. */
void vulkan_open(void);

/* Returns the fd, CLOEXEC and the caller's. The objects live until vulkan_free. */
int vulkan_allocate(uint64_t size, struct vulkan_memory *made);

void vulkan_free(struct vulkan_memory *made);
