/**
 * The list of refusals' words: nothing is in it that nobody says, and what is said is in the words of the
 * interface, not in those of our code. That all that is said is in it, the types see to; fuzz/heard.ts looks.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { planCopy } from '../../src/memory/copy.js';
import { BrokerError } from '../../src/memory/errors.js';
import { constraints, possibles } from '../../src/memory/refusal-words.js';
import { packageRoot } from '../../src/package-root.js';
import { checkRule } from '../../src/server/words/quota-rules.js';
import { unlisted } from '../support/refusal-words.js';

const source = readdirSync(join(packageRoot, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !/refusal-words|client\/|cli\/|\.gen\./.test(path))
  .map((path) => readFileSync(join(packageRoot, 'src', path), 'utf8'))
  .join('\n');

/** What a call is refused with. */
function refused(call: () => unknown): BrokerError {
  try {
    call();
  } catch (error) {
    if (error instanceof BrokerError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

t.test('each word of the list is said somewhere', async (t) => {
  for (const word of Object.keys(constraints)) {
    // checkAlignment makes four of them, of Alignment's members.
    const said = word.startsWith('alignment.') ? 'alignment.$' + '{key}' : word;
    t.ok(
      [`'${said}'`, `\`${said}\``, `${said}_offset`].some((form) => source.includes(form)),
      word,
    );
  }
  for (const word of Object.keys(possibles)) t.match(source, new RegExp(`\\b${word}\\b`), word);
});

t.test(
  'a part of an image is not copied: the refusal names source_offset, as requests do',
  async (t) => {
    const image = {
      spec: { kind: 'image', width: 1, height: 1, format: 0, modifiers: [], usage: 4 },
      allocation: { modifier: 0n, planes: [], size: 4096, source: 'memfd', handleType: 'memfd' },
    } as unknown as Parameters<typeof planCopy>[0];
    const none = { sourceOffset: 0n, offset: 0n, size: 0n };
    for (const [field, constraint] of [
      ['sourceOffset', 'source_offset'],
      ['offset', 'offset'],
      ['size', 'size'],
    ] as const) {
      const { refusal } = refused(() => planCopy(image, image, { ...none, [field]: 4n }));
      t.match(refusal, { constraint, requested: 4, possible: 0 });
      t.same(unlisted({ ...refusal }), []);
    }
  },
);

t.test('a quota that is out of range is named as the request names it', async (t) => {
  const { refusal } = refused(() => checkRule('user', '1000', { allocationsPerSecond: -1 }));
  t.equal(refusal.constraint, 'allocations_per_second');
  const heap = refused(() => checkRule('source', 'vulkan:0', { allocationsPerSecond: 1 }));
  t.equal(heap.refusal.constraint, 'allocations_per_second');
  const other = refused(() => checkRule('source', 'memfd', { weight: 1 }));
  t.match(other.refusal.possible, ['bytes']);
  t.notMatch(JSON.stringify(other.refusal), 'allocationsPerSecond');
});

t.test('a word that is not listed is found', async (t) => {
  const detail = {
    constraint: 'colour',
    requested: 1,
    possible: [{ max: 1, hue: { min: 0 } }],
    why: 1,
  };
  t.same(unlisted(detail), ['why', 'colour', 'hue']);
});
