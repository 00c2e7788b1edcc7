/**
 * What a buffer asks of the daemon, and what it is told: between the buffer in the caller's hands (buffer.ts), its
 * object on one connection (buffer-object.ts) and what takes it from one connection to the next (keeper.ts).
 */
import type { CallOptions } from './call-options.js';
import type { CommitTerms, Committed } from './lasting.js';
import type { Share, ShareTerms } from './terms.js';
import type { ByteRange, CopyTerms, WorkAnswer } from './work.js';

/** A buffer's object on one connection. */
export interface BufferLink {
  /** The number of the object. */
  readonly id: number;
  /** Whether it can be asked for something: else the number is another object's, or will be. */
  readonly isThere: boolean;
  /** `forget`: it will not be revoked. */
  share(terms: ShareTerms & CallOptions): Promise<Share & { forget(): void }>;
  renew(seconds: number, options: CallOptions): Promise<void>;
  park(seconds: number, options: CallOptions): Promise<void>;
  commit(terms: CommitTerms & CallOptions): Promise<Committed>;
  /** Resolves when the buffer has been given its new memory (`replace`). */
  reissue(): Promise<void>;
  destroy(request: 'destroy' | 'release'): Promise<void>;
  copy(source: number, what: CopyTerms & CallOptions): Promise<WorkAnswer>;
  fill(value: number, what: ByteRange & CallOptions): Promise<WorkAnswer>;
  read(what: ByteRange & CallOptions): Promise<WorkAnswer>;
}

/** What becomes of a buffer. */
export type BufferNews =
  | 'released'
  | 'recalled'
  | 'leased'
  | 'lost'
  | 'reissued'
  | 'committed'
  | 'adopted'
  | 'imported'
  | 'gone';

/** Where a buffer's object is, on whichever connection there is. */
export interface BufferHome {
  /** The same for all buffers of a client. */
  readonly connection: object;
  readonly link: BufferLink;
  /** Asks for something, again where the connection ends meanwhile: then `again` is true. */
  call<T>(
    make: (link: BufferLink, again: boolean) => Promise<T>,
    options?: CallOptions,
  ): Promise<T>;
  /** The buffer is closed; its fds are, by `closeFds`, as soon as none is being sent. */
  end(request: 'destroy' | 'release', closeFds: () => void): Promise<void>;
  /** For those who listen to all of the client's buffers. */
  tell(news: BufferNews): void;
}
