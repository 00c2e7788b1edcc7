/**
 * The questions that main asks of the data plane: parameters and answer of each. REST's operations are
 * among them, in the words of openapi.yaml; main answers some itself (http/operations.ts).
 */
import type { PolicyRules } from '../../broker/policy.js';
import type { PoolLimits } from '../../broker/pool/limits.js';
import type { Pressure } from '../../broker/quota/recalls.js';
import type { RuleId, Rules } from '../../broker/quota/rules.js';
import type { Swept } from '../../broker/unproven.js';
import type { CreateBuffer, CreatedBuffer, PlannedBuffer } from '../../rest/contract.js';
import type { Answer, Call, OperationId } from '../../rest/operation.js';
import type { PlaneMetrics } from './metrics.js';
import type { Content } from './preview.js';
import type { Requester } from './requester.js';

/** What the main thread answers, if only in part: all others go to the data plane as they come. */
export type MainOperation =
  | 'getRoot'
  | 'getHealth'
  | 'getReadiness'
  | 'getWhoami'
  | 'getOpenapi'
  | 'getDocs'
  | 'getDocsFile'
  | 'getMetrics'
  | 'getDevice'
  | 'listDevices'
  | 'listFormats'
  | 'listBuffers'
  | 'createBuffer'
  | 'streamEvents'
  | 'previewBuffer'
  | 'getMetadata'
  | 'listHolders'
  | 'listProcesses'
  | 'listClients'
  | 'getLogLevel'
  | 'setLogLevel'
  | 'getConfig'
  | 'setQuota'
  | 'unsetQuota'
  | 'getLeaks'
  | 'listUsers';

/** What the data plane answers alone. */
export type PlaneOperation = Exclude<OperationId, MainOperation>;

/** What it takes to find out who has a buffer's memory. */
export interface BufferMemories {
  /** st_dev:st_ino; empty where files do not tell memories apart. */
  readonly identities: readonly string[];
  /** Whether it was handed out as an opaque_fd, too, which no file tells of. */
  readonly opaque?: boolean;
  readonly clients: readonly { readonly id: string; readonly pid: number }[];
  /** How many that were handed it have no pid here: they are in a pid namespace that is not seen. */
  readonly outside: number;
}

/** All memory by which a process can be told to have buffers, and of which buffers it is. */
export interface AllMemories {
  readonly memories: readonly {
    readonly identity: string;
    /** The same memory as another file. */
    readonly further?: string;
    readonly bytes: number;
    readonly buffers: readonly string[];
  }[];
  readonly clients: BufferMemories['clients'];
  /** As of one buffer: how many that were handed some have no pid here. */
  readonly outside: number;
  /** How many buffers are opaque fds, of which nobody can tell who has them. */
  readonly opaque: number;
}

/** What only main asks, for an operation of its own or for the daemon. */
interface MainQuestions {
  /** Answered when everything that happened before it was sent as `changes`. */
  catchUp: { parameters: null; answer: null };
  /** `ticket`: what `hungUp` names it by, as long as it waits for memory. */
  allocate: {
    parameters: CreateBuffer & { readonly ticket?: number };
    answer: CreatedBuffer;
  };
  /** Who has asked for memory does not wait for it any more; nothing where it was answered. */
  hungUp: { parameters: number; answer: null };
  /** A dry run. */
  plan: { parameters: CreateBuffer; answer: PlannedBuffer };
  /** An image's present content; the fd of the answer is main's. */
  readImage: { parameters: Pick<Call<'previewBuffer'>, 'params'>; answer: Content };
  /** The text as it was committed: who parses and prints it anew has other numbers. */
  documentOf: { parameters: Pick<Call<'getMetadata'>, 'params'>; answer: string };
  /** By its ticket: it is charged no longer. */
  imageDone: { parameters: number; answer: null };
  memoriesOf: { parameters: Pick<Call<'listHolders'>, 'params'>; answer: BufferMemories };
  allMemories: { parameters: null; answer: AllMemories };
  /** Without their names. */
  users: { parameters: null; answer: Answer<'listUsers'> };
  /** Replaces the rules of REST, of which one has changed. */
  configureQuotas: { parameters: { rules: Rules; changed: RuleId }; answer: null };
  /** Memory is short; how many buffers were recalled. */
  pressed: { parameters: Pressure; answer: number };
  relieved: { parameters: Pressure['sources']; answer: null };
  metrics: { parameters: null; answer: PlaneMetrics };
  /** Whether the data plane answers. */
  ping: { parameters: null; answer: null };
  /** The configuration was read again. */
  setQuotas: { parameters: { rules: Rules; recallSeconds: number }; answer: null };
  /** The configuration was read again. */
  setPolicy: { parameters: PolicyRules; answer: null };
  /** The configuration was read again: its spares go. */
  setPool: { parameters: PoolLimits; answer: null };
  /** The configuration was read again: the cards that may be asked. */
  setDisplays: { parameters: readonly string[]; answer: null };
  /** Whether clients are not to be read, since what they do could not be recorded. */
  hold: { parameters: boolean; answer: null };
  /** What a `sweep` has found. */
  swept: { parameters: Swept; answer: null };
  /** Releases everything and ends the thread. */
  shutDown: { parameters: null; answer: null };
}

export type Questions = MainQuestions & {
  [Id in PlaneOperation]: { parameters: Call<Id>; answer: Answer<Id> };
};

export type QuestionName = keyof Questions;

/** One of them, on its way to the data plane. */
export interface Question<Q extends QuestionName = QuestionName> {
  readonly seq: number;
  readonly question: Q;
  readonly parameters: Questions[Q]['parameters'];
  /** Who asks over REST, where what is asked for does something. */
  readonly by: Requester | null;
  /** The user whose things alone it may be about; null: everybody's. */
  readonly only: number | null;
}
