/**
 * The C functions that are called so often that the price of a call counts: they go through Node-API,
 * every other through ffi-rs (door.ts). One that is called for each turn, message, connection, buffer or piece
 * of memory belongs here; what is called at the start or the end alone gains nothing.
 */
export const HOT: ReadonlySet<string> = new Set([
  // Each turn of the data plane.
  ...['dmab_step', 'dmab_epoll', 'dmab_later', 'dmab_later_done'],
  ...['dmab_writer_add', 'dmab_writer_done', 'dmab_writer_failed'],
  // Each message of the client library, of the service manager and between processes.
  ...['dmab_send', 'dmab_receive', 'poll'],
  // Each connection.
  ...['getsockopt', 'syscall'],
  // Each file descriptor or memory that comes or goes.
  ...['close', 'fcntl', 'ioctl', 'statx', 'lseek', 'memfd_create', 'ftruncate'],
  ...['mmap', 'munmap', 'read'],
  ...['inotify_add_watch', 'inotify_rm_watch'],
  // Each piece of memory that is read, written or cleared.
  ...['memcpy', 'memset', 'strnlen', 'dmab_copy', 'dmab_fill'],

  // An allocation, its release and its import.
  ...['vkGetPhysicalDeviceExternalBufferProperties', 'vkGetPhysicalDeviceImageFormatProperties2'],
  ...['vkGetPhysicalDeviceMemoryProperties2'],
  ...['vkCreateBuffer', 'vkGetBufferMemoryRequirements2', 'vkBindBufferMemory', 'vkDestroyBuffer'],
  ...['vkCreateImage', 'vkGetImageMemoryRequirements2', 'vkBindImageMemory', 'vkDestroyImage'],
  ...['vkGetImageDrmFormatModifierPropertiesEXT', 'vkGetImageSubresourceLayout'],
  ...['vkAllocateMemory', 'vkFreeMemory', 'vkGetMemoryFdKHR', 'vkGetMemoryFdPropertiesKHR'],
  // Clearing, reading and writing memory.
  ...['vkMapMemory', 'vkFlushMappedMemoryRanges', 'vkUnmapMemory'],
  ...['vkBeginCommandBuffer', 'vkEndCommandBuffer', 'vkQueueSubmit'],
  ...['vkCmdFillBuffer', 'vkCmdCopyBuffer', 'vkCmdPipelineBarrier'],
  ...['vkWaitForFences', 'vkResetFences', 'vkResetCommandPool'],

  // The same by CUDA.
  ...['cuCtxSetCurrent', 'cuMemGetInfo_v2', 'cuMemCreate', 'cuMemAddressReserve', 'cuMemMap'],
  ...['cuMemSetAccess', 'cuMemGetHandleForAddressRange', 'cuMemExportToShareableHandle'],
  ...['cuMemUnmap', 'cuMemAddressFree', 'cuMemRelease', 'cuMemImportFromShareableHandle'],
  ...['cuMemsetD8_v2', 'cuMemsetD32_v2', 'cuCtxSynchronize'],
  ...['cuMemcpyDtoH_v2', 'cuMemcpyHtoD_v2', 'cuMemcpyDtoD_v2'],
]);
