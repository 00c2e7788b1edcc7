/**
 * How much of a round trip is the daemon: the same bytes answered by the daemon and by a plain epoll
 * server in C (reference.c), played by the same client (load.c), in turns, as ratios.
 *
 *   node dist/bench/roundtrip.js [--rounds=7] [--requests=20000]
 */
import { connect } from '../src/client/index.js';
import { dmabroker_buffer_v1, dmabroker_manager_v1 } from '../src/protocol/dmabroker-v1.gen.js';
import { hi, lo, type Message, type MessageOf, type Values } from '../src/protocol/wire.js';
import { withoutVulkan } from '../test/support/daemon.js';
import { encode } from '../test/support/wire.js';
import {
  load,
  type Measured,
  pin,
  type Server,
  startDaemon,
  startReference,
} from './support/programs.js';
import { figure, header, median, option, ratio, table } from './support/report.js';
import type { Kind } from './support/script.js';

const ROUNDS = option('rounds', 7);
const REQUESTS = option('requests', 20_000);
const WARM_UP = Math.ceil(REQUESTS / 10);
/** How often one token can be redeemed (src/memory/limits.ts). */
const USES = 1000;

interface Case {
  readonly kind: 'sync' | 'redeem';
  readonly connections: number;
  /** Client and server on one CPU: the work of both, without the wake-up of another CPU. */
  readonly oneCpu: boolean;
}

const cases: readonly Case[] = (['sync', 'redeem'] as const).flatMap((kind) => [
  { kind, connections: 1, oneCpu: true },
  { kind, connections: 1, oneCpu: false },
  { kind, connections: 8, oneCpu: false },
]);

header('roundtrip', 'Round trips: the daemon against an epoll server in C');
const daemon = await startDaemon(withoutVulkan);
const owner = await connect({ socket: daemon.clientSocket });
const buffer = await owner.allocate({ kind: 'buffer', size: 4096, handleTypes: ['memfd'] });

/** The answer to redeem as the daemon writes it, with 0 for the object's id. */
function redeemed(): Buffer {
  type Buffers = typeof dmabroker_buffer_v1;
  const event = <N extends Buffers['events'][number]['name']>(
    name: N,
    values: Values<MessageOf<Buffers, 'events', N>>,
  ) => {
    const message = dmabroker_buffer_v1.events.find((each) => each.name === name) as Message;
    return encode(message, 0, values as Values<Message>).bytes;
  };
  const { id, generation, source, size } = buffer;
  const type = dmabroker_manager_v1.enums.handle_type.memfd;
  return Buffer.concat([
    event('info', [id, generation, type, source, hi(size), lo(size), 0, 0, 0, 0, 0]),
    event('memory', [0, hi(size), lo(size)]),
    event('plane', [-1, type, 0, 0, 0, 0]),
    event('done', []),
  ]);
}

const reference = await startReference(redeemed());
const server: Server = { socket: daemon.clientSocket, pid: daemon.pid, stop: () => daemon.stop() };
const servers = { daemon: server, reference } as const;
type Name = keyof typeof servers;

const tokens = (count: number) =>
  Promise.all(Array.from({ length: count }, () => buffer.share({ uses: USES })));
/** The reference looks at no token; one that is as long makes the requests as long. */
const [sample = ''] = await tokens(1);

async function measure(name: Name, { kind, connections, oneCpu }: Case): Promise<Measured> {
  const plan = {
    connections,
    warmUp: Math.ceil(WARM_UP / connections),
    requests: Math.ceil(REQUESTS / connections),
  };
  const needed = Math.ceil(((plan.warmUp + plan.requests) * connections) / USES);
  const asked: Kind =
    kind === 'sync'
      ? { kind }
      : {
          kind,
          uses: USES,
          tokens: await (name === 'daemon' ? tokens(needed) : Array<string>(needed).fill(sample)),
        };
  const { socket, pid } = servers[name];
  pin(pid, oneCpu ? '0' : '0-1023');
  return load(socket, asked, plan, oneCpu ? 0 : undefined);
}

const results = cases.map(() => ({ daemon: [] as Measured[], reference: [] as Measured[] }));
for (let round = 0; round < ROUNDS; round++) {
  const order: Name[] = round % 2 === 0 ? ['reference', 'daemon'] : ['daemon', 'reference'];
  for (const [i, wanted] of cases.entries()) {
    for (const name of order) results[i]?.[name].push(await measure(name, wanted));
  }
}

const rows: string[][] = [];
for (const [i, { kind, connections, oneCpu }] of cases.entries()) {
  const { daemon: ours = [], reference: theirs = [] } = results[i] ?? {};
  const perAnswer = ({ bytes, fds, requests }: Measured) =>
    `${bytes / requests} B, ${fds / requests} fd`;
  const shapes = new Set([...ours, ...theirs].map(perAnswer));
  if (shapes.size !== 1) throw new Error(`answers differ: ${[...shapes].join('; ')}`);
  const where = `${kind}, ${connections} connection${connections > 1 ? 's' : ''}${oneCpu ? ', one CPU' : ''}`;
  const add = (what: string, of: (measured: Measured) => number) => {
    const [x, y] = [ours.map(of), theirs.map(of)];
    rows.push([where, what, figure(median(x)), figure(median(y)), ratio(x, y)]);
  };
  add('p50 µs', ({ p50 }) => p50);
  add('p99 µs', ({ p99 }) => p99);
  add('thousand/s', ({ requests, seconds }) => requests / seconds / 1000);
}
table(['case', 'what', 'daemon', 'C', 'daemon / C: median (least–most)'], rows);
console.log(`Medians of ${ROUNDS} rounds, the two in turns; ${REQUESTS} requests each.`);
console.log(
  'sync: done and delete_id. redeem: destroys one buffer object, redeems the next: delete_id,',
);
console.log(
  'info, memory, plane with a memfd, done. Every answer had the same bytes and fds from both.',
);

owner.close();
await reference.stop();
await daemon.stop();
