/**
 * A buffer's lasting name and what its writer has published of it: by the one the next process finds the memory
 * that another has left, by the other it knows what is in it. The name is unique among its user's; the label that
 * people read (`name`) is another thing.
 *
 * Owns: a reference to the document of the last revision, until there is another one or the buffer is released.
 */
import crypto from 'node:crypto';
import type { Monotonic } from '../memory/clock.js';
import { BrokerError } from '../memory/errors.js';
import { MAX_LASTING_NAME } from '../memory/limits.js';
import type { Allocation, CheckedSpec } from '../memory/source.js';
import type { Document } from './document.js';
import type { Doer } from './who.js';

export interface Committed {
  readonly revision: number;
  /** Of the layout (`layoutDigest`). */
  readonly digest: string;
  readonly at: Monotonic;
  readonly metadata: Document | null;
}

/** What outlives the daemon; the document is an fd that is kept as such. */
export interface KeptLasting {
  readonly name: string;
  readonly uid: number;
  /** A client's id. */
  readonly writer: string | null;
  readonly revision: number;
  readonly documents: number;
  readonly committed:
    | (Omit<Committed, 'metadata'> & {
        readonly metadata: { readonly size: number; readonly number: number } | null;
      })
    | null;
}

/** A connection, as far as it can be a writer. */
interface Claimer {
  readonly id: string;
  readonly connected: boolean;
}

export class Lasting<Client extends Claimer, Watcher extends object> {
  /** Who may commit, as long as it is connected; one that is not may come back (adoption.ts). */
  writer: Client | null = null;
  /** Its owner's connection has let go of its object, and has no say in it any more: a writer may be its owner. */
  isLeft = false;
  /** The number of the last revision, 0: there was none. */
  revision = 0;
  /** How many documents there were. */
  documents = 0;
  /** Null before the first commit, and where the memory of the last one was lost. */
  committed: Committed | null = null;
  /** The objects of those who have claimed it and have it still, with whose they are. */
  readonly claimers = new Map<Watcher, Client>();
  /** Commits that wait for the one that is being kept, and what was asked for behind them; null: none is. */
  pending: (() => void)[] | null = null;

  constructor(
    readonly name: string,
    /** The user among whose names it is. */
    readonly uid: number,
  ) {}

  /** Its memory is another one, or there is none: what was told of it holds no longer. */
  forget(): void {
    this.committed?.metadata?.letGo();
    this.committed = null;
  }

  get kept(): KeptLasting {
    const { name, uid, writer, revision, documents, committed } = this;
    return {
      ...{ name, uid, writer: writer?.id ?? null, revision, documents },
      committed: committed && {
        ...committed,
        metadata: committed.metadata && {
          size: committed.metadata.size,
          number: committed.metadata.number,
        },
      },
    };
  }
}

/** Nothing that looks like another name, or that a shell or a path would read otherwise. */
const NAME = /^[A-Za-z0-9._:+/-]+$/;

function badName(name: string): BrokerError {
  const message = `a lasting name has 1 to ${MAX_LASTING_NAME} of the letters a to z and A to Z, digits and . _ : + / -`;
  return new BrokerError('invalid_argument', message, {
    constraint: 'lasting_name',
    requested: name.slice(0, MAX_LASTING_NAME),
  });
}

export function checkLastingName(name: string): void {
  if (name.length > MAX_LASTING_NAME || !NAME.test(name)) throw badName(name);
}

/** The user in whose namespace a name is; throws for who is known by a token alone. */
export function namespaceOf({ peer: { uid } }: Doer): number {
  if (uid !== null) return uid;
  const message = 'lasting names are a user’s, and who asks is none of this machine';
  throw new BrokerError('permission_denied', message, { constraint: 'lasting_name' });
}

/** NAME, of `own`, or NAME@UID. */
export function parseClaimed(text: string, own: number): { name: string; uid: number } {
  const [, name = text, uid] = /^([^@]*)@(\d{1,10})$/.exec(text) ?? [];
  checkLastingName(name);
  return { name, uid: uid === undefined ? own : Number(uid) };
}

interface Laid {
  readonly spec: CheckedSpec;
  readonly allocation: Pick<Allocation, 'size' | 'modifier' | 'memories' | 'planes'>;
}

/** What the digest is made of: what everybody who has the buffer is told of its layout (dmabroker-v1.xml, committed). */
export function layoutText({ spec, allocation }: Laid): string {
  const { size, modifier, memories, planes } = allocation;
  const { format, width, height } =
    spec.kind === 'image' ? spec : { format: 0, width: 0, height: 0 };
  const lines = [
    'dmabroker-layout-1',
    `size ${size} format ${format} modifier ${modifier ?? 0} width ${width} height ${height}`,
    ...memories.map((bytes, index) => `memory ${index} ${bytes}`),
    ...planes.map(
      ({ memory, offset, stride }, index) => `plane ${index} ${memory} ${offset} ${stride}`,
    ),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** SHA-256, 64 hexadecimal digits. */
export const layoutDigest = (laid: Laid): string =>
  crypto.createHash('sha256').update(layoutText(laid)).digest('hex');
