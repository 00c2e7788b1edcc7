/**
 * What `top` asks the daemon: the header, the list of the view, the buffer that is open, each by itself. Of each
 * one question is under way at a time; where it is to be asked again meanwhile, it is once that is answered.
 */
import type {
  BufferInfo,
  CgroupInfo,
  Holders,
  ListedDeviceInfo,
  Processes,
  QuotaInfo,
  UserInfo,
} from '../../rest/contract.js';
import { bufferPath } from '../command.js';
import { Failure, Refused, Unreachable } from '../failure.js';
import type { Names } from '../names.js';
import type { Rest } from '../rest.js';
import type { Answers, Details } from './answers.js';
import type { TopState, View } from './state.js';

type Change = (answers: Answers) => Answers;
type Part = 'header' | 'devices' | View | 'details' | 'holders';

/** The query of a list of buffers, as the state has it. */
export type BufferQuery = (state: TopState) => URLSearchParams;

interface Listening {
  readonly changed: (change: Change) => void;
  readonly failed: (error: unknown) => void;
}

export class Asker {
  /** Those that are under way, with what is to be asked next. */
  readonly #busy = new Map<Part, (() => Promise<Change>) | null>();

  constructor(
    private readonly rest: Rest,
    private readonly names: Names,
    private readonly query: BufferQuery,
    private readonly limit: number,
  ) {}

  /** Asks for what the state shows; each answer is a change of those that there are. */
  look(state: TopState, changed: Listening['changed'], failed: Listening['failed']): void {
    const { view, opened } = state;
    const ask = (part: Part, question: () => Promise<Change>) =>
      this.#ask(part, question, { changed, failed });
    ask('header', () => this.#header());
    ask('devices', () => this.#devices());
    if (opened !== null) {
      ask('details', () => this.#details(opened));
      ask('holders', () => this.#holders(opened));
    } else if (view === 'buffers') ask(view, () => this.buffers(state));
    else if (view === 'processes') ask(view, () => this.#processes());
    else if (view === 'cgroups') ask(view, () => this.#cgroups());
  }

  async #ask(part: Part, question: () => Promise<Change>, listening: Listening): Promise<void> {
    if (this.#busy.has(part)) {
      this.#busy.set(part, question);
      return;
    }
    this.#busy.set(part, null);
    const change = await question().catch((error) => this.#lost(error, listening));
    const next = this.#busy.get(part);
    this.#busy.delete(part);
    listening.changed(change);
    if (next) await this.#ask(part, next, listening);
  }

  /** A daemon that is being started again is no reason to end. */
  #lost(error: unknown, { failed }: Listening): Change {
    if (!(error instanceof Failure) || !passes(error)) {
      failed(error);
      return (answers) => answers;
    }
    return (answers) => ({ ...answers, gone: notUpToDate(error) });
  }

  async #header(): Promise<Change> {
    const { daemon, users } = await header(this.rest);
    await this.names.learn(users);
    const time = new Date().toISOString();
    const listed = { items: users, note: null };
    return (answers) => ({ ...answers, time, daemon, users: listed, gone: null });
  }

  async #devices(): Promise<Change> {
    const asked = this.rest.get<ListedDeviceInfo[]>('/v1/devices');
    const devices = await orRefusal(asked);
    return (answers) => ({ ...answers, devices: devices instanceof Refused ? [] : devices });
  }

  async buffers(state: TopState): Promise<Change> {
    const { items, more } = await this.rest.page<BufferInfo>(
      '/v1/buffers',
      this.query(state),
      this.limit,
    );
    await this.names.learn(items);
    const note = more ? `these are ${items.length}, and there are more: see --limit` : null;
    return (answers) => ({ ...answers, buffers: { items, note } });
  }

  async #processes(): Promise<Change> {
    const found = await orRefusal(this.rest.get<Processes>('/v1/processes'));
    if (found instanceof Refused) {
      return (answers) => ({ ...answers, processes: { items: [], note: found.message } });
    }
    const { processes: items, missing } = found;
    await this.names.learn(items);
    const note = missing && `not complete: ${missing}`;
    return (answers) => ({ ...answers, processes: { items, note } });
  }

  async #cgroups(): Promise<Change> {
    const found = await orRefusal(this.rest.get<CgroupInfo[]>('/v1/cgroups'));
    if (found instanceof Refused) {
      return (answers) => ({ ...answers, cgroups: { items: [], note: found.message } });
    }
    await this.names.learn(found);
    return (answers) => ({ ...answers, cgroups: { items: found, note: null } });
  }

  async #details(id: string): Promise<Change> {
    const buffer = await orRefusal(this.rest.get<BufferInfo>(bufferPath(id)));
    await this.names.learn(buffer);
    if (buffer instanceof Refused) return detail(id, { refused: buffer.message });
    return detail(id, { buffer, refused: null });
  }

  /** A look at all processes, which takes its time. */
  async #holders(id: string): Promise<Change> {
    const holders = await orRefusal(this.rest.get<Holders>(bufferPath(id, '/holders')));
    await this.names.learn(holders);
    // What refuses both says so once.
    return holders instanceof Refused ? (answers) => answers : detail(id, { holders });
  }
}

const detail =
  (id: string, told: Partial<Details>): Change =>
  (answers) => {
    const none: Details = { id, buffer: null, holders: null, refused: null };
    const before = answers.details?.id === id ? answers.details : none;
    return { ...answers, details: { ...before, ...told } };
  };

/** The daemon's and all users' use. */
export async function header(rest: Rest) {
  const [daemon, users] = await Promise.all([
    orRefusal(rest.get<QuotaInfo>('/v1/quotas/daemon/default')),
    rest.get<UserInfo[]>('/v1/users'),
  ]);
  return { daemon: daemon instanceof Refused ? null : daemon, users };
}

/** What is not allowed or not there is an answer, too. */
async function orRefusal<T>(asked: Promise<T>): Promise<T | Refused> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Refused && !passes(error)) return error;
    throw error;
  }
}

export function notUpToDate({ message }: Failure): string {
  const [why = ''] = message.split('\n');
  return `${why}; what was seen before is not up to date`;
}

/** What a daemon that is being started again answers, if at all. */
export function passes(failure: Failure): boolean {
  if (failure instanceof Refused)
    return failure.problem.status >= 500 || failure.problem.status === 429;
  return failure instanceof Unreachable;
}
