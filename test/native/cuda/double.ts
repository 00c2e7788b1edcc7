/**
 * The double of libcuda (double/double.h): its file, what a program under test is given to load it, how it is told to
 * fail, and what it says of what it was not given back.
 *
 * Owns: the folder by which it is told, gone at exit.
 */
import { existsSync, mkdtempSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../../src/package-root.js';

const BUILD = join(packageRoot, 'test/native/cuda/double/build');

export const library = join(BUILD, 'libcuda.so.1');

/** CUresults. */
export const OUT_OF_MEMORY = 2;
export const ILLEGAL_ADDRESS = 700;

export interface DoubleOptions {
  readonly devices?: number;
  /** 32 hexadecimal digits. */
  readonly uuid?: string;
  /** Bytes. */
  readonly total?: number;
  /** Numbers of attributes. */
  readonly lacks?: readonly number[];
  /** It is part of the processor. */
  readonly integrated?: boolean;
  /** How the Vulkan driver marks what it takes as OPAQUE_FD (`driverOf`); none: it takes nothing of the double's. */
  readonly driver?: string;
}

/** Of a memfd that lavapipe has exported as OPAQUE_FD (Mesa's util/os_memory_fd.c), for `driver`. */
export function driverOf(opaqueFd: number): string {
  const id = Buffer.alloc(16);
  readSync(opaqueFd, id, 0, id.length, 16);
  return id.toString('hex');
}

/** What was not let go of. */
export interface Live {
  readonly contexts: number;
  readonly handles: number;
  readonly reservations: number;
  readonly mappings: number;
  readonly bytes: number;
}

export const NOTHING: Live = { contexts: 0, handles: 0, reservations: 0, mappings: 0, bytes: 0 };

const folder = mkdtempSync(join(tmpdir(), 'dmabroker-cuda-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

export class CudaDouble {
  readonly #folder: string;

  constructor() {
    if (!existsSync(library)) throw new Error(`run make -C ${join(BUILD, '..')}`);
    this.#folder = mkdtempSync(join(folder, 'double-'));
  }

  /** For this process, before the library is opened by its path. */
  variables({
    devices = 1,
    uuid = '',
    total,
    lacks = [],
    integrated = false,
    driver = '',
  }: DoubleOptions = {}) {
    return {
      DMABROKER_CUDA_FOLDER: this.#folder,
      DMABROKER_CUDA_DEVICES: `${devices}`,
      DMABROKER_CUDA_UUID: uuid,
      DMABROKER_CUDA_TOTAL: total === undefined ? '' : `${total}`,
      DMABROKER_CUDA_LACKS: lacks.join(),
      DMABROKER_CUDA_INTEGRATED: integrated ? '1' : '0',
      DMABROKER_CUDA_DRIVER: driver,
    };
  }

  /** For a program that opens what it finds. */
  environment(options: DoubleOptions = {}): NodeJS.ProcessEnv {
    return { ...process.env, LD_LIBRARY_PATH: BUILD, ...this.variables(options) };
  }

  /** The `count`-th such call from now on answers that. */
  at(call: string, result: number, count = 1): void {
    writeFileSync(join(this.#folder, call), `${result} ${count}`);
  }

  /** Whether what was ordered has come. */
  happened(call: string): boolean {
    return !existsSync(join(this.#folder, call));
  }

  /** From now on the device is not there, or is there again. */
  gone(on: boolean): void {
    if (on) writeFileSync(join(this.#folder, 'gone'), '');
    else rmSync(join(this.#folder, 'gone'), { force: true });
  }

  /** From now on waiting for it takes so long, or no time. */
  slow(milliseconds: number): void {
    if (milliseconds > 0) writeFileSync(join(this.#folder, 'slow'), `${milliseconds}`);
    else rmSync(join(this.#folder, 'slow'), { force: true });
  }

  /** From now on another process has what is let go of here, or has it no more. */
  keeps(on: boolean): void {
    if (on) writeFileSync(join(this.#folder, 'kept'), '');
    else rmSync(join(this.#folder, 'kept'), { force: true });
  }

  get live(): Live {
    const file = join(this.#folder, 'live');
    if (!existsSync(file)) return NOTHING;
    const words = readFileSync(file, 'utf8').trim().split(' ');
    const of = (name: string) => Number(words[words.indexOf(name) + 1]);
    return {
      ...{ contexts: of('contexts'), handles: of('handles'), bytes: of('bytes') },
      ...{ reservations: of('reservations'), mappings: of('mappings') },
    };
  }

  /** Calls that cuda.h forbids. */
  get complaints(): string {
    const file = join(this.#folder, 'complaints');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }
}
