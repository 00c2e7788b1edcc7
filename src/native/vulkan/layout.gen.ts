// Written by scripts/generate-vulkan.ts from the Vulkan registry; do not edit.
// Sizes and offsets are bytes in the 64-bit Linux ABI (LP64).

export const VkResult = {
  VK_SUCCESS: 0,
  VK_NOT_READY: 1,
  VK_TIMEOUT: 2,
  VK_EVENT_SET: 3,
  VK_EVENT_RESET: 4,
  VK_INCOMPLETE: 5,
  VK_ERROR_OUT_OF_HOST_MEMORY: -1,
  VK_ERROR_OUT_OF_DEVICE_MEMORY: -2,
  VK_ERROR_INITIALIZATION_FAILED: -3,
  VK_ERROR_DEVICE_LOST: -4,
  VK_ERROR_MEMORY_MAP_FAILED: -5,
  VK_ERROR_LAYER_NOT_PRESENT: -6,
  VK_ERROR_EXTENSION_NOT_PRESENT: -7,
  VK_ERROR_FEATURE_NOT_PRESENT: -8,
  VK_ERROR_INCOMPATIBLE_DRIVER: -9,
  VK_ERROR_TOO_MANY_OBJECTS: -10,
  VK_ERROR_FORMAT_NOT_SUPPORTED: -11,
  VK_ERROR_FRAGMENTED_POOL: -12,
  VK_ERROR_UNKNOWN: -13,
  VK_ERROR_OUT_OF_POOL_MEMORY: -1000069000,
  VK_ERROR_INVALID_EXTERNAL_HANDLE: -1000072003,
  VK_ERROR_FRAGMENTATION: -1000161000,
  VK_ERROR_INVALID_OPAQUE_CAPTURE_ADDRESS: -1000257000,
  VK_PIPELINE_COMPILE_REQUIRED: 1000297000,
  VK_ERROR_SURFACE_LOST_KHR: -1000000000,
  VK_ERROR_NATIVE_WINDOW_IN_USE_KHR: -1000000001,
  VK_SUBOPTIMAL_KHR: 1000001003,
  VK_ERROR_OUT_OF_DATE_KHR: -1000001004,
  VK_ERROR_INCOMPATIBLE_DISPLAY_KHR: -1000003001,
  VK_ERROR_VALIDATION_FAILED_EXT: -1000011001,
  VK_ERROR_INVALID_SHADER_NV: -1000012000,
  VK_ERROR_IMAGE_USAGE_NOT_SUPPORTED_KHR: -1000023000,
  VK_ERROR_VIDEO_PICTURE_LAYOUT_NOT_SUPPORTED_KHR: -1000023001,
  VK_ERROR_VIDEO_PROFILE_OPERATION_NOT_SUPPORTED_KHR: -1000023002,
  VK_ERROR_VIDEO_PROFILE_FORMAT_NOT_SUPPORTED_KHR: -1000023003,
  VK_ERROR_VIDEO_PROFILE_CODEC_NOT_SUPPORTED_KHR: -1000023004,
  VK_ERROR_VIDEO_STD_VERSION_NOT_SUPPORTED_KHR: -1000023005,
  VK_ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT: -1000158000,
  VK_ERROR_NOT_PERMITTED_KHR: -1000174001,
  VK_ERROR_FULL_SCREEN_EXCLUSIVE_MODE_LOST_EXT: -1000255000,
  VK_THREAD_IDLE_KHR: 1000268000,
  VK_THREAD_DONE_KHR: 1000268001,
  VK_OPERATION_DEFERRED_KHR: 1000268002,
  VK_OPERATION_NOT_DEFERRED_KHR: 1000268003,
  VK_ERROR_COMPRESSION_EXHAUSTED_EXT: -1000338000,
} as const;

export const VkFormat = {
  VK_FORMAT_UNDEFINED: 0,
  VK_FORMAT_R8_UNORM: 9,
  VK_FORMAT_R8G8_UNORM: 16,
  VK_FORMAT_R5G6B5_UNORM_PACK16: 4,
  VK_FORMAT_R8G8B8A8_UNORM: 37,
  VK_FORMAT_R8G8B8A8_SRGB: 43,
  VK_FORMAT_B8G8R8A8_UNORM: 44,
  VK_FORMAT_B8G8R8A8_SRGB: 50,
  VK_FORMAT_A2R10G10B10_UNORM_PACK32: 58,
  VK_FORMAT_A2B10G10R10_UNORM_PACK32: 64,
  VK_FORMAT_R16_UNORM: 70,
  VK_FORMAT_R16G16_UNORM: 77,
  VK_FORMAT_R16G16B16A16_UNORM: 91,
  VK_FORMAT_R16G16B16A16_SFLOAT: 97,
  VK_FORMAT_G8B8G8R8_422_UNORM: 1000156000,
  VK_FORMAT_B8G8R8G8_422_UNORM: 1000156001,
  VK_FORMAT_G8_B8R8_2PLANE_420_UNORM: 1000156003,
  VK_FORMAT_G8_B8_R8_3PLANE_420_UNORM: 1000156002,
  VK_FORMAT_G8_B8R8_2PLANE_422_UNORM: 1000156005,
  VK_FORMAT_G10X6_B10X6R10X6_2PLANE_420_UNORM_3PACK16: 1000156013,
  VK_FORMAT_G16_B16R16_2PLANE_420_UNORM: 1000156030,
  VK_FORMAT_B5G6R5_UNORM_PACK16: 5,
  VK_FORMAT_R8G8B8_UNORM: 23,
  VK_FORMAT_B8G8R8_UNORM: 30,
  VK_FORMAT_G8_B8R8_2PLANE_444_UNORM: 1000330000,
  VK_FORMAT_G8_B8_R8_3PLANE_422_UNORM: 1000156004,
  VK_FORMAT_G8_B8_R8_3PLANE_444_UNORM: 1000156006,
  VK_FORMAT_G12X4_B12X4R12X4_2PLANE_420_UNORM_3PACK16: 1000156023,
} as const;

export const VkPhysicalDeviceType = {
  VK_PHYSICAL_DEVICE_TYPE_OTHER: 0,
  VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: 1,
  VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: 2,
  VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU: 3,
  VK_PHYSICAL_DEVICE_TYPE_CPU: 4,
} as const;

export const VkQueueFlagBits = {
  VK_QUEUE_GRAPHICS_BIT: 1,
  VK_QUEUE_COMPUTE_BIT: 2,
  VK_QUEUE_TRANSFER_BIT: 4,
  VK_QUEUE_PROTECTED_BIT: 16,
} as const;

export const VkMemoryPropertyFlagBits = {
  VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT: 1,
  VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT: 2,
  VK_MEMORY_PROPERTY_HOST_COHERENT_BIT: 4,
  VK_MEMORY_PROPERTY_HOST_CACHED_BIT: 8,
  VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT: 16,
  VK_MEMORY_PROPERTY_PROTECTED_BIT: 32,
  VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD: 64,
  VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD: 128,
  VK_MEMORY_PROPERTY_RDMA_CAPABLE_BIT_NV: 256,
} as const;

export const VkMemoryHeapFlagBits = {
  VK_MEMORY_HEAP_DEVICE_LOCAL_BIT: 1,
} as const;

export const VkExternalMemoryHandleTypeFlagBits = {
  VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT: 1,
  VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT: 512,
} as const;

export const VkExternalMemoryFeatureFlagBits = {
  VK_EXTERNAL_MEMORY_FEATURE_DEDICATED_ONLY_BIT: 1,
  VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT: 2,
  VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT: 4,
} as const;

export const VkExternalSemaphoreHandleTypeFlagBits = {
  VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT: 1,
  VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT: 16,
} as const;

export const VkExternalSemaphoreFeatureFlagBits = {
  VK_EXTERNAL_SEMAPHORE_FEATURE_EXPORTABLE_BIT: 1,
  VK_EXTERNAL_SEMAPHORE_FEATURE_IMPORTABLE_BIT: 2,
} as const;

export const VkSemaphoreImportFlagBits = {
  VK_SEMAPHORE_IMPORT_TEMPORARY_BIT: 1,
} as const;

export const VkBufferUsageFlagBits = {
  VK_BUFFER_USAGE_TRANSFER_SRC_BIT: 1,
  VK_BUFFER_USAGE_TRANSFER_DST_BIT: 2,
  VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT: 4,
  VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT: 8,
  VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT: 16,
  VK_BUFFER_USAGE_STORAGE_BUFFER_BIT: 32,
  VK_BUFFER_USAGE_INDEX_BUFFER_BIT: 64,
  VK_BUFFER_USAGE_VERTEX_BUFFER_BIT: 128,
  VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT: 256,
} as const;

export const VkImageUsageFlagBits = {
  VK_IMAGE_USAGE_TRANSFER_SRC_BIT: 1,
  VK_IMAGE_USAGE_TRANSFER_DST_BIT: 2,
  VK_IMAGE_USAGE_SAMPLED_BIT: 4,
  VK_IMAGE_USAGE_STORAGE_BIT: 8,
  VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT: 16,
} as const;

export const VkImageCreateFlagBits = {
  VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT: 8,
  VK_IMAGE_CREATE_ALIAS_BIT: 1024,
  VK_IMAGE_CREATE_DISJOINT_BIT: 512,
} as const;

export const VkFormatFeatureFlagBits = {
  VK_FORMAT_FEATURE_SAMPLED_IMAGE_BIT: 1,
  VK_FORMAT_FEATURE_STORAGE_IMAGE_BIT: 2,
  VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BIT: 128,
  VK_FORMAT_FEATURE_TRANSFER_SRC_BIT: 16384,
  VK_FORMAT_FEATURE_TRANSFER_DST_BIT: 32768,
  VK_FORMAT_FEATURE_DISJOINT_BIT: 4194304,
} as const;

export const VkImageAspectFlagBits = {
  VK_IMAGE_ASPECT_COLOR_BIT: 1,
  VK_IMAGE_ASPECT_PLANE_0_BIT: 16,
  VK_IMAGE_ASPECT_PLANE_1_BIT: 32,
  VK_IMAGE_ASPECT_PLANE_2_BIT: 64,
  VK_IMAGE_ASPECT_MEMORY_PLANE_0_BIT_EXT: 128,
  VK_IMAGE_ASPECT_MEMORY_PLANE_1_BIT_EXT: 256,
  VK_IMAGE_ASPECT_MEMORY_PLANE_2_BIT_EXT: 512,
  VK_IMAGE_ASPECT_MEMORY_PLANE_3_BIT_EXT: 1024,
} as const;

export const VkImageType = {
  VK_IMAGE_TYPE_2D: 1,
} as const;

export const VkImageTiling = {
  VK_IMAGE_TILING_OPTIMAL: 0,
  VK_IMAGE_TILING_LINEAR: 1,
  VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT: 1000158000,
} as const;

export const VkImageLayout = {
  VK_IMAGE_LAYOUT_UNDEFINED: 0,
  VK_IMAGE_LAYOUT_GENERAL: 1,
  VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL: 6,
  VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL: 7,
} as const;

export const VkSampleCountFlagBits = {
  VK_SAMPLE_COUNT_1_BIT: 1,
} as const;

export const VkSharingMode = {
  VK_SHARING_MODE_EXCLUSIVE: 0,
} as const;

export const VkCommandPoolCreateFlagBits = {
  VK_COMMAND_POOL_CREATE_TRANSIENT_BIT: 1,
  VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT: 2,
} as const;

export const VkCommandBufferLevel = {
  VK_COMMAND_BUFFER_LEVEL_PRIMARY: 0,
} as const;

export const VkCommandBufferUsageFlagBits = {
  VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT: 1,
} as const;

export const VkPipelineStageFlagBits = {
  VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT: 1,
  VK_PIPELINE_STAGE_TRANSFER_BIT: 4096,
  VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT: 8192,
  VK_PIPELINE_STAGE_HOST_BIT: 16384,
  VK_PIPELINE_STAGE_ALL_COMMANDS_BIT: 65536,
} as const;

export const VkAccessFlagBits = {
  VK_ACCESS_TRANSFER_READ_BIT: 2048,
  VK_ACCESS_TRANSFER_WRITE_BIT: 4096,
  VK_ACCESS_HOST_READ_BIT: 8192,
  VK_ACCESS_HOST_WRITE_BIT: 16384,
  VK_ACCESS_MEMORY_READ_BIT: 32768,
  VK_ACCESS_MEMORY_WRITE_BIT: 65536,
} as const;

export const constants = {
  VK_WHOLE_SIZE: 18446744073709551615n,
  VK_QUEUE_FAMILY_IGNORED: 4294967295,
  VK_QUEUE_FAMILY_EXTERNAL: 4294967294,
  VK_QUEUE_FAMILY_FOREIGN_EXT: 4294967293,
  VK_MAX_MEMORY_TYPES: 32,
  VK_MAX_MEMORY_HEAPS: 16,
  VK_UUID_SIZE: 16,
} as const;

export const VkApplicationInfo = {
  name: 'VkApplicationInfo', size: 48, align: 8, sType: 0,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    pApplicationName: { offset: 16, kind: 'ptr' },
    applicationVersion: { offset: 24, kind: 'u32' },
    pEngineName: { offset: 32, kind: 'ptr' },
    engineVersion: { offset: 40, kind: 'u32' },
    apiVersion: { offset: 44, kind: 'u32' },
  },
} as const;

export const VkInstanceCreateInfo = {
  name: 'VkInstanceCreateInfo', size: 64, align: 8, sType: 1,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    flags: { offset: 16, kind: 'u32' },
    pApplicationInfo: { offset: 24, kind: 'ptr' },
    enabledLayerCount: { offset: 32, kind: 'u32' },
    ppEnabledLayerNames: { offset: 40, kind: 'ptr' },
    enabledExtensionCount: { offset: 48, kind: 'u32' },
    ppEnabledExtensionNames: { offset: 56, kind: 'ptr' },
  },
} as const;

export const VkExtensionProperties = {
  name: 'VkExtensionProperties', size: 260, align: 4,
  members: {
    extensionName: { offset: 0, kind: 'char', count: 256 },
    specVersion: { offset: 256, kind: 'u32' },
  },
} as const;

export const VkDeviceQueueCreateInfo = {
  name: 'VkDeviceQueueCreateInfo', size: 40, align: 8, sType: 2,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    flags: { offset: 16, kind: 'u32' },
    queueFamilyIndex: { offset: 20, kind: 'u32' },
    queueCount: { offset: 24, kind: 'u32' },
    pQueuePriorities: { offset: 32, kind: 'ptr' },
  },
} as const;

export const VkDeviceCreateInfo = {
  name: 'VkDeviceCreateInfo', size: 72, align: 8, sType: 3,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    flags: { offset: 16, kind: 'u32' },
    queueCreateInfoCount: { offset: 20, kind: 'u32' },
    pQueueCreateInfos: { offset: 24, kind: 'ptr' },
    enabledLayerCount: { offset: 32, kind: 'u32' },
    ppEnabledLayerNames: { offset: 40, kind: 'ptr' },
    enabledExtensionCount: { offset: 48, kind: 'u32' },
    ppEnabledExtensionNames: { offset: 56, kind: 'ptr' },
    pEnabledFeatures: { offset: 64, kind: 'ptr' },
  },
} as const;

export const VkPhysicalDeviceLimits = {
  name: 'VkPhysicalDeviceLimits', size: 504, align: 8,
  members: {
    maxImageDimension1D: { offset: 0, kind: 'u32' },
    maxImageDimension2D: { offset: 4, kind: 'u32' },
    maxImageDimension3D: { offset: 8, kind: 'u32' },
    maxImageDimensionCube: { offset: 12, kind: 'u32' },
    maxImageArrayLayers: { offset: 16, kind: 'u32' },
    maxTexelBufferElements: { offset: 20, kind: 'u32' },
    maxUniformBufferRange: { offset: 24, kind: 'u32' },
    maxStorageBufferRange: { offset: 28, kind: 'u32' },
    maxPushConstantsSize: { offset: 32, kind: 'u32' },
    maxMemoryAllocationCount: { offset: 36, kind: 'u32' },
    maxSamplerAllocationCount: { offset: 40, kind: 'u32' },
    bufferImageGranularity: { offset: 48, kind: 'u64' },
    sparseAddressSpaceSize: { offset: 56, kind: 'u64' },
    maxBoundDescriptorSets: { offset: 64, kind: 'u32' },
    maxPerStageDescriptorSamplers: { offset: 68, kind: 'u32' },
    maxPerStageDescriptorUniformBuffers: { offset: 72, kind: 'u32' },
    maxPerStageDescriptorStorageBuffers: { offset: 76, kind: 'u32' },
    maxPerStageDescriptorSampledImages: { offset: 80, kind: 'u32' },
    maxPerStageDescriptorStorageImages: { offset: 84, kind: 'u32' },
    maxPerStageDescriptorInputAttachments: { offset: 88, kind: 'u32' },
    maxPerStageResources: { offset: 92, kind: 'u32' },
    maxDescriptorSetSamplers: { offset: 96, kind: 'u32' },
    maxDescriptorSetUniformBuffers: { offset: 100, kind: 'u32' },
    maxDescriptorSetUniformBuffersDynamic: { offset: 104, kind: 'u32' },
    maxDescriptorSetStorageBuffers: { offset: 108, kind: 'u32' },
    maxDescriptorSetStorageBuffersDynamic: { offset: 112, kind: 'u32' },
    maxDescriptorSetSampledImages: { offset: 116, kind: 'u32' },
    maxDescriptorSetStorageImages: { offset: 120, kind: 'u32' },
    maxDescriptorSetInputAttachments: { offset: 124, kind: 'u32' },
    maxVertexInputAttributes: { offset: 128, kind: 'u32' },
    maxVertexInputBindings: { offset: 132, kind: 'u32' },
    maxVertexInputAttributeOffset: { offset: 136, kind: 'u32' },
    maxVertexInputBindingStride: { offset: 140, kind: 'u32' },
    maxVertexOutputComponents: { offset: 144, kind: 'u32' },
    maxTessellationGenerationLevel: { offset: 148, kind: 'u32' },
    maxTessellationPatchSize: { offset: 152, kind: 'u32' },
    maxTessellationControlPerVertexInputComponents: { offset: 156, kind: 'u32' },
    maxTessellationControlPerVertexOutputComponents: { offset: 160, kind: 'u32' },
    maxTessellationControlPerPatchOutputComponents: { offset: 164, kind: 'u32' },
    maxTessellationControlTotalOutputComponents: { offset: 168, kind: 'u32' },
    maxTessellationEvaluationInputComponents: { offset: 172, kind: 'u32' },
    maxTessellationEvaluationOutputComponents: { offset: 176, kind: 'u32' },
    maxGeometryShaderInvocations: { offset: 180, kind: 'u32' },
    maxGeometryInputComponents: { offset: 184, kind: 'u32' },
    maxGeometryOutputComponents: { offset: 188, kind: 'u32' },
    maxGeometryOutputVertices: { offset: 192, kind: 'u32' },
    maxGeometryTotalOutputComponents: { offset: 196, kind: 'u32' },
    maxFragmentInputComponents: { offset: 200, kind: 'u32' },
    maxFragmentOutputAttachments: { offset: 204, kind: 'u32' },
    maxFragmentDualSrcAttachments: { offset: 208, kind: 'u32' },
    maxFragmentCombinedOutputResources: { offset: 212, kind: 'u32' },
    maxComputeSharedMemorySize: { offset: 216, kind: 'u32' },
    maxComputeWorkGroupCount: { offset: 220, kind: 'u32', count: 3 },
    maxComputeWorkGroupInvocations: { offset: 232, kind: 'u32' },
    maxComputeWorkGroupSize: { offset: 236, kind: 'u32', count: 3 },
    subPixelPrecisionBits: { offset: 248, kind: 'u32' },
    subTexelPrecisionBits: { offset: 252, kind: 'u32' },
    mipmapPrecisionBits: { offset: 256, kind: 'u32' },
    maxDrawIndexedIndexValue: { offset: 260, kind: 'u32' },
    maxDrawIndirectCount: { offset: 264, kind: 'u32' },
    maxSamplerLodBias: { offset: 268, kind: 'f32' },
    maxSamplerAnisotropy: { offset: 272, kind: 'f32' },
    maxViewports: { offset: 276, kind: 'u32' },
    maxViewportDimensions: { offset: 280, kind: 'u32', count: 2 },
    viewportBoundsRange: { offset: 288, kind: 'f32', count: 2 },
    viewportSubPixelBits: { offset: 296, kind: 'u32' },
    minMemoryMapAlignment: { offset: 304, kind: 'size' },
    minTexelBufferOffsetAlignment: { offset: 312, kind: 'u64' },
    minUniformBufferOffsetAlignment: { offset: 320, kind: 'u64' },
    minStorageBufferOffsetAlignment: { offset: 328, kind: 'u64' },
    minTexelOffset: { offset: 336, kind: 'i32' },
    maxTexelOffset: { offset: 340, kind: 'u32' },
    minTexelGatherOffset: { offset: 344, kind: 'i32' },
    maxTexelGatherOffset: { offset: 348, kind: 'u32' },
    minInterpolationOffset: { offset: 352, kind: 'f32' },
    maxInterpolationOffset: { offset: 356, kind: 'f32' },
    subPixelInterpolationOffsetBits: { offset: 360, kind: 'u32' },
    maxFramebufferWidth: { offset: 364, kind: 'u32' },
    maxFramebufferHeight: { offset: 368, kind: 'u32' },
    maxFramebufferLayers: { offset: 372, kind: 'u32' },
    framebufferColorSampleCounts: { offset: 376, kind: 'u32' },
    framebufferDepthSampleCounts: { offset: 380, kind: 'u32' },
    framebufferStencilSampleCounts: { offset: 384, kind: 'u32' },
    framebufferNoAttachmentsSampleCounts: { offset: 388, kind: 'u32' },
    maxColorAttachments: { offset: 392, kind: 'u32' },
    sampledImageColorSampleCounts: { offset: 396, kind: 'u32' },
    sampledImageIntegerSampleCounts: { offset: 400, kind: 'u32' },
    sampledImageDepthSampleCounts: { offset: 404, kind: 'u32' },
    sampledImageStencilSampleCounts: { offset: 408, kind: 'u32' },
    storageImageSampleCounts: { offset: 412, kind: 'u32' },
    maxSampleMaskWords: { offset: 416, kind: 'u32' },
    timestampComputeAndGraphics: { offset: 420, kind: 'bool' },
    timestampPeriod: { offset: 424, kind: 'f32' },
    maxClipDistances: { offset: 428, kind: 'u32' },
    maxCullDistances: { offset: 432, kind: 'u32' },
    maxCombinedClipAndCullDistances: { offset: 436, kind: 'u32' },
    discreteQueuePriorities: { offset: 440, kind: 'u32' },
    pointSizeRange: { offset: 444, kind: 'f32', count: 2 },
    lineWidthRange: { offset: 452, kind: 'f32', count: 2 },
    pointSizeGranularity: { offset: 460, kind: 'f32' },
    lineWidthGranularity: { offset: 464, kind: 'f32' },
    strictLines: { offset: 468, kind: 'bool' },
    standardSampleLocations: { offset: 472, kind: 'bool' },
    optimalBufferCopyOffsetAlignment: { offset: 480, kind: 'u64' },
    optimalBufferCopyRowPitchAlignment: { offset: 488, kind: 'u64' },
    nonCoherentAtomSize: { offset: 496, kind: 'u64' },
  },
} as const;

export const VkPhysicalDeviceSparseProperties = {
  name: 'VkPhysicalDeviceSparseProperties', size: 20, align: 4,
  members: {
    residencyStandard2DBlockShape: { offset: 0, kind: 'bool' },
    residencyStandard2DMultisampleBlockShape: { offset: 4, kind: 'bool' },
    residencyStandard3DBlockShape: { offset: 8, kind: 'bool' },
    residencyAlignedMipSize: { offset: 12, kind: 'bool' },
    residencyNonResidentStrict: { offset: 16, kind: 'bool' },
  },
} as const;

export const VkPhysicalDeviceProperties = {
  name: 'VkPhysicalDeviceProperties', size: 824, align: 8,
  members: {
    apiVersion: { offset: 0, kind: 'u32' },
    driverVersion: { offset: 4, kind: 'u32' },
    vendorID: { offset: 8, kind: 'u32' },
    deviceID: { offset: 12, kind: 'u32' },
    deviceType: { offset: 16, kind: 'i32' },
    deviceName: { offset: 20, kind: 'char', count: 256 },
    pipelineCacheUUID: { offset: 276, kind: 'u8', count: 16 },
    limits: { offset: 296, kind: 'struct', type: VkPhysicalDeviceLimits },
    sparseProperties: { offset: 800, kind: 'struct', type: VkPhysicalDeviceSparseProperties },
  },
} as const;

export const VkPhysicalDeviceProperties2 = {
  name: 'VkPhysicalDeviceProperties2', size: 840, align: 8, sType: 1000059001,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    properties: { offset: 16, kind: 'struct', type: VkPhysicalDeviceProperties },
  },
} as const;

export const VkPhysicalDeviceIDProperties = {
  name: 'VkPhysicalDeviceIDProperties', size: 64, align: 8, sType: 1000071004,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    deviceUUID: { offset: 16, kind: 'u8', count: 16 },
    driverUUID: { offset: 32, kind: 'u8', count: 16 },
    deviceLUID: { offset: 48, kind: 'u8', count: 8 },
    deviceNodeMask: { offset: 56, kind: 'u32' },
    deviceLUIDValid: { offset: 60, kind: 'bool' },
  },
} as const;

export const VkConformanceVersion = {
  name: 'VkConformanceVersion', size: 4, align: 1,
  members: {
    major: { offset: 0, kind: 'u8' },
    minor: { offset: 1, kind: 'u8' },
    subminor: { offset: 2, kind: 'u8' },
    patch: { offset: 3, kind: 'u8' },
  },
} as const;

export const VkPhysicalDeviceDriverProperties = {
  name: 'VkPhysicalDeviceDriverProperties', size: 536, align: 8, sType: 1000196000,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    driverID: { offset: 16, kind: 'i32' },
    driverName: { offset: 20, kind: 'char', count: 256 },
    driverInfo: { offset: 276, kind: 'char', count: 256 },
    conformanceVersion: { offset: 532, kind: 'struct', type: VkConformanceVersion },
  },
} as const;

export const VkPhysicalDeviceDrmPropertiesEXT = {
  name: 'VkPhysicalDeviceDrmPropertiesEXT', size: 56, align: 8, sType: 1000353000,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    hasPrimary: { offset: 16, kind: 'bool' },
    hasRender: { offset: 20, kind: 'bool' },
    primaryMajor: { offset: 24, kind: 'i64' },
    primaryMinor: { offset: 32, kind: 'i64' },
    renderMajor: { offset: 40, kind: 'i64' },
    renderMinor: { offset: 48, kind: 'i64' },
  },
} as const;

export const VkPhysicalDeviceMaintenance3Properties = {
  name: 'VkPhysicalDeviceMaintenance3Properties', size: 32, align: 8, sType: 1000168000,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    maxPerSetDescriptors: { offset: 16, kind: 'u32' },
    maxMemoryAllocationSize: { offset: 24, kind: 'u64' },
  },
} as const;

export const VkPhysicalDeviceMaintenance4Properties = {
  name: 'VkPhysicalDeviceMaintenance4Properties', size: 24, align: 8, sType: 1000413001,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    maxBufferSize: { offset: 16, kind: 'u64' },
  },
} as const;

export const VkMemoryType = {
  name: 'VkMemoryType', size: 8, align: 4,
  members: {
    propertyFlags: { offset: 0, kind: 'u32' },
    heapIndex: { offset: 4, kind: 'u32' },
  },
} as const;

export const VkMemoryHeap = {
  name: 'VkMemoryHeap', size: 16, align: 8,
  members: {
    size: { offset: 0, kind: 'u64' },
    flags: { offset: 8, kind: 'u32' },
  },
} as const;

export const VkPhysicalDeviceMemoryProperties = {
  name: 'VkPhysicalDeviceMemoryProperties', size: 520, align: 8,
  members: {
    memoryTypeCount: { offset: 0, kind: 'u32' },
    memoryTypes: { offset: 4, kind: 'struct', type: VkMemoryType, count: 32 },
    memoryHeapCount: { offset: 260, kind: 'u32' },
    memoryHeaps: { offset: 264, kind: 'struct', type: VkMemoryHeap, count: 16 },
  },
} as const;

export const VkPhysicalDeviceMemoryProperties2 = {
  name: 'VkPhysicalDeviceMemoryProperties2', size: 536, align: 8, sType: 1000059006,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    memoryProperties: { offset: 16, kind: 'struct', type: VkPhysicalDeviceMemoryProperties },
  },
} as const;

export const VkPhysicalDeviceMemoryBudgetPropertiesEXT = {
  name: 'VkPhysicalDeviceMemoryBudgetPropertiesEXT', size: 272, align: 8, sType: 1000237000,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    heapBudget: { offset: 16, kind: 'u64', count: 16 },
    heapUsage: { offset: 144, kind: 'u64', count: 16 },
  },
} as const;

export const VkExtent3D = {
  name: 'VkExtent3D', size: 12, align: 4,
  members: {
    width: { offset: 0, kind: 'u32' },
    height: { offset: 4, kind: 'u32' },
    depth: { offset: 8, kind: 'u32' },
  },
} as const;

export const VkQueueFamilyProperties = {
  name: 'VkQueueFamilyProperties', size: 24, align: 4,
  members: {
    queueFlags: { offset: 0, kind: 'u32' },
    queueCount: { offset: 4, kind: 'u32' },
    timestampValidBits: { offset: 8, kind: 'u32' },
    minImageTransferGranularity: { offset: 12, kind: 'struct', type: VkExtent3D },
  },
} as const;

export const VkFormatProperties = {
  name: 'VkFormatProperties', size: 12, align: 4,
  members: {
    linearTilingFeatures: { offset: 0, kind: 'u32' },
    optimalTilingFeatures: { offset: 4, kind: 'u32' },
    bufferFeatures: { offset: 8, kind: 'u32' },
  },
} as const;

export const VkFormatProperties2 = {
  name: 'VkFormatProperties2', size: 32, align: 8, sType: 1000059002,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    formatProperties: { offset: 16, kind: 'struct', type: VkFormatProperties },
  },
} as const;

export const VkDrmFormatModifierPropertiesEXT = {
  name: 'VkDrmFormatModifierPropertiesEXT', size: 16, align: 8,
  members: {
    drmFormatModifier: { offset: 0, kind: 'u64' },
    drmFormatModifierPlaneCount: { offset: 8, kind: 'u32' },
    drmFormatModifierTilingFeatures: { offset: 12, kind: 'u32' },
  },
} as const;

export const VkDrmFormatModifierPropertiesListEXT = {
  name: 'VkDrmFormatModifierPropertiesListEXT', size: 32, align: 8, sType: 1000158000,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    drmFormatModifierCount: { offset: 16, kind: 'u32' },
    pDrmFormatModifierProperties: { offset: 24, kind: 'ptr' },
  },
} as const;

export const VkPhysicalDeviceImageFormatInfo2 = {
  name: 'VkPhysicalDeviceImageFormatInfo2', size: 40, align: 8, sType: 1000059004,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    format: { offset: 16, kind: 'i32' },
    type: { offset: 20, kind: 'i32' },
    tiling: { offset: 24, kind: 'i32' },
    usage: { offset: 28, kind: 'u32' },
    flags: { offset: 32, kind: 'u32' },
  },
} as const;

export const VkPhysicalDeviceImageDrmFormatModifierInfoEXT = {
  name: 'VkPhysicalDeviceImageDrmFormatModifierInfoEXT', size: 40, align: 8, sType: 1000158002,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    drmFormatModifier: { offset: 16, kind: 'u64' },
    sharingMode: { offset: 24, kind: 'i32' },
    queueFamilyIndexCount: { offset: 28, kind: 'u32' },
    pQueueFamilyIndices: { offset: 32, kind: 'ptr' },
  },
} as const;

export const VkPhysicalDeviceExternalImageFormatInfo = {
  name: 'VkPhysicalDeviceExternalImageFormatInfo', size: 24, align: 8, sType: 1000071000,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    handleType: { offset: 16, kind: 'i32' },
  },
} as const;

export const VkImageFormatProperties = {
  name: 'VkImageFormatProperties', size: 32, align: 8,
  members: {
    maxExtent: { offset: 0, kind: 'struct', type: VkExtent3D },
    maxMipLevels: { offset: 12, kind: 'u32' },
    maxArrayLayers: { offset: 16, kind: 'u32' },
    sampleCounts: { offset: 20, kind: 'u32' },
    maxResourceSize: { offset: 24, kind: 'u64' },
  },
} as const;

export const VkImageFormatProperties2 = {
  name: 'VkImageFormatProperties2', size: 48, align: 8, sType: 1000059003,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    imageFormatProperties: { offset: 16, kind: 'struct', type: VkImageFormatProperties },
  },
} as const;

export const VkExternalMemoryProperties = {
  name: 'VkExternalMemoryProperties', size: 12, align: 4,
  members: {
    externalMemoryFeatures: { offset: 0, kind: 'u32' },
    exportFromImportedHandleTypes: { offset: 4, kind: 'u32' },
    compatibleHandleTypes: { offset: 8, kind: 'u32' },
  },
} as const;

export const VkExternalImageFormatProperties = {
  name: 'VkExternalImageFormatProperties', size: 32, align: 8, sType: 1000071001,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    externalMemoryProperties: { offset: 16, kind: 'struct', type: VkExternalMemoryProperties },
  },
} as const;

export const VkSamplerYcbcrConversionImageFormatProperties = {
  name: 'VkSamplerYcbcrConversionImageFormatProperties', size: 24, align: 8, sType: 1000156005,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    combinedImageSamplerDescriptorCount: { offset: 16, kind: 'u32' },
  },
} as const;

export const VkImageFormatListCreateInfo = {
  name: 'VkImageFormatListCreateInfo', size: 32, align: 8, sType: 1000147000,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    viewFormatCount: { offset: 16, kind: 'u32' },
    pViewFormats: { offset: 24, kind: 'ptr' },
  },
} as const;

export const VkPhysicalDeviceExternalBufferInfo = {
  name: 'VkPhysicalDeviceExternalBufferInfo', size: 32, align: 8, sType: 1000071002,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    flags: { offset: 16, kind: 'u32' },
    usage: { offset: 20, kind: 'u32' },
    handleType: { offset: 24, kind: 'i32' },
  },
} as const;

export const VkExternalBufferProperties = {
  name: 'VkExternalBufferProperties', size: 32, align: 8, sType: 1000071003,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    externalMemoryProperties: { offset: 16, kind: 'struct', type: VkExternalMemoryProperties },
  },
} as const;

export const VkPhysicalDeviceExternalSemaphoreInfo = {
  name: 'VkPhysicalDeviceExternalSemaphoreInfo', size: 24, align: 8, sType: 1000076000,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    handleType: { offset: 16, kind: 'i32' },
  },
} as const;

export const VkExternalSemaphoreProperties = {
  name: 'VkExternalSemaphoreProperties', size: 32, align: 8, sType: 1000076001,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    exportFromImportedHandleTypes: { offset: 16, kind: 'u32' },
    compatibleHandleTypes: { offset: 20, kind: 'u32' },
    externalSemaphoreFeatures: { offset: 24, kind: 'u32' },
  },
} as const;

export const VkMemoryAllocateInfo = {
  name: 'VkMemoryAllocateInfo', size: 32, align: 8, sType: 5,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    allocationSize: { offset: 16, kind: 'u64' },
    memoryTypeIndex: { offset: 24, kind: 'u32' },
  },
} as const;

export const VkExportMemoryAllocateInfo = {
  name: 'VkExportMemoryAllocateInfo', size: 24, align: 8, sType: 1000072002,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    handleTypes: { offset: 16, kind: 'u32' },
  },
} as const;

export const VkMemoryDedicatedAllocateInfo = {
  name: 'VkMemoryDedicatedAllocateInfo', size: 32, align: 8, sType: 1000127001,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    image: { offset: 16, kind: 'handle' },
    buffer: { offset: 24, kind: 'handle' },
  },
} as const;

export const VkImportMemoryFdInfoKHR = {
  name: 'VkImportMemoryFdInfoKHR', size: 24, align: 8, sType: 1000074000,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    handleType: { offset: 16, kind: 'i32' },
    fd: { offset: 20, kind: 'i32' },
  },
} as const;

export const VkMemoryGetFdInfoKHR = {
  name: 'VkMemoryGetFdInfoKHR', size: 32, align: 8, sType: 1000074002,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    memory: { offset: 16, kind: 'handle' },
    handleType: { offset: 24, kind: 'i32' },
  },
} as const;

export const VkMemoryFdPropertiesKHR = {
  name: 'VkMemoryFdPropertiesKHR', size: 24, align: 8, sType: 1000074001,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    memoryTypeBits: { offset: 16, kind: 'u32' },
  },
} as const;

export const VkMemoryRequirements = {
  name: 'VkMemoryRequirements', size: 24, align: 8,
  members: {
    size: { offset: 0, kind: 'u64' },
    alignment: { offset: 8, kind: 'u64' },
    memoryTypeBits: { offset: 16, kind: 'u32' },
  },
} as const;

export const VkMemoryRequirements2 = {
  name: 'VkMemoryRequirements2', size: 40, align: 8, sType: 1000146003,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    memoryRequirements: { offset: 16, kind: 'struct', type: VkMemoryRequirements },
  },
} as const;

export const VkMemoryDedicatedRequirements = {
  name: 'VkMemoryDedicatedRequirements', size: 24, align: 8, sType: 1000127000,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    prefersDedicatedAllocation: { offset: 16, kind: 'bool' },
    requiresDedicatedAllocation: { offset: 20, kind: 'bool' },
  },
} as const;

export const VkMappedMemoryRange = {
  name: 'VkMappedMemoryRange', size: 40, align: 8, sType: 6,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    memory: { offset: 16, kind: 'handle' },
    offset: { offset: 24, kind: 'u64' },
    size: { offset: 32, kind: 'u64' },
  },
} as const;

export const VkBindBufferMemoryInfo = {
  name: 'VkBindBufferMemoryInfo', size: 40, align: 8, sType: 1000157000,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    buffer: { offset: 16, kind: 'handle' },
    memory: { offset: 24, kind: 'handle' },
    memoryOffset: { offset: 32, kind: 'u64' },
  },
} as const;

export const VkBindImageMemoryInfo = {
  name: 'VkBindImageMemoryInfo', size: 40, align: 8, sType: 1000157001,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    image: { offset: 16, kind: 'handle' },
    memory: { offset: 24, kind: 'handle' },
    memoryOffset: { offset: 32, kind: 'u64' },
  },
} as const;

export const VkBindImagePlaneMemoryInfo = {
  name: 'VkBindImagePlaneMemoryInfo', size: 24, align: 8, sType: 1000156002,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    planeAspect: { offset: 16, kind: 'i32' },
  },
} as const;

export const VkBufferCreateInfo = {
  name: 'VkBufferCreateInfo', size: 56, align: 8, sType: 12,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    flags: { offset: 16, kind: 'u32' },
    size: { offset: 24, kind: 'u64' },
    usage: { offset: 32, kind: 'u32' },
    sharingMode: { offset: 36, kind: 'i32' },
    queueFamilyIndexCount: { offset: 40, kind: 'u32' },
    pQueueFamilyIndices: { offset: 48, kind: 'ptr' },
  },
} as const;

export const VkExternalMemoryBufferCreateInfo = {
  name: 'VkExternalMemoryBufferCreateInfo', size: 24, align: 8, sType: 1000072000,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    handleTypes: { offset: 16, kind: 'u32' },
  },
} as const;

export const VkBufferMemoryRequirementsInfo2 = {
  name: 'VkBufferMemoryRequirementsInfo2', size: 24, align: 8, sType: 1000146000,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    buffer: { offset: 16, kind: 'handle' },
  },
} as const;

export const VkImageCreateInfo = {
  name: 'VkImageCreateInfo', size: 88, align: 8, sType: 14,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    flags: { offset: 16, kind: 'u32' },
    imageType: { offset: 20, kind: 'i32' },
    format: { offset: 24, kind: 'i32' },
    extent: { offset: 28, kind: 'struct', type: VkExtent3D },
    mipLevels: { offset: 40, kind: 'u32' },
    arrayLayers: { offset: 44, kind: 'u32' },
    samples: { offset: 48, kind: 'i32' },
    tiling: { offset: 52, kind: 'i32' },
    usage: { offset: 56, kind: 'u32' },
    sharingMode: { offset: 60, kind: 'i32' },
    queueFamilyIndexCount: { offset: 64, kind: 'u32' },
    pQueueFamilyIndices: { offset: 72, kind: 'ptr' },
    initialLayout: { offset: 80, kind: 'i32' },
  },
} as const;

export const VkExternalMemoryImageCreateInfo = {
  name: 'VkExternalMemoryImageCreateInfo', size: 24, align: 8, sType: 1000072001,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    handleTypes: { offset: 16, kind: 'u32' },
  },
} as const;

export const VkImageDrmFormatModifierListCreateInfoEXT = {
  name: 'VkImageDrmFormatModifierListCreateInfoEXT', size: 32, align: 8, sType: 1000158003,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    drmFormatModifierCount: { offset: 16, kind: 'u32' },
    pDrmFormatModifiers: { offset: 24, kind: 'ptr' },
  },
} as const;

export const VkImageDrmFormatModifierExplicitCreateInfoEXT = {
  name: 'VkImageDrmFormatModifierExplicitCreateInfoEXT', size: 40, align: 8, sType: 1000158004,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    drmFormatModifier: { offset: 16, kind: 'u64' },
    drmFormatModifierPlaneCount: { offset: 24, kind: 'u32' },
    pPlaneLayouts: { offset: 32, kind: 'ptr' },
  },
} as const;

export const VkImageDrmFormatModifierPropertiesEXT = {
  name: 'VkImageDrmFormatModifierPropertiesEXT', size: 24, align: 8, sType: 1000158005,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    drmFormatModifier: { offset: 16, kind: 'u64' },
  },
} as const;

export const VkImageMemoryRequirementsInfo2 = {
  name: 'VkImageMemoryRequirementsInfo2', size: 24, align: 8, sType: 1000146001,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    image: { offset: 16, kind: 'handle' },
  },
} as const;

export const VkImagePlaneMemoryRequirementsInfo = {
  name: 'VkImagePlaneMemoryRequirementsInfo', size: 24, align: 8, sType: 1000156003,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    planeAspect: { offset: 16, kind: 'i32' },
  },
} as const;

export const VkImageSubresource = {
  name: 'VkImageSubresource', size: 12, align: 4,
  members: {
    aspectMask: { offset: 0, kind: 'u32' },
    mipLevel: { offset: 4, kind: 'u32' },
    arrayLayer: { offset: 8, kind: 'u32' },
  },
} as const;

export const VkSubresourceLayout = {
  name: 'VkSubresourceLayout', size: 40, align: 8,
  members: {
    offset: { offset: 0, kind: 'u64' },
    size: { offset: 8, kind: 'u64' },
    rowPitch: { offset: 16, kind: 'u64' },
    arrayPitch: { offset: 24, kind: 'u64' },
    depthPitch: { offset: 32, kind: 'u64' },
  },
} as const;

export const VkCommandPoolCreateInfo = {
  name: 'VkCommandPoolCreateInfo', size: 24, align: 8, sType: 39,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    flags: { offset: 16, kind: 'u32' },
    queueFamilyIndex: { offset: 20, kind: 'u32' },
  },
} as const;

export const VkCommandBufferAllocateInfo = {
  name: 'VkCommandBufferAllocateInfo', size: 32, align: 8, sType: 40,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    commandPool: { offset: 16, kind: 'handle' },
    level: { offset: 24, kind: 'i32' },
    commandBufferCount: { offset: 28, kind: 'u32' },
  },
} as const;

export const VkCommandBufferBeginInfo = {
  name: 'VkCommandBufferBeginInfo', size: 32, align: 8, sType: 42,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    flags: { offset: 16, kind: 'u32' },
    pInheritanceInfo: { offset: 24, kind: 'ptr' },
  },
} as const;

export const VkMemoryBarrier = {
  name: 'VkMemoryBarrier', size: 24, align: 8, sType: 46,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    srcAccessMask: { offset: 16, kind: 'u32' },
    dstAccessMask: { offset: 20, kind: 'u32' },
  },
} as const;

export const VkBufferMemoryBarrier = {
  name: 'VkBufferMemoryBarrier', size: 56, align: 8, sType: 44,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    srcAccessMask: { offset: 16, kind: 'u32' },
    dstAccessMask: { offset: 20, kind: 'u32' },
    srcQueueFamilyIndex: { offset: 24, kind: 'u32' },
    dstQueueFamilyIndex: { offset: 28, kind: 'u32' },
    buffer: { offset: 32, kind: 'handle' },
    offset: { offset: 40, kind: 'u64' },
    size: { offset: 48, kind: 'u64' },
  },
} as const;

export const VkImageSubresourceRange = {
  name: 'VkImageSubresourceRange', size: 20, align: 4,
  members: {
    aspectMask: { offset: 0, kind: 'u32' },
    baseMipLevel: { offset: 4, kind: 'u32' },
    levelCount: { offset: 8, kind: 'u32' },
    baseArrayLayer: { offset: 12, kind: 'u32' },
    layerCount: { offset: 16, kind: 'u32' },
  },
} as const;

export const VkImageMemoryBarrier = {
  name: 'VkImageMemoryBarrier', size: 72, align: 8, sType: 45,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    srcAccessMask: { offset: 16, kind: 'u32' },
    dstAccessMask: { offset: 20, kind: 'u32' },
    oldLayout: { offset: 24, kind: 'i32' },
    newLayout: { offset: 28, kind: 'i32' },
    srcQueueFamilyIndex: { offset: 32, kind: 'u32' },
    dstQueueFamilyIndex: { offset: 36, kind: 'u32' },
    image: { offset: 40, kind: 'handle' },
    subresourceRange: { offset: 48, kind: 'struct', type: VkImageSubresourceRange },
  },
} as const;

export const VkBufferCopy = {
  name: 'VkBufferCopy', size: 24, align: 8,
  members: {
    srcOffset: { offset: 0, kind: 'u64' },
    dstOffset: { offset: 8, kind: 'u64' },
    size: { offset: 16, kind: 'u64' },
  },
} as const;

export const VkImageSubresourceLayers = {
  name: 'VkImageSubresourceLayers', size: 16, align: 4,
  members: {
    aspectMask: { offset: 0, kind: 'u32' },
    mipLevel: { offset: 4, kind: 'u32' },
    baseArrayLayer: { offset: 8, kind: 'u32' },
    layerCount: { offset: 12, kind: 'u32' },
  },
} as const;

export const VkOffset3D = {
  name: 'VkOffset3D', size: 12, align: 4,
  members: {
    x: { offset: 0, kind: 'i32' },
    y: { offset: 4, kind: 'i32' },
    z: { offset: 8, kind: 'i32' },
  },
} as const;

export const VkBufferImageCopy = {
  name: 'VkBufferImageCopy', size: 56, align: 8,
  members: {
    bufferOffset: { offset: 0, kind: 'u64' },
    bufferRowLength: { offset: 8, kind: 'u32' },
    bufferImageHeight: { offset: 12, kind: 'u32' },
    imageSubresource: { offset: 16, kind: 'struct', type: VkImageSubresourceLayers },
    imageOffset: { offset: 32, kind: 'struct', type: VkOffset3D },
    imageExtent: { offset: 44, kind: 'struct', type: VkExtent3D },
  },
} as const;

export const VkImageCopy = {
  name: 'VkImageCopy', size: 68, align: 4,
  members: {
    srcSubresource: { offset: 0, kind: 'struct', type: VkImageSubresourceLayers },
    srcOffset: { offset: 16, kind: 'struct', type: VkOffset3D },
    dstSubresource: { offset: 28, kind: 'struct', type: VkImageSubresourceLayers },
    dstOffset: { offset: 44, kind: 'struct', type: VkOffset3D },
    extent: { offset: 56, kind: 'struct', type: VkExtent3D },
  },
} as const;

export const VkSubmitInfo = {
  name: 'VkSubmitInfo', size: 72, align: 8, sType: 4,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    waitSemaphoreCount: { offset: 16, kind: 'u32' },
    pWaitSemaphores: { offset: 24, kind: 'ptr' },
    pWaitDstStageMask: { offset: 32, kind: 'ptr' },
    commandBufferCount: { offset: 40, kind: 'u32' },
    pCommandBuffers: { offset: 48, kind: 'ptr' },
    signalSemaphoreCount: { offset: 56, kind: 'u32' },
    pSignalSemaphores: { offset: 64, kind: 'ptr' },
  },
} as const;

export const VkFenceCreateInfo = {
  name: 'VkFenceCreateInfo', size: 24, align: 8, sType: 8,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    flags: { offset: 16, kind: 'u32' },
  },
} as const;

export const VkSemaphoreCreateInfo = {
  name: 'VkSemaphoreCreateInfo', size: 24, align: 8, sType: 9,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    flags: { offset: 16, kind: 'u32' },
  },
} as const;

export const VkExportSemaphoreCreateInfo = {
  name: 'VkExportSemaphoreCreateInfo', size: 24, align: 8, sType: 1000077000,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    handleTypes: { offset: 16, kind: 'u32' },
  },
} as const;

export const VkImportSemaphoreFdInfoKHR = {
  name: 'VkImportSemaphoreFdInfoKHR', size: 40, align: 8, sType: 1000079000,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    semaphore: { offset: 16, kind: 'handle' },
    flags: { offset: 24, kind: 'u32' },
    handleType: { offset: 28, kind: 'i32' },
    fd: { offset: 32, kind: 'i32' },
  },
} as const;

export const VkSemaphoreGetFdInfoKHR = {
  name: 'VkSemaphoreGetFdInfoKHR', size: 32, align: 8, sType: 1000079001,
  members: {
    sType: { offset: 0, kind: 'i32' },
    pNext: { offset: 8, kind: 'ptr' },
    semaphore: { offset: 16, kind: 'handle' },
    handleType: { offset: 24, kind: 'i32' },
  },
} as const;

export const enums = {
  VkResult,
  VkFormat,
  VkPhysicalDeviceType,
  VkQueueFlagBits,
  VkMemoryPropertyFlagBits,
  VkMemoryHeapFlagBits,
  VkExternalMemoryHandleTypeFlagBits,
  VkExternalMemoryFeatureFlagBits,
  VkExternalSemaphoreHandleTypeFlagBits,
  VkExternalSemaphoreFeatureFlagBits,
  VkSemaphoreImportFlagBits,
  VkBufferUsageFlagBits,
  VkImageUsageFlagBits,
  VkImageCreateFlagBits,
  VkFormatFeatureFlagBits,
  VkImageAspectFlagBits,
  VkImageType,
  VkImageTiling,
  VkImageLayout,
  VkSampleCountFlagBits,
  VkSharingMode,
  VkCommandPoolCreateFlagBits,
  VkCommandBufferLevel,
  VkCommandBufferUsageFlagBits,
  VkPipelineStageFlagBits,
  VkAccessFlagBits,
} as const;

export const structs = {
  VkApplicationInfo,
  VkInstanceCreateInfo,
  VkExtensionProperties,
  VkDeviceQueueCreateInfo,
  VkDeviceCreateInfo,
  VkPhysicalDeviceLimits,
  VkPhysicalDeviceSparseProperties,
  VkPhysicalDeviceProperties,
  VkPhysicalDeviceProperties2,
  VkPhysicalDeviceIDProperties,
  VkConformanceVersion,
  VkPhysicalDeviceDriverProperties,
  VkPhysicalDeviceDrmPropertiesEXT,
  VkPhysicalDeviceMaintenance3Properties,
  VkPhysicalDeviceMaintenance4Properties,
  VkMemoryType,
  VkMemoryHeap,
  VkPhysicalDeviceMemoryProperties,
  VkPhysicalDeviceMemoryProperties2,
  VkPhysicalDeviceMemoryBudgetPropertiesEXT,
  VkExtent3D,
  VkQueueFamilyProperties,
  VkFormatProperties,
  VkFormatProperties2,
  VkDrmFormatModifierPropertiesEXT,
  VkDrmFormatModifierPropertiesListEXT,
  VkPhysicalDeviceImageFormatInfo2,
  VkPhysicalDeviceImageDrmFormatModifierInfoEXT,
  VkPhysicalDeviceExternalImageFormatInfo,
  VkImageFormatProperties,
  VkImageFormatProperties2,
  VkExternalMemoryProperties,
  VkExternalImageFormatProperties,
  VkSamplerYcbcrConversionImageFormatProperties,
  VkImageFormatListCreateInfo,
  VkPhysicalDeviceExternalBufferInfo,
  VkExternalBufferProperties,
  VkPhysicalDeviceExternalSemaphoreInfo,
  VkExternalSemaphoreProperties,
  VkMemoryAllocateInfo,
  VkExportMemoryAllocateInfo,
  VkMemoryDedicatedAllocateInfo,
  VkImportMemoryFdInfoKHR,
  VkMemoryGetFdInfoKHR,
  VkMemoryFdPropertiesKHR,
  VkMemoryRequirements,
  VkMemoryRequirements2,
  VkMemoryDedicatedRequirements,
  VkMappedMemoryRange,
  VkBindBufferMemoryInfo,
  VkBindImageMemoryInfo,
  VkBindImagePlaneMemoryInfo,
  VkBufferCreateInfo,
  VkExternalMemoryBufferCreateInfo,
  VkBufferMemoryRequirementsInfo2,
  VkImageCreateInfo,
  VkExternalMemoryImageCreateInfo,
  VkImageDrmFormatModifierListCreateInfoEXT,
  VkImageDrmFormatModifierExplicitCreateInfoEXT,
  VkImageDrmFormatModifierPropertiesEXT,
  VkImageMemoryRequirementsInfo2,
  VkImagePlaneMemoryRequirementsInfo,
  VkImageSubresource,
  VkSubresourceLayout,
  VkCommandPoolCreateInfo,
  VkCommandBufferAllocateInfo,
  VkCommandBufferBeginInfo,
  VkMemoryBarrier,
  VkBufferMemoryBarrier,
  VkImageSubresourceRange,
  VkImageMemoryBarrier,
  VkBufferCopy,
  VkImageSubresourceLayers,
  VkOffset3D,
  VkBufferImageCopy,
  VkImageCopy,
  VkSubmitInfo,
  VkFenceCreateInfo,
  VkSemaphoreCreateInfo,
  VkExportSemaphoreCreateInfo,
  VkImportSemaphoreFdInfoKHR,
  VkSemaphoreGetFdInfoKHR,
} as const;
