/**
 * What takes file descriptors, with fewer of them each time: wherever one is missing, it fails and leaves
 * none behind.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checked } from '../../src/memory/check-spec.js';
import { BrokerError, isOutOfFds } from '../../src/memory/errors.js';
import { toEnd } from '../../src/memory/steps.js';
import { addon } from '../../src/native/door.js';
import { close } from '../../src/native/libc/fd.js';
import { sealedMemfd } from '../../src/native/libc/memory.js';
import { connectUnix, listenUnix } from '../../src/native/libc/socket.js';
import { watch } from '../../src/native/libc/watch.js';
import { MemfdSource } from '../../src/native/sources/memfd.js';
import { inPieces } from '../../src/native/transfer/pieces.js';
import { Transfers } from '../../src/native/transfer/transfers.js';
import { withFewFds } from '../support/few-fds.js';
import { temporaryFolder } from '../support/folder.js';

const path = join(temporaryFolder(t), 'socket');
const listener = listenUnix(path);
const client = connectUnix(path);
const memfds = new MemfdSource();
const separate = checked({
  kind: 'image',
  width: 64,
  height: 64,
  format: 0x3231_564e, // NV12
  modifiers: [0n],
  usage: 4,
  separatePlanes: true,
});
const memory = sealedMemfd('memory', 65_536);
const reference = {
  origin: 'memfd',
  handleType: 'memfd',
  key: 0,
  device: null,
  fds: [memory],
  size: 65_536,
} as const;

/** Each returns what its caller would have to close. */
const takers: Record<string, () => number[]> = {
  'a socket that listens': () => [listenUnix(`${path}.${Math.random()}`)],
  'a connection': () => [connectUnix(path)],
  'a memfd': () => [sealedMemfd('x', 4096)],
  'memory in two memfds': () => memfds.allocate(separate, 'id').planes.map(({ fd }) => fd),
  'a read': () => {
    const work = {
      kind: 'read',
      source: reference,
      extent: { offset: 0, size: 4096 },
      size: 4096,
    } as const;
    const done = toEnd(inPieces(work, (body) => body(new Transfers(null, null))));
    return [done.content?.fd ?? -1];
  },
  'a watch': () => {
    watch(client, () => {}).close();
    return [];
  },
};

const open = () => readdirSync('/proc/self/fd').length;
const MOST = 8;

for (const [what, take] of Object.entries(takers)) {
  t.test(what, async (t) => {
    for (const fd of take()) close(fd);
    let failed = 0;
    for (let left = 0; left <= MOST; left++) {
      const before = open();
      try {
        for (const fd of withFewFds(left, take)) close(fd);
      } catch (error) {
        failed++;
        const refused = error instanceof BrokerError && error.code === 'limit_exceeded';
        t.ok(refused || isOutOfFds(error), `with ${left}: ${error}`);
        t.equal(open(), before, 'it leaves none');
      }
    }
    // libuv's has one already.
    const needsNone = what === 'a watch' && addon !== null;
    t.ok(failed > 0 !== needsNone && failed < MOST, `it failed with fewer than ${failed}`);
  });
}

t.teardown(() => {
  for (const fd of [listener, client, memory]) close(fd);
});
