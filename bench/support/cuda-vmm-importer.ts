/**
 * CUDA as the importer of its own POSIX file descriptor: cuMemImportFromShareableHandle, as another process's CUDA program
 * does it.
 *
 * Owns: the process's CUDA context.
 */
import { CudaDevice } from '../../src/native/cuda/device.js';
import { Cuda } from '../../src/native/cuda/driver.js';
import { CudaMemory } from '../../src/native/cuda/memory.js';
import { type Importer, WINDOW } from './importer.js';

export const importByCudaVmm: Importer = ({ planes, size }, deviceUuid) => {
  const device = CudaDevice.list(Cuda.open()).find(({ uuid }) => uuid === deviceUuid);
  if (device === undefined) throw new Error(`CUDA has no device ${deviceUuid}`);
  device.enter();
  const memory = CudaMemory.import(device, planes[0]?.fd ?? -1, size);
  return {
    fill: (value) => {
      memory.fill(0, size, value);
      device.synchronize();
    },
    read: (offset) => {
      const bytes = Buffer.alloc(Math.min(WINDOW, size - offset));
      memory.take(offset, bytes);
      return bytes;
    },
    close: () => {
      memory.destroy();
      device.leave(false);
    },
  };
};
