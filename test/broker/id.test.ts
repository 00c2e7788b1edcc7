/** Buffer ids and tokens: length, alphabet, and that all of their random bits are in them. */
import fc from 'fast-check';
import t from 'tap';
import { BUFFER_ID, newBufferId, newToken, pooled, type Random } from '../../src/broker/id.js';
import { MAX_NAME } from '../../src/native/dmabuf.js';

const fixed =
  (source: Uint8Array): Random =>
  (bytes) =>
    bytes.set(source.subarray(0, bytes.length));

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648's base32 by arithmetic on one big number: not how the code does it. */
function base32(bytes: Uint8Array): string {
  const missing = (5 - ((bytes.length * 8) % 5)) % 5;
  let number = BigInt(`0x${Buffer.from(bytes).toString('hex')}`) << BigInt(missing);
  let text = '';
  for (let i = 0; i < (bytes.length * 8 + missing) / 5; i++) {
    text = (ALPHABET[Number(number % 32n)] ?? '?') + text;
    number /= 32n;
  }
  return text;
}

t.test('known values', async (t) => {
  t.equal(newBufferId(fixed(new Uint8Array(8))), 'aaaaaaaaaaaaa');
  t.equal(newBufferId(fixed(new Uint8Array(8).fill(255))), '7777777777776');
  // RFC 4648, section 10: BASE32("foobar") = "MZXW6YTBOI======".
  t.match(newBufferId(fixed(Buffer.from('foobar\0\0'))), /^mzxw6ytboi/);
});

t.test('ids have 64 bits, tokens 128, and none of them is lost', async (t) => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const id = fc.property(bytes(8), (source) => newBufferId(fixed(source)) === base32(source));
  const token = fc.property(bytes(16), (source) => newToken(fixed(source)) === base32(source));
  t.doesNotThrow(() => fc.assert(id));
  t.doesNotThrow(() => fc.assert(token));
});

t.test('an id is what REST takes as one and fits in a name', async (t) => {
  const property = fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), (source) => {
    const id = newBufferId(fixed(source));
    return BUFFER_ID.test(id) && Buffer.byteLength(`dmabroker:${id}`) <= MAX_NAME;
  });
  t.doesNotThrow(() => fc.assert(property));
  for (const wrong of ['', 'a'.repeat(14), 'A', '1', 'a b', 'a\n', '../a']) {
    t.notMatch(wrong, BUFFER_ID);
  }
});

t.test('random bytes are asked for by the thousand, and each is handed out once', async (t) => {
  let asked = 0;
  let last = 0;
  const pools: Uint8Array[] = [];
  const random = pooled((bytes) => {
    asked++;
    pools.push(bytes);
    for (let i = 0; i + 4 <= bytes.length; i += 4) {
      new DataView(bytes.buffer, bytes.byteOffset).setUint32(i, ++last);
    }
  });
  const seen = new Set<string>();
  for (let i = 0; i < 1000; i++) {
    const bytes = new Uint8Array(i % 2 === 0 ? 8 : 16);
    random(bytes);
    t.notOk(bytes.every((byte) => byte === 0));
    for (let at = 0; at < bytes.length; at += 4) seen.add(`${bytes.subarray(at, at + 4)}`);
  }
  t.equal(seen.size, 3000, 'none twice');
  t.ok(asked < 5, `${asked} times`);
  const [pool = new Uint8Array(0)] = pools;
  const nextWord = pool.findIndex((byte) => byte !== 0);
  t.ok(nextWord > 0, 'what was handed out is wiped');
  const large = new Uint8Array(5000);
  random(large);
  t.notOk(large.subarray(4900).every((byte) => byte === 0));
});
