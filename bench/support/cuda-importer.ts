/**
 * CUDA as the importer of an opaque_fd: cuImportExternalMemory of the driver API (libcuda.so.1),
 * whose structs are those of cuda.h of CUDA 10.0 and later on 64 bits.
 *
 * Owns: the process's CUDA context.
 */
import { type Argument, addressOf, callInt, Library } from '../../src/native/ffi.js';
import { duplicate } from '../../src/native/libc/fd.js';
import { type Importer, WINDOW } from './importer.js';

/** CUDA_EXTERNAL_MEMORY_HANDLE_DESC: type, union handle at 8 (16 bytes), size, flags, reserved[16]. */
const HANDLE_DESC = { length: 104, type: 0, fd: 8, size: 24, flags: 32 };
/** CUDA_EXTERNAL_MEMORY_BUFFER_DESC: offset, size, flags, reserved[16]. */
const BUFFER_DESC = { length: 88, offset: 0, size: 8 };
const HANDLE_TYPE_OPAQUE_FD = 1;
const EXTERNAL_MEMORY_DEDICATED = 1;

/** A C variable that a call writes to. */
class Out {
  readonly bytes = Buffer.alloc(16);
  readonly address = addressOf(this.bytes);

  get value(): bigint {
    return this.bytes.readBigUInt64LE();
  }
}

function driver() {
  const library = Library.open('libcuda.so.1');
  return (name: string, ...args: Argument[]) => {
    const result = callInt(library.symbol(name), ...args);
    // CUresult: 0 is CUDA_SUCCESS.
    if (result !== 0) throw new Error(`${name}: CUresult ${result}`);
  };
}

export const importByCuda: Importer = ({ planes, size, vulkan }, deviceUuid) => {
  const cuda = driver();
  const out = new Out();
  cuda('cuInit', 0);
  cuda('cuDeviceGetCount', out.address);
  const count = out.bytes.readInt32LE();
  const device = Array.from({ length: count }, (_, index) => index).find((index) => {
    // A CUdevice is its ordinal. The UUID is VkPhysicalDeviceIDProperties::deviceUUID.
    cuda('cuDeviceGetUuid', out.address, index);
    return out.bytes.toString('hex') === deviceUuid;
  });
  if (device === undefined) throw new Error(`CUDA has no device ${deviceUuid}`);
  cuda('cuDevicePrimaryCtxRetain', out.address, device);
  cuda('cuCtxSetCurrent', out.value);

  const fd = planes[0]?.fd;
  if (fd === undefined || vulkan === null) throw new Error('not an opaque_fd');
  const handle = Buffer.alloc(HANDLE_DESC.length);
  handle.writeUInt32LE(HANDLE_TYPE_OPAQUE_FD, HANDLE_DESC.type);
  // A successful import takes the fd over.
  handle.writeInt32LE(duplicate(fd), HANDLE_DESC.fd);
  handle.writeBigUInt64LE(BigInt(size), HANDLE_DESC.size);
  handle.writeUInt32LE(vulkan.dedicated ? EXTERNAL_MEMORY_DEDICATED : 0, HANDLE_DESC.flags);
  cuda('cuImportExternalMemory', out.address, addressOf(handle));
  const memory = out.value;
  const whole = Buffer.alloc(BUFFER_DESC.length);
  whole.writeBigUInt64LE(BigInt(size), BUFFER_DESC.size);
  cuda('cuExternalMemoryGetMappedBuffer', out.address, memory, addressOf(whole));
  const at = out.value;

  return {
    fill: (value) => {
      cuda('cuMemsetD32_v2', at, value, Math.floor(size / 4));
      cuda('cuCtxSynchronize');
    },
    read: (offset) => {
      const bytes = Buffer.alloc(Math.min(WINDOW, size - offset));
      cuda('cuMemcpyDtoH_v2', addressOf(bytes), at + BigInt(offset), bytes.length);
      return bytes;
    },
    close: () => {
      // "The mapped buffer must be freed using cuMemFree", before the memory.
      cuda('cuMemFree_v2', at);
      cuda('cuDestroyExternalMemory', memory);
      cuda('cuDevicePrimaryCtxRelease_v2', device);
    },
  };
};
