/** The `failed` event that several interfaces have. */
import { type BrokerError, catalogue } from '../../broker/errors.js';
import { cut, MAX_TEXT } from './text.js';

/** The values of a `failed` event. Text is cut so that the event fits. */
export function failure(error: BrokerError): [code: number, message: string, detail: string] {
  const detail = JSON.stringify(error.refusal);
  const fits = Buffer.byteLength(detail) <= MAX_TEXT.detail;
  const short = JSON.stringify({ constraint: error.refusal.constraint, truncated: true });
  const { number } = catalogue[error.code];
  return [number, cut(error.message, MAX_TEXT.message), fits ? detail : short];
}
