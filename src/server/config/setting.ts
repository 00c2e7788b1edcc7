/**
 * The form of the table of settings (settings.ts), and the types that follow from it: what the file may say
 * of a section, and what the daemon has of it. A setting is declared by one of the functions below, once.
 */
import type { Kind, Shown } from './kind.js';
import type { Machine } from './machine.js';

/** Whether a reload takes it over. No boolean: the compiler is to know which do (live.ts). */
type Mark = true | undefined;

/** What is told of a setting: a sentence or more, with `code` of Markdown and nothing else of it. */
interface Terms<Live extends Mark> {
  readonly about: string;
  /** Whether a reload takes it over by itself; a section may be taken over as a whole. */
  readonly live?: Live;
}

/** What holds where nothing is said. */
export interface Default<Value> {
  of(machine: Machine): Value;
  /** What that is, for documents. */
  readonly words: string;
}

interface Declared<Written, Value, Live extends Mark> {
  readonly about: string;
  readonly schema: object;
  /** What may be written, for documents. */
  readonly words: string;
  readonly live: Live;
  /** For inference alone. */
  readonly types?: { readonly written: Written; readonly value: Value };
}

/** A setting that is read by itself. */
export interface Setting<Written, Value, Live extends Mark = Mark>
  extends Declared<Written, Value, Live> {
  readonly otherwise: Default<Written | null>;
  read(written: Written, machine: Machine): Value;
  show(value: Value): Shown;
}

/** A setting that its section reads, with others. */
export interface Part<Written, Value> extends Declared<Written, Value, undefined> {
  readonly otherwise: { readonly words: string };
  /** Without it, it is no value of its own, and is shown elsewhere. */
  show?(value: Value): Shown;
}

export type AnySetting = Setting<unknown, unknown> | Part<unknown, unknown>;
type Settings = Readonly<Record<string, AnySetting>>;

/** A table of the file. */
export interface Section<S extends Settings, Read extends object, Live extends Mark> {
  readonly about: string;
  /** Where more about it is: a page of docs/, with its anchor. */
  readonly see?: string;
  readonly settings: S;
  /** Whether a reload takes it over as a whole. */
  readonly live: Live;
  /** Whether it is said as a whole or not at all. */
  readonly together: boolean;
  /** What its parts make. Throws an Error whose sentence names the setting. */
  read(said: Said<S>, machine: Machine): Read;
}
export type AnySection = Section<Settings, object, Mark>;

/** `trusted_bytes` → `trustedBytes`, `rest.tcp` → `restTcp`. */
export type Camel<K extends string> = K extends `${infer A}.${infer B}`
  ? Camel<`${A}_${B}`>
  : K extends `${infer A}_${infer B}`
    ? `${A}${Capitalize<Camel<B>>}`
    : K;
export const camel = (key: string) =>
  key.replace(/[_.](.)/g, (_, letter: string) => letter.toUpperCase());

type Types<S> =
  S extends Declared<infer Written, infer Value, Mark> ? { written: Written; value: Value } : never;

/** What the file may say of a section. */
export type Said<S> = { [K in keyof S]?: Types<S[K]>['written'] };

/** What the daemon has of a section. */
type Values<S> = {
  readonly [K in keyof S & string as [Types<S[K]>['value']] extends [never]
    ? never
    : Camel<K>]: Types<S[K]>['value'];
};
/** Of it, what its `read` has to make. */
type Parts<S> = Values<{ [K in keyof S as 'read' extends keyof S[K] ? never : K]: S[K] }>;

export type SectionValues<X> =
  X extends Section<infer S, infer Read, Mark> ? Values<S> & Read : never;

/**
 * `otherwise` is a constant, or follows from the machine. (`const Live`: the mark is to be the type `true`,
 * where the table would have it be any mark.)
 */
export function setting<
  W extends string | number | boolean | readonly string[],
  V,
  const Live extends Mark = undefined,
>(kind: Kind<W, V>, otherwise: W | Default<W>, terms: Terms<Live>): Setting<W, V, Live> {
  return {
    ...declared(kind, terms),
    otherwise:
      typeof otherwise === 'object' && 'of' in otherwise
        ? otherwise
        : { of: () => otherwise, words: `\`${(kind.write ?? JSON.stringify)(otherwise)}\`` },
    read: kind.read,
    show: kind.show,
  };
}

/** A setting that is null where nothing is said; `words`: what that means. */
export function optional<W, V, const Live extends Mark = undefined>(
  kind: Kind<W, V>,
  words: string,
  terms: Terms<Live>,
): Setting<W, V | null, Live> {
  return {
    ...declared(kind, terms),
    otherwise: { of: () => null, words },
    read: kind.read,
    show: (value) => (value === null ? null : kind.show(value)),
  };
}

/** What can be written, for one that its section reads. */
export type PartKind<W, V> = Pick<Kind<W, V>, 'schema' | 'words'> & {
  show?(value: V): Shown;
  /** For inference alone. */
  readonly written?: W;
};

export function part<W, V>(
  kind: PartKind<W, V>,
  words: string,
  terms: Terms<undefined>,
): Part<W, V> {
  return { ...declared(kind, terms), ...(kind.show && { show: kind.show }), otherwise: { words } };
}

function declared<Live extends Mark = undefined>(
  { schema, words }: Pick<Kind<never, never>, 'schema' | 'words'>,
  { about, live }: Terms<Live>,
) {
  return { about, schema, words, live: live as Live };
}

interface SectionTerms<S extends Settings, Live extends Mark> {
  readonly about: string;
  readonly see?: string;
  readonly settings: S;
  readonly live?: Live;
  readonly together?: boolean;
}

export function section<S extends Settings, Live extends Mark = undefined>(
  terms: SectionTerms<S, Live> & (keyof Parts<S> extends never ? unknown : never),
): Section<S, Record<never, never>, Live> {
  return { live: undefined as Live, together: false, ...terms, read: () => ({}) };
}

/** A section that reads parts of it together. */
export function sectionOf<S extends Settings, Read extends Parts<S>, Live extends Mark = undefined>(
  terms: SectionTerms<S, Live>,
  read: (said: Said<S>, machine: Machine) => Read,
): Section<S, Read, Live> {
  return { live: undefined as Live, together: false, ...terms, read };
}
