/** Texts in events are cut by bytes, at a whole character, so that every event fits. */
import fc from 'fast-check';
import t from 'tap';
import { cut } from '../../../src/server/wayland/text.js';
import { anyText } from '../../support/any-text.js';

t.test('what fits stays', async (t) => {
  t.equal(cut('', 0), '');
  t.equal(cut('é', 2), 'é');
  t.equal(cut('\ufeffa', 4), '\ufeffa');
});

t.test('what does not fit is cut at a character', async (t) => {
  t.equal(cut('abc', 2), 'ab');
  t.equal(cut('aé', 2), 'a');
  t.equal(cut('😀😀', 7), '😀');
  const property = fc.property(anyText(), fc.nat(40), (text, max) => {
    const short = cut(text, max);
    const next = [...text][[...short].length] ?? '';
    const fits = Buffer.byteLength(short) <= max;
    const longest = text === short || Buffer.byteLength(short + next) > max;
    return text.startsWith(short) && fits && longest;
  });
  t.doesNotThrow(() => fc.assert(property));
});
