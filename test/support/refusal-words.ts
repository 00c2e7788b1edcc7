/** Which words of a refusal's JSON are not in the list that docs/errors.md is made of. */
import { constraints, possibles } from '../../src/memory/refusal-words.js';

const MEMBERS = [
  'constraint',
  'requested',
  'possible',
  'nearest',
  'quota',
  'taken_by',
  'truncated',
];
/** refusal-words.ts's families, but for REST's paths. */
const FAMILIES = [
  /^planes\.\d+(\.(fd|offset|stride))?$/,
  /^layout\.\d+\.(offset|stride)$/,
  /^quota\.(user|group|cgroup|source|connection|daemon)\.\w+$/,
  /^E[A-Z0-9]+$/,
];

/** `rest`: a constraint may be the path of any member of a request. */
export function unlisted(detail: Readonly<Record<string, unknown>>, rest = false): string[] {
  const { constraint, possible } = detail;
  const known =
    rest ||
    constraint === undefined ||
    (typeof constraint === 'string' &&
      (Object.hasOwn(constraints, constraint) || FAMILIES.some((form) => form.test(constraint))));
  return [
    ...Object.keys(detail).filter((name) => !MEMBERS.includes(name)),
    ...(known ? [] : [String(constraint)]),
    ...namesOf(possible).filter((name) => !Object.hasOwn(possibles, name)),
  ];
}

function namesOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(namesOf);
  return Object.entries(value).flatMap(([name, inner]) => [name, ...namesOf(inner)]);
}
