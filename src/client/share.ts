/**
 * dmabroker_share_v1 as the client hears it: a token for a buffer, which stays when the object goes, but for one that
 * nobody will know.
 */
import { dmabroker_share_v1 } from '../protocol/dmabroker-v1.gen.js';
import { BrokerError } from './broker-error.js';
import type { CallOptions } from './call-options.js';
import { Refusals } from './refusal.js';
import type { Share, ShareTerms } from './terms.js';
import { ConnectionError, type WireClient } from './wire-client.js';

const ANY_UID = 0xffffffff;

/** The buffer's request. */
type Ask = (id: number, uses: number, uid: number, seconds: number, rights: number) => void;

export interface Shared extends Share {
  /** Ends the object, and not the token. */
  forget(): void;
}

/** Asks for a token and waits. Rejects with BrokerError. */
export async function share(
  wire: WireClient,
  ask: Ask,
  terms: ShareTerms & CallOptions,
): Promise<Shared> {
  const { uses = 1, uid = ANY_UID, seconds = 0, mayRenew = false } = terms;
  const rights = mayRenew ? dmabroker_share_v1.enums.right.renew : 0;
  const refusals = new Refusals();
  let tokenId = '';
  const object = wire.create(dmabroker_share_v1, {
    long_detail: refusals.longDetail,
    token_id: (id) => {
      tokenId = id;
    },
    token: (token) => settle.resolve(token),
    failed: (...failure) => settle.reject(refusals.of(...failure)),
  });
  let settle: { resolve(token: string): void; reject(error: Error): void };
  const end = (first?: 'revoke'): void => {
    if (object.dead || !wire.isOpen) return;
    if (first !== undefined) object.request(first);
    object.request('destroy');
  };
  try {
    const token = await wire.answer<string>((resolve, reject) => {
      settle = { resolve, reject };
      ask(object.id, uses, uid, seconds, rights);
    }, terms);
    const revoke = async (): Promise<void> => {
      if (object.dead) return;
      if (!wire.isOpen) {
        throw new ConnectionError(`the connection that made the token ${tokenId} is over`);
      }
      end('revoke');
      await wire.sync();
    };
    return { token, tokenId, revoke, forget: () => end() };
  } catch (error) {
    // Given up: nobody will know the token.
    end(error instanceof BrokerError ? undefined : 'revoke');
    throw error;
  }
}
