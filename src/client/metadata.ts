/** The document of a revision, as JSON. By itself, since who looks at one need not have what is native here. */

/** A JSON object. */
export type Metadata = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Metadata =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a document says; null: it is no JSON object. */
export function parseMetadata(json: string): Metadata | null {
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
