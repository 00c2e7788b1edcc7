/**
 * Random schedules for a real daemon. At quiet points what the daemon lists is what a model expects,
 * and all that it charges is what a recount finds; at the end nothing is left.
 */
import type { Test } from 'tap';
import { eventually, type TestDaemon } from '../daemon.js';
import { Random, seed } from '../random.js';
import { nothingCharged, recounted } from '../recount.js';
import { type ActionOptions, Actions } from './actions.js';
import { Model } from './model.js';

export interface ScheduleOptions extends ActionOptions {
  readonly steps: number;
  /** What must have happened: where chance has left one out, it goes on, for four times the steps. */
  readonly wanted: readonly (keyof Actions['counts'])[];
  /** At most so many processes at a time. */
  readonly actors: number;
  /** A quiet point after so many steps. */
  readonly quietAfter: number;
}

class Schedule {
  readonly #model = new Model();
  readonly #actions: Actions;

  constructor(
    private readonly daemon: TestDaemon,
    private readonly options: ScheduleOptions,
    private readonly random: Random,
  ) {
    this.#actions = new Actions(daemon, this.#model, random, options);
  }

  get counts(): Actions['counts'] {
    return this.#actions.counts;
  }

  async run(): Promise<void> {
    const { steps, wanted, quietAfter, actors } = this.options;
    const isDone = () => wanted.every((what) => this.counts[what] > 0);
    const running = this.#actions.actors;
    while (running.size < actors) this.#actions.start();
    for (let step = 1; step <= steps || (step <= 4 * steps && !isDone()); step++) {
      const actor = this.random.one(running.keys());
      if (actor === undefined || running.size < actors / 2) this.#actions.start();
      else await this.#actions.any(actor);
      if (step % quietAfter === 0) await this.#quiet();
    }
    await this.#finish();
  }

  /** Processes that are still there are ended. */
  async abandon(): Promise<void> {
    for (const actor of this.#actions.actors.keys()) await actor.end('kill');
  }

  /** What the daemon lists is what there is, and everything is charged as it is listed. */
  async #quiet(): Promise<void> {
    let wrong: string[] = [];
    await eventually(
      async () => {
        const listed = new Map((await this.daemon.buffers()).map(({ id, state }) => [id, state]));
        wrong = this.#model.differences(listed, () => this.counts.expired++);
        return wrong.length === 0;
      },
      () => `list and model agree: ${wrong.join('; ')}`,
    );
    await recounted(this.daemon);
    this.counts.lingered += this.#model.settle();
  }

  /** A last lease; everybody leaves, in two ways; what is left is released, or its lease runs out. */
  async #finish(): Promise<void> {
    await this.#actions.liftQuotas();
    const [actor] = this.#actions.actors.keys();
    if (actor !== undefined) await this.#actions.allocate(actor, { lease: 1 });
    for (const known of this.#model.live) {
      if (known.lifetime === 'until_released') await this.#actions.delete(known);
    }
    await this.#quiet();
    for (const [index, actor] of [...this.#actions.actors.keys()].entries()) {
      await this.#actions.leave(actor, index % 2 === 0 ? 'kill' : 'leave');
    }
    for (const { letGoAt } of this.#model.live) {
      await new Promise((resolve) => setTimeout(resolve, letGoAt - performance.now()));
    }
    await eventually(
      async () => (await this.daemon.buffers()).length === 0,
      'everything is released and gone',
    );
    await this.#quiet();
    await nothingCharged(this.daemon);
  }
}

/** Runs a schedule and says how often what has happened in it. */
export async function testSchedule(
  t: Test,
  daemon: TestDaemon,
  options: ScheduleOptions,
): Promise<Actions['counts']> {
  const chosen = seed();
  t.comment(`DMABROKER_SEED=${chosen}`);
  const before = await daemon.idleFds();
  const schedule = new Schedule(daemon, options, new Random(chosen));
  t.teardown(() => schedule.abandon());
  await t.resolves(schedule.run(), `the schedule of seed ${chosen}`);
  await schedule.abandon(); // nobody is left, unless it failed
  await t.resolves(daemon.settled(before));
  t.comment(JSON.stringify(schedule.counts));
  return schedule.counts;
}
