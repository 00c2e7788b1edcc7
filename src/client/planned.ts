/** dmabroker_test_v1 as the client hears it: what an allocation would be. */
import type { PlanePlace } from '../memory/plane.js';
import type { HandleType } from '../memory/source.js';
import { type UsageName, usageNames } from '../memory/usage.js';
import { dmabroker_test_v1 } from '../protocol/dmabroker-v1.gen.js';
import { join64, size64 } from '../protocol/wire.js';
import type { CallOptions } from './call-options.js';
import { handleTypesOf, type OrUnknown } from './enums.js';
import { Refusals } from './refusal.js';
import { ConnectionError, type WireClient } from './wire-client.js';

/** What would be allocated. */
export interface Planned {
  readonly handleType: OrUnknown<HandleType>;
  /** All that it would be, where it is to be several. */
  readonly handleTypes: readonly HandleType[];
  readonly source: string;
  /** Bytes of memory; the kernel may round up. */
  readonly size: number;
  /** Null for linear memory. */
  readonly modifier: bigint | null;
  /** Bytes of each. */
  readonly memories: readonly { readonly size: number }[];
  readonly planes: readonly PlanePlace[];
  readonly unverifiedUsage: readonly UsageName[];
}

/** Creates the object, sends the request that it answers, and waits for done or failed. */
export function testRequest(
  wire: WireClient,
  kind: 'buffer' | 'image',
  ask: (id: number) => void,
  options: CallOptions,
): Promise<Planned> {
  return wire.answer((resolve, reject) => {
    let possible: Omit<Planned, 'memories' | 'planes' | 'unverifiedUsage'> | null = null;
    let unverifiedUsage: readonly UsageName[] = [];
    const memories: Planned['memories'][number][] = [];
    const planes: Planned['planes'][number][] = [];
    const refusals = new Refusals();
    const object = wire.create(dmabroker_test_v1, {
      long_detail: refusals.longDetail,
      possible: (source, sizeHi, sizeLo, types, modifierHi, modifierLo) => {
        const modifier = kind === 'image' ? join64(modifierHi, modifierLo) : null;
        const size = size64(sizeHi, sizeLo);
        const handleTypes = handleTypesOf(types);
        possible = { handleType: handleTypes[0] ?? 'unknown', handleTypes, source, size, modifier };
      },
      memory: (index, sizeHi, sizeLo) => {
        memories[index] = { size: size64(sizeHi, sizeLo) };
      },
      plane_layout: (index, memory, offset, stride) => {
        planes[index] = { memory, offset, stride };
      },
      unverified: (usage) => {
        unverifiedUsage = usageNames(usage);
      },
      done: () => {
        object.request('destroy');
        if (possible === null) reject(new ConnectionError('done before possible'));
        else resolve({ ...possible, memories, planes, unverifiedUsage });
      },
      failed: (...failure) => {
        object.request('destroy');
        reject(refusals.of(...failure));
      },
    });
    ask(object.id);
  }, options);
}
