/*
 * The Vulkan calls of an allocation in C, which the daemon's are measured against: the same ones in the same
 * order (src/native/vulkan/place.ts, memory.ts), and nothing beside them. Nothing is cleared, as there: lavapipe's
 * memory is the kernel's, fresh (src/native/vulkan/zero.ts, isFresh).
 *
 * Owns: the instance and the device, until the process ends.
 */
#define _GNU_SOURCE
#include "vulkan-memory.h"

#include <err.h>

#if __has_include(<vulkan/vulkan.h>)
#define VK_NO_PROTOTYPES
#include <dlfcn.h>
#include <fcntl.h>
#include <vulkan/vulkan.h>

#define HANDLE VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT
/* A non-dispatchable handle is 64 bits on all that Node runs on. */
_Static_assert(sizeof(VkBuffer) == sizeof(uint64_t), "64 bits");

static const VkBufferUsageFlags USAGE = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;

static PFN_vkGetInstanceProcAddr address;
static VkInstance instance;
static VkPhysicalDevice physical;
static VkDevice device;
static VkPhysicalDeviceMemoryProperties memory_types;

static void check(VkResult result, const char *what)
{
	if (result != VK_SUCCESS)
		errx(1, "%s: VkResult %d", what, result);
}

/* Each once: what the daemon keeps too are the addresses (src/native/vulkan/loader.ts). */
#define INSTANCE(name) PFN_##name name = (PFN_##name)address(instance, #name)
#define DEVICE(name)                                                                               \
	static PFN_##name name;                                                                    \
	if (!name)                                                                                 \
	name = (PFN_##name)((PFN_vkGetDeviceProcAddr)address(instance, "vkGetDeviceProcAddr"))(    \
		device, #name)

void vulkan_open(void)
{
	void *loader = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!loader)
		errx(1, "%s", dlerror());
	*(void **)&address = dlsym(loader, "vkGetInstanceProcAddr");
	VkApplicationInfo app = { .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_3 };
	VkInstanceCreateInfo info = { .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app };
	check(((PFN_vkCreateInstance)address(NULL, "vkCreateInstance"))(&info, NULL, &instance), "vkCreateInstance");
	INSTANCE(vkEnumeratePhysicalDevices);
	INSTANCE(vkGetPhysicalDeviceMemoryProperties);
	INSTANCE(vkCreateDevice);
	uint32_t count = 1;
	VkResult found = vkEnumeratePhysicalDevices(instance, &count, &physical);
	if ((found != VK_SUCCESS && found != VK_INCOMPLETE) || count == 0)
		errx(1, "there is no Vulkan device");
	vkGetPhysicalDeviceMemoryProperties(physical, &memory_types);
	static const char *const names[] = {
		VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME,
		VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME,
	};
	float priority = 1;
	VkDeviceQueueCreateInfo queue = { .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
					  .queueCount = 1, .pQueuePriorities = &priority };
	VkDeviceCreateInfo create = { .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
				      .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue,
				      .enabledExtensionCount = 2, .ppEnabledExtensionNames = names };
	check(vkCreateDevice(physical, &create, NULL, &device), "vkCreateDevice");
}

static uint32_t first_type(uint32_t bits, VkMemoryPropertyFlags wanted)
{
	for (uint32_t i = 0; i < memory_types.memoryTypeCount; i++)
		if (bits >> i & 1 && (memory_types.memoryTypes[i].propertyFlags & wanted) == wanted)
			return i;
	return wanted ? first_type(bits, 0) : UINT32_MAX;
}

int vulkan_allocate(uint64_t size, struct vulkan_memory *made)
{
	DEVICE(vkCreateBuffer);
	DEVICE(vkGetBufferMemoryRequirements2);
	DEVICE(vkAllocateMemory);
	DEVICE(vkBindBufferMemory);
	DEVICE(vkGetMemoryFdKHR);
	static PFN_vkGetPhysicalDeviceExternalBufferProperties external;
	if (!external)
		external = (PFN_vkGetPhysicalDeviceExternalBufferProperties)address(
			instance, "vkGetPhysicalDeviceExternalBufferProperties");

	VkPhysicalDeviceExternalBufferInfo asked = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO, .usage = USAGE, .handleType = HANDLE };
	VkExternalBufferProperties support = { .sType = VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES };
	external(physical, &asked, &support);
	VkExternalMemoryFeatureFlags features = support.externalMemoryProperties.externalMemoryFeatures;
	if (!(features & VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT))
		errx(1, "the device exports no dma_buf");

	VkBuffer buffer;
	VkExternalMemoryBufferCreateInfo outside = {
		.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO, .handleTypes = HANDLE };
	VkBufferCreateInfo create = { .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .pNext = &outside,
				      .size = size, .usage = USAGE };
	check(vkCreateBuffer(device, &create, NULL, &buffer), "vkCreateBuffer");

	VkMemoryDedicatedRequirements dedicated = { .sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS };
	VkMemoryRequirements2 needs = { .sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, .pNext = &dedicated };
	VkBufferMemoryRequirementsInfo2 of = { .sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_REQUIREMENTS_INFO_2,
					       .buffer = buffer };
	vkGetBufferMemoryRequirements2(device, &of, &needs);

	VkMemoryDedicatedAllocateInfo alone = { .sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO,
						.buffer = buffer };
	VkExportMemoryAllocateInfo exported = { .sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
						.handleTypes = HANDLE };
	if (features & VK_EXTERNAL_MEMORY_FEATURE_DEDICATED_ONLY_BIT || dedicated.requiresDedicatedAllocation ||
	    dedicated.prefersDedicatedAllocation)
		exported.pNext = &alone;
	VkMemoryAllocateInfo allocate = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .pNext = &exported,
		.allocationSize = (needs.memoryRequirements.size + 4095) & ~(VkDeviceSize)4095,
		.memoryTypeIndex = first_type(needs.memoryRequirements.memoryTypeBits,
					      VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT) };
	VkDeviceMemory memory;
	check(vkAllocateMemory(device, &allocate, NULL, &memory), "vkAllocateMemory");
	check(vkBindBufferMemory(device, buffer, memory, 0), "vkBindBufferMemory");

	int fd;
	VkMemoryGetFdInfoKHR get = { .sType = VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR, .memory = memory,
				     .handleType = HANDLE };
	check(vkGetMemoryFdKHR(device, &get, &fd), "vkGetMemoryFdKHR");
	/* lavapipe returns it without. */
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		err(1, "fcntl");
	made->buffer = (uint64_t)buffer;
	made->memory = (uint64_t)memory;
	return fd;
}

void vulkan_free(struct vulkan_memory *made)
{
	DEVICE(vkDestroyBuffer);
	DEVICE(vkFreeMemory);
	vkDestroyBuffer(device, (VkBuffer)made->buffer, NULL);
	vkFreeMemory(device, (VkDeviceMemory)made->memory, NULL);
	made->buffer = made->memory = 0;
}

#else
void vulkan_open(void)
{
	errx(1, "compiled without Vulkan: install libvulkan-dev");
}
int vulkan_allocate(uint64_t size, struct vulkan_memory *made)
{
	(void)size;
	(void)made;
	return -1;
}
void vulkan_free(struct vulkan_memory *made)
{
	(void)made;
}
#endif
