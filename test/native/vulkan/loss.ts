/**
 * Loses the Vulkan device of a program under test, by the layer in loss-layer/: beside what
 * the program loads anyway, and above the validation layer where that is on.
 *
 * Owns: the folder by which the layer is told, gone at exit.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../../src/package-root.js';

const LAYER = join(packageRoot, 'test/native/vulkan/loss-layer');

export type LosableCall =
  | 'vkAllocateMemory'
  | 'vkBindBufferMemory'
  | 'vkBindImageMemory'
  | 'vkGetMemoryFdKHR'
  | 'vkQueueSubmit'
  | 'vkWaitForFences';

export class DeviceLoss {
  readonly #folder = mkdtempSync(join(tmpdir(), 'dmabroker-loss-'));

  constructor() {
    process.once('exit', () => rmSync(this.#folder, { recursive: true, force: true }));
  }

  /**
   * For the program; `driver` hides the driver's name, so that memory is cleared by commands, `node` is the render node that a
   * device is to have.
   */
  environment(
    driver?: string,
    node?: { uuid: string; major: number; minor: number },
  ): NodeJS.ProcessEnv {
    const { VK_INSTANCE_LAYERS: others } = process.env;
    if (!existsSync(join(LAYER, 'build'))) throw new Error(`run make -C ${LAYER}`);
    return {
      ...process.env,
      VK_ADD_LAYER_PATH: LAYER,
      // The first is the nearest to the program.
      VK_INSTANCE_LAYERS: ['VK_LAYER_DMABROKER_loss', ...(others ? [others] : [])].join(':'),
      DMABROKER_LOSS_FOLDER: this.#folder,
      ...(driver === undefined ? {} : { DMABROKER_LOSS_DRIVER: driver }),
      ...(node === undefined
        ? {}
        : { DMABROKER_LOSS_NODE: `${node.uuid} ${node.major}:${node.minor}` }),
    };
  }

  /** The `count`-th such call from now on loses the device. */
  at(call: LosableCall, count = 1): void {
    writeFileSync(join(this.#folder, call), `${count}`);
  }

  /** Whether a loss that was ordered has come. */
  happened(call: LosableCall): boolean {
    return !existsSync(join(this.#folder, call));
  }

  /** From now on no device can be opened, or every one again. */
  refuseDevices(on: boolean): void {
    const file = join(this.#folder, 'vkCreateDevice');
    if (on) writeFileSync(file, '');
    else rmSync(file, { force: true });
  }
}
