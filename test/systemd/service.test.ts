/**
 * The units under a real systemd, in the guest: the daemon runs as a user of its own with the unit's
 * hardening, is ready when systemd believes it is, and serves those whom the policy admits; it is started by who
 * connects, reloads, and is started anew whatever it dies of. With
 * Debian's own kernel, in QEMU, only that it starts, serves and stops.
 */
import t, { type Test } from 'tap';
import { runInGuest } from '../vm/vm.js';

t.setTimeout(900_000);

type Seen = Readonly<Record<string, string | undefined>>;

async function see(t: Test, what: 'all' | 'smoke', options: Parameters<typeof runInGuest>[1]) {
  const { status, stdout, stderr } = await runInGuest(['sh', 'test/systemd/service.sh', what], {
    ...options,
    systemd: true,
    timeoutSeconds: 600,
  });
  t.equal(status, 0, stderr);
  const seen: Seen = Object.fromEntries(
    stdout.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
  t.equal(seen.active, 'active active active ', 'the service and both sockets');
  t.equal(seen.user?.trim(), 'dmabroker');
  t.equal(seen.folder, '755 dmabroker:dmabroker');
  t.equal(seen.socket, '666 dmabroker:dmabroker');
  t.equal(seen.rest, '660 dmabroker:dmabroker');
  t.equal(seen.own, '[]', 'a member of the group lists what is theirs');
  const { sources_usable } = JSON.parse(seen.health ?? '{}') as { sources_usable: string[] };
  t.ok(sources_usable.includes('vulkan/dma_buf'), 'the unit lets the driver reach its exporter');
  t.equal(seen.alice, 'drew 640x480 pixels', 'a member of the group allocates');
  t.match(seen.carol, /has refused this connection/, 'nobody else is served');
  t.equal(seen.result, 'success 0', 'SIGTERM ends it well');
  t.equal(seen.left, '0', 'with its sockets stopped, no file stays behind');
  return seen;
}

t.test('in QEMU', async (t) => {
  await see(t, 'smoke', { choice: 'qemu' });
});

t.test('its clients, its life', async (t) => {
  const seen = await see(t, 'all', {});
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
  t.equal(seen.after_KILL, '"status":"ok" 2');
  t.equal(seen.after_TERM, '"status":"ok" 3', 'nobody wanted it to stop');
  t.equal(seen.loop, 'service-start-limit-hit failed failed failed 1', 'a loop ends');
  t.equal(seen.mended, 'drew 640x480 pixels active active active 0', 'its socket elsewhere');
});
