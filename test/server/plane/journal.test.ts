/**
 * Main's copy of the registry against a recount: after any history, and whenever main asks, it shows
 * what the registry would show itself; and no turn sends more than a few records.
 */
import fc from 'fast-check';
import t from 'tap';
import { Broker } from '../../../src/broker/broker.js';
import type { BrokerBuffer, Client } from '../../../src/broker/buffer.js';
import type { Issued } from '../../../src/broker/tokens.js';
import { BrokerError } from '../../../src/memory/errors.js';
import { Mirror } from '../../../src/server/lists/mirror.js';
import { Journal, RECORDS_PER_TURN } from '../../../src/server/plane/journal.js';
import { bufferView, clientView } from '../../../src/server/plane/views.js';
import type { PlaneMessage } from '../../../src/server/words/messages.js';
import { FakeWorld, memfd, offers, peer, request } from '../../broker/support/world.js';

class Copy {
  readonly world = new FakeWorld();
  readonly broker = new Broker(this.world, { sources: [memfd], offers });
  readonly mirror = new Mirror();
  readonly answered: number[] = [];
  /** Records in the last message. */
  sent = 0;
  readonly journal = new Journal(
    () => this.broker,
    this.world.clock,
    (message) => this.#take(message),
  );
  readonly clients: Client[] = [];
  readonly tokens: ({ buffer: BrokerBuffer } & Issued)[] = [];

  constructor() {
    this.world.observer = this.journal;
  }

  #take(message: PlaneMessage): void {
    if (message.kind === 'answer') this.answered.push(message.seq);
    if (message.kind !== 'changes') return;
    // As between threads.
    const changes = structuredClone(message.changes);
    this.sent = changes.buffers.length + changes.clients.length;
    this.mirror.apply(changes);
  }

  allocate(client: Client | null): void {
    const lifetimes = ['connection', 'until_released', { lease: 20 }] as const;
    const lifetime = lifetimes[this.clients.length % 3] ?? 'connection';
    this.broker.allocate({ client, peer }, request({ lifetime }), () => {});
    this.world.answer();
  }

  /** What of the copy is not as the registry has it. */
  difference(): string | null {
    const { broker, mirror } = this;
    const list = { limit: 1000, filter: () => true };
    const copy = {
      buffers: mirror.buffers.list({ ...list, sort: 'id' }).items.map(({ text }) => text),
      clients: mirror.clients.list({ ...list, sort: 'id' }).items.map(({ text }) => text),
    };
    const texts = (views: object[]) => views.map((view) => JSON.stringify(view)).sort();
    const recount = {
      buffers: texts(
        [...broker.buffers, ...broker.lingering].map((buffer) => bufferView(broker, buffer)),
      ),
      clients: texts([...broker.clients].map((client) => clientView(client, broker.clock))),
    };
    const [a, b] = [copy, recount].map(({ buffers, clients }) =>
      [...buffers.sort(), ...clients.sort()].join('\n'),
    );
    return a === b ? null : `the copy has\n${a}\nand the registry\n${b}`;
  }
}

const catchUp = (copy: Copy, turns = 1000) => {
  copy.journal.ask(1);
  for (let turn = 0; copy.journal.behind && turn < turns; turn++) copy.journal.run();
};

t.test('what nobody asks for is not sent', async (t) => {
  const copy = new Copy();
  copy.allocate(copy.broker.connect(peer));
  copy.journal.run();
  t.equal(copy.journal.behind, false);
  t.equal(copy.sent, 0);
});

t.test(
  'a few records in each turn, and the answer when all that was asked for is sent',
  async (t) => {
    const copy = new Copy();
    for (let i = 0; i < 5 * RECORDS_PER_TURN; i++) copy.allocate(null);
    copy.journal.ask(7);
    for (let turn = 1; turn <= 5; turn++) {
      t.same(copy.answered, []);
      copy.journal.run();
      t.equal(copy.sent, RECORDS_PER_TURN);
      // What changes in the meantime does not put the answer off.
      copy.allocate(null);
    }
    t.same(copy.answered, [7]);
    t.equal(copy.journal.behind, false);
    catchUp(copy);
    t.equal(copy.difference(), null);
  },
);

t.test('a token that expires shows, though nothing has happened', async (t) => {
  const copy = new Copy();
  copy.allocate(null);
  const [buffer] = copy.broker.buffers;
  if (buffer === undefined) throw new Error('nothing was allocated');
  copy.broker.sharing.share(buffer, { uses: 1, uid: null, seconds: 5 });
  catchUp(copy);
  t.equal(copy.mirror.buffers.get(buffer.id)?.tokens, 1);
  copy.world.pass(5000);
  catchUp(copy);
  t.equal(copy.mirror.buffers.get(buffer.id)?.tokens, 0);
});

t.test('what was sent is sent again when the machine’s date was set', async (t) => {
  const copy = new Copy();
  copy.allocate(copy.broker.connect(peer));
  catchUp(copy);
  copy.world.clock.setDate(3_600_000);
  catchUp(copy);
  t.equal(copy.difference(), null);
  copy.sent = 0;
  catchUp(copy);
  t.equal(copy.sent, 0, 'once');
});

const pick = fc.nat(1000);
const step = fc.record({
  kind: fc.constantFrom(
    'connect',
    'disconnect',
    'allocate',
    'allocate',
    'rest',
    'share',
    'redeem',
    'redeem',
    'revoke',
    'release',
    'hold',
    'doubt',
    'look',
    'lose',
    'reissue',
    'rename',
    'renew',
    'wait',
    'turn',
    'catchUp',
  ),
  pick,
  other: pick,
});

function run(copy: Copy, { kind, pick, other }: { kind: string; pick: number; other: number }) {
  const { broker, world, clients, tokens, journal } = copy;
  const buffers = [...broker.buffers];
  const client = clients[pick % clients.length];
  const buffer = buffers[pick % buffers.length];
  switch (kind) {
    case 'connect':
      clients.push(broker.connect(peer));
      break;
    case 'rest':
      copy.allocate(null);
      break;
    case 'wait':
      world.pass(1000 * (1 + (other % 8)));
      // Sometimes somebody sets the machine's date.
      if (other % 5 === 0) world.clock.setDate(12_345);
      broker.poll();
      break;
    case 'look':
      if (other % 4 === 0) world.held.clear();
      world.pass(10_000);
      broker.poll();
      break;
    case 'turn':
      journal.run();
      break;
    case 'catchUp':
      journal.ask(other);
      break;
    case 'redeem': {
      const token = tokens[other % tokens.length];
      if (client !== undefined && token !== undefined) {
        broker.sharing.handedOut(broker.sharing.redeem(client, token.token).buffer, client);
      }
      break;
    }
    case 'revoke': {
      const token = tokens[other % tokens.length];
      if (token !== undefined) broker.sharing.revoke(token.buffer, token.info.id);
      break;
    }
  }
  if (client !== undefined) {
    if (kind === 'allocate') copy.allocate(client);
    if (kind === 'disconnect') {
      clients.splice(clients.indexOf(client), 1);
      broker.disconnect(client);
    }
  }
  if (buffer === undefined) return;
  if (kind === 'share') {
    const seconds = other % 2 === 0 ? null : 1 + (other % 3);
    tokens.push({
      buffer,
      ...broker.sharing.share(buffer, {
        uses: 1 + (other % 2),
        uid: null,
        seconds,
        mayRenew: false,
      }),
    });
  }
  if (kind === 'rename') broker.rename(buffer, other % 3 === 0 ? null : `name ${other}`);
  if (kind === 'renew') broker.leases.renew(buffer, 1 + (other % 30));
  if (kind === 'release') broker.release(buffer, 'administrator');
  if (kind === 'hold') world.held.set(buffer.allocation.key, 'lingering');
  if (kind === 'doubt') world.held.set(buffer.allocation.key, 'unknown');
  if (kind === 'lose') broker.deviceLost([buffer.allocation]);
  if (kind === 'reissue') {
    broker.reissue(buffer, () => {});
    if (world.pending.length > 0) world.answer();
  }
}

t.test('any history', async () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const copy = new Copy();
      for (const each of steps) {
        try {
          run(copy, each);
        } catch (error) {
          if (!(error instanceof BrokerError)) throw error;
        }
        if (each.kind !== 'turn') continue;
        catchUp(copy);
        const found = copy.difference();
        if (found !== null) throw new Error(found);
      }
      catchUp(copy);
      const found = copy.difference();
      if (found !== null) throw new Error(found);
    }),
    { numRuns: 1500 },
  );
});
