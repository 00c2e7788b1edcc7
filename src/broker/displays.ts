/**
 * What displays have said of memory for scanout. `verified` is said of memory that was shown to them itself, never inferred:
 * of two buffers of one heap a display may take the one whose pages happen to lie together. What is kept is of which
 * source they have refused memory for such an image, so that another one is asked first, and what a dry run is told,
 * which has no memory. It is kept for a minute at most, since a monitor or a card may be another one by then, and
 * forgotten when something else is heard.
 *
 * Pure. Owns what is kept.
 */
import { after, type Clock, type Monotonic } from '../memory/clock.js';
import type { CardScanout, Picture, Scanout } from '../memory/scanout.js';
import {
  type Allocation,
  type FellBack,
  type Plan,
  type SourceName,
  Usage,
} from '../memory/source.js';
import { specWords } from './pool/key.js';
import type { AllocationRequest, Choice } from './request.js';

const KEPT_MS = 60_000;
/** Kinds of image that something is kept of; one more takes the oldest one's place. */
const KINDS = 64;

interface Heard {
  readonly scanout: Scanout;
  readonly at: Monotonic;
}

/** It is kept with the buffer, over a restart too, and a card's path is the configuration's. */
const MAX_REASON = 400;

const NONE: ReadonlySet<SourceName> = new Set();

export class Displays {
  readonly #heard = new Map<string, Map<SourceName, Heard>>();
  #areAsked = false;
  /** Another number whenever others are asked from then on. */
  #asked = 0;

  constructor(private readonly clock: Clock) {}

  /** Whether there is one to be asked; what was heard of others is forgotten. */
  set areAsked(asked: boolean) {
    this.#areAsked = asked;
    this.#heard.clear();
    this.#asked++;
  }

  /** Who is asked now: for `note`, since they may be others before these have answered. */
  get asked(): number {
    return this.#asked;
  }

  /** Whether they are to be shown what is made by that choice. */
  concern({ handleType, spec }: Choice): boolean {
    return handleType === 'dma_buf' && this.#concern(spec);
  }

  #concern({ kind, usage }: AllocationRequest['spec']): boolean {
    return this.#areAsked && kind === 'image' && (usage & Usage.scanout) !== 0;
  }

  /** The sources whose memory they have refused for such a request. */
  refused(request: AllocationRequest): ReadonlySet<SourceName> {
    if (!this.#concern(request.spec)) return NONE;
    const refused = new Set<SourceName>();
    for (const [source, { scanout, at }] of this.#heard.get(keyOf(request)) ?? []) {
      if (scanout.state === 'refused' && this.#isFresh(at)) refused.add(source);
    }
    return refused;
  }

  /** They were shown memory of a source; `asked`: who. */
  note(request: AllocationRequest, source: SourceName, scanout: Scanout, asked: number): void {
    if (asked !== this.#asked) return;
    const key = keyOf(request);
    const before = this.#heard.get(key)?.get(source)?.scanout.state ?? scanout.state;
    // Something has changed, or is not there any more.
    if (scanout.state !== before) this.#heard.clear();
    if (scanout.state === 'unverified') return;
    const heard = this.#heard.get(key) ?? new Map<SourceName, Heard>();
    heard.set(source, { scanout, at: this.clock.now() });
    this.#heard.delete(key);
    this.#heard.set(key, heard);
    const [oldest] = this.#heard.keys();
    if (this.#heard.size > KINDS && oldest !== undefined) this.#heard.delete(oldest);
  }

  /** Why memory is not of the source that is first without them. */
  why(request: AllocationRequest, first: SourceName): FellBack | null {
    const scanout = this.#of(request, first);
    if (scanout?.state !== 'refused') return null;
    return { reason: 'display_refused', source: first, message: scanout.reason };
  }

  /** A dry run's answer, with what they have said of memory like that. */
  planned(request: AllocationRequest, plan: Plan): Plan {
    if (plan.handleType !== 'dma_buf' || !this.#concern(request.spec)) return plan;
    const reason = 'a display is shown memory when there is some, and it was shown none like this';
    const scanout = this.#of(request, plan.source) ?? { state: 'unverified', reason };
    return { ...plan, scanout };
  }

  #of(request: AllocationRequest, source: SourceName): Scanout | null {
    const heard = this.#heard.get(keyOf(request))?.get(source);
    return heard !== undefined && this.#isFresh(heard.at) ? heard.scanout : null;
  }

  #isFresh(at: Monotonic): boolean {
    return this.clock.now() < after(at, KEPT_MS);
  }
}

/** Sources lay out alike what is asked for alike. */
function keyOf({ device, spec }: AllocationRequest): string {
  return JSON.stringify([device ?? null, ...specWords(spec)]);
}

/** As displays are shown it, which must know its modifier; the fds stay the allocation's. */
export function picturesOf(spec: Choice['spec'], made: readonly Allocation[]): readonly Picture[] {
  if (spec.kind !== 'image') return [];
  const { width, height, format } = spec;
  return made.flatMap(({ modifier, planes }) =>
    modifier === null ? [] : [{ width, height, format, modifier, planes }],
  );
}

/** What all cards that were asked have said: each must take it that has a display, and one must have. */
export function allOf(said: readonly CardScanout[]): Scanout {
  const present = said.filter(({ absent }) => absent !== true);
  const those = present.length > 0 ? present : said;
  const worst =
    those.find(({ state }) => state === 'refused') ??
    those.find(({ state }) => state === 'unverified');
  const state = worst?.state ?? 'verified';
  const text = worst === undefined ? those.map(({ reason }) => reason).join('; ') : worst.reason;
  return { state, reason: text.slice(0, MAX_REASON) };
}
