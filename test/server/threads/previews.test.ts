/** The preview thread by itself: PNGs of known pixels, refusals, and what becomes of fds. */
import { decode } from 'fast-png';
import t from 'tap';
import { fourcc } from '../../../src/memory/fourcc.js';
import { sealedBytes } from '../../../src/native/libc/memory.js';
import {
  MAX_PREVIEWS,
  MAX_PREVIEWS_PER_USER,
  Previews,
} from '../../../src/server/threads/previews.js';
import type { Content } from '../../../src/server/words/preview.js';
import { withoutLeaks } from '../../support/fds.js';
import { rejectedInside } from '../../support/refused.js';

const threads = new URL('../../../src/server/', import.meta.url);
const terms = { max: 64, matrix: 'bt709', range: 'limited' } as const;

/** Two pixels of XR24: red, then blue. */
function content(change: Partial<Content> = {}): Content {
  const pixels = Buffer.from([0, 0, 255, 0, 255, 0, 0, 0]);
  return {
    fd: sealedBytes('pixels', pixels),
    size: pixels.length,
    ticket: 0,
    format: fourcc('XR24'),
    width: 2,
    height: 1,
    planes: [{ offset: 0, stride: 8 }],
    ...change,
  };
}

const previews = new Previews(threads);
// The thread stays, with fds of its own.
await previews.render('a', async () => content(), terms);

await withoutLeaks(t, 'previews', async (t) => {
  t.test('a picture', async (t) => {
    const { width, height, channels, data } = decode(
      await previews.render('a', async () => content(), terms),
    );
    t.strictSame({ width, height, channels }, { width: 2, height: 1, channels: 4 });
    t.strictSame([...data], [255, 0, 0, 255, 0, 0, 255, 255]);
  });

  t.test('a format that is not known', async (t) => {
    const unknown = previews.render('a', async () => content({ format: fourcc('ZZZZ') }), terms);
    t.match(await rejectedInside(unknown), { code: 'unsupported_format' });
  });

  t.test('whoever counts is told when it is over, however it ends', async (t) => {
    const done: number[] = [];
    const told = (ticket: number) => done.push(ticket);
    await previews.render('a', async () => content({ ticket: 1 }), terms, told);
    const unknown = { ticket: 2, format: fourcc('ZZZZ') };
    await t.rejects(previews.render('a', async () => content(unknown), terms, told));
    await t.rejects(previews.render('a', () => Promise.reject(new Error('gone')), terms, told));
    t.same(done, [1, 2]);
  });

  t.test('content that could not be read', async (t) => {
    const failed = previews.render('a', async () => Promise.reject(new Error('gone')), terms);
    await t.rejects(failed, /gone/);
  });

  t.test('so many at once', async (t) => {
    const asked = Array.from({ length: MAX_PREVIEWS + 1 }, (_, user) =>
      previews
        .render(`user ${user}`, async () => content(), terms)
        .then(
          () => 'made',
          (error) => error.code,
        ),
    );
    const made = Array<string>(MAX_PREVIEWS).fill('made');
    t.strictSame(await Promise.all(asked), [...made, 'limit_exceeded']);
    t.ok(await previews.render('a', async () => content(), terms), 'there is room again');
  });

  t.test('so many for one user', async (t) => {
    const one = previews.render('a', async () => content(), terms);
    t.match(await rejectedInside(previews.render('a', async () => content(), terms)), {
      code: 'limit_exceeded',
      refusal: { constraint: 'previews', possible: { max: MAX_PREVIEWS_PER_USER } },
    });
    t.ok(await one);
  });
});

await previews.close();
