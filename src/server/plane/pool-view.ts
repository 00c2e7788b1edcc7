/** The pool in the shape of openapi.yaml. */

import type { Pool } from '../../broker/pool/pool.js';
import type { Spec } from '../../broker/pool/specs.js';
import { type Clock, dateText } from '../../memory/clock.js';
import { fourccName, modifierText } from '../../memory/fourcc.js';
import { usageNames } from '../../memory/usage.js';
import type { PoolInfo } from '../../rest/contract.js';
import { furtherTypes } from './views.js';

export function poolView(pool: Pool, clock: Clock): PoolInfo {
  const { limits, homes, bytes, spares, hits, misses } = pool;
  return {
    limits: {
      spares_per_spec: limits.sparesPerSpec,
      idle_seconds: limits.idleSeconds,
    },
    memories: homes.map(({ home, ...rest }) => ({ device: home, ...rest })),
    bytes,
    spares,
    hits,
    misses,
    specs: pool.specs.map((spec) => specView(spec, clock)),
  };
}

function specView(
  { choice, spares, bytes, hits, askedAt }: Readonly<Spec>,
  clock: Clock,
): PoolInfo['specs'][number] {
  const { source, handleType, also, device = null, spec } = choice;
  const image = spec.kind === 'image' ? spec : null;
  return {
    source,
    handle_type: handleType,
    ...furtherTypes(also),
    device,
    kind: spec.kind,
    size: spec.kind === 'buffer' ? spec.size : null,
    width: image?.width ?? null,
    height: image?.height ?? null,
    format: image === null ? null : fourccName(image.format),
    modifiers: image?.modifiers.map(modifierText) ?? [],
    usage: usageNames(spec.usage),
    placement: spec.placement ?? 'any',
    spares: spares.length,
    spare_bytes: bytes,
    hits,
    last_asked_at: dateText(clock, askedAt),
  };
}
