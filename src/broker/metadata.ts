/**
 * The document that goes with a revision: JSON, which the daemon hands on and reads no further than that it is
 * some. How deep it is has a bound, so that nobody who reads it needs a deep stack.
 */
import { BrokerError } from '../memory/errors.js';
import { MAX_METADATA_BYTES, MAX_METADATA_DEPTH } from '../memory/limits.js';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function refused(why: string, requested?: unknown): BrokerError {
  return new BrokerError('invalid_argument', `the metadata cannot be published: ${why}`, {
    constraint: 'metadata',
    ...(requested !== undefined && { requested }),
    possible: { bytes: MAX_METADATA_BYTES, depth: MAX_METADATA_DEPTH },
  });
}

/** Of what cannot be looked at: `why` as the rest of a sentence. */
export const badMetadata = refused;

export function checkMetadataSize(bytes: number): void {
  if (bytes >= 1 && bytes <= MAX_METADATA_BYTES) return;
  throw refused(`it may have 1 to ${MAX_METADATA_BYTES} bytes`, bytes);
}

/** Returns the text. Throws where it is no JSON object, or a deep one. */
export function checkMetadata(bytes: Uint8Array): string {
  checkMetadataSize(bytes.length);
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw refused('it is no UTF-8');
  }
  try {
    value = JSON.parse(text);
  } catch {
    throw refused('it is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refused('it is no JSON object');
  if (isDeeper(value, MAX_METADATA_DEPTH))
    throw refused(`it is more than ${MAX_METADATA_DEPTH} levels deep`);
  return text;
}

function isDeeper(value: object, levels: number): boolean {
  if (levels === 0) return true;
  return Object.values(value).some(
    (each) => typeof each === 'object' && each !== null && isDeeper(each as object, levels - 1),
  );
}
