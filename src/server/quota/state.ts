/**
 * The rules that were set over REST, in a file, so that they are kept over a restart. It is written
 * beside itself and renamed, so that it is always whole; one that is damaged all the same is left
 * where it is, reported, and replaced by the next change.
 */

import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { messageOf } from '../../broker/errors.js';
import type { Rule, RuleId, Rules } from '../../broker/quota/rules.js';
import type { QuotaRule } from '../control.js';
import { checkRule, ruleFromRest, ruleToRest } from './rest-rules.js';

const FILE = 'quotas.json';
const VERSION = 1;
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** systemd.exec(5)'s StateDirectory=, else root's, else the user's own (XDG base directories). */
export function stateFolder(
  env: NodeJS.ProcessEnv = process.env,
  uid = process.getuid?.(),
): string {
  const unit = env.STATE_DIRECTORY?.split(':')[0];
  if (unit) return unit;
  if (uid === 0) return '/var/lib/dmabroker';
  const home = env.XDG_STATE_HOME;
  const state = home !== undefined && isAbsolute(home) ? home : join(homedir(), '.local/state');
  return join(state, 'dmabroker');
}

export class QuotaState {
  #rules: Map<RuleId, Rule>;

  private constructor(
    private readonly path: string,
    rules: Rules,
    /** Why the file could not be used, or null. */
    readonly warning: string | null,
  ) {
    this.#rules = new Map(rules);
  }

  static read(folder: string): QuotaState {
    const path = join(folder, FILE);
    try {
      return new QuotaState(path, parse(readFileSync(path, 'utf8')), null);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
        return new QuotaState(path, new Map(), null);
      }
      const why = messageOf(error);
      const text = `${path} cannot be used (${why}): quotas that were set over REST are not in force`;
      return new QuotaState(path, new Map(), text);
    }
  }

  get rules(): Rules {
    return this.#rules;
  }

  /** Sets a rule, or takes it away with null. Throws, and changes nothing, if it cannot be kept. */
  set(id: RuleId, rule: Rule | null): void {
    const rules = new Map(this.#rules);
    if (rule === null) rules.delete(id);
    else rules.set(id, rule);
    this.#write(rules);
    this.#rules = rules;
  }

  #write(rules: Rules): void {
    const entries = [...rules].map(([id, rule]) => [id, ruleToRest(rule)]);
    const content = { version: VERSION, quotas: Object.fromEntries(entries) };
    const folder = dirname(this.path);
    const temporary = `${this.path}.new`;
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
    const file = openSync(temporary, 'w', FILE_MODE);
    try {
      writeSync(file, `${JSON.stringify(content, null, 2)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, this.path);
    // The name is the folder's: without this a power cut may bring the old file back.
    const opened = openSync(folder, 'r');
    try {
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
  }
}

function parse(text: string): Rules {
  const content: unknown = JSON.parse(text);
  if (!isObject(content) || content.version !== VERSION || !isObject(content.quotas)) {
    throw new Error(`it is no list of quotas of version ${VERSION}`);
  }
  const rules = new Map<RuleId, Rule>();
  for (const [id, value] of Object.entries(content.quotas)) {
    const [scope = '', ...key] = id.split('/');
    if (!isObject(value)) throw new Error(`${id} is no quota`);
    const rule = ruleFromRest(value as QuotaRule);
    rules.set(checkRule(scope, key.join('/'), rule), rule);
  }
  return rules;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
