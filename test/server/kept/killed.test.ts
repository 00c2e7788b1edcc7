/**
 * The daemon is killed, again and again, while many clients allocate, share, redeem and release: the next one
 * has whatever somebody was told of, and when the grace is over nothing else.
 */
import { readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
  dmabroker_params_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import type { BufferInfo } from '../../../src/rest/contract.js';
import { eventually, type TestDaemon, withoutVulkan } from '../../support/daemon.js';
import { atNight } from '../../support/night.js';
import { Random, seed } from '../../support/random.js';
import { FREE, MANAGER, RawClient } from '../../support/raw-client.js';
import { nothingCharged, recounted } from '../../support/recount.js';
import { ServiceManager } from '../../support/service-manager.js';

const ROUNDS = atNight(3, 200);
const CLIENTS = 10;
/** From the beginning of a round; a client asks for some dozens in it. */
const LONGEST_MS = 300;
/** Long enough for what is to be brought back, on a busy machine, too. */
const GRACE_SECONDS = 10;
/** In one of so many rounds it is waited for; in the others what nobody has brought back is released. */
const ROUNDS_PER_GRACE = 20;
/** More than a user may have stored at once would wait for seconds. */
const MAX_KEPT = 8;
/** Of all rounds: the service manager has room for MAX_STORED_FDS. */
const MOST_KEPT = 1000;
const LIFETIMES = ['connection', 'until_released', 'lease'] as const;
const LEASE_SECONDS = 3600;
const ANY_UID = 0xffffffff;
const BUFFER = 'dmabroker_buffer_v1';

/** What a client was told of a buffer. */
interface Told {
  readonly id: string;
  readonly lifetime: (typeof LIFETIMES)[number];
  /** Its connection's, which proves whose it is. */
  readonly session: string;
  readonly token: string | null;
  /** It has asked for its release: whether that came to pass it cannot know. */
  readonly givenBack: boolean;
}

/** Asks for one thing after the other, until its connection ends. */
class Restless {
  readonly client: RawClient;
  readonly #objects = new Map<number, Told['lifetime']>();
  readonly #given = new Set<number>();
  readonly #marked = new Set<number>();
  #next = FREE;

  constructor(
    socket: string,
    private readonly random: Random,
    private readonly tokens: string[],
  ) {
    this.client = new RawClient(socket);
  }

  async run(): Promise<void> {
    const { client, random } = this;
    try {
      await client.ready();
      for (;;) {
        this.#allocate();
        this.#share();
        if (random.below(2) === 0) this.#redeem();
        if (random.below(4) === 0) this.#release();
        await setTimeout(1 + random.below(8));
        this.#mark();
      }
    } catch {
      // The daemon was killed; what it has sent is still read.
      await client.ended();
      this.#mark();
    }
  }

  #id(): number {
    return this.#next++;
  }

  #allocate(): void {
    const { peer } = this.client;
    const [buffer, params] = [this.#id(), this.#id()];
    const kept = [...this.#objects].filter(
      ([id, lifetime]) => lifetime !== 'connection' && !this.#given.has(id),
    );
    const lifetime =
      kept.length < MAX_KEPT ? (this.random.one(LIFETIMES) ?? 'lease') : 'connection';
    this.#objects.set(buffer, lifetime);
    const { memfd } = dmabroker_manager_v1.enums.handle_type;
    const { until_released, connection } = dmabroker_params_v1.enums.lifetime;
    this.client.send(
      Buffer.concat([
        peer.request(dmabroker_manager_v1, MANAGER, 'create_params', params),
        peer.request(dmabroker_params_v1, params, 'set_buffer', 0, 4096),
        peer.request(dmabroker_params_v1, params, 'set_handle_types', memfd),
        lifetime === 'lease'
          ? peer.request(dmabroker_params_v1, params, 'set_lease', LEASE_SECONDS)
          : peer.request(
              dmabroker_params_v1,
              params,
              'set_lifetime',
              lifetime === 'connection' ? connection : until_released,
            ),
        peer.request(dmabroker_params_v1, params, 'create', buffer),
        peer.request(dmabroker_params_v1, params, 'destroy'),
      ]),
    );
  }

  #share(): void {
    const done = this.client.events.filter(({ name }) => name === `${BUFFER}.done`);
    const object = this.random.one(done)?.object;
    if (object === undefined || this.#given.has(object) || !this.#objects.has(object)) return;
    if (this.shares.has(object)) return;
    const share = this.#id();
    this.shares.set(object, share);
    this.client.request(dmabroker_buffer_v1, object, 'share', share, 1000, ANY_UID, 0, 0);
  }

  readonly shares = new Map<number, number>();

  #redeem(): void {
    const token = this.random.one(this.tokens);
    if (token === undefined) return;
    this.client.request(dmabroker_manager_v1, MANAGER, 'redeem', this.#id(), token);
  }

  #release(): void {
    const object = this.random.one(this.#objects.keys());
    if (object === undefined || this.#given.has(object)) return;
    this.#given.add(object);
    this.client.request(dmabroker_buffer_v1, object, 'release');
  }

  /** Writes its id into each new buffer, and passes on its tokens. */
  #mark(): void {
    const ids = this.#values(`${BUFFER}.info`);
    const fds = this.#values(`${BUFFER}.plane`);
    for (const object of this.#objects.keys()) {
      const [id, fd] = [ids.get(object), fds.get(object)];
      if (id === undefined || fd === undefined || this.#marked.has(object)) continue;
      this.#marked.add(object);
      writeSync(fd as number, id as string, 0);
    }
    for (const token of this.#values('dmabroker_share_v1.token').values()) {
      if (!this.tokens.includes(token as string)) this.tokens.push(token as string);
    }
  }

  /** The first value of each object's last event of a name. */
  #values(name: string): Map<number, unknown> {
    const these = this.client.events.filter((event) => event.name === name);
    return new Map(these.map(({ object, values }) => [object, values[0]]));
  }

  get told(): Told[] {
    const session = this.client.events.find(({ name }) => name === 'dmabroker_manager_v1.session');
    const done = this.#values(`${BUFFER}.done`);
    const tokens = this.#values('dmabroker_share_v1.token');
    const ids = this.#values(`${BUFFER}.info`);
    return [...this.#objects].flatMap(([object, lifetime]) => {
      if (!done.has(object)) return [];
      const token = tokens.get(this.shares.get(object) ?? -1) ?? null;
      return [
        {
          id: ids.get(object) as string,
          lifetime,
          session: session?.values[0] as string,
          token: token as string | null,
          givenBack: this.#given.has(object),
        },
      ];
    });
  }

  /** The fd that it has of a buffer. */
  fdOf(id: string): number {
    const object = this.client.events.find(
      (event) => event.name === `${BUFFER}.info` && event.values[0] === id,
    )?.object;
    return this.#values(`${BUFFER}.plane`).get(object ?? -1) as number;
  }
}

/** Who redeems all tokens, and reads what is in the buffers: ids by token. */
async function contents(daemon: TestDaemon, tokens: readonly string[]): Promise<string[]> {
  const client = await new RawClient(daemon.clientSocket).ready();
  const found: string[] = [];
  for (const [i, token] of tokens.entries()) {
    const object = FREE + i;
    client.request(dmabroker_manager_v1, MANAGER, 'redeem', object, token);
    const of = (name: string) =>
      client.events.find((event) => event.object === object && event.name === `${BUFFER}.${name}`);
    await client.until(() => of('done') !== undefined || of('failed') !== undefined);
    const bytes = Buffer.alloc(13);
    const fd = of('plane')?.values[0];
    if (fd !== undefined) readSync(fd as number, bytes, 0, bytes.length, 0);
    found.push(fd === undefined ? `${of('failed')?.values}` : bytes.toString());
  }
  client.close();
  return found;
}

/** Brings back what was its connection's. */
async function adopt(socket: string, { id, session }: Told, fd: number): Promise<RawClient> {
  const client = await new RawClient(socket).ready();
  client.adopt(id, session, [fd]);
  await client.until((events) =>
    events.some(({ name }) => name === `${BUFFER}.done` || name === `${BUFFER}.failed`),
  );
  return client;
}

async function start(t: Test, manager: ServiceManager): Promise<TestDaemon> {
  const config = join(manager.folder, 'config.toml');
  const grace = `[restart]\ngrace_seconds = ${GRACE_SECONDS}\n[accounting]\nunknown_grace_seconds = 1\n`;
  writeFileSync(config, grace);
  const daemon = await manager.start(['--config', config], { env: withoutVulkan });
  t.teardown(() => daemon.end('SIGKILL'));
  t.same(daemon.errors, []);
  return daemon;
}

t.test('killed at any moment', async (t) => {
  const chosen = seed();
  t.comment(`DMABROKER_SEED=${chosen}`);
  const random = new Random(chosen);
  const manager = new ServiceManager(t);
  let daemon = await start(t, manager);
  const idle = await daemon.idleFds();
  /** Of the rounds before, which nobody has touched since. */
  const kept = new Map<string, Told>();
  const counts = { told: 0, away: 0, untold: 0, shared: 0 };

  for (let round = 1; round <= ROUNDS; round++) {
    const tokens = [...kept.values()].flatMap(({ token }) => token ?? []);
    const clients = Array.from(
      { length: CLIENTS },
      () => new Restless(daemon.clientSocket, random, tokens),
    );
    const runs = clients.map((client) => client.run());
    await setTimeout(random.below(LONGEST_MS));
    await daemon.end('SIGKILL');
    await Promise.all(runs);
    daemon = await start(t, manager);

    const told = clients.flatMap((client) => client.told.map((each) => ({ ...each, client })));
    const list = await daemon.buffers();
    const there = new Map(list.map((buffer) => [buffer.id, buffer]));
    const lives = ({ lifetime }: Told, { state, lifetime: now }: BufferInfo) =>
      state === (lifetime === 'connection' ? 'away' : 'live') &&
      now.type === lifetime &&
      now.seconds === (lifetime === 'lease' ? LEASE_SECONDS : undefined);
    const missing = [...told, ...kept.values()].filter((each) => {
      const buffer = there.get(each.id);
      return !each.givenBack && (buffer === undefined || !lives(each, buffer));
    });
    t.same(
      missing.map((each) => [each.id, each.lifetime, there.get(each.id)]),
      [],
      `what was told of is there after kill ${round}`,
    );
    for (const each of told) {
      if (each.lifetime !== 'connection' && !each.givenBack) kept.set(each.id, each);
    }
    const shared = [...kept.values()].filter(({ token }) => token !== null);
    t.same(
      await contents(
        daemon,
        shared.map(({ token }) => token as string),
      ),
      shared.map(({ id }) => id),
      'each token is good for its buffer, with what was in it',
    );
    const own = told.filter((each) => each.lifetime === 'connection' && !each.givenBack);
    const back = own.filter((_, i) => i % 3 === 0);
    const adopters: RawClient[] = [];
    for (const each of back) {
      adopters.push(await adopt(daemon.clientSocket, each, each.client.fdOf(each.id)));
    }
    t.equal(adopters.filter((client) => client.count(`${BUFFER}.done`) === 1).length, back.length);
    for (const { client } of clients) client.close();
    const known = new Set([...told, ...kept.values()].map(({ id }) => id));
    counts.untold += list.filter(({ id }) => !known.has(id)).length;
    counts.told += told.length;
    counts.away += own.length;
    counts.shared += shared.length;

    const wanted = new Set([...kept.keys(), ...back.map(({ id }) => id)]);
    let left: string[] = [];
    const asWanted = async () => {
      const now = await daemon.buffers();
      // What is being told of when the daemon is killed is kept, one message at most (slots.ts).
      for (const { id, state } of now) {
        const isReleased = told.some((each) => each.id === id && each.givenBack);
        if (wanted.has(id) || state !== 'live' || (known.has(id) && !isReleased)) continue;
        if (isReleased) await daemon.rest('DELETE', `/v1/buffers/${id}`);
      }
      left = now.filter(({ id }) => !wanted.has(id)).map(({ id, state }) => `${id} ${state}`);
      return left.length === 0 || (left.length === 1 && !known.has(left[0]?.split(' ')[0] ?? ''));
    };
    const isWaitedFor = round % ROUNDS_PER_GRACE === 1;
    for (const { id, state } of isWaitedFor ? [] : await daemon.buffers()) {
      if (state === 'away' && !wanted.has(id)) await daemon.rest('DELETE', `/v1/buffers/${id}`);
    }
    await eventually(asWanted, () => `the grace is over: ${left}`, GRACE_SECONDS * 1000);
    for (const each of left) await daemon.rest('DELETE', `/v1/buffers/${each.split(' ')[0]}`);
    for (const client of adopters) client.close();
    for (const id of [...kept.keys()].slice(0, Math.max(0, kept.size - MOST_KEPT))) {
      await daemon.rest('DELETE', `/v1/buffers/${id}`);
      kept.delete(id);
    }
    await eventually(
      async () => (await daemon.buffers()).length === kept.size,
      'what was brought back ends with its connection',
    );
    await recounted(daemon);
    t.equal(manager.names.length, kept.size, 'the manager has what is kept');
    t.equal(manager.refused, 0);
  }
  for (const id of kept.keys()) await daemon.rest('DELETE', `/v1/buffers/${id}`);
  await eventually(() => manager.names.length === 0, 'the manager has none of it any more');
  await nothingCharged(daemon);
  await t.resolves(daemon.settled(idle), 'and no fd is open');
  t.comment(JSON.stringify(counts));
  t.ok(counts.told > 0);
});
