/** Lines of keys in TOML files. */
import t from 'tap';
import { lineOf } from '../../../src/server/config/toml-lines.js';

const text = `top = 1
[log]
level = "info"

[[policy.rules]]
users = [1]
[[policy.rules]]
share = "anyone"
"with space" = 2
[a]
b.c = 3
`;

t.test('keys are found, and where they are not what is above them', async (t) => {
  const lines: [string[], number][] = [
    [['top'], 1],
    [['log', 'level'], 3],
    [['log', 'missing'], 2],
    [['policy', 'rules'], 5],
    [['policy', 'rules', '0', 'users'], 6],
    [['policy', 'rules', '1', 'share'], 8],
    [['policy', 'rules', '1', 'share', 'groups'], 8],
    [['policy', 'rules', '1', 'with space'], 9],
    [['a', 'b', 'c'], 11],
    [['nowhere'], 1],
  ];
  for (const [path, line] of lines) t.equal(lineOf(text, path), line, path.join('.'));
});
