/** What the tests of buffers and of shares begin with: an owner, somebody else, and a token on its way. */
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
} from '../../../../src/protocol/dmabroker-v1.gen.js';
import { Bench, FREE, MANAGER } from './bench.js';

export const BUFFER = FREE;
export const SHARE = 50;
export const PARAMS = 40;
export const REDEEMED = 60;
export const ANY_UID = 0xffffffff;

/** An owner with a buffer, and somebody else. */
export function pair(lifetime: 'connection' | 'until_released' = 'connection') {
  const owner = new Bench().ready();
  const other = new Bench([], owner).ready();
  const buffer = owner.allocate(BUFFER, lifetime);
  return { owner, other, buffer, world: owner.world };
}

export interface Terms {
  uses?: number;
  uid?: number;
  seconds?: number;
}

export function share(bench: Bench, { uses = 1, uid = ANY_UID, seconds = 0 }: Terms = {}): string {
  bench.request(dmabroker_buffer_v1, BUFFER, 'share', SHARE, uses, uid, seconds, 0);
  const [id, event] = bench.events();
  if (id?.name !== 'dmabroker_share_v1.token_id') throw new Error(id?.name);
  if (event?.name !== 'dmabroker_share_v1.token') throw new Error(event?.name);
  return String(event.values[0]);
}

export function redeem(bench: Bench, token: string, id = REDEEMED) {
  bench.request(dmabroker_manager_v1, MANAGER, 'redeem', id, token);
  return bench.events();
}
