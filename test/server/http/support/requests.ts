/**
 * Requests that are generated, those that an administrator would send among them, and a model of what
 * their answers say of the registry.
 */
import fc from 'fast-check';
import type { BufferInfo } from '../../../../src/rest/contract.js';
import type { Answer } from './server.js';

export interface Generated {
  readonly method: string;
  readonly template: string;
  readonly path: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly header: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  /** Chooses among the buffers that there are for a path's id; null: the generated one. */
  readonly pick: number | null;
  /** Only among those with a lease. */
  readonly leased?: boolean;
}

/** Longer than any run takes. */
const LONG_SECONDS = 3600;

const NOTHING = { path: {}, query: {}, header: {}, body: undefined, pick: null };
const BUFFERS = '/v1/buffers';
const BUFFER = '/v1/buffers/{id}';

function about(
  method: string,
  action: string,
  body: fc.Arbitrary<unknown> = fc.constant(undefined),
  leased = false,
): fc.Arbitrary<Generated> {
  return fc.record({
    method: fc.constant(method),
    template: fc.constant(`${BUFFER}${action}`),
    path: fc.constant({}),
    query: fc.constant({}),
    header: fc.constant({}),
    body,
    pick: fc.nat(1_000_000),
    leased: fc.constant(leased),
  });
}

const name = fc.stringMatching(/^[ -~äß€]{1,64}$/);
const seconds = fc.integer({ min: LONG_SECONDS, max: 86_400 });

const common = {
  handle_types: fc.constant(['memfd']),
  name,
  lifetime: fc.oneof(
    fc.constant({ type: 'until_released' }),
    fc.record({ type: fc.constant('lease'), seconds }),
  ),
};
const side = fc.integer({ min: 1, max: 64 });
const creation = fc.oneof(
  fc.record(
    { kind: fc.constant('buffer'), size: fc.integer({ min: 1, max: 65_536 }), ...common },
    { requiredKeys: ['kind', 'size', 'handle_types'] },
  ),
  fc.record(
    {
      kind: fc.constant('image'),
      width: side,
      height: side,
      format: fc.constantFrom('XR24', 'AR24', 'R8  ', 'NV12', 'YU12', 'YUYV'),
      ...common,
    },
    { requiredKeys: ['kind', 'width', 'height', 'format', 'handle_types'] },
  ),
);

const create: fc.Arbitrary<Generated> = creation.map((body) => ({
  ...NOTHING,
  method: 'POST',
  template: BUFFERS,
  body,
}));

const filters = fc.record(
  {
    limit: fc.integer({ min: 1, max: 100 }),
    sort: fc.constantFrom('created_at', '-created_at', 'size', '-size', 'id', '-id'),
    fields: fc.constantFrom('id', 'id,size,state', 'owner,planes'),
    owner_uid: fc.constantFrom(0, 1000),
    state: fc.constantFrom('live', 'lost', 'lingering', 'unknown'),
    format: fc.constantFrom('XR24', 'NV12'),
    source: fc.constantFrom('memfd', 'vulkan'),
    name: fc.constantFrom('a', '0'),
    min_size: fc.nat(10_000),
    max_size: fc.nat(100_000),
    older_than: fc.nat(10),
    newer_than: fc.nat(100),
  },
  { requiredKeys: [] },
);

const list: fc.Arbitrary<Generated> = filters.map((query) => ({
  ...NOTHING,
  method: 'GET',
  template: BUFFERS,
  query,
}));

const terms = fc.record(
  { uses: fc.integer({ min: 1, max: 1000 }), seconds, may_renew: fc.boolean() },
  { requiredKeys: [] },
);

/** What a working administrator sends: as many buffers come as go. */
export const usual: fc.Arbitrary<Generated> = fc.oneof(
  { arbitrary: create, weight: 4 },
  { arbitrary: about('DELETE', ''), weight: 3 },
  { arbitrary: about('PATCH', '', fc.record({ name: fc.option(name) })), weight: 2 },
  { arbitrary: about('POST', '/tokens', terms), weight: 2 },
  { arbitrary: about('POST', '/extend', fc.record({ seconds }), true), weight: 2 },
  {
    arbitrary: about('POST', '/recall', fc.constant({ seconds: LONG_SECONDS })),
    weight: 1,
  },
  { arbitrary: about('GET', ''), weight: 1 },
  { arbitrary: list, weight: 1 },
);

export const textOf = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value;
  // Of the description's lists, all have commas (`explode: false`).
  return Array.isArray(value) ? value.map(textOf).join(',') : JSON.stringify(value);
};

const toWellFormed = (text: string) => text.replace(/[\ud800-\udfff]/g, '\ufffd');
const encode = (text: string) => encodeURIComponent(toWellFormed(text));

export class Model {
  readonly buffers = new Set<string>();
  readonly made = new Set<string>();
  readonly #leased = new Set<string>();
  /** Their lease may end while requests are still sent. */
  readonly fleeting = new Set<string>();
  readonly #amends: Generated[] = [];

  urlOf({ template, path, query, pick, leased }: Generated): string {
    const ids = [...(leased ? this.#leased : this.buffers)];
    const existing = pick === null ? undefined : ids[pick % ids.length];
    const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = name === 'id' && template.startsWith('/v1/buffers') ? existing : undefined;
      return encodeURIComponent(toWellFormed(value ?? textOf(path[name]) ?? ''));
    });
    const parameters = Object.entries(query).map(
      ([name, value]) => `${encode(name)}=${encode(textOf(value) ?? '')}`,
    );
    return parameters.length === 0 ? filled : `${filled}?${parameters.join('&')}`;
  }

  /** What an answer says of the registry. */
  note({ method, template, path, body }: Generated, url: string, { status, json }: Answer): void {
    if (status >= 300) return;
    const id = url.split('/')[3]?.split('?')[0] ?? '';
    switch (`${method} ${template}`) {
      case 'POST /v1/buffers':
        if (status === 201) this.#created((json as { buffer: BufferInfo }).buffer);
        break;
      case 'DELETE /v1/buffers/{id}':
        this.#gone(id);
        break;
      case 'POST /v1/buffers/{id}/recall':
        // After the deadline its owner would get nothing more.
        if ((body as { seconds: number }).seconds >= LONG_SECONDS) break;
        this.#amends.push({ ...NOTHING, method: 'DELETE', template: BUFFER, path: { id } });
        break;
      case 'PUT /v1/quotas/{scope}/{key}':
        this.#amends.push({ ...NOTHING, method: 'DELETE', template, path });
        break;
    }
  }

  #created({ id, lifetime }: BufferInfo): void {
    // An Idempotency-Key repeats answers, of buffers that are gone too.
    if (this.made.has(id)) return;
    this.made.add(id);
    if (lifetime.type === 'lease' && (lifetime.seconds ?? 0) < LONG_SECONDS) this.fleeting.add(id);
    else {
      this.buffers.add(id);
      if (lifetime.type === 'lease') this.#leased.add(id);
    }
  }

  #gone(id: string): void {
    this.buffers.delete(id);
    this.#leased.delete(id);
  }

  /** Requests without which the next ones would be refused whatever they ask for. */
  amends(): Generated[] {
    return this.#amends.splice(0);
  }
}
