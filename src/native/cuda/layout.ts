/**
 * The structs and numbers of cuda.h that are in use, as they are on 64 bits. NVIDIA's header is no part of Debian's
 * main archive, so that they are written by hand; test/native/cuda/double.c has them as C declares them, and takes
 * nothing else. What has a `_v2` behind its name is what cuda.h means by the name without.
 */

/** CUmemLocation */
export const CUmemLocation = {
  name: 'CUmemLocation',
  size: 8,
  align: 4,
  members: {
    type: { offset: 0, kind: 'u32' },
    id: { offset: 4, kind: 'i32' },
  },
} as const;

/** CUmemAllocationProp; its `allocFlags` is a struct without a name, of which these are the members in use. */
export const CUmemAllocationProp = {
  name: 'CUmemAllocationProp',
  size: 32,
  align: 8,
  members: {
    type: { offset: 0, kind: 'u32' },
    requestedHandleTypes: { offset: 4, kind: 'u32' },
    location: { offset: 8, kind: 'struct', type: CUmemLocation },
    gpuDirectRDMACapable: { offset: 25, kind: 'u8' },
  },
} as const;

/** CUmemAccessDesc */
export const CUmemAccessDesc = {
  name: 'CUmemAccessDesc',
  size: 12,
  align: 4,
  members: {
    location: { offset: 0, kind: 'struct', type: CUmemLocation },
    flags: { offset: 8, kind: 'u32' },
  },
} as const;

export const CU_MEM_ALLOCATION_TYPE_PINNED = 1;
export const CU_MEM_LOCATION_TYPE_DEVICE = 1;
export const CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR = 1;
export const CU_MEM_ALLOC_GRANULARITY_MINIMUM = 0;
export const CU_MEM_ACCESS_FLAGS_PROT_READWRITE = 3;
export const CU_MEM_RANGE_HANDLE_TYPE_DMA_BUF_FD = 1;

/** CUdevice_attribute, without CU_DEVICE_ATTRIBUTE_ in front. */
export const Attribute = {
  INTEGRATED: 18,
  VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED: 102,
  HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED: 103,
  GPU_DIRECT_RDMA_WITH_CUDA_VMM_SUPPORTED: 110,
  DMA_BUF_SUPPORTED: 124,
} as const;
