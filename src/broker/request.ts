/**
 * From what a client asks for to what a source is asked for: checks the values that no device can
 * serve, and picks the source. Nothing is substituted: a handle type or modifier that was not
 * accepted is never given.
 */

import { checked } from '../memory/check-spec.js';
import { BrokerError } from '../memory/errors.js';
import { beside } from '../memory/faces.js';
import { fourccName, modifierText } from '../memory/fourcc.js';
import { MAX_BATCH, MAX_NAME_BYTES, MAX_SOURCE_NAME_BYTES } from '../memory/limits.js';
import type { Constraint } from '../memory/refusal-words.js';
import {
  type CheckedSpec,
  type FormatOffer,
  type HandleType,
  isCalled,
  type MemorySpec,
  type OwnMemory,
  type SourceName,
  type SourceState,
} from '../memory/source.js';
import { checkLease, type Lifetime } from './lifetime.js';
import { checkWait } from './passing.js';
import { inOrder, servesContiguous, servesPlacement, servesUsage } from './preference.js';

export interface AllocationRequest {
  readonly spec: MemorySpec;
  /** In any order; the source's order of preference decides. */
  readonly handleTypes: readonly HandleType[];
  /** Whether the same memory is to be had as all of them, in place of any of them. */
  readonly allHandleTypes?: boolean | undefined;
  readonly lifetime: Lifetime;
  readonly name: string | null;
  /** By which others find it (names.ts); none, where it is absent. */
  readonly lastingName?: string | null | undefined;
  /** The sources that may be taken, by name; any, where it is absent or empty. */
  readonly sources?: readonly string[];
  /** The deviceUUID (32 hexadecimal digits) of the one Vulkan device that may be taken. */
  readonly device?: string | undefined;
  /** Of several equal buffers, how many; one, where it is absent. */
  readonly count?: number | undefined;
  /** What is to be made a dma_buf, in place of memory that a source has. */
  readonly memory?: LentMemory | undefined;
  /** How long it may wait for memory, in place of a refusal; not at all, where it is absent. */
  readonly waitMs?: number | undefined;
}

/** A client's own memory, whose fd is needed until `over` is called: once, whatever comes of the request. */
export interface LentMemory extends OwnMemory {
  over(): void;
}

/** Makes dma_bufs of memory that is there. */
const OF_OWN_MEMORY = 'udmabuf';

/** A request that has been through `checkRequest`. */
export interface CheckedRequest extends AllocationRequest {
  readonly spec: CheckedSpec;
}

export interface Choice {
  readonly source: SourceName;
  readonly handleType: HandleType;
  /** What else it is to be. */
  readonly also?: readonly HandleType[];
  /** The Vulkan device that was named; undefined: the main one, where it is one's memory. */
  readonly device?: string | undefined;
  /** The spec with its modifiers cut down to those that the source offers. */
  readonly spec: CheckedSpec;
  /** What it is made of; nothing that is kept in mind, since the fd is another's soon. */
  readonly memory?: OwnMemory;
}

export function checkName(name: string | null): void {
  if (name !== null) checkLength('name', 'a name', name, MAX_NAME_BYTES);
}

function checkLength(constraint: Constraint, what: string, text: string, max: number): void {
  const requested = Buffer.byteLength(text);
  if (requested <= max) return;
  const message = `${what} has at most ${max} bytes`;
  throw new BrokerError('invalid_argument', message, { constraint, requested, possible: { max } });
}

/** Throws a BrokerError that names the field. */
export function checkRequest(request: AllocationRequest): CheckedRequest {
  const { spec, name, lifetime, sources = [], count = 1 } = request;
  if (count < 1 || count > MAX_BATCH) {
    throw new BrokerError('invalid_argument', `1 to ${MAX_BATCH} buffers are made at once`, {
      constraint: 'count',
      requested: count,
      possible: { min: 1, max: MAX_BATCH },
    });
  }
  if (typeof lifetime === 'object') checkLease(lifetime.lease);
  if (request.waitMs !== undefined) checkWait(request.waitMs);
  checkName(name);
  for (const source of sources)
    checkLength('sources', 'the name of a source', source, MAX_SOURCE_NAME_BYTES);
  checked(spec);
  if (request.memory !== undefined && spec.kind === 'image' && spec.separatePlanes === true) {
    throw new BrokerError('invalid_argument', "a client's own memory is one for all planes", {
      constraint: 'memory',
      requested: 'separate planes',
    });
  }
  return request as CheckedRequest;
}

/**
 * Sources in order of preference, the unusable ones too (they explain a refusal): where the request
 * names a device, that device's alone (`Devices.table`).
 */
export function chooseSource(
  request: CheckedRequest,
  sources: readonly SourceState[],
  offers: readonly FormatOffer[],
  /** Those whose memory a display has refused. */
  refused?: ReadonlySet<SourceName>,
): Choice {
  const { device } = request;
  const named = namedBy(request);
  const asked = named.length === 0 ? sources : sources.filter((source) => isNamed(source, named));
  if (named.length > 0 && !asked.some((source) => source.usable)) {
    throw noSource(named, sources, device);
  }
  const usable = asked === sources ? usableOf(sources) : asked.filter(({ usable }) => usable);
  const exporting = some(usable, (source) => serves(source, request));
  if (exporting.length === 0) throw noHandleType(request, asked);
  const { spec } = request;
  const placed = some(exporting, (source) => servesPlacement(source, spec));
  if (placed.length === 0) throw noPlacement(spec, exporting);
  const contiguous = some(placed, (source) => servesContiguous(source, spec));
  if (contiguous.length === 0) throw notContiguous(placed);
  // Where none serves the usage, a source itself says why not.
  const serving = some(contiguous, (source) => servesUsage(source, spec));
  const good = serving.length > 0 ? serving : contiguous;
  const accepted = inOrder(good, spec, offers, named.length > 0, refused);
  const first = accepted[0] as SourceState;
  const also = (first: HandleType) =>
    request.allHandleTypes ? beside(first, request.handleTypes) : [];
  const chosen = ({ name, handleType }: SourceState, spec: CheckedSpec): Choice => ({
    source: name,
    handleType,
    ...(also(handleType).length > 0 && { also: also(handleType) }),
    ...(device !== undefined && { device }),
    spec,
    ...(request.memory && { memory: { fd: request.memory.fd, offset: request.memory.offset } }),
  });
  if (spec.kind === 'buffer') return chosen(first, spec);

  const sameFormat = offers.filter(
    (offer) =>
      offer.format === spec.format &&
      accepted.some((s) => s.name === offer.source && s.handleType === offer.handleType),
  );
  if (sameFormat.length === 0) throw noFormat(spec.format, offers, accepted);
  for (const source of accepted) {
    const modifiers = sameFormat
      .filter((o) => o.source === source.name && o.handleType === source.handleType)
      .map((offer) => offer.modifier)
      .filter((modifier) => spec.modifiers.includes(modifier));
    if (modifiers.length > 0) return chosen(source, { ...spec, modifiers });
  }
  throw new BrokerError('unsupported_modifier', 'none of these modifiers can be had', {
    constraint: 'modifiers',
    requested: spec.modifiers.map(modifierText),
    possible: [...new Set(sameFormat.map((offer) => modifierText(offer.modifier)))],
  });
}

function namedBy({ sources = [], memory }: AllocationRequest): readonly string[] {
  if (memory === undefined) return sources;
  if (sources.length === 0 || sources.includes(OF_OWN_MEMORY)) return [OF_OWN_MEMORY];
  throw new BrokerError('unsupported_source', `a client's own memory is of ${OF_OWN_MEMORY}`, {
    constraint: 'sources',
    requested: sources,
    possible: [OF_OWN_MEMORY],
  });
}

const isNamed = (source: SourceState, named: readonly string[]): boolean =>
  named.some((name) => isCalled(source, name));

/** Whether a source gives what is accepted: one of the types, or all of them. */
function serves(
  { handleType, also = [] }: SourceState,
  { handleTypes, allHandleTypes, memory }: AllocationRequest,
): boolean {
  if (!handleTypes.includes(handleType)) return false;
  // Of a client's own memory there is the dma_buf: its memfd the client has.
  const more = memory === undefined ? also : [];
  return !allHandleTypes || handleTypes.every((type) => type === handleType || more.includes(type));
}

/** What was asked about last, and its answer: mostly all requests are about the same. */
let last: readonly SourceState[] = [];
let usableOfLast: readonly SourceState[] = [];

function usableOf(sources: readonly SourceState[]): readonly SourceState[] {
  if (sources !== last) {
    usableOfLast = sources.filter((source) => source.usable);
    last = sources;
  }
  return usableOfLast;
}

/** Those that will do: without a list of its own where all do, as they mostly do where there is one. */
function some(
  sources: readonly SourceState[],
  does: (source: SourceState) => boolean,
): readonly SourceState[] {
  return sources.every(does) ? sources : sources.filter(does);
}

function noSource(
  named: readonly string[],
  sources: readonly SourceState[],
  device: string | undefined,
): BrokerError {
  const missing = device === undefined ? 'there is no such source' : 'no source of a device';
  const reasons = named.map((name) => {
    const found = sources.find((source) => isCalled(source, name));
    return `${name}: ${found?.reason ?? missing}`;
  });
  return new BrokerError('unsupported_source', `not usable: ${reasons.join('; ')}`, {
    constraint: 'sources',
    requested: named,
    possible: [...new Set(sources.filter((s) => s.usable).map((s) => s.name))],
  });
}

/** Each combination that one memory can have, for who asked for all of some. */
function combinations(sources: readonly SourceState[]): HandleType[][] {
  const found = new Map<string, HandleType[]>();
  for (const { usable, handleType, also = [] } of sources)
    if (usable && also.length > 0) found.set(`${handleType} ${also}`, [handleType, ...also]);
  return [...found.values()];
}

function noHandleType(request: AllocationRequest, sources: readonly SourceState[]): BrokerError {
  if (request.allHandleTypes) {
    const message = `no usable source gives one memory as ${request.handleTypes.join(' and ') || 'nothing'}`;
    const together = combinations(sources);
    return new BrokerError('unsupported_handle_type', message, {
      constraint: 'handle_types',
      requested: request.handleTypes,
      possible: together,
    });
  }
  const reasons = sources
    .filter((source) => !source.usable && request.handleTypes.includes(source.handleType))
    .map((source) => `${source.name} (${source.handleType}): ${source.reason}`);
  const why = reasons.length > 0 ? ` – ${reasons.join('; ')}` : '';
  return new BrokerError(
    'unsupported_handle_type',
    `no usable source exports ${request.handleTypes.join(' or ') || 'nothing'}${why}`,
    {
      constraint: 'handle_types',
      requested: request.handleTypes,
      possible: [...new Set(sources.filter((s) => s.usable).map((s) => s.handleType))],
    },
  );
}

function noPlacement(
  { placement }: AllocationRequest['spec'],
  sources: readonly SourceState[],
): BrokerError {
  const names = [...new Set(sources.map(({ name }) => name))].join(', ');
  const isHost = placement !== 'device_local';
  const whose = isHost ? "a GPU's" : "the machine's";
  const message = `${names}: memory of ${whose} own, of which none is ${placement}`;
  return new BrokerError('unsupported_placement', message, {
    constraint: 'placement',
    requested: placement,
    possible: isHost ? ['any', 'device_local'] : ['any', 'host_visible', 'host_cached'],
  });
}

function notContiguous(sources: readonly SourceState[]): BrokerError {
  const names = [...new Set(sources.map(({ name }) => name))].join(', ');
  const message = `${names}: memory of which it is not known that it is contiguous, as a CMA heap's is`;
  return new BrokerError('unsupported_placement', message, {
    constraint: 'contiguous',
    requested: 'required',
    possible: ['any', 'preferred'],
  });
}

function noFormat(
  format: number,
  offers: readonly FormatOffer[],
  accepted: readonly SourceState[],
): BrokerError {
  const name = fourccName(format);
  const possible = offers
    .filter((o) => accepted.some((s) => s.name === o.source && s.handleType === o.handleType))
    .map((offer) => fourccName(offer.format));
  return new BrokerError('unsupported_format', `no usable source allocates ${name}`, {
    constraint: 'format',
    requested: name,
    possible: [...new Set(possible)],
  });
}
