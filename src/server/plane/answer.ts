/**
 * Answers a question of main's from one of the tables (operations.ts, questions.ts): finds what it is about,
 * checks that it is the asker's to ask about and still what the asker has seen (If-Match), and only then
 * does what is asked for.
 */
import type { Broker } from '../../broker/broker.js';
import { BrokerBuffer, type Client, type Owner } from '../../broker/buffer.js';
import { BrokerError, toMessage } from '../../memory/errors.js';
import { checkIfMatch } from '../words/etag.js';
import type { PlaneMessage } from '../words/messages.js';
import type { PlaneMetrics } from '../words/metrics.js';
import type { Question, QuestionName, Questions } from '../words/questions.js';
import { ownerOf } from '../words/requester.js';
import type { Journal } from './journal.js';
import type { Subject } from './subjects.js';

/** What answers are made from. */
export interface PlaneWorld {
  readonly broker: Broker;
  readonly journal: Journal;
  readonly connections: {
    disconnect(client: Client, by: Owner | null): void;
    hold(held: boolean): void;
  };
  /** How what waits for memory for a request of REST's is given up, by its ticket. */
  readonly waits: Map<number, (why: BrokerError) => void>;
  /** Paths of the cards that may be asked from now on. */
  setDisplays(cards: readonly string[]): void;
  measured(): PlaneMetrics;
  /** The thread ends with this turn. */
  shutDown(): void;
  post(message: PlaneMessage): void;
}

/** One question, when its subject was found. */
export interface Asked<Q extends QuestionName, S> {
  readonly world: PlaneWorld;
  readonly broker: Broker;
  readonly parameters: Questions[Q]['parameters'];
  readonly subject: S;
  /** Who asks over REST for something to be done; null where nobody does. */
  readonly by: Owner | null;
  /** The user of whom alone it may be told; null: of everybody. */
  readonly only: number | null;
  readonly seq: number;
}

/** Takes the answer, once. */
type Done<Q extends QuestionName> = (result: Answered<Q>) => void;
type Answered<Q extends QuestionName> =
  | { readonly value: Questions[Q]['answer'] }
  | { readonly error: unknown };

interface About<Q extends QuestionName, S> {
  /** What it is about, which is found and checked first. */
  readonly of: Subject<Questions[Q]['parameters'], S>;
  /** Nothing would be done, whatever the answer: a refusal is told to the asker alone. */
  readonly dry?: boolean;
}

/** A question's entry in a table. What its subject is, only the entry knows. */
interface Operation<Q extends QuestionName> {
  readonly dry: boolean;
  /** `found` is told the subject. Throws, or calls `done`. */
  handle(
    world: PlaneWorld,
    question: Question<Q>,
    found: (subject: unknown) => void,
    done: Done<Q>,
  ): void;
}

export type Table<Q extends QuestionName> = { readonly [K in Q]: Operation<K> };

/** An operation that is answered at once. */
export function op<Q extends QuestionName, S>({
  run,
  ...about
}: About<Q, S> & { readonly run: (asked: Asked<Q, S>) => Questions[Q]['answer'] }): Operation<Q> {
  return later({ ...about, start: (asked, done) => done({ value: run(asked) }) });
}

/** Those whose answer is only that it was done. */
type Wordless = {
  [Q in QuestionName]: Questions[Q]['answer'] extends null ? Q : never;
}[QuestionName];

/** The same of one that has nothing to answer. */
export function act<Q extends Wordless, S>({
  run,
  ...about
}: About<Q, S> & { readonly run: (asked: Asked<Q, S>) => unknown }): Operation<Q> {
  return later({
    ...about,
    start: (asked, done) => {
      run(asked);
      done({ value: null as Questions[Q]['answer'] });
    },
  });
}

/** An operation that is answered when something else was. */
export function later<Q extends QuestionName, S>({
  of,
  dry = false,
  start,
}: About<Q, S> & {
  readonly start: (asked: Asked<Q, S>, done: Done<Q>) => void;
}): Operation<Q> {
  return {
    dry,
    handle: (world, { parameters, by, only, seq }, found, done) => {
      const { broker } = world;
      const subject = of.find(broker, parameters, only);
      found(subject);
      of.check?.(broker, subject);
      const { ifMatch } = (parameters ?? {}) as { readonly ifMatch?: string };
      // What it is to be compared with is made only where somebody asks: it is everything that is shown.
      if (ifMatch !== undefined && of.view) checkIfMatch(ifMatch, of.view(broker, subject));
      const doer = by === null ? null : ownerOf(by);
      start({ world, broker, parameters, subject, by: doer, only, seq }, done);
    },
  };
}

/** Answers one, now or later; what is refused to somebody who would have done something is told. */
export function answer<Q extends QuestionName>(
  world: PlaneWorld,
  table: Table<Q>,
  question: Question<Q>,
): void {
  const { seq, by } = question;
  let about: BrokerBuffer | null = null;
  const refuse = (error: unknown) => {
    if (by !== null && error instanceof BrokerError && !table[question.question].dry) {
      world.broker.refused(ownerOf(by), error, about);
    }
    world.post({ kind: 'refusal', seq, error: toMessage(error) });
  };
  try {
    table[question.question].handle(
      world,
      question,
      (subject) => {
        about = subject instanceof BrokerBuffer ? subject : null;
      },
      (result) => {
        if ('error' in result) refuse(result.error);
        else world.post({ kind: 'answer', seq, value: result.value });
      },
    );
  } catch (error) {
    refuse(error);
  }
}
