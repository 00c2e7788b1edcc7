/**
 * The machine's Vulkan devices, as far as a request may name one. The main device's sources are
 * offered to everybody; another device is opened when a request first names it, and then serves those
 * that do. Pure: opening comes in from outside.
 */

import type { DeviceState, SourceTable } from '../memory/device.js';
import { BrokerError } from '../memory/errors.js';
import type { Done } from '../memory/result.js';

/** Answers later, exactly once. */
export type OpenDevice = (uuid: string, done: Done<DeviceState>) => void;

type Ready = (error: BrokerError | null) => void;

export class Devices {
  readonly #states = new Map<string, DeviceState>();
  readonly #own = new Map<string, number>();
  /** Who waits for a device to be opened. */
  readonly #opening = new Map<string, Ready[]>();

  constructor(
    private readonly open: OpenDevice,
    states: readonly DeviceState[] = [],
  ) {
    this.update(states);
  }

  /** They have changed: one was opened, lost or made anew. */
  update(states: readonly DeviceState[]): void {
    for (const state of states) {
      this.#states.set(state.uuid, state);
      // One that was lost had it, and will have it again.
      if (state.ownBytes) this.#own.set(state.uuid, state.ownBytes);
    }
  }

  /** Of each device that has memory of its own, how much: bytes, by UUID. */
  get own(): ReadonlyMap<string, number> {
    return this.#own;
  }

  /**
   * Opens a device, if that is not done. `done` is called once, at once where it needs no opening;
   * with `unsupported_device` where there is no such device or it cannot be used.
   */
  ready(uuid: string, done: Ready): void {
    const state = this.#states.get(uuid);
    if (state === undefined || state.table !== null || state.problem !== null) {
      done(state?.table ? null : this.#refusal(uuid));
      return;
    }
    const waiting = this.#opening.get(uuid);
    if (waiting !== undefined) {
      waiting.push(done);
      return;
    }
    const all = [done];
    this.#opening.set(uuid, all);
    this.open(uuid, (result) => {
      this.#opening.delete(uuid);
      if (!('error' in result)) this.update([result]);
      const error =
        'error' in result ? result.error : result.table === null ? this.#refusal(uuid) : null;
      for (const each of all) each(error);
    });
  }

  /** What can be had of a device. Throws `unsupported_device` where it is not open. */
  table(uuid: string): SourceTable {
    const table = this.#states.get(uuid)?.table;
    if (!table) throw this.#refusal(uuid);
    return table;
  }

  #refusal(uuid: string): BrokerError {
    const state = this.#states.get(uuid);
    const others = [...this.#states.values()].filter((each) => each !== state);
    const text = others.map((each) => `${each.name} (${each.uuid})`).join('; ') || 'none';
    const message =
      state === undefined
        ? `no Vulkan device has the UUID ${uuid}; there are: ${text}`
        : `${state.name} cannot be used: ${state.problem ?? 'it is not open'}`;
    return new BrokerError('unsupported_device', message, {
      constraint: 'device',
      requested: uuid,
      possible: others.filter(({ problem }) => problem === null).map((each) => each.uuid),
    });
  }
}
