/**
 * Dry runs: what a request would become, and for a refusal the nearest request that would not be
 * refused. The checks are those of an allocation; nothing is kept and nothing is charged.
 */

import { BrokerError } from '../memory/errors.js';
import { attempt, type Done } from '../memory/result.js';
import type { Plan } from '../memory/source.js';
import type { Owner } from './buffer.js';
import { findNearest, isRelaxable, requestWords } from './nearest.js';
import type { AllocationRequest, Choice } from './request.js';
import type { Asker } from './turns.js';
import { Waiting } from './waiting.js';

/** What a plan needs of the broker. */
export interface Planning {
  /** What can be said of a request without its source: throws what an allocation would be told. */
  choose(owner: Owner, request: AllocationRequest): Choice;
  /** Throws where there is no room for what the source has planned. */
  check(owner: Owner, request: AllocationRequest, choice: Choice, plan: Plan): void;
  /** Asks the source; answers later, exactly once. */
  plan(asker: Asker, choice: Choice, done: Done<Plan>): void;
  /** The request without the sources that its owner may not have: what a hint may name. */
  permitted(owner: Owner, request: AllocationRequest): AllocationRequest;
  /** Who asks, and the user that answers for it. */
  asker(owner: Owner): Asker;
}

export class Planner {
  /** Plans are not charged, but not without bounds. */
  readonly #waiting = new Waiting();

  constructor(private readonly planning: Planning) {}

  /** Answers what an allocation would; a refusal comes with the nearest request. */
  test(owner: Owner, request: AllocationRequest, done: Done<Plan>): void {
    this.#plan(owner, request, (result) => {
      if ('error' in result) this.explain(owner, request, result.error, done);
      else done(result);
    });
  }

  /** Answers with the refusal of a request and `nearest`: null where nothing about the request would help. */
  explain(
    owner: Owner,
    request: AllocationRequest,
    error: BrokerError,
    done: (result: { readonly error: BrokerError }) => void,
  ): void {
    const told = (nearest: object | null) => {
      done({ error: new BrokerError(error.code, error.message, { ...error.refusal, nearest }) });
    };
    // What else a client could bring, nobody knows.
    if (!isRelaxable(error) || request.memory !== undefined) {
      told(null);
      return;
    }
    findNearest(
      request,
      error,
      (candidate, tried) =>
        this.#plan(owner, candidate, (result) => tried('error' in result ? result.error : null)),
      (found) => told(found === null ? null : requestWords(this.planning.permitted(owner, found))),
    );
  }

  #plan(owner: Owner, request: AllocationRequest, done: Done<Plan>): void {
    const asker = this.planning.asker(owner);
    const begun = attempt(() => ({
      choice: this.planning.choose(owner, request),
      answered: this.#waiting.begin(asker, 'dry runs'),
    }));
    if ('error' in begun) {
      done(begun);
      return;
    }
    const { choice, answered } = begun;
    this.planning.plan(asker, choice, (plan) => {
      answered();
      done('error' in plan ? plan : attempt(() => this.#checked(owner, request, choice, plan)));
    });
  }

  #checked(owner: Owner, request: AllocationRequest, choice: Choice, plan: Plan): Plan {
    this.planning.check(owner, request, choice, plan);
    return plan;
  }
}
