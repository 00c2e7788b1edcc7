/**
 * Texts in events, cut so that a message stays below 4096 bytes (libwayland 1.21 drops a longer
 * one). Lengths are bytes of UTF-8.
 */

export const MAX_TEXT = {
  /** Why a source is not usable. */
  reason: 512,
  /** The sentence of a refusal; together with `detail` it must fit in one event. */
  message: 512,
  /** A refusal's JSON; the whole of a longer one comes in a memfd (failure.ts). */
  detail: 3072,
  /** The sentence of wl_display.error. */
  error: 1024,
} as const;

const encoder = new TextEncoder();

/** The longest start of a text that has at most `max` bytes and no half character. */
export function cut(text: string, max: number): string {
  return text.slice(0, encoder.encodeInto(text, new Uint8Array(max)).read);
}
