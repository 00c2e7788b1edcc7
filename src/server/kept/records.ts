/**
 * What outlives the daemon (broker/kept.ts), as the records of its file: JSON, each with what it is. What
 * JSON has no number for is text.
 *
 * VERSION goes up when a record is not any more what a daemon of before would make of it; `UPGRADES` then
 * has what makes of one of the version before what it is now. Each record says of which version it is: not all of
 * them are written anew at once, and the process may end in between. The file's own version is the highest of
 * them, for daemons of before.
 */
import type { KeptClient, KeptMemory, KeptState } from '../../broker/kept.js';
import type { Choice } from '../../broker/request.js';
import type { Allocation, CheckedSpec } from '../../memory/source.js';
import { SHAPES } from './shapes.js';

export const VERSION = 1;

/** A record as it is parsed, of whatever version. */
export type Plain = Readonly<Record<string, unknown>> & { readonly is: string };

/** From the version of its number to the next one; null: there is no such thing any more. */
export type Upgrades = Readonly<Record<number, (record: Plain) => Plain | null>>;
const UPGRADES: Upgrades = {};
const CURRENT = { version: VERSION, upgrades: UPGRADES };

export type KeptRecord =
  | ({ readonly is: 'client' } & KeptClient)
  | ({ readonly is: 'memory' } & KeptMemory)
  | ({ readonly is: 'state'; readonly id: string } & KeptState);

/** One thing has one record: a newer one of the same key is in place of an older one. */
export const keyOf = ({ is, id }: Pick<KeptRecord, 'is' | 'id'>): string => `${is} ${id}`;

const text = (record: object) => Buffer.from(JSON.stringify({ v: VERSION, ...record }));

export const clientRecord = (client: KeptClient): Buffer => text({ is: 'client', ...client });

export function memoryRecord({ spec, choice, allocation, ...memory }: KeptMemory): Buffer {
  const planes = allocation.planes.map(({ memory, offset, stride }) => ({
    memory,
    offset,
    stride,
  }));
  const modifier = allocation.modifier?.toString() ?? null;
  return text({
    ...{ is: 'memory', ...memory, spec: specText(spec) },
    choice: choice === null ? null : { ...choice, spec: specText(choice.spec) },
    allocation: { ...allocation, planes, modifier, faces: facesOf(allocation) },
  });
}

/** Of its further faces, what they were: their fds go with the process. */
const facesOf = ({ faces }: Allocation): Allocation['faces'] =>
  faces?.map(({ handleType }) => ({ handleType, fds: [] }));

export function stateRecord(id: string, { charged, ...state }: KeptState): Buffer {
  return text({
    ...{ is: 'state', id, ...state },
    charged: { ...charged, heaps: [...charged.heaps] },
  });
}

/** Null where it is nothing any more. Throws SyntaxError, or Error where it is not what this daemon knows. */
export function parseRecord(
  bytes: Buffer,
  { version, upgrades }: { readonly version: number; readonly upgrades: Upgrades } = CURRENT,
): KeptRecord | null {
  const { v = 0, ...first } = JSON.parse(bytes.toString('utf8')) as Plain & { v?: number };
  let record: Plain | null = first as Plain;
  if (!Number.isSafeInteger(v) || v < 1 || v > version) throw new Error(`of version ${v}`);
  for (let from = v; from < version && record !== null; from++) {
    const upgrade = upgrades[from];
    if (upgrade === undefined) throw new Error(`version ${from} is not known`);
    record = upgrade(record);
  }
  if (record === null) return null;
  const check = Object.hasOwn(SHAPES, record.is) ? SHAPES[record.is] : undefined;
  if (check === undefined) throw new Error(`a record of ${record.is}`);
  check(record, record.is);
  return known(record);
}

type Json<T> = { readonly [K in keyof T]: never };

function known(record: Plain): KeptRecord {
  switch (record.is) {
    case 'client':
      return record as unknown as KeptRecord;
    case 'memory':
      return memoryOf(record as never);
    case 'state':
      return stateOf(record as never);
    default:
      throw new Error(`a record of ${record.is}`);
  }
}

function memoryOf(record: Json<KeptMemory> & { readonly is: 'memory' }): KeptRecord {
  const { spec, choice, allocation } = record;
  const { modifier, planes } = allocation as { modifier: string | null; planes: object[] };
  return {
    ...(record as unknown as { is: 'memory' } & KeptMemory),
    spec: specOf(spec),
    choice:
      choice === null
        ? null
        : ({ ...(choice as object), spec: specOf((choice as Choice).spec) } as Choice),
    allocation: {
      ...(allocation as Allocation),
      modifier: modifier === null ? null : BigInt(modifier),
      planes: planes.map((plane) => ({ ...plane, fd: -1 }) as Allocation['planes'][number]),
    },
  };
}

function stateOf(record: Json<KeptState> & { readonly is: 'state' }): KeptRecord {
  const state = record as unknown as { is: 'state'; id: string } & KeptState;
  const heaps = new Map(state.charged.heaps as unknown as [string, never][]);
  return { ...state, lasting: state.lasting ?? null, charged: { ...state.charged, heaps } };
}

function specText(spec: CheckedSpec): object {
  return spec.kind === 'buffer' ? spec : { ...spec, modifiers: spec.modifiers.map(String) };
}

function specOf(spec: unknown): CheckedSpec {
  const { modifiers } = spec as { modifiers?: string[] };
  const parsed =
    modifiers === undefined ? spec : { ...(spec as object), modifiers: modifiers.map(BigInt) };
  return parsed as CheckedSpec;
}
