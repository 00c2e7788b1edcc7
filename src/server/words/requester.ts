/** Who asks over REST: what main tells the data plane with each question. */
import type { Owner } from '../../broker/buffer.js';
import type { PartialPeer } from '../../broker/who.js';

/** The process behind a REST request, as far as its socket tells, or the name of its token. */
export type Requester = PartialPeer & { readonly token?: string };

export function ownerOf({ token, ...peer }: Requester): Owner {
  return { client: null, peer, ...(token === undefined ? {} : { token }) };
}
