/** fourcc codes and modifiers, as drm_fourcc.h defines them. */
import fc from 'fast-check';
import t from 'tap';
import {
  fourcc,
  fourccName,
  MOD_INVALID,
  MOD_LINEAR,
  modifierText,
} from '../../src/memory/fourcc.js';

t.test('codes', async (t) => {
  // drm_fourcc.h: DRM_FORMAT_XRGB8888 is fourcc_code('X', 'R', '2', '4').
  t.equal(fourcc('XR24'), 0x34325258);
  t.equal(fourccName(0x34325258), 'XR24');
  const name = fc.stringMatching(/^[\x20-\x7e]{4}$/);
  t.doesNotThrow(() => fc.assert(fc.property(name, (text) => fourccName(fourcc(text)) === text)));
  for (const wrong of ['', 'XR2', 'XR244', 'XR2\n', 'XR2ä']) {
    t.throws(() => fourcc(wrong), RangeError);
  }
});

t.test('what has no characters is shown as its number, wherever it goes', async (t) => {
  t.equal(fourccName(0), '0x00000000');
  t.equal(fourccName(0x0a000041), '0x0a000041');
  const shown = fc.property(fc.integer({ min: 0, max: 0xffffffff }), (code) =>
    /^([\x20-\x7e]{4}|0x[0-9a-f]{8})$/.test(fourccName(code)),
  );
  t.doesNotThrow(() => fc.assert(shown, { numRuns: 2000 }));
});

t.test('modifiers', async (t) => {
  t.equal(modifierText(MOD_LINEAR), '0x0000000000000000');
  t.equal(modifierText(MOD_INVALID), '0x00ffffffffffffff');
  t.equal(modifierText(2n ** 64n - 1n), '0xffffffffffffffff');
});
