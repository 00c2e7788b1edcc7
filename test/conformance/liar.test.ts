/** The checker can fail: a driver of which one answer is altered on its way is caught, whichever it is. */
import t from 'tap';
import type { Answer } from '../../conformance/driver.js';
import { OwnDaemon } from '../../conformance/own-daemon.js';
import { SCENARIOS, TYPESCRIPT } from '../../conformance/places.js';
import { Runner } from '../../conformance/runner.js';
import { readScenarios, type Scenario } from '../../conformance/scenario.js';
import { withoutVulkan } from '../support/daemon.js';

t.setTimeout(240_000);

/** A command's answer, the field that is altered, to what, and where that must be noticed. */
const lies = [
  ['connect', 'ok.limits.fds', 27, 'connect: the daemon describes itself'],
  ['allocate', 'ok.id', 'NOT AN ID', 'allocate: linear memory'],
  ['allocate', 'ok.memories', [], 'allocate: linear memory'],
  ['allocate', 'ok.handle_type', 'opaque_fd', 'allocate: linear memory'],
  ['allocate', 'ok.planes', [{ memory: 0 }, { memory: 0 }], 'allocate: each plane of NV12 lies'],
  ['allocate', 'refused.code', 'internal', 'refusals: a format that nobody knows'],
  ['allocate', 'refused.detail.constraint', 'name', 'refusals: a source that there is not'],
  ['allocate', 'refused.detail.possible', [], 'refusals: a modifier that cannot be had'],
  ['allocate', 'refused.detail.nearest', { kind: 'buffer' }, 'refusals: a modifier that cannot'],
  ['allocate', 'ok.unverified_usage', [], 'allocate: usages that are taken on trust are told'],
  ['test', 'ok.planes', [], 'allocate: a dry run says what would be'],
  ['map', 'ok.size', 1, 'allocate: memory is mapped by its own size'],
  ['peek', 'ok.bytes', '00', 'share: two clients have the same memory'],
  ['redeem', 'ok.id', 'aaaaaaaaaaaaa', 'share: two clients have the same memory'],
  ['redeem', 'refused.code', 'not_found', 'share: a token that nobody made'],
  ['share', 'ok.token', 'aaaaaaaaaaaaaaaaaaaaaaaaaa', 'share: two clients have the same memory'],
  ['share', 'ok.token_id', 'aaaaaaaaaaaaa', 'share: a token that an administrator revoked'],
  ['state', 'ok.released', 'administrator', 'release: somebody else'],
  ['state', 'ok.leased', false, 'leases: a recall because of its end'],
  ['renew', 'refused.code', 'invalid_argument', 'leases: who has no right to renew is refused'],
  ['connect', 'ok.session', 'the same', 'adopt: each connection is told a session of its own'],
  ['adopt', 'ok.id', 'aaaaaaaaaaaaa', 'park: what was parked outlives its connection'],
  ['adopt', 'ok.size', 1, 'adopt: a buffer with a lease outlives its connection'],
  ['adopt', 'refused.code', 'internal', "adopt-refused: nobody's session, and no memory"],
  [
    'adopt',
    'refused.detail.constraint',
    'name',
    'adopt-refused: while the earlier connection is there',
  ],
  ['park', 'refused.code', 'invalid_argument', 'park: park is for who owns the buffer'],
  ['reissue', 'ok.generation', 2, 'lost: a buffer that is not lost'],
  ['read', 'ok.bytes', '0403020104030200', 'work: fill, and read what was filled'],
  ['fill', 'ok.path', 'magic', 'work: fill, and read what was filled'],
  ['copy', 'ok.path', 'magic', 'work: copy linear memory'],
] as const;

type Fields = { [name: string]: Fields };

/** The field is there in the answer; what lacks the way to it stays what it is. */
function altered(answer: Answer, path: string, value: unknown): Answer {
  const told = structuredClone(answer);
  const names = path.split('.');
  const last = names.pop() ?? '';
  let at = told as Fields | undefined;
  for (const name of names) at = at?.[name];
  if (typeof at === 'object' && at !== null) at[last] = value as Fields;
  return told;
}

t.test('a lie is caught, and the truth passes', async (t) => {
  const own = await OwnDaemon.start(withoutVulkan);
  t.teardown(() => own.stop());
  let lie: (typeof lies)[number] | null = null;
  const hear = (what: string, answer: Answer) =>
    what === lie?.[0] ? altered(answer, lie[1], lie[2]) : answer;
  const runner = new Runner({ ...own.setup, drivers: [TYPESCRIPT], hear });
  t.teardown(() => runner.end());
  const outcomes = async (scenarios: readonly Scenario[]) => {
    const found: string[] = [];
    for (const each of scenarios) found.push((await runner.run(each)).outcome);
    return found;
  };
  const about = lies.map(([, , , title]) => readScenarios(SCENARIOS, [title]));
  const every = [...new Map(about.flat().map((each) => [each.name, each])).values()];
  t.same([...new Set(await outcomes(every))], ['passed']);
  for (const [i, each] of lies.entries()) {
    lie = each;
    const [found] = await outcomes(about[i] ?? []);
    const [command, path, value, title] = each;
    t.equal(found, 'failed', `${title}: ${command} says ${path} = ${JSON.stringify(value)}`);
  }
  lie = null;
  t.same([...new Set(await outcomes(every))], ['passed'], 'and it passes after them');
});
