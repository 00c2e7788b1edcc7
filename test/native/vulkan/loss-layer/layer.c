/*
 * A Vulkan layer that loses the device when a test wants it to: between the loader and the driver,
 * so that the program under test is the one that is released.
 *
 * DMABROKER_LOSS_FOLDER names a folder. A file in it with the name of one of the calls below and a
 * number n makes the n-th of these calls from then on, and every later one of that VkDevice, answer
 * VK_ERROR_DEVICE_LOST; the file is removed then. While there is a file vkCreateDevice, no device
 * can be made. DMABROKER_LOSS_DRIVER is told as the driver's name in place of its own: memory of a
 * driver that is not known is cleared by commands. DMABROKER_LOSS_NODE, `UUID MAJOR:MINOR`, gives the device with that UUID a
 * render node, which lavapipe has none of (VK_EXT_physical_device_drm).
 *
 * The calls of a lost device do not reach the driver, except vkDeviceWaitIdle: what was submitted
 * before is executing in earnest.
 */
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

#define EXPORT __attribute__((visibility("default")))
#define MAX 32

/* Dispatchable handles begin with a pointer that all of one instance or device have in common
 * (LoaderLayerInterface.md, "Layer Dispatch Initialization"). */
#define KEY(handle) (*(void **)(handle))

struct instance {
	void *key;
	VkInstance handle;
	PFN_vkGetInstanceProcAddr next;
	/* Looked up while the chain is made: later the loader would answer with the first layer's. */
	PFN_vkGetPhysicalDeviceProperties2 properties;
	PFN_vkEnumerateDeviceExtensionProperties extensions;
	PFN_vkDestroyInstance destroy;
};

struct device {
	void *key;
	VkDevice handle;
	PFN_vkGetDeviceProcAddr next;
	bool lost;
};

static struct instance instances[MAX];
static struct device devices[MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct instance *instance_of(void *handle)
{
	void *key = handle ? KEY(handle) : NULL;
	for (int i = 0; i < MAX; i++)
		if (instances[i].key == key)
			return &instances[i];
	abort();
}

static struct device *device_of(void *handle)
{
	void *key = handle ? KEY(handle) : NULL;
	for (int i = 0; i < MAX; i++)
		if (devices[i].key == key)
			return &devices[i];
	abort();
}

/* ---- what a test wants -------------------------------------------------------------------- */

static bool path_of(const char *call, char path[PATH_MAX])
{
	const char *folder = getenv("DMABROKER_LOSS_FOLDER");
	return folder && snprintf(path, PATH_MAX, "%s/%s", folder, call) < PATH_MAX;
}

/* Whether this is the call that is to lose the device. */
static bool is_due(const char *call)
{
	char path[PATH_MAX];
	int count = 0;
	FILE *file = path_of(call, path) ? fopen(path, "r+") : NULL;
	if (!file)
		return false;
	if (fscanf(file, "%d", &count) == 1 && count > 1) {
		rewind(file);
		fprintf(file, "%-10d", count - 1);
		fclose(file);
		return false;
	}
	fclose(file);
	unlink(path);
	return true;
}

static bool is_lost(struct device *device, const char *call)
{
	pthread_mutex_lock(&lock);
	if (!device->lost && is_due(call))
		device->lost = true;
	bool lost = device->lost;
	pthread_mutex_unlock(&lock);
	return lost;
}

/* ---- the calls ---------------------------------------------------------------------------- */

#define NEXT(device, name) ((PFN_##name)(device)->next((device)->handle, #name))

/* A call of a device or a queue, which is lost or passed on. */
#define LOSABLE(name, parameters, handle, ...)                                                     \
	static VKAPI_ATTR VkResult VKAPI_CALL lose_##name parameters                               \
	{                                                                                          \
		struct device *device = device_of(handle);                                         \
		if (is_lost(device, #name))                                                        \
			return VK_ERROR_DEVICE_LOST;                                               \
		return NEXT(device, name)(handle, __VA_ARGS__);                                    \
	}

LOSABLE(vkAllocateMemory,
	(VkDevice d, const VkMemoryAllocateInfo *info, const VkAllocationCallbacks *callbacks,
	 VkDeviceMemory *memory),
	d, info, callbacks, memory)
LOSABLE(vkGetMemoryFdKHR, (VkDevice d, const VkMemoryGetFdInfoKHR *info, int *fd), d, info, fd)
LOSABLE(vkBindBufferMemory,
	(VkDevice d, VkBuffer buffer, VkDeviceMemory memory, VkDeviceSize offset), d, buffer, memory,
	offset)
LOSABLE(vkBindImageMemory,
	(VkDevice d, VkImage image, VkDeviceMemory memory, VkDeviceSize offset), d, image, memory,
	offset)
LOSABLE(vkQueueSubmit,
	(VkQueue queue, uint32_t count, const VkSubmitInfo *infos, VkFence fence), queue, count,
	infos, fence)
LOSABLE(vkWaitForFences,
	(VkDevice d, uint32_t count, const VkFence *fences, VkBool32 all, uint64_t timeout), d, count,
	fences, all, timeout)

static VKAPI_ATTR VkResult VKAPI_CALL lose_vkDeviceWaitIdle(VkDevice handle)
{
	struct device *device = device_of(handle);
	VkResult result = NEXT(device, vkDeviceWaitIdle)(handle);
	return is_lost(device, "vkDeviceWaitIdle") ? VK_ERROR_DEVICE_LOST : result;
}

static VKAPI_ATTR void VKAPI_CALL lose_vkDestroyDevice(VkDevice handle,
						       const VkAllocationCallbacks *callbacks)
{
	if (!handle)
		return;
	struct device *device = device_of(handle);
	PFN_vkDestroyDevice next = NEXT(device, vkDestroyDevice);
	pthread_mutex_lock(&lock);
	device->key = NULL;
	pthread_mutex_unlock(&lock);
	next(handle, callbacks);
}

/* Whether the device is the one that is to have a node. */
static bool has_node(VkPhysicalDevice physical, int64_t *major, int64_t *minor)
{
	const char *wanted = getenv("DMABROKER_LOSS_NODE");
	VkPhysicalDeviceIDProperties id = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES };
	VkPhysicalDeviceProperties2 all = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
					    .pNext = &id };
	char uuid[2 * VK_UUID_SIZE + 1], found[2 * VK_UUID_SIZE + 1];
	long numbers[2];

	if (!wanted || sscanf(wanted, "%32s %ld:%ld", uuid, &numbers[0], &numbers[1]) != 3)
		return false;
	instance_of(physical)->properties(physical, &all);
	for (size_t i = 0; i < VK_UUID_SIZE; i++)
		snprintf(found + 2 * i, 3, "%02x", id.deviceUUID[i]);
	*major = numbers[0];
	*minor = numbers[1];
	return strcmp(uuid, found) == 0;
}

static VKAPI_ATTR VkResult VKAPI_CALL lose_vkEnumerateDeviceExtensionProperties(
	VkPhysicalDevice physical, const char *layer, uint32_t *count, VkExtensionProperties *list)
{
	PFN_vkEnumerateDeviceExtensionProperties next = instance_of(physical)->extensions;
	int64_t major, minor;
	uint32_t room = *count;
	VkResult result;

	if (layer || !has_node(physical, &major, &minor))
		return next(physical, layer, count, list);
	if (list && room > 0)
		*count = room - 1;
	result = next(physical, NULL, count, list);
	if (result != VK_SUCCESS)
		return result;
	if (list && room == 0)
		return VK_INCOMPLETE;
	if (list)
		list[*count] = (VkExtensionProperties){ VK_EXT_PHYSICAL_DEVICE_DRM_EXTENSION_NAME, 1 };
	++*count;
	return result;
}

static VKAPI_ATTR void VKAPI_CALL lose_vkGetPhysicalDeviceProperties2(
	VkPhysicalDevice physical, VkPhysicalDeviceProperties2 *properties)
{
	struct instance *instance = instance_of(physical);
	const char *driver = getenv("DMABROKER_LOSS_DRIVER");
	int64_t major, minor;
	bool node = has_node(physical, &major, &minor);
	instance->properties(physical, properties);
	for (VkBaseOutStructure *s = properties->pNext; s; s = s->pNext) {
		if (driver && s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES) {
			VkPhysicalDeviceDriverProperties *found = (VkPhysicalDeviceDriverProperties *)s;
			snprintf(found->driverName, sizeof found->driverName, "%s", driver);
		}
		if (node && s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRM_PROPERTIES_EXT) {
			VkPhysicalDeviceDrmPropertiesEXT *found = (VkPhysicalDeviceDrmPropertiesEXT *)s;
			found->hasPrimary = VK_FALSE;
			found->hasRender = VK_TRUE;
			found->renderMajor = major;
			found->renderMinor = minor;
		}
	}
}

/* ---- instance and device ------------------------------------------------------------------ */

static VKAPI_ATTR VkResult VKAPI_CALL lose_vkCreateInstance(const VkInstanceCreateInfo *info,
							    const VkAllocationCallbacks *callbacks,
							    VkInstance *handle)
{
	VkLayerInstanceCreateInfo *link = (VkLayerInstanceCreateInfo *)info->pNext;
	while (link && !(link->sType == VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO &&
			 link->function == VK_LAYER_LINK_INFO))
		link = (VkLayerInstanceCreateInfo *)link->pNext;
	if (!link)
		return VK_ERROR_INITIALIZATION_FAILED;
	PFN_vkGetInstanceProcAddr next = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
	link->u.pLayerInfo = link->u.pLayerInfo->pNext;
	VkResult result =
		((PFN_vkCreateInstance)next(NULL, "vkCreateInstance"))(info, callbacks, handle);
	if (result != VK_SUCCESS)
		return result;
	pthread_mutex_lock(&lock);
	*instance_of(NULL) = (struct instance){
		.key = KEY(*handle),
		.handle = *handle,
		.next = next,
		.properties = (PFN_vkGetPhysicalDeviceProperties2)next(
			*handle, "vkGetPhysicalDeviceProperties2"),
		.extensions = (PFN_vkEnumerateDeviceExtensionProperties)next(
			*handle, "vkEnumerateDeviceExtensionProperties"),
		.destroy = (PFN_vkDestroyInstance)next(*handle, "vkDestroyInstance"),
	};
	pthread_mutex_unlock(&lock);
	return result;
}

static VKAPI_ATTR void VKAPI_CALL lose_vkDestroyInstance(VkInstance handle,
							 const VkAllocationCallbacks *callbacks)
{
	if (!handle)
		return;
	struct instance *instance = instance_of(handle);
	PFN_vkDestroyInstance destroy = instance->destroy;
	pthread_mutex_lock(&lock);
	instance->key = NULL;
	pthread_mutex_unlock(&lock);
	destroy(handle, callbacks);
}

static VKAPI_ATTR VkResult VKAPI_CALL lose_vkCreateDevice(VkPhysicalDevice physical,
							  const VkDeviceCreateInfo *info,
							  const VkAllocationCallbacks *callbacks,
							  VkDevice *handle)
{
	char path[PATH_MAX];
	if (path_of("vkCreateDevice", path) && access(path, F_OK) == 0)
		return VK_ERROR_INITIALIZATION_FAILED;
	VkLayerDeviceCreateInfo *link = (VkLayerDeviceCreateInfo *)info->pNext;
	while (link && !(link->sType == VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO &&
			 link->function == VK_LAYER_LINK_INFO))
		link = (VkLayerDeviceCreateInfo *)link->pNext;
	if (!link)
		return VK_ERROR_INITIALIZATION_FAILED;
	struct instance *instance = instance_of(physical);
	PFN_vkGetDeviceProcAddr next = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
	PFN_vkCreateDevice create = (PFN_vkCreateDevice)link->u.pLayerInfo
					    ->pfnNextGetInstanceProcAddr(instance->handle,
									 "vkCreateDevice");
	link->u.pLayerInfo = link->u.pLayerInfo->pNext;
	/* The driver does not know what it is said to have. */
	VkDeviceCreateInfo passed = *info;
	const char *names[128];
	int64_t major, minor;
	if (has_node(physical, &major, &minor) && info->enabledExtensionCount <= 128) {
		passed.enabledExtensionCount = 0;
		passed.ppEnabledExtensionNames = names;
		for (uint32_t i = 0; i < info->enabledExtensionCount; i++) {
			const char *name = info->ppEnabledExtensionNames[i];
			if (strcmp(name, VK_EXT_PHYSICAL_DEVICE_DRM_EXTENSION_NAME) != 0)
				names[passed.enabledExtensionCount++] = name;
		}
	}
	VkResult result = create(physical, &passed, callbacks, handle);
	if (result != VK_SUCCESS)
		return result;
	pthread_mutex_lock(&lock);
	*device_of(NULL) = (struct device){ .key = KEY(*handle), .handle = *handle, .next = next };
	pthread_mutex_unlock(&lock);
	return result;
}

/* ---- how the loader finds all this ---------------------------------------------------------- */

#define OWN(name) { #name, (PFN_vkVoidFunction)lose_##name }

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL lose_vkGetInstanceProcAddr(VkInstance, const char *);
static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL lose_vkGetDeviceProcAddr(VkDevice, const char *);

static PFN_vkVoidFunction own(const char *name)
{
	static const struct {
		const char *name;
		PFN_vkVoidFunction function;
	} functions[] = {
		OWN(vkGetInstanceProcAddr), OWN(vkGetDeviceProcAddr),
		OWN(vkCreateInstance),	    OWN(vkDestroyInstance),
		OWN(vkCreateDevice),	    OWN(vkDestroyDevice),
		OWN(vkAllocateMemory),	    OWN(vkGetMemoryFdKHR),
		OWN(vkBindBufferMemory),    OWN(vkBindImageMemory),
		OWN(vkQueueSubmit),	    OWN(vkWaitForFences),
		OWN(vkDeviceWaitIdle),	    OWN(vkGetPhysicalDeviceProperties2),
		OWN(vkEnumerateDeviceExtensionProperties),
	};
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
		if (strcmp(functions[i].name, name) == 0)
			return functions[i].function;
	return NULL;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL lose_vkGetInstanceProcAddr(VkInstance handle,
									   const char *name)
{
	PFN_vkVoidFunction function = own(name);
	if (function || !handle)
		return function;
	return instance_of(handle)->next(handle, name);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL lose_vkGetDeviceProcAddr(VkDevice handle,
									 const char *name)
{
	struct device *device = device_of(handle);
	PFN_vkVoidFunction next = device->next(handle, name);
	PFN_vkVoidFunction function = own(name);
	/* What the device does not have (an extension's function), the layer does not have, either. */
	return next && function ? function : next;
}

EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *negotiated)
{
	if (negotiated->loaderLayerInterfaceVersion < 2)
		return VK_ERROR_INITIALIZATION_FAILED;
	negotiated->loaderLayerInterfaceVersion = 2;
	negotiated->pfnGetInstanceProcAddr = lose_vkGetInstanceProcAddr;
	negotiated->pfnGetDeviceProcAddr = lose_vkGetDeviceProcAddr;
	negotiated->pfnGetPhysicalDeviceProcAddr = NULL;
	return VK_SUCCESS;
}
