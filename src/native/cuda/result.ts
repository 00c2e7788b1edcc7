/** What a CUresult means to the broker: the catalogue's code for it, and whether the device is lost with it. */
import { BrokerError, type ErrorCode, type Refusal } from '../../memory/errors.js';

export const CUDA_SUCCESS = 0;

/**
 * `device_lost` of CUDA's. The same GPU may be fine for Vulkan, whose own losses are told apart from it by this
 * class (renewable.ts).
 */
export class CudaLost extends BrokerError {
  constructor(message: string, refusal: Refusal = {}) {
    super('device_lost', message, refusal);
  }
}

const codes: Readonly<Record<number, ErrorCode>> = {
  // CUDA_ERROR_OUT_OF_MEMORY
  2: 'out_of_memory',
};

/**
 * After these no call of the context does anything any more: cuda.h says of most of them that the process is left in
 * an inconsistent state, in which all further work returns the same error; of the others that the device or the
 * context is not there.
 */
const LOST: ReadonlySet<number> = new Set([
  // CUDA_ERROR_DEINITIALIZED, _DEVICE_UNAVAILABLE, _NO_DEVICE, _INVALID_DEVICE
  ...[4, 46, 100, 101],
  // CUDA_ERROR_INVALID_CONTEXT, _ECC_UNCORRECTABLE, _NVLINK_UNCORRECTABLE, _CONTAINED
  ...[201, 214, 220, 226],
  // CUDA_ERROR_ILLEGAL_ADDRESS, _LAUNCH_TIMEOUT, _CONTEXT_IS_DESTROYED, _ASSERT
  ...[700, 702, 709, 710],
  // CUDA_ERROR_HARDWARE_STACK_ERROR, _ILLEGAL_INSTRUCTION, _MISALIGNED_ADDRESS, _INVALID_ADDRESS_SPACE
  ...[714, 715, 716, 717],
  // CUDA_ERROR_INVALID_PC, _LAUNCH_FAILED, _SYSTEM_NOT_READY, _EXTERNAL_DEVICE, _UNKNOWN
  ...[718, 719, 802, 911, 999],
]);

/** A failed call as an error: `internal` for everything that no client can have caused. */
export function cudaError(
  result: number,
  name: string,
  call: string,
  refusal: Refusal = {},
): BrokerError {
  const message = `${call}: ${name}`;
  if (LOST.has(result)) return new CudaLost(message, refusal);
  return new BrokerError(codes[result] ?? 'internal', message, refusal);
}
