/** The data plane's answers on a registry of their own. */
import type { Call, OperationId } from '../../../src/rest/operation.js';
import { answer, type PlaneWorld } from '../../../src/server/plane/answer.js';
import { operations } from '../../../src/server/plane/operations.js';
import { questions } from '../../../src/server/plane/questions.js';
import type { PlaneMessage } from '../../../src/server/words/messages.js';
import type { Question, QuestionName } from '../../../src/server/words/questions.js';
import type { Requester } from '../../../src/server/words/requester.js';
import { makeRegistry } from '../wayland/support/registry.js';

/** A question without what main adds to it. */
export interface Asking {
  readonly question: QuestionName;
  readonly parameters: Question['parameters'];
}

/** What an operation is asked: its path's parameters, its body, If-Match. */
export const call = (
  question: QuestionName & OperationId,
  params: Readonly<Record<string, string>>,
  more: { readonly body?: object; readonly ifMatch?: string } = {},
): Asking => ({
  question,
  parameters: {
    params,
    query: undefined,
    ...more,
  } as unknown as Call<OperationId> as Asking['parameters'],
});

export function makePlane() {
  const registry = makeRegistry();
  const { broker, posted, post, journal } = registry;
  const world: PlaneWorld = {
    broker,
    journal,
    connections: { disconnect: () => {}, hold: () => {} },
    waits: new Map(),
    setDisplays: () => {},
    measured: () => {
      throw new Error('nothing is measured here');
    },
    shutDown: () => {},
    post,
  };
  /** What is answered at once. */
  const ask = (
    { question, parameters }: Asking,
    by: Requester | null = null,
    only: number | null = null,
  ): PlaneMessage | undefined => {
    const all = { ...operations, ...questions };
    answer(world, all, { seq: 7, question, parameters, by, only } as never);
    journal.run();
    return posted.pop();
  };
  return { ...registry, ask };
}
