/** What service.sh sees of the units wherever they run: the service starts, serves whom it should, and stops. */
import type { Test } from 'tap';

/** The script's `name=value` lines. */
export type Seen = Readonly<Record<string, string | undefined>>;

export function sawService(t: Test, stdout: string): Seen {
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
