/**
 * The unit under a real systemd, in the guest: the daemon runs as a user of its own with the unit's
 * hardening, is ready when systemd believes it is, and serves those whom the policy admits. With
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
  t.equal(seen.active, 'active');
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
  t.equal(seen.left, '0', 'no socket stays behind');
  return seen;
}

t.test('in QEMU', async (t) => {
  await see(t, 'smoke', { choice: 'qemu' });
});

t.test('its clients', async (t) => {
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
});
