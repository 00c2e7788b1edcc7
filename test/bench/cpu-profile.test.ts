/** Whose time a profile says it was: bench/support/cpu-profile.ts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { type CpuProfile, partsOf, ran } from '../../bench/support/cpu-profile.js';
import { temporaryFolder } from '../support/folder.js';

t.test('self time by source file', async (t) => {
  const path = join(temporaryFolder(t), 'main.js');
  const lines = [
    'import x',
    '// src/protocol/wire.ts',
    'function encode() {}',
    'function decode() {}',
    '// node_modules/@fastify/x/index.js',
    'function plugin() {}',
  ];
  writeFileSync(path, lines.join('\n'));
  const url = pathToFileURL(path).href;
  const node = (
    id: number,
    functionName: string,
    lineNumber: number,
    of = url,
    children: number[] = [],
  ) => ({
    id,
    children,
    callFrame: { functionName, lineNumber, url: of },
  });
  const profile: CpuProfile = {
    nodes: [
      node(1, '(root)', -1, ''),
      node(2, '(idle)', -1, ''),
      node(3, '(garbage collector)', -1, ''),
      node(4, 'encode', 2, url, [7]),
      node(5, 'decode', 3),
      node(6, 'plugin', 5),
      node(7, 'writeSync', -1, 'node:fs'),
      // The same function, called from elsewhere.
      node(8, 'encode', 2),
    ],
    samples: [2, 4, 4, 5, 6, 7, 3, 8],
    timeDeltas: [1000, 10, 20, 10, 20, 10, 10, 20],
    startTime: 5000,
  };
  t.same(partsOf(profile), [
    {
      place: 'protocol/wire.ts',
      share: 70,
      functions: [
        { name: 'encode', share: 50 },
        { name: 'decode', share: 10 },
        { name: 'writeSync', share: 10 },
      ],
    },
    { place: '@fastify/x', share: 20, functions: [{ name: 'plugin', share: 20 }] },
    {
      place: 'garbage collection',
      share: 10,
      functions: [{ name: '(garbage collector)', share: 10 }],
    },
  ]);
  const [first] = partsOf(profile, { from: 6011, to: 6035 });
  t.match(first, { place: 'protocol/wire.ts', share: 100, functions: [{ name: 'encode' }] });
  t.equal(partsOf(profile, { from: 0, to: 5999 }).length, 0);
  t.ok(ran(profile, '/main.js'));
  t.notOk(ran(profile, '/other.js'));
});
