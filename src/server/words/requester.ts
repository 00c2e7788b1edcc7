/**
 * Who asks over REST, and for which change: what main tells the data plane with each question.
 */
import type { Owner, PartialPeer } from '../../broker/buffer.js';

/** A change of a buffer; with an If-Match header, only of one that is still so. */
export interface Change {
  readonly id: string;
  readonly ifMatch: string | undefined;
}

/** A change of a quota; with an If-Match header, only of one whose settings are still so. */
export interface QuotaChange {
  readonly scope: string;
  readonly key: string;
  readonly ifMatch: string | undefined;
}

/** The process behind a REST request, as far as its socket tells, or the name of its token. */
export type Requester = PartialPeer & { readonly token?: string };

export function ownerOf({ token, ...peer }: Requester): Owner {
  return { client: null, peer, ...(token === undefined ? {} : { token }) };
}
