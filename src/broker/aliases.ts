/**
 * Sources that are one under several names (memory/source.ts): requests, quotas and settings may name it by any, and
 * it has one account.
 */
import type { SourceState } from '../memory/source.js';
import type { Rule, RuleId, Rules } from './quota/rules.js';

const SOURCE = 'source/';

export class Aliases {
  readonly #names = new Map<string, string>();

  constructor(sources: readonly Pick<SourceState, 'name' | 'aliases'>[] = []) {
    for (const { name, aliases = [] } of sources)
      for (const alias of aliases) this.#names.set(alias, name);
  }

  /** What a source is called by everybody. */
  nameOf<N extends string>(called: N): N {
    // An alias is of the same kind as the name.
    return (this.#names.get(called) ?? called) as N;
  }

  /** The same of several. */
  namesOf<N extends string>(called: readonly N[]): readonly N[] {
    if (!called.some((each) => this.#names.has(each))) return called;
    return [...new Set(called.map((each) => this.nameOf(each)))];
  }

  ruleOf(id: RuleId): RuleId {
    return id.startsWith(SOURCE) ? `source/${this.nameOf(id.slice(SOURCE.length))}` : id;
  }

  /** Where a source has rules by several names, what that by its own name says comes before the others. */
  rulesOf(rules: Rules): Rules {
    if (this.#names.size === 0) return rules;
    const all = new Map<RuleId, Rule>();
    for (const [id, rule] of rules) {
      const own = this.ruleOf(id);
      const known = all.get(own);
      all.set(own, id === own ? { ...known, ...rule } : { ...rule, ...known });
    }
    return all;
  }
}
