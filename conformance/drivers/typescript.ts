/**
 * The driver of the TypeScript library: conformance/README.md has the commands.
 *
 * Owns: the connection, and what was got through it, until `disconnect`.
 */
import { closeSync, readdirSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { HandleType, OwnMemory } from '../../src/client/index.js';
import {
  BrokerError,
  type Client,
  type ClientBuffer,
  ConnectionError,
  connect,
  type ImportedMemory,
  layoutDigest,
  type MappedMemory,
  type Share,
} from '../../src/client/index.js';
import { sealedMemfd } from '../../src/native/libc/memory.js';
import type { Answer } from '../driver.js';
import type { Json } from '../pattern.js';
import { argument, type Fields, requestOf, told } from './words.js';

let client: Client | null = null;
const buffers = new Map<string, ClientBuffer>();
const mappings = new Map<string, MappedMemory>();
const shares = new Map<string, Share>();

function named<T>(all: ReadonlyMap<string, T>, name: Json | undefined): T {
  const found = all.get(String(name));
  if (found === undefined) throw new Error(`nothing here is called ${name}`);
  return found;
}

function connected(): Client {
  if (client === null) throw new Error('connect comes first');
  return client;
}

const bufferOf = ({ buffer }: Fields): ClientBuffer => named(buffers, buffer);

function described(buffer: ClientBuffer): Json {
  const { id, generation, handleType, source, size, format, modifier, width, height } = buffer;
  const { memories, device, checked, vulkan, unverifiedUsage, fellBack } = buffer;
  const planes = buffer.planes.map(({ memory, offset, stride }) => ({ memory, offset, stride }));
  const what = { id, generation, handleType, source, size, format, modifier, width, height };
  return told({ ...what, memories, planes, device, checked, vulkan, unverifiedUsage, fellBack });
}

/** A memfd as the words have it. */
function ownMemory({ size, offset = 0, bytes = '' }: Fields): OwnMemory {
  const fd = sealedMemfd('conformance', Number(size));
  const content = Buffer.from(String(bytes), 'hex');
  if (content.length > 0) writeSync(fd, content, 0, content.length, Number(offset));
  return { fd, offset: Number(offset) };
}

/** A request of `import`: its planes are of buffers that are here. */
function memoryOf({ planes, ...rest }: Fields): ImportedMemory {
  const brought = (planes as readonly Fields[]).map(({ plane, ...each }) => {
    const { fd } = bufferOf(each).planes[Number(plane)] ?? { fd: -1 };
    return { fd, offset: Number(each.offset), stride: Number(each.stride) };
  });
  return { ...requestOf(rest), planes: brought } as unknown as ImportedMemory;
}

/** What has no name is told, and let go. */
async function keep(buffer: ClientBuffer, as: string | undefined): Promise<Json> {
  const what = described(buffer);
  if (as === undefined) await buffer.close();
  else buffers.set(as, buffer);
  return what;
}

/** Options of a call: what is not said is left out. */
function options<T extends object>(args: Fields, ...names: string[]): T {
  const said = names.filter((name) => args[name] !== undefined);
  return argument(Object.fromEntries(said.map((name) => [name, args[name] as Json]))) as T;
}

async function disconnect(): Promise<Json> {
  client?.close();
  client = null;
  for (const buffer of buffers.values()) await buffer.close();
  buffers.clear();
  mappings.clear();
  shares.clear();
  return {};
}

type Command = (args: Fields, as: string | undefined) => Promise<Json> | Json;

const commands: Readonly<Record<string, Command>> = {
  hello: () => ({ library: 'dmabroker', language: 'TypeScript', can: Object.keys(commands) }),
  connect: async (args) => {
    client = await connect({ ...options<object>(args, 'socket'), reconnect: false });
    const { devices, sources, limits, session } = client.description;
    const counts = Object.entries(limits).map(([name, value]) => [name, Number(value)]);
    const numbered = devices.map((each) => ({
      ...each,
      mainDevice: each.mainDevice === null ? null : Number(each.mainDevice),
    }));
    return told({ devices: numbered, sources, limits: Object.fromEntries(counts), session });
  },
  disconnect,
  sync: async () => {
    await connected().sync();
    return {};
  },
  allocate: async ({ request }, as) => {
    const { memory, ...words } = request as Fields;
    const own = memory === undefined ? null : ownMemory(memory as Fields);
    try {
      const asked = { ...requestOf(words), ...(own && { memory: own }) };
      return await keep(await connected().allocate(asked), as);
    } finally {
      if (own !== null) closeSync(own.fd);
    }
  },
  allocate_many: async ({ request, count }, as) => {
    const made = await connected().allocateMany(requestOf(request as Fields), Number(count));
    const names = made.map((_, i) => (as === undefined ? undefined : `${as}${i}`));
    return { buffers: await Promise.all(made.map((buffer, i) => keep(buffer, names[i]))) };
  },
  test: async ({ request }) => told(await connected().test(requestOf(request as Fields))),
  import: async ({ request }, as) =>
    keep(await connected().import(memoryOf(request as Fields)), as),
  adopt: async ({ id, session, request }, as) => {
    const memory = request === undefined ? {} : { memory: memoryOf(request as Fields) };
    const what = { id: String(id), session: String(session), ...memory };
    return keep(await connected().adopt(what), as);
  },
  redeem: async ({ token, handle_types }, as) => {
    const terms = handle_types && { handleTypes: handle_types as HandleType[] };
    return keep(await connected().redeem(String(token), terms || {}), as);
  },
  claim: async (args, as) => {
    const terms = options<object>(args, 'writer', 'committed', 'wait');
    return keep(await connected().claim(String(args.name), terms), as);
  },
  commit: async (args) => {
    const { revision, metadata } = args;
    const { digest, ...rest } = await bufferOf(args).commit({
      ...(revision !== undefined && { revision: Number(revision) }),
      ...(metadata !== undefined && { metadata: metadata as Fields }),
    });
    return { revision: rest.revision, digest };
  },
  published: async (args) => {
    await connected().sync();
    const buffer = bufferOf(args);
    return {
      revision: buffer.committed?.revision ?? null,
      digest: buffer.committed?.digest ?? null,
      metadata: buffer.metadata as Json,
    };
  },
  layout_digest: (args) => ({ digest: layoutDigest(bufferOf(args)) }),
  share: async (args, as) => {
    const terms = options<object>(args, 'uses', 'uid', 'seconds', 'may_renew');
    const share = await bufferOf(args).shareRevocably(terms);
    if (as !== undefined) shares.set(as, share);
    return { token: share.token, token_id: share.tokenId };
  },
  revoke: async ({ share }) => {
    await named(shares, share).revoke();
    return {};
  },
  renew: async (args) => {
    await bufferOf(args).renew(Number(args.seconds));
    return {};
  },
  park: async (args) => {
    await bufferOf(args).park(Number(args.seconds));
    return {};
  },
  reissue: async (args) => {
    const buffer = bufferOf(args);
    await buffer.reissue();
    return described(buffer);
  },
  state: async (args) => {
    // What the daemon has said before is heard first.
    await connected().sync();
    const { released, recalled, lost, generation, leaseEnds } = bufferOf(args);
    return {
      released,
      recalled: recalled?.reason ?? null,
      leased: leaseEnds !== null,
      lost,
      generation,
    };
  },
  map: (args, as) => {
    const mapping = bufferOf(args).map(options(args, 'memory', 'plane', 'write'));
    if (as !== undefined) mappings.set(as, mapping);
    return { size: mapping.bytes.length };
  },
  poke: ({ mapping, offset, bytes }) => {
    const content = Buffer.from(String(bytes), 'hex');
    named(mappings, mapping).write((memory) => memory.set(content, Number(offset)));
    return {};
  },
  peek: ({ mapping, offset, size }) => {
    const [from, count] = [Number(offset), Number(size)];
    const bytes = named(mappings, mapping).read((memory) =>
      memory.subarray(from, from + count).toString('hex'),
    );
    return { bytes };
  },
  unmap: ({ mapping }) => {
    named(mappings, mapping).unmap();
    return {};
  },
  fill: async (args) => ({
    path: await bufferOf(args).fill(Number(args.value), options(args, 'offset', 'size')),
  }),
  copy: async (args) => {
    const range = options<object>(args, 'offset', 'size', 'source_offset');
    return { path: await bufferOf(args).copyFrom(named(buffers, args.source), range) };
  },
  read: async (args) => {
    const { bytes, path } = await bufferOf(args).read(options(args, 'offset', 'size'));
    return { bytes: bytes.toString('hex'), path };
  },
  release: async (args) => {
    await bufferOf(args).release();
    return {};
  },
  close: async (args) => {
    await bufferOf(args).close();
    return {};
  },
  fds: () => ({ open: readdirSync('/proc/self/fd').length }),
};

async function answer(line: string): Promise<Answer> {
  const {
    do: what,
    args = {},
    as,
  } = JSON.parse(line) as { do: string; args?: Fields; as?: string };
  try {
    const command = commands[what];
    if (command === undefined) throw new Error(`there is no command ${what}`);
    return { ok: await command(args, as) };
  } catch (error) {
    if (error instanceof BrokerError) {
      return { refused: { code: error.code, message: error.message, detail: error.detail } };
    }
    if (error instanceof ConnectionError) {
      return { ended: { code: error.protocol?.code ?? null, message: error.message } };
    }
    // Nothing was sent, or nobody was there.
    return { rejected: { message: error instanceof Error ? error.message : String(error) } };
  }
}

for await (const line of createInterface(process.stdin)) {
  console.log(JSON.stringify(await answer(line)));
}
await disconnect();
