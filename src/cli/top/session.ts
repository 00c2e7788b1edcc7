/**
 * `top` on a screen: asks the daemon for what is looked at, at its own pace, while keys move in what is there.
 * What the state and the answers look like is frame.ts's, what keys do is press.ts's.
 */
import { recall, recalledText, release, releasedText, USUAL_SECONDS } from '../buffer-changes.js';
import { Failure } from '../failure.js';
import type { Key } from '../keys.js';
import type { Names } from '../names.js';
import { say } from '../output.js';
import { hasColours } from '../printable.js';
import type { Rest } from '../rest.js';
import { Screen } from '../screen.js';
import type { Answers } from './answers.js';
import { Asker, type BufferQuery, header } from './asker.js';
import { hasUnicode } from './bars.js';
import { type Frame, frame } from './frame.js';
import { type Effect, pressed } from './press.js';
import type { Asked, TopState } from './state.js';

export interface SessionOptions {
  readonly names: Names;
  readonly query: BufferQuery;
  /** Buffers at most. */
  readonly limit: number;
  readonly intervalMs: number;
}

/** Until somebody ends it; what makes the first look impossible is thrown before the screen is taken. */
export async function runTop(rest: Rest, state: TopState, options: SessionOptions): Promise<void> {
  const { names, query, limit } = options;
  const { daemon, users } = await header(rest);
  await names.learn(users);
  const none = { items: [], note: null };
  const answers: Answers = {
    ...{ time: new Date().toISOString(), daemon, users: { items: users, note: null } },
    ...{ devices: [], buffers: none, processes: null, cgroups: null, details: null },
    ...{ gone: null, names },
  };
  const found = await new Asker(rest, names, query, limit).buffers(state);
  await new Session(rest, options, state, found(answers)).run();
}

class Session {
  readonly #stop = new AbortController();
  readonly #screen = new Screen(this.#stop, {
    onKeys: (keys) => this.#onKeys(keys),
    redraw: () => this.#draw(),
  });
  /** What is to be done is done, also where somebody leaves at once. */
  readonly #acting: Rest;
  readonly #acts = new Set<Promise<void>>();
  readonly #asker: Asker;
  #frame: Frame;
  #failed: unknown;

  constructor(
    rest: Rest,
    private readonly options: SessionOptions,
    private state: TopState,
    private answers: Answers,
  ) {
    this.#acting = rest.quiet(new AbortController().signal);
    const asking = rest.quiet(this.#stop.signal);
    this.#asker = new Asker(asking, options.names, options.query, options.limit);
    this.#frame = this.#made();
  }

  /** Resolves when somebody has ended it; rejects as what is neither a refusal nor an absence. */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    await this.#screen.run(async () => {
      this.#draw();
      this.#look();
      const timer = setInterval(() => this.#look(), this.options.intervalMs);
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      clearInterval(timer);
    });
    await Promise.all(this.#acts);
    if (this.#failed !== undefined) throw this.#failed;
  }

  #made(): Frame {
    const paper = {
      ...this.#screen.size,
      colours: hasColours(),
      unicode: hasUnicode(process.env),
    };
    return frame(this.state, this.answers, paper);
  }

  #draw(): void {
    this.#frame = this.#made();
    this.state = this.#frame.state;
    this.#screen.draw(this.#frame.lines);
  }

  /** All of them, before anything is drawn. */
  #onKeys(keys: readonly Key[]): void {
    for (const key of keys) {
      const { state, effect } = pressed(this.state, key, this.#frame.seen);
      this.state = state;
      // What the next key is about is what this one leads to.
      this.#frame = this.#made();
      this.state = this.#frame.state;
      if (effect !== null) this.#do(effect);
    }
    if (!this.#stop.signal.aborted) this.#draw();
  }

  #do(effect: Effect): void {
    if ('asked' in effect) {
      const act = this.#act(effect.asked).finally(() => this.#acts.delete(act));
      this.#acts.add(act);
    } else if (effect.do === 'quit') this.#stop.abort();
    else if (effect.do === 'suspend') this.#screen.suspend();
    else if (effect.do === 'redraw') this.#screen.clear();
    else this.#look();
  }

  /** Answers come one by one; none keeps another waiting. */
  #look(): void {
    this.#asker.look(
      this.state,
      (change) => {
        if (this.#stop.signal.aborted) return;
        this.answers = change(this.answers);
        this.#draw();
      },
      (error) => {
        this.#failed = error;
        this.#stop.abort();
      },
    );
  }

  async #act({ what, id }: Asked): Promise<void> {
    this.#tell(`${what} ${id} …`);
    try {
      this.#tell(
        what === 'release'
          ? releasedText(await release(this.#acting, id))
          : recalledText(await recall(this.#acting, id, USUAL_SECONDS)),
      );
      if (!this.#stop.signal.aborted) this.#look();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#tell(error.message.split('\n')[0] ?? '');
    }
  }

  #tell(message: string): void {
    // Nobody would read it on the screen.
    if (this.#stop.signal.aborted) say(message);
    this.state = { ...this.state, message };
    this.#draw();
  }
}
