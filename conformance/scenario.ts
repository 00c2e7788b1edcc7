/** A scenario as its file says it, read and checked: a misspelt field would be an expectation that never fails. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from './pattern.js';

/** What an answer is: at most one of them is expected; `expect` with anything where none is said. */
export const OUTCOMES = ['expect', 'refused', 'rejected', 'ended'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface Expectation {
  readonly outcome: Outcome;
  readonly pattern: Json;
  /** Asked again until it is so. */
  readonly eventually: boolean;
}

interface Common {
  readonly as: string | null;
  readonly expectation: Expectation;
}

export interface ClientStep extends Common {
  readonly kind: 'client';
  readonly client: string;
  readonly what: string;
  readonly args: Json;
}

export interface RestStep extends Common {
  readonly kind: 'rest';
  readonly method: string;
  readonly path: string;
  readonly body: Json | undefined;
}

/** The device is lost with the next allocation. */
export interface LoseStep extends Common {
  readonly kind: 'lose';
}

/** A client's process is killed. */
export interface KillStep extends Common {
  readonly kind: 'kill';
  readonly client: string;
}

export type Step = ClientStep | RestStep | LoseStep | KillStep;

export interface Scenario {
  readonly file: string;
  readonly name: string;
  readonly needs: readonly string[];
  /** Environments of clients that do not have the usual one. */
  readonly clients: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly steps: readonly Step[];
}

type Fields = { readonly [name: string]: Json };

const STEP_FIELDS: ReadonlySet<string> = new Set([
  ...OUTCOMES,
  'eventually',
  'as',
  'client',
  'do',
  'args',
  'rest',
  'path',
  'body',
  'lose',
  'kill',
]);
const SCENARIO_FIELDS: ReadonlySet<string> = new Set(['name', 'why', 'needs', 'clients', 'steps']);

function onlyKnown(fields: Fields, known: ReadonlySet<string>, where: string): void {
  for (const name of Object.keys(fields)) {
    if (!known.has(name)) throw new Error(`${where}: there is no field ${name}`);
  }
}

function expectationOf(step: Fields, where: string): Expectation {
  const said = OUTCOMES.filter((name) => step[name] !== undefined);
  if (said.length > 1) throw new Error(`${where}: ${said.join(' and ')}`);
  const [outcome = 'expect'] = said;
  const pattern = step[outcome] ?? '$any';
  return { outcome, pattern, eventually: step.eventually === true };
}

function stepOf(step: Fields, where: string): Step {
  onlyKnown(step, STEP_FIELDS, where);
  const common = {
    as: step.as === undefined ? null : String(step.as),
    expectation: expectationOf(step, where),
  };
  if (step.do !== undefined) {
    const { client = '', args = {} } = step;
    if (client === '') throw new Error(`${where}: no client`);
    return { ...common, kind: 'client', client: String(client), what: String(step.do), args };
  }
  if (step.rest !== undefined) {
    const [method, path] = [String(step.rest), String(step.path)];
    return { ...common, kind: 'rest', method, path, body: step.body };
  }
  if (step.lose !== undefined) return { ...common, kind: 'lose' };
  if (step.kill !== undefined) return { ...common, kind: 'kill', client: String(step.kill) };
  throw new Error(`${where}: nothing is done`);
}

function scenarioOf(file: string, scenario: Fields): Scenario {
  const where = `${file}: ${scenario.name}`;
  onlyKnown(scenario, SCENARIO_FIELDS, where);
  const clients = Object.entries((scenario.clients ?? {}) as Record<string, Fields>);
  const steps = scenario.steps as readonly Fields[];
  return {
    file,
    name: String(scenario.name),
    needs: (scenario.needs ?? []) as readonly string[],
    clients: new Map(
      clients.map(([name, { env = {} }]) => [name, env as Readonly<Record<string, string>>]),
    ),
    steps: steps.map((step, i) => stepOf(step, `${where}, step ${i + 1}`)),
  };
}

/** All scenarios of a folder; with words, those whose file or name has one of them. */
export function readScenarios(folder: string, words: readonly string[] = []): Scenario[] {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort();
  const all = files.flatMap((file) => {
    const { scenarios } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
      scenarios: readonly Fields[];
    };
    return scenarios.map((each) => scenarioOf(file.replace(/\.json$/, ''), each));
  });
  if (words.length === 0) return all;
  return all.filter(({ file, name }) => words.some((word) => `${file}: ${name}`.includes(word)));
}
