/**
 * The rules that were set over REST, in a file of the state folder, so that they are kept over a restart.
 * A file that is damaged is left where it is, reported, and replaced by the next change.
 */
import { join } from 'node:path';
import type { Rule, RuleId, Rules } from '../../broker/quota/rules.js';
import { messageOf } from '../../memory/errors.js';
import type { QuotaRule } from '../../rest/contract.js';
import { checkRule, ruleFromRest, ruleToRest } from '../words/quota-rules.js';
import type { StateFolder } from './folder.js';

const FILE = 'quotas.json';
const VERSION = 1;

export class QuotaState {
  #rules: Rules;

  private constructor(
    private readonly folder: StateFolder,
    rules: Rules,
    /** Why the file could not be used, or null. */
    readonly warning: string | null,
  ) {
    this.#rules = rules;
  }

  static read(folder: StateFolder): QuotaState {
    try {
      const text = folder.read(FILE);
      return new QuotaState(folder, text === null ? new Map() : parse(text), null);
    } catch (error) {
      const path = join(folder.path, FILE);
      const text = `${path} cannot be used (${messageOf(error)}): quotas that were set over REST are not in force`;
      return new QuotaState(folder, new Map(), text);
    }
  }

  get rules(): Rules {
    return this.#rules;
  }

  /**
   * Sets a rule, or takes it away with null. Resolves when it is kept; rejects with `not_stored`, and
   * changes nothing, where it cannot be. One change at a time.
   */
  async set(id: RuleId, rule: Rule | null): Promise<void> {
    const rules = new Map(this.#rules);
    if (rule === null) rules.delete(id);
    else rules.set(id, rule);
    const entries = [...rules].map(([id, rule]) => [id, ruleToRest(rule)]);
    const content = { version: VERSION, quotas: Object.fromEntries(entries) };
    await this.folder.replace(FILE, `${JSON.stringify(content, null, 2)}\n`);
    this.#rules = rules;
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
