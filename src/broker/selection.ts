/**
 * What a request may be served from: the sources and offers of the device that it names, as far as the
 * policy lets its owner have them.
 */

import type { DeviceState, SourceTable } from '../memory/device.js';
import { BrokerError } from '../memory/errors.js';
import { asRefusal, attempt } from '../memory/result.js';
import { type FormatOffer, isCalled, type SourceName, type SourceState } from '../memory/source.js';
import { Aliases } from './aliases.js';
import { Alike } from './alike.js';
import type { Owner } from './buffer.js';
import { Devices, type OpenDevice } from './devices.js';
import type { Displays } from './displays.js';
import { type Fallback, fallbackOf } from './falling-back.js';
import { denied, Policy } from './policy.js';
import {
  type AllocationRequest,
  type CheckedRequest,
  type Choice,
  chooseSource,
} from './request.js';
import type { PartialPeer } from './who.js';

/** What comes of a request that may name a device. */
interface Admission {
  /** Throws where the owner may not use the device. */
  check(): void;
  refuse(error: BrokerError): void;
  go(): void;
}

export class Selection {
  readonly #devices: Devices;
  readonly #alike = new Alike();
  #aliases: Aliases;
  /** Who may do what; nobody is refused anything until one is set. */
  policy = new Policy(null);
  /** What is taken where a heap has no more (falling-back.ts); nothing until it is set. */
  chain: readonly SourceName[] = [];

  /** The main device's sources and offers; others' come when they are opened. */
  constructor(
    public sources: readonly SourceState[],
    public offers: readonly FormatOffer[],
    openDevice: OpenDevice,
    devices: readonly DeviceState[],
    readonly displays: Displays,
  ) {
    this.#devices = new Devices(openDevice, devices);
    this.#aliases = new Aliases(sources);
  }

  /** Of each device that has memory of its own, how much. */
  get own(): ReadonlyMap<string, number> {
    return this.#devices.own;
  }

  /** What can be had has changed: a device was lost, or is there again. */
  update(
    sources: readonly SourceState[],
    offers: readonly FormatOffer[],
    devices: readonly DeviceState[],
  ): void {
    this.sources = sources;
    this.offers = offers;
    this.#aliases = new Aliases(sources);
    this.#devices.update(devices);
  }

  /**
   * Calls `go` when the device that a request names is open, at once where none is named; `refuse`
   * where `check` throws, where it cannot be opened, or where the owner's connection has gone meanwhile.
   */
  onDevice({ client }: Owner, device: string | undefined, { check, refuse, go }: Admission): void {
    if (device === undefined) {
      go();
      return;
    }
    try {
      check();
    } catch (error) {
      refuse(asRefusal(error));
      return;
    }
    this.#devices.ready(device, (error) => {
      if (error !== null) refuse(error);
      else if (client?.connected === false) refuse(connectionGone());
      else go();
    });
  }

  /**
   * Throws `permission_denied` where only the policy stands in the way. `anyway`: whatever displays have refused.
   */
  choose({ peer }: Owner, request: CheckedRequest, anyway = false): Choice {
    const { device } = request;
    const { sources, offers }: SourceTable =
      device === undefined ? this : this.#devices.table(device);
    const permitted = this.policy.permitted(peer, sources);
    this.policy.checkPlacement(peer, request);
    try {
      const refused = anyway ? undefined : this.displays.refused(request);
      const choice = chooseSource(request, permitted, offers, refused);
      return choice.memory === undefined ? this.#alike.choice(choice) : choice;
    } catch (error) {
      if (permitted.length === sources.length) throw error;
      const source = sourceOrNull(request, { sources, offers });
      // What else is wrong is told in terms of what somebody may have.
      if (source === null) throw error;
      throw denied('sources', source, [...new Set(permitted.map(({ name }) => name))]);
    }
  }

  /** What a request is served from where the source that was chosen refused it; null: nothing. */
  fallback(
    owner: Owner,
    request: CheckedRequest,
    source: SourceName,
    error: BrokerError,
  ): Fallback | null {
    const { sources = [] } = request;
    const named = { ...request, sources: this.#aliases.namesOf(sources) };
    const chain = this.#aliases.namesOf(this.chain);
    const found = fallbackOf(named, source, error, chain, (other) => this.choose(owner, other));
    return found && { ...found, asked: request };
  }

  /** A request that names none of the sources that the policy forbids. */
  permittedRequest(peer: PartialPeer, request: AllocationRequest): AllocationRequest {
    const { sources = [] } = request;
    const known = (name: string) => this.sources.find((source) => isCalled(source, name));
    const isPermitted = (name: string) =>
      this.policy.permitted(peer, [known(name) ?? { name }]).length > 0;
    return { ...request, sources: sources.filter(isPermitted) };
  }

  /** Nobody opens a device whose memory is not for them. */
  checkVulkan({ peer }: Owner): void {
    if (this.policy.permitted(peer, [{ name: 'vulkan' }, { name: 'cuda' }]).length > 0) return;
    const permitted = this.policy.permitted(peer, this.sources);
    throw denied('sources', 'vulkan', [...new Set(permitted.map(({ name }) => name))]);
  }
}

export function connectionGone(): BrokerError {
  return new BrokerError('not_found', 'the connection has gone');
}

/** The source of a request that no policy stands in the way of. */
function sourceOrNull(request: CheckedRequest, { sources, offers }: SourceTable): string | null {
  const choice = attempt(() => chooseSource(request, sources, offers));
  return 'error' in choice ? null : choice.source;
}
