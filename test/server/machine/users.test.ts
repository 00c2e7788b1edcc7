/** passwd(5) and subuid(5): who answers for a uid. */
import t from 'tap';
import {
  accountable,
  parseGroups,
  parsePasswd,
  parseSubuids,
} from '../../../src/server/machine/users.js';

const passwd = parsePasswd('root:x:0:0::/root:/bin/sh\nalice:x:1000:1000\ntoor:x:0:0\nbad:x:y\n');

t.test('names', async (t) => {
  t.equal(passwd.uids.get('alice'), 1000);
  t.equal(passwd.names.get(0), 'root', 'the first of several');
  t.notOk(passwd.uids.has('bad'));
});

t.test('a number that is no id names nobody', async (t) => {
  const largest = 4_294_967_294;
  const numbers = [String(largest), String(largest + 1), '9999999999', '99999999999', '-1', ''];
  const text = numbers.map((number, index) => `n${index}:x:${number}:`).join('\n');
  t.same([...parsePasswd(text).uids], [['n0', largest]]);
  t.same([...parseGroups(text)], [['n0', largest]]);
});

t.test('subuids', async (t) => {
  const text = '# comment\nalice:100000:65536\n1001:200000:10\nnobody-here:1:2\nalice:x:1\n';
  const ranges = parseSubuids(text, passwd.uids);
  t.same(ranges, [
    { owner: 1000, first: 100_000, count: 65_536 },
    { owner: 1001, first: 200_000, count: 10 },
  ]);
  const of = accountable(ranges);
  t.same(
    [0, 99_999, 100_000, 165_535, 165_536, 200_009].map(of),
    [0, 99_999, 1000, 1000, 165_536, 1001],
  );
});
