/** Quotas that were set over REST: kept in a file, and a file that is damaged. */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { StateFolder } from '../../../src/server/state/folder.js';
import { QuotaState } from '../../../src/server/state/quotas.js';
import { temporaryFolder } from '../../support/folder.js';

function open(t: Test, path = temporaryFolder(t)) {
  const folder = StateFolder.open(path);
  t.teardown(() => folder.close());
  return { path, folder, state: QuotaState.read(folder) };
}

t.test('what is set is there again', async (t) => {
  const { path, folder, state } = open(t, join(temporaryFolder(t), 'deep', 'state'));
  t.equal(state.warning, null);
  await state.set('user/1000', { bytes: 5, allocationsPerSecond: 0.5, fds: null });
  await state.set('cgroup//a/*', { priority: -3 });
  await state.set('group/44', { bytes: 7 });
  await state.set('source/vulkan', { bytes: 1 });
  await state.set('source/vulkan', null);
  const again = QuotaState.read(folder);
  t.equal(again.warning, null);
  t.same(again.rules, state.rules);
  t.same([...again.rules.keys()], ['user/1000', 'cgroup//a/*', 'group/44']);
  t.same(readdirSync(path).sort(), ['lock', 'quotas.json'], 'and nothing else');
  t.equal(statSync(join(path, 'quotas.json')).mode & 0o777, 0o600);
});

const damaged: [what: string, content: string][] = [
  ['empty', ''],
  ['cut off', '{"version": 1, "quot'],
  ['another version', '{"version": 2, "quotas": {}}'],
  ['no such scope', '{"version": 1, "quotas": {"planet/1": {}}}'],
  ['a wrong value', '{"version": 1, "quotas": {"user/1": {"bytes": "5"}}}'],
  ['nothing that a scope has', '{"version": 1, "quotas": {"daemon/default": {"weight": 1}}}'],
  ['no object', '[]'],
];

t.test('a damaged file is reported and not used', async (t) => {
  for (const [what, content] of damaged) {
    const path = temporaryFolder(t);
    writeFileSync(join(path, 'quotas.json'), content);
    const { folder, state } = open(t, path);
    t.match(state.warning, /quotas\.json cannot be used/, what);
    t.equal(state.rules.size, 0);
    await state.set('user/1', { bytes: 1 });
    t.equal(QuotaState.read(folder).warning, null, 'the next change replaces it');
  }
});

t.test('what cannot be kept is not set', async (t) => {
  const { path, state } = open(t);
  mkdirSync(join(path, 'quotas.json.new'));
  await t.rejects(state.set('user/1', { bytes: 1 }), { code: 'not_stored' });
  t.equal(state.rules.size, 0);
});
