/**
 * Plays scenarios against a daemon: each client of a scenario is a driver's process, what an administrator
 * does goes over REST.
 *
 * Owns: the drivers' processes, which are kept from scenario to scenario.
 */
import { ask } from './ask.js';
import { type Answer, Driver } from './driver.js';
import { type Bindings, filled, type Json, mismatches } from './pattern.js';
import type { ClientStep, Outcome, RestStep, Scenario, Step } from './scenario.js';

export interface Setup {
  readonly socket: string;
  readonly restSocket: string | null;
  /** Commands that start drivers. The clients of a scenario take them in turn: two libraries meet. */
  readonly drivers: readonly string[];
  /** A folder with `dmabroker/client.sock`, as XDG_RUNTIME_DIR. */
  readonly runtimeFolder: string | null;
  /** Has the daemon lose its device with the next allocation. */
  readonly lose?: () => void | Promise<void>;
  /** What is heard of a driver's answer to a command, where somebody stands between: a test that has it lie. */
  readonly hear?: (what: string, answer: Answer) => Answer;
}

export interface Result {
  readonly scenario: Scenario;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Why not. */
  readonly reasons: readonly string[];
}

/** How often what comes by itself is looked for, and how long between: a minute. */
const LOOKS = 600;
const BETWEEN_MS = 100;

/** dmabroker_manager_v1.handle_type, for what speaks in the protocol's own numbers. */
const HANDLE_BITS: Readonly<Record<string, number>> = { dma_buf: 1, opaque_fd: 2, memfd: 4 };

const OF_ANSWER: Readonly<Record<Outcome, keyof Answer>> = {
  expect: 'ok',
  refused: 'refused',
  rejected: 'rejected',
  ended: 'ended',
};

export class Runner {
  readonly #kept = new Map<string, Driver>();
  #facts: { bindings: Map<string, Json>; has: Set<string> } | null = null;

  constructor(private readonly setup: Setup) {}

  async run(scenario: Scenario): Promise<Result> {
    const { bindings, has } = await this.#known();
    const missing = scenario.needs.filter((need) => !has.has(need));
    if (missing.length > 0) {
      return { scenario, outcome: 'skipped', reasons: missing.map((need) => `no ${need}`) };
    }
    const play = new Play(this.setup, scenario, new Map(bindings), this.#kept);
    try {
      const cannot = await play.begin();
      if (cannot.length > 0) return { scenario, outcome: 'skipped', reasons: cannot };
      for (const [i, step] of scenario.steps.entries()) {
        const reasons = await play.step(step);
        if (reasons.length === 0) continue;
        const where = `step ${i + 1} (${describe(step)})`;
        return {
          scenario,
          outcome: 'failed',
          reasons: reasons.map((reason) => `${where}: ${reason}`),
        };
      }
      return { scenario, outcome: 'passed', reasons: [] };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { scenario, outcome: 'failed', reasons: [reason] };
    } finally {
      await play.end();
    }
  }

  /** What the daemon has, asked once: `$handle_type` is the best that it exports. */
  async #known() {
    if (this.#facts !== null) return this.#facts;
    const { setup } = this;
    const env = { ...process.env, DMABROKER_SOCKET: setup.socket };
    const [command = ''] = setup.drivers;
    const driver = await Driver.start(command, env);
    // The first client's of most scenarios.
    this.#kept.set('A', driver);
    const { ok } = await driver.tell('connect', {}, null);
    await driver.tell('disconnect', {}, null);
    if (ok === undefined) throw new Error(`nobody answers at ${setup.socket}`);
    const { sources, devices } = ok as {
      sources: readonly { name: string; handle_type: string; usable: boolean }[];
      devices: readonly Json[];
    };
    const usable = sources.filter((source) => source.usable);
    const has = new Set(usable.map(({ handle_type }) => handle_type));
    if (usable.some(({ name }) => name === 'udmabuf')) has.add('udmabuf');
    const handleType = has.has('dma_buf') ? 'dma_buf' : 'memfd';
    if (devices.length > 0) has.add('device');
    if (setup.restSocket !== null) has.add('rest');
    if (setup.runtimeFolder !== null) has.add('runtime_folder');
    if (setup.lose !== undefined) has.add('lose');
    const source = usable.find(({ handle_type }) => handle_type === handleType)?.name ?? '';
    const bindings = new Map<string, Json>([
      ['handle_type', handleType],
      ['other_handle_type', handleType === 'memfd' ? 'dma_buf' : 'opaque_fd'],
      ['source', source],
      ['handle_bit', HANDLE_BITS[handleType] ?? 0],
      ['socket', setup.socket],
      ['runtime_folder', setup.runtimeFolder ?? ''],
    ]);
    this.#facts = { bindings, has };
    return this.#facts;
  }

  async end(): Promise<void> {
    for (const driver of this.#kept.values()) await driver.end('leave');
    this.#kept.clear();
  }
}

const describe = (step: Step): string => {
  if (step.kind === 'client') return `${step.client}: ${step.what}`;
  if (step.kind === 'rest') return `${step.method} ${step.path}`;
  return step.kind;
};

/** One scenario that is being played. */
class Play {
  readonly #drivers = new Map<string, Driver>();
  /** Those whose environment is not the usual one, or that were killed. */
  readonly #own = new Set<string>();
  #freed = false;

  constructor(
    private readonly setup: Setup,
    private readonly scenario: Scenario,
    private readonly bindings: Map<string, Json>,
    private readonly kept: Map<string, Driver>,
  ) {}

  /** Starts what is not there yet; returns what the drivers cannot do. */
  async begin(): Promise<string[]> {
    const steps = this.scenario.steps.filter((step): step is ClientStep => step.kind === 'client');
    const names = [...new Set(steps.map(({ client }) => client))].sort();
    for (const [i, name] of names.entries()) {
      const { drivers } = this.setup;
      const command = drivers[i % drivers.length] ?? '';
      this.#drivers.set(name, await this.#driver(name, command));
    }
    const cannot = steps.filter(({ client, what }) => !this.#drivers.get(client)?.can.has(what));
    return [...new Set(cannot.map(({ client, what }) => `the driver of ${client} has no ${what}`))];
  }

  async #driver(name: string, command: string): Promise<Driver> {
    const usual = { ...process.env, DMABROKER_SOCKET: this.setup.socket };
    const own = this.scenario.clients.get(name);
    if (own !== undefined) {
      this.#own.add(name);
      return Driver.start(command, { ...usual, ...(this.#fill(own) as Record<string, string>) });
    }
    const kept = this.kept.get(name);
    if (kept !== undefined) return kept;
    const driver = await Driver.start(command, usual);
    this.kept.set(name, driver);
    return driver;
  }

  #fill(template: Json): Json {
    return filled(template, this.bindings as Bindings);
  }

  /** What was not as expected. */
  async step(step: Step): Promise<string[]> {
    if (step.kind === 'lose') {
      await this.setup.lose?.();
      return [];
    }
    if (step.kind === 'kill') {
      await this.#drivers.get(step.client)?.end('kill');
      this.kept.delete(step.client);
      this.#drivers.delete(step.client);
      return [];
    }
    const looks = step.expectation.eventually ? LOOKS : 1;
    let wrong: string[] = [];
    for (let look = 0; look < looks; look++) {
      if (look > 0) await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
      const answer = step.kind === 'rest' ? await this.#rest(step) : await this.#tell(step);
      wrong = this.#judge(step, answer);
      if (wrong.length === 0) break;
    }
    return wrong;
  }

  #judge({ expectation: { outcome, pattern }, as }: Step, answer: Answer): string[] {
    const value = answer[OF_ANSWER[outcome]];
    if (value === undefined) return [`${outcome} was expected, but ${JSON.stringify(answer)} came`];
    if (as !== null) this.bindings.set(as, value);
    return mismatches(pattern, value, this.bindings as Bindings);
  }

  async #tell({ client, what, args, as }: ClientStep): Promise<Answer> {
    const driver = this.#drivers.get(client);
    if (driver === undefined) throw new Error(`${client} was killed`);
    const answer = await driver.tell(what, this.#fill(args), as);
    return this.setup.hear?.(what, answer) ?? answer;
  }

  async #rest({ method, path, body }: RestStep): Promise<Answer> {
    const { restSocket } = this.setup;
    if (restSocket === null) throw new Error('there is no REST socket: say that it needs rest');
    const payload = body === undefined ? undefined : this.#fill(body);
    return { ok: await ask(restSocket, method, String(this.#fill(path)), payload) };
  }

  /** Nothing of it is left for the next one. */
  async end(): Promise<void> {
    if (this.#freed) return;
    this.#freed = true;
    for (const [name, driver] of this.#drivers) {
      if (this.#own.has(name)) await driver.end('leave').catch(() => {});
      else await this.#reset(name, driver);
    }
    const { restSocket } = this.setup;
    if (restSocket === null) return;
    const { body } = (await ask(restSocket, 'GET', '/v1/buffers?state=live')) as { body: Json };
    for (const { id, name } of body as unknown as readonly { id: string; name: string | null }[]) {
      // Not those of others, where the daemon is somebody's.
      if (name?.startsWith('conformance') === true) {
        await ask(restSocket, 'DELETE', `/v1/buffers/${id}`);
      }
    }
  }

  async #reset(name: string, driver: Driver): Promise<void> {
    try {
      await driver.tell('disconnect', {}, null);
    } catch {
      // It has ended, or does not answer: the next scenario gets another.
      await driver.end('kill').catch(() => {});
      this.kept.delete(name);
    }
  }
}
