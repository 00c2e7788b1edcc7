/** Quotas that were set over REST: kept in a file, and a file that is damaged. */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { QuotaState, stateFolder } from '../../../src/server/quota/state.js';
import { temporaryFolder } from '../../support/folder.js';

t.test('what is set is there again', async (t) => {
  const folder = join(temporaryFolder(t), 'deep', 'state');
  const state = QuotaState.read(folder);
  t.equal(state.warning, null);
  state.set('user/1000', { bytes: 5, allocationsPerSecond: 0.5, fds: null });
  state.set('cgroup//a/*', { priority: -3 });
  state.set('source/vulkan', { bytes: 1 });
  state.set('source/vulkan', null);
  const again = QuotaState.read(folder);
  t.equal(again.warning, null);
  t.same(again.rules, state.rules);
  t.same([...again.rules.keys()], ['user/1000', 'cgroup//a/*']);
  t.same(readdirSync(folder), ['quotas.json'], 'and nothing else');
  t.equal(statSync(join(folder, 'quotas.json')).mode & 0o777, 0o600);
});

const damaged: [what: string, content: string][] = [
  ['cut off', '{"version": 1, "quot'],
  ['another version', '{"version": 2, "quotas": {}}'],
  ['no such scope', '{"version": 1, "quotas": {"planet/1": {}}}'],
  ['a wrong value', '{"version": 1, "quotas": {"user/1": {"bytes": "5"}}}'],
  ['nothing that a scope has', '{"version": 1, "quotas": {"daemon/default": {"weight": 1}}}'],
  ['no object', '[]'],
];

t.test('a damaged file is reported and not used', async (t) => {
  for (const [what, content] of damaged) {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'quotas.json'), content);
    const state = QuotaState.read(folder);
    t.match(state.warning, /quotas\.json cannot be used/, what);
    t.equal(state.rules.size, 0);
    state.set('user/1', { bytes: 1 });
    t.equal(QuotaState.read(folder).warning, null, 'the next change replaces it');
  }
});

t.test('what cannot be kept is not set', async (t) => {
  const folder = temporaryFolder(t);
  const state = QuotaState.read(folder);
  mkdirSync(join(folder, 'quotas.json.new'));
  t.throws(() => state.set('user/1', { bytes: 1 }), { code: 'EISDIR' });
  t.equal(state.rules.size, 0);
});

t.test('where', async (t) => {
  t.equal(stateFolder({ STATE_DIRECTORY: '/s:/t' }, 0), '/s');
  t.equal(stateFolder({}, 0), '/var/lib/dmabroker');
  t.equal(stateFolder({ XDG_STATE_HOME: '/x' }, 5), '/x/dmabroker');
  t.match(stateFolder({ XDG_STATE_HOME: 'relative' }, 5), /\.local\/state\/dmabroker$/);
});
