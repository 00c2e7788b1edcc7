/**
 * Entity tags (RFC 9110, 8.8.3): a digest of a record's JSON, so that a tag is strong and changes
 * with whatever is shown. Both threads make them: main for answers, the data plane to hold a change
 * against what there is at that moment.
 */
import { createHash } from 'node:crypto';
import { BrokerError } from '../../memory/errors.js';
import type { QuotaInfo } from '../../rest/contract.js';

export function etagOf(view: object): string {
  return `"${createHash('sha256')
    .update(JSON.stringify(stateOf(view)))
    .digest('base64url')
    .slice(0, 22)}"`;
}

/** Whether a list of tags has this one, compared as If-Match does: a weak tag is never the same. */
function includesEtag(list: string, etag: string): boolean {
  return list.split(',').some((each) => [etag, '*'].includes(each.trim()));
}

/** The same as If-None-Match compares: a weak tag, of a proxy that has changed how it is sent, will do. */
export function includesWeakly(list: string, etag: string): boolean {
  return includesEtag(list.replace(/W\/"/g, '"'), etag);
}

/** Of a quota what is set: what is charged changes all the time, and is no reason to set it anew. */
function stateOf(view: object): object {
  if (!('settings' in view)) return view;
  const { scope, key, settings } = view as QuotaInfo;
  return { scope, key, settings };
}

/** Throws where a change is to be made only to another state; `ifMatch` undefined: to any. */
export function checkIfMatch(ifMatch: string | undefined, view: object): void {
  if (ifMatch === undefined || includesEtag(ifMatch, etagOf(view))) return;
  throw hasChanged(ifMatch, etagOf(view));
}

function hasChanged(ifMatch: string, now?: string): BrokerError {
  return new BrokerError('precondition_failed', 'it has changed since this ETag was answered', {
    constraint: 'if-match',
    requested: ifMatch,
    ...(now === undefined ? {} : { possible: now }),
  });
}
