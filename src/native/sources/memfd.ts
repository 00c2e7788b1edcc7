/**
 * The memfd source: sealed shared memory for developing clients on a machine that has no exporter
 * of dma_bufs. It is never called a dma_buf: its handle type says memfd, and it is only taken where
 * a request accepts that type.
 *
 * It keeps nothing: the fd, the receiver's, is the memory.
 */
import { BrokerError } from '../../broker/errors.js';
import { type FormatInfo, formatInfo, formats } from '../../broker/formats.js';
import { MOD_LINEAR, modifierText } from '../../broker/fourcc.js';
import type { Allocation, FormatOffer, MemorySource, MemorySpec } from '../../broker/source.js';
import { EMFILE, ENFILE, SystemError } from '../libc/errno.js';
import { sealedMemfd } from '../libc/memory.js';

/** Rows start at multiples of this, as lavapipe and most GPUs want for linear images. */
const STRIDE_ALIGNMENT = 64;
const PAGE = 4096;

const align = (value: number, to: number) => Math.ceil(value / to) * to;

export class MemfdSource implements MemorySource {
  readonly name = 'memfd';
  readonly handleType = 'memfd';

  formats(): readonly FormatOffer[] {
    return formats.filter(isPacked).map(({ code }) => ({
      format: code,
      modifier: MOD_LINEAR,
      planes: 1,
      source: this.name,
      handleType: this.handleType,
      made: 'layout' as const,
    }));
  }

  allocate(spec: MemorySpec, id: string): Allocation {
    const { size, stride } = spec.kind === 'buffer' ? { size: spec.size, stride: 0 } : layout(spec);
    const bytes = align(size, PAGE);
    try {
      return {
        source: this.name,
        handleType: this.handleType,
        key: 0,
        size: bytes,
        modifier: spec.kind === 'image' ? MOD_LINEAR : null,
        planes: [{ fd: sealedMemfd(`dmabroker:${id}`, bytes), offset: 0, stride }],
        exporter: null,
      };
    } catch (error) {
      throw refusal(error, bytes);
    }
  }

  free(_key: number): void {}

  close(): void {}
}

const isPacked = (format: FormatInfo) => !format.ycbcr;

function layout(spec: Extract<MemorySpec, { kind: 'image' }>): { size: number; stride: number } {
  if (!spec.modifiers.includes(MOD_LINEAR)) {
    throw new BrokerError('unsupported_modifier', 'the memfd source has linear images only', {
      constraint: 'modifiers',
      requested: spec.modifiers.map(modifierText),
      possible: [modifierText(MOD_LINEAR)],
    });
  }
  const format = formatInfo(spec.format);
  if (!format || !isPacked(format))
    throw new BrokerError('unsupported_format', 'the memfd source lacks this format');
  const stride = align(spec.width * (format.planes[0]?.bytesPerBlock ?? 0), STRIDE_ALIGNMENT);
  return { size: stride * spec.height, stride };
}

function refusal(error: unknown, bytes: number): unknown {
  if (!(error instanceof SystemError) && !(error instanceof Error && 'code' in error)) return error;
  const requested = { constraint: 'size', requested: bytes };
  if (error instanceof SystemError && (error.errno === EMFILE || error.errno === ENFILE)) {
    return new BrokerError('limit_exceeded', `the daemon is out of file descriptors`, requested);
  }
  return new BrokerError(
    'out_of_memory',
    `no memfd of ${bytes} bytes: ${error.message}`,
    requested,
  );
}
