/** The `failed` event that several interfaces have. */
import { type BrokerError, catalogue } from '../../broker/errors.js';
import { cut, MAX_TEXT } from './text.js';

/** The values of a `failed` event. Text is cut so that the event fits. */
export function failure(error: BrokerError): [code: number, message: string, detail: string] {
  const { constraint, nearest } = error.refusal;
  // The first that fits: lists of what was asked and what is possible may be long.
  const details = [
    error.refusal,
    { constraint, nearest, truncated: true },
    { constraint, truncated: true },
  ].map((each) => JSON.stringify(each));
  const detail = details.find((text) => Buffer.byteLength(text) <= MAX_TEXT.detail) ?? '{}';
  const { number } = catalogue[error.code];
  return [number, cut(error.message, MAX_TEXT.message), detail];
}
