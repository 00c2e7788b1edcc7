/**
 * Whether a record that was parsed has all that the broker is to be made from. A record that lacks something
 * is left out (found.ts): none may end the daemon, whoever has written it.
 */

type Check = (value: unknown, at: string) => void;

function asked(is: (value: unknown) => boolean, what: string): Check {
  return (value, at) => {
    if (!is(value)) throw new Error(`${at} is no ${what}`);
  };
}

const text = asked((value) => typeof value === 'string', 'text');
const number = asked((value) => typeof value === 'number', 'number');
const flag = asked((value) => typeof value === 'boolean', 'boolean');
const integer = asked((value) => typeof value === 'string' && /^-?\d+$/.test(value), 'integer');

const orNull =
  (check: Check): Check =>
  (value, at) => {
    if (value !== null) check(value, at);
  };
const orNone =
  (check: Check): Check =>
  (value, at) => {
    if (value !== undefined) check(value, at);
  };
const list =
  (check: Check): Check =>
  (value, at) => {
    if (!Array.isArray(value)) throw new Error(`${at} is no list`);
    for (const [index, each] of value.entries()) check(each, `${at}[${index}]`);
  };
const shape =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value, at) => {
    if (typeof value !== 'object' || value === null) throw new Error(`${at} is no object`);
    const found = value as Readonly<Record<string, unknown>>;
    for (const [name, check] of Object.entries(fields)) check(found[name], `${at}.${name}`);
  };
const either = (...values: readonly unknown[]): Check =>
  asked((value) => values.includes(value), `one of ${values.join(', ')}`);

const names = {
  executable: orNull(text),
  cgroup: orNull(text),
  unit: orNull(text),
  slice: orNull(text),
  container: orNull(text),
};
const peer = shape({ ...names, pid: number, uid: number, gid: number, groups: list(number) });
const partialPeer = shape({
  ...{ ...names, pid: orNull(number), uid: orNull(number), gid: orNull(number) },
  groups: orNull(list(number)),
});
const who = shape({
  ...{ uid: number, cgroup: orNull(text), gid: orNull(number) },
  ...{ groups: orNull(list(number)), connection: orNull(text) },
});
const amount = shape({ bytes: number, buffers: number, fds: number, pending: number });

const linear = shape({ size: number, usage: number });
const image = shape({
  ...{ width: number, height: number, format: number, usage: number },
  modifiers: list(integer),
});
const spec: Check = (value, at) => {
  shape({ kind: either('buffer', 'image') })(value, at);
  ((value as { kind: string }).kind === 'image' ? image : linear)(value, at);
};

const inner = shape({
  ...{ source: text, handleType: either('dma_buf', 'opaque_fd', 'memfd'), size: number },
  ...{ memories: list(number), modifier: orNull(integer), placement: list(text) },
  ...{ exporter: orNull(text), device: orNone(text), identities: orNone(list(text)) },
  planes: list(shape({ memory: number, offset: number, stride: number })),
  faces: orNone(list(shape({ handleType: either('opaque_fd', 'memfd'), fds: list(number) }))),
  heaps: orNone(list(shape({ index: number, bytes: number }))),
  vulkan: orNone(shape({ memoryType: number, dedicated: flag })),
  funding: orNone(either('client')),
  fellBack: orNone(
    shape({
      ...{ reason: either('out_of_memory', 'not_contiguous', 'display_refused'), message: text },
      source: orNull(text),
    }),
  ),
  scanout: orNone(shape({ state: either('verified', 'refused', 'unverified'), reason: text })),
  check: orNone(shape({ how: either('device', 'layout'), reason: text })),
});
/** Each plane lies in one of the memories, and each memory has one. */
const allocation: Check = (value, at) => {
  inner(value, at);
  const { memories, planes, identities } = value as {
    readonly memories: readonly number[];
    readonly planes: readonly { readonly memory: number }[];
    readonly identities?: readonly string[];
  };
  const used = new Set(planes.map(({ memory }) => memory));
  const isWhole = used.size === memories.length && [...memories.keys()].every((m) => used.has(m));
  if (!isWhole || memories.length === 0) throw new Error(`${at} has other planes than memories`);
  if (identities !== undefined && identities.length !== memories.length) {
    throw new Error(`${at} has other files than memories`);
  }
};

const lifetime: Check = (value, at) => {
  if (value !== 'connection' && value !== 'until_released') shape({ lease: number })(value, at);
};

/** By what a record is. */
export const SHAPES: Readonly<Record<string, Check>> = {
  client: shape({
    ...{ id: text, peer, connectedAt: number, fdsSent: number },
    ...{ session: orNull(text), process: orNull(text) },
  }),
  memory: shape({
    ...{ id: text, number, spec, allocation, createdAt: number, generation: number },
    ...{ formerOf: orNull(text), choice: orNull(shape({ source: text, handleType: text, spec })) },
  }),
  state: shape({
    ...{ id: text, lifetime, name: orNull(text), released: flag, lost: flag, forgotten: flag },
    ...{ releasedAt: orNull(number), lastUsed: number, events: number },
    owner: shape({ client: orNull(text), peer: partialPeer, token: orNone(text) }),
    lease: orNull(shape({ seconds: number, endsAt: number, letGoAt: orNull(number) })),
    tokens: list(
      shape({
        ...{ id: text, uid: orNull(number), mayRenew: flag, createdAt: number },
        ...{ expires: orNull(number), usesLeft: number, digest: text, issuer: number },
        audience: orNull(shape({ uids: list(number), gids: list(number) })),
      }),
    ),
    recipients: list(shape({ client: text, receivedAt: number, mayRenew: flag })),
    charged: shape({
      ...{ who, source: text, amount },
      heaps: list((value, at) => {
        const [key, held] = Array.isArray(value) ? value : [];
        text(key, `${at}[0]`);
        amount(held, `${at}[1]`);
      }),
    }),
    parts: list(shape({ who, bytes: number })),
    // Of a daemon before this one there is none.
    lasting: orNone(
      orNull(
        shape({
          ...{ name: text, uid: number, writer: orNull(text), revision: number, documents: number },
          committed: orNull(
            shape({
              ...{ revision: number, digest: text, at: number },
              metadata: orNull(shape({ size: number, number })),
            }),
          ),
        }),
      ),
    ),
    recall: orNull(
      shape({ reason: either('share', 'memory_pressure', 'administrator'), deadline: number }),
    ),
  }),
};
