/**
 * A dry run says what an allocation would be told: in random worlds of users, limits, rates, shares,
 * recalls and drivers that take more than was asked for, both come to the same verdict.
 */
import fc from 'fast-check';
import t from 'tap';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerBuffer, Client, Owner } from '../../src/broker/buffer.js';
import { Quotas } from '../../src/broker/quota/quotas.js';
import type { Rule, RuleId } from '../../src/broker/quota/rules.js';
import { BrokerError, type ErrorCode } from '../../src/memory/errors.js';
import { atNight } from '../support/night.js';
import { FakeWorld, linear, memfd, offers, peer, request } from './support/world.js';

const PAGE = 4096;
const USERS = [1, 2, 3];
type Verdict = ErrorCode | 'possible';

class Scene {
  readonly world = new FakeWorld();
  readonly broker: Broker;
  readonly clients: readonly Client[];

  constructor(rules: readonly (readonly [RuleId, Rule])[] = []) {
    const quotas = new Quotas(this.world.clock, { defaults: new Map(rules), recallSeconds: 10 });
    this.broker = new Broker(this.world, { sources: [memfd], offers }, quotas);
    this.clients = USERS.map((uid) => this.broker.connect({ ...peer, uid, cgroup: `/${uid}` }));
  }

  /** A client's user, over its connection or over REST. */
  owner(pick: number, rest: boolean): Owner {
    const client = this.clients[pick % this.clients.length] as Client;
    return { client: rest ? null : client, peer: client.peer };
  }

  #asked = (pages: number) =>
    request({ spec: { ...linear, size: pages * PAGE }, lifetime: 'until_released' });

  dryRun(owner: Owner, pages: number): Verdict {
    let verdict: Verdict | undefined;
    this.broker.test(owner, this.#asked(pages), (result) => {
      verdict = 'error' in result ? result.error.code : 'possible';
    });
    if (verdict === undefined) throw new Error('the dry run is not answered');
    return verdict;
  }

  /** What the source says is what it has planned. */
  create(owner: Owner, pages: number): Verdict {
    let verdict: Verdict | undefined;
    const { world } = this;
    this.broker.allocate(owner, this.#asked(pages), (result) => {
      verdict = 'error' in result ? result.error.code : 'possible';
    });
    if (world.pending.length === 0) return verdict as Verdict;
    if (pages * PAGE > world.planLimit) world.refuse(new BrokerError('too_large', 'as planned'));
    else world.answer();
    return verdict as Verdict;
  }

  get charges(): string {
    const charged = [...this.broker.quotas.accounts].filter(({ empty }) => !empty);
    return JSON.stringify(charged.map(({ scope, key, charge }) => [scope, key, charge]));
  }

  get buffers(): BrokerBuffer[] {
    return [...this.broker.buffers];
  }
}

const limits: fc.Arbitrary<Rule> = fc.record(
  {
    bytes: fc.integer({ min: 0, max: 200 }).map((pages) => pages * PAGE),
    buffers: fc.integer({ min: 0, max: 20 }),
    fds: fc.integer({ min: 0, max: 20 }),
    pending: fc.integer({ min: 0, max: 2 }),
    allocationsPerSecond: fc.constantFrom(1, 3),
  },
  { requiredKeys: [] },
);
const scopes: RuleId[] = [
  'daemon/default',
  'source/memfd',
  'user/default',
  'user/1',
  'connection/default',
  'cgroup//2',
  'group/1000',
];
/** What happens, by how often. */
const KINDS = [
  ...Array<'ask'>(8).fill('ask'),
  ...Array<'recall'>(2).fill('recall'),
  ...Array<'wait'>(3).fill('wait'),
  'release',
  'press',
  'leave',
  'rule',
] as const;
const step = fc.record({
  kind: fc.constantFrom(...KINDS),
  pick: fc.nat(100),
  rest: fc.boolean(),
  pages: fc.integer({ min: 1, max: 20 }),
  id: fc.constantFrom(...scopes),
  limits,
});

t.test('a dry run’s verdict is that of the allocation after it', async (t) => {
  const seen = new Map<Verdict, number>();
  const property = fc.property(
    fc.array(fc.tuple(fc.constantFrom(...scopes), limits), { maxLength: 4 }),
    fc.record({ overhead: fc.constantFrom(0, PAGE, 5 * PAGE), limit: fc.constantFrom(15, 1000) }),
    fc.array(step, { maxLength: 60, size: 'max' }),
    (rules, driver, steps) => {
      const scene = new Scene(rules);
      const { world, broker } = scene;
      world.overhead = driver.overhead;
      world.planLimit = driver.limit * PAGE;
      for (const { kind, pick, rest, pages, id, limits } of steps) {
        const { buffers } = scene;
        const buffer = buffers[pick % buffers.length];
        const owner = scene.owner(pick, rest);
        if (kind === 'ask' && owner.client?.connected !== false) {
          const before = scene.charges;
          const dry = scene.dryRun(owner, pages);
          if (scene.charges !== before) throw new Error('it was charged');
          const real = scene.create(owner, pages);
          if (dry !== real) throw new Error(`the dry run says ${dry}, the allocation ${real}`);
          seen.set(real, (seen.get(real) ?? 0) + 1);
        } else if (kind === 'rule') broker.quotas.configure('rest', new Map([[id, limits]]));
        else if (kind === 'release' && buffer) broker.release(buffer, 'owner');
        else if (kind === 'recall' && buffer) broker.quotas.recalls.forAdministrator(buffer, 5);
        else if (kind === 'press') broker.pressure({ sources: null, seconds: 5 });
        else if (kind === 'leave' && pick % 7 === 0 && owner.client?.connected) {
          broker.disconnect(owner.client);
        } else if (kind === 'wait') {
          world.pass(pick * 100);
          broker.poll();
        }
      }
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: atNight(200, 10_000) }));
  for (const verdict of ['possible', 'limit_exceeded', 'recalled', 'too_large'] as const) {
    t.ok((seen.get(verdict) ?? 0) > 20, `${verdict}: ${seen.get(verdict)} times`);
  }
});

t.test('a dry run of a user with an overdue recall is refused as an allocation is', async (t) => {
  const scene = new Scene();
  const owner = scene.owner(0, false);
  scene.create(owner, 1);
  const [buffer] = scene.buffers;
  if (buffer === undefined) throw new Error('nothing was allocated');
  scene.broker.quotas.recalls.forAdministrator(buffer, 5);
  t.equal(scene.dryRun(owner, 1), 'possible');
  scene.world.pass(5000);
  t.equal(scene.dryRun(owner, 1), 'recalled');
  t.equal(scene.create(owner, 1), 'recalled');
});

t.test('a driver’s layout that takes more than the quota leaves', async (t) => {
  const scene = new Scene([['user/default', { bytes: 2 * PAGE }]]);
  scene.world.overhead = PAGE;
  const owner = scene.owner(0, false);
  t.equal(scene.dryRun(owner, 1), 'possible');
  t.equal(scene.dryRun(owner, 2), 'limit_exceeded');
  t.equal(scene.create(owner, 2), 'limit_exceeded');
});
