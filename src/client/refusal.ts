/** A `failed` event as the error that it stands for. */
import { BrokerError, catalogue, type ErrorCode, type Refusal } from '../broker/errors.js';

const codes = new Map<number, ErrorCode>(
  Object.entries(catalogue).map(([code, { number }]) => [number, code as ErrorCode]),
);

export function refusalOf(code: number, message: string, detail: string): BrokerError {
  return new BrokerError(codes.get(code) ?? 'internal', message, JSON.parse(detail) as Refusal);
}
