/**
 * The units under a real systemd, in the guest: the daemon runs as a user of its own with the unit's
 * hardening, is ready when systemd believes it is, and serves those whom the policy admits; it is started by who
 * connects, reloads, and is started anew whatever it dies of. With Debian's own kernel smoke.guest.test.ts looks.
 */
import t from 'tap';
import { runInGuest } from '../vm/vm.js';
import { sawService } from './service.js';

t.setTimeout(900_000);

t.test('its clients, its life', async (t) => {
  const { status, stdout, stderr } = await runInGuest(['sh', 'test/systemd/service.sh', 'all'], {
    systemd: true,
    timeoutSeconds: 600,
  });
  t.equal(status, 0, stderr);
  const seen = sawService(t, stdout);
  const slice = 'tests.slice';
  const cgroup = `/${slice}/holder.service`;
  t.match(
    JSON.parse(seen.client ?? 'null'),
    [{ executable: /\w/, cgroup, unit: 'holder.service', slice, container: null }],
    'a client is shown with its unit',
  );
  t.match(
    JSON.parse(seen.made ?? 'null'),
    { buffer: { owner: { executable: 'curl', unit: 'maker.service', slice: 'system.slice' } } },
    'and whoever asks over REST',
  );
  t.ok(Number(seen.exposure) > 0 && Number(seen.exposure) <= 1, `exposure ${seen.exposure}`);

  t.equal(seen.card, '0', 'it sees no card of a display');
  t.equal(seen.card_shown, 'e2', 'until it is to see them (docs/install.md)');

  t.equal(seen.store, '4097 yes 0', 'it knows of the store');
  const serves = 'serving clients at /run/dmabroker/client.sock, REST at /run/dmabroker/rest.sock';
  t.equal(seen.serves, serves);
  t.equal(seen.reloaded, `active ${serves}`);
  t.equal(seen.reload_took, '"key":"log.level","value":"debug"', 'when systemctl has returned');
  t.match(seen.refused, /^active the configuration was not taken: .*:2: log\.level/);

  t.equal(seen.stopped, 'inactive active active 2', 'a stop leaves the sockets');
  t.equal(seen.woken, '"status":"ok" active active active ', 'who asks REST starts it');
  t.equal(seen.narrow, '600 dmabroker:dmabroker 1', 'the mode that is configured');
  t.equal(seen.wide, '666 dmabroker:dmabroker');
  t.equal(seen.same_file, 'yes', 'the sockets outlive the daemon');
  t.equal(seen.woken_by_client, 'drew 640x480 pixels active active active ');
  t.equal(seen.waited, 'start-pre drew 640x480 pixels active', 'who connects meanwhile waits');

  t.equal(seen.dog_quiet, '0', 'no alarm where all is well');
  t.equal(seen.dog, '"status":"ok" 1', 'a thread that stands still has it ended and started');
  t.equal(seen.dog_said, '1 1 0', 'it was named before, once, and no core was written');
  t.equal(seen.after_TERM, '"status":"ok" 2', 'nobody wanted it to stop');
  t.equal(seen.loop, 'service-start-limit-hit failed failed failed 1', 'a loop ends');
  t.equal(seen.mended, 'drew 640x480 pixels active active active 0', 'its socket elsewhere');
});
