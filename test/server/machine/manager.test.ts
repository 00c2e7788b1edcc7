/** What the service manager is told, and what it has asked for. */
import t from 'tap';
import { serviceManager, watchdogMs } from '../../../src/server/machine/manager.js';
import { storeLimit } from '../../../src/server/machine/store-limit.js';

t.test('each state, as sd_notify(3) has it', async (t) => {
  const told: string[] = [];
  const manager = serviceManager(
    () => t.fail('it can be told'),
    (state) => told.push(state),
  );
  const before = process.hrtime.bigint() / 1000n;
  manager.reloading();
  const after = process.hrtime.bigint() / 1000n;
  manager.ready('the configuration was not taken: line 1\n  line 2');
  manager.alive();
  manager.stopping();
  const [reloading = '', ...rest] = told;
  const [, usec = '0'] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(reloading) ?? [];
  t.ok(BigInt(usec) >= before && BigInt(usec) <= after, 'of the clock that the manager has');
  t.same(rest, [
    'READY=1\nSTATUS=the configuration was not taken: line 1 line 2',
    'WATCHDOG=1',
    'STOPPING=1\nSTATUS=releasing what clients have',
  ]);
});

t.test('one that cannot be told', async (t) => {
  const failed: string[][] = [];
  const manager = serviceManager(
    (...why) => failed.push(why),
    () => {
      throw new Error('nobody is there');
    },
  );
  manager.ready('serving');
  t.same(failed, [['READY=1', 'nobody is there']]);
});

t.test('whom the watchdog is for', async (t) => {
  t.equal(watchdogMs({}, 7), null);
  t.equal(watchdogMs({ WATCHDOG_USEC: '30000000' }, 7), 30_000);
  t.equal(watchdogMs({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 7), 30_000);
  t.equal(watchdogMs({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, 7), null, 'another');
  for (const WATCHDOG_USEC of ['', '0', '-1', 'x', '1e6'])
    t.equal(watchdogMs({ WATCHDOG_USEC }, 7), null);
});

t.test('how much is kept', async (t) => {
  const NOTIFY_SOCKET = '/run/systemd/notify';
  t.equal(storeLimit({ NOTIFY_SOCKET, FDSTORE: '4097' }), 4097);
  t.equal(storeLimit({ NOTIFY_SOCKET }), 0, 'a manager that has no store, or does not say so');
  t.equal(storeLimit({ FDSTORE: '4097' }), 0, 'nobody who could be given something');
  for (const FDSTORE of ['', '0', '-1', 'x']) t.equal(storeLimit({ NOTIFY_SOCKET, FDSTORE }), 0);
});
