/**
 * Text of any code points, as fast-check's `string({ unit: 'binary' })`. That makes a table of all of them when it is first asked
 * for, to look whether a list of strings that libraries fall over can be made of them: a second of a CPU in each process.
 */
import fc from 'fast-check';

const [first, count] = [0xd800, 0x800];
const character = fc
  .integer({ min: 0, max: 0x10ffff - count })
  .map((number) => String.fromCodePoint(number < first ? number : number + count));

/** Of those strings. */
const WORDS = ['__proto__', 'constructor', 'toString', 'valueOf', 'hasOwnProperty', 'ref', 'key'];

export function anyText({ maxLength = 40 } = {}): fc.Arbitrary<string> {
  const words = WORDS.filter(({ length }) => length <= maxLength);
  const free = fc.string({ unit: character, maxLength });
  if (words.length === 0) return free;
  return fc.oneof(
    { arbitrary: free, weight: 15 },
    { arbitrary: fc.constantFrom(...words), weight: 1 },
  );
}
