/**
 * Memory that is shown to displays before it becomes a buffer: how a request goes on where a display refuses memory of one
 * source. The others that it allows are tried, those first that none has refused; where all are refused, or what is left
 * has no room, memory is of the source that it would be without displays, so that these make nothing impossible.
 */
import type { BrokerError } from '../memory/errors.js';
import { attempt } from '../memory/result.js';
import type { Scanout } from '../memory/scanout.js';
import type { FellBack, SourceName } from '../memory/source.js';
import type { Owner } from './buffer.js';
import { picturesOf } from './displays.js';
import type { Spare } from './pool/spares.js';
import { type AllocationRequest, type Choice, checkRequest } from './request.js';
import type { Selection } from './selection.js';
import type { Surroundings } from './surroundings.js';
import type { Asker } from './turns.js';
import { lostMeanwhile, type UnderWay } from './under-way.js';

/** How far a request is. */
export interface Shown {
  /** The sources whose memory was refused. */
  readonly tried: ReadonlySet<SourceName>;
  /** It is of the first one, whatever displays say. */
  readonly isSettled: boolean;
}

export const NOT_SHOWN: Shown = { tried: new Set(), isSettled: false };

/** What displays have said (null: none was asked), and how to go on with another source; null: not at all. */
type Told = (scanout: Scanout | null, next: Shown | null) => void;

interface Asked {
  readonly owner: Owner;
  readonly request: AllocationRequest;
  readonly who: Asker;
}

export class Showing {
  constructor(
    private readonly world: Pick<Surroundings, 'askDisplays'>,
    private readonly selection: Selection,
    private readonly underWay: UnderWay,
  ) {}

  /** The memory stays whoever's it is. `told` is called once, now or later; with an error where it was lost meanwhile. */
  show(
    { owner, request, who }: Asked,
    choice: Choice,
    made: readonly Spare[],
    shown: Shown,
    told: Told,
    lost: (error: BrokerError) => void,
  ): void {
    const { displays } = this.selection;
    if (!displays.concern(choice)) {
      told(null, null);
      return;
    }
    const allocations = made.map(({ allocation }) => allocation);
    const pictures = picturesOf(choice.spec, allocations);
    if (pictures.length === 0) {
      told(null, null);
      return;
    }
    for (const allocation of allocations) this.underWay.begin(allocation);
    const { asked } = displays;
    this.world.askDisplays(who, pictures, (scanout) => {
      const areLost = allocations.filter((allocation) => this.underWay.end(allocation));
      if (areLost.length > 0) {
        lost(lostMeanwhile());
        return;
      }
      displays.note(request, choice.source, scanout, asked);
      const isRefused = scanout.state === 'refused' && !shown.isSettled;
      told(scanout, isRefused ? this.#elsewhere(owner, request, choice, shown) : null);
    });
  }

  #elsewhere(
    owner: Owner,
    request: AllocationRequest,
    { source }: Choice,
    shown: Shown,
  ): Shown | null {
    const next = attempt(() => this.selection.choose(owner, checkRequest(request)));
    const first = attempt(() => this.selection.choose(owner, checkRequest(request), true));
    // What can be had has changed meanwhile.
    if ('error' in next || 'error' in first) return null;
    const tried = new Set([...shown.tried, source]);
    if (!tried.has(next.source)) return { tried, isSettled: false };
    return first.source === source ? null : { tried, isSettled: true };
  }

  /** Why memory is not of the source that is first without displays; null: it is, or they are not why. */
  why(owner: Owner, request: AllocationRequest, { source }: Choice): FellBack | null {
    const { displays } = this.selection;
    if (displays.refused(request).size === 0) return null;
    const first = attempt(() => this.selection.choose(owner, checkRequest(request), true));
    if ('error' in first || first.source === source) return null;
    return displays.why(request, first.source);
  }
}
