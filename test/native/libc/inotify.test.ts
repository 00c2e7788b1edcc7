/** The end of a memfd, whoever has it and however. */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { close } from '../../../src/native/libc/fd.js';
import { GoneWatch } from '../../../src/native/libc/inotify.js';
import { map, sealedMemfd } from '../../../src/native/libc/memory.js';
import { receive, send } from '../../../src/native/libc/socket.js';
import { connectedPair } from '../../support/accept.js';
import { withoutLeaks } from '../../support/fds.js';
import { withFewFds } from '../../support/few-fds.js';
import { temporaryFolder } from '../../support/folder.js';

const O_PATH = 0o10000000;
const setting = (name: string) => Number(readFileSync(`/proc/sys/fs/inotify/${name}`, 'utf8'));

await withoutLeaks(t, 'memfds that are watched', async (t) => {
  const watch = new GoneWatch();
  t.teardown(() => watch.close());
  const path = join(temporaryFolder(t), 'socket');

  /** Something that refers to the memfd; returns its end. */
  const holders: Record<string, (fd: number) => () => void> = {
    'another descriptor': (fd) => {
      const other = openSync(`/proc/self/fd/${fd}`, 'r');
      return () => closeSync(other);
    },
    'one opened with O_PATH': (fd) => {
      const other = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | O_PATH);
      return () => closeSync(other);
    },
    'one opened again from O_PATH': (fd) => {
      const by = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | O_PATH);
      const other = openSync(`/proc/self/fd/${by}`, 'r+');
      closeSync(by);
      return () => closeSync(other);
    },
    'a mapping': (fd) => map(fd, 4096, { write: false }).release,
    'a message on its way': (fd) => {
      const [server, client] = connectedPair(path);
      send(client, Buffer.from('x'), [fd]);
      return () => {
        for (const received of receive(server)?.fds ?? []) close(received);
        close(server);
        close(client);
      };
    },
  };
  for (const [who, hold] of Object.entries(holders)) {
    t.test(who, async (t) => {
      const fd = sealedMemfd('watched', 4096);
      const letGo = hold(fd);
      const wd = watch.watch(fd);
      t.notOk(watch.gone(wd));
      close(fd);
      t.notOk(watch.gone(wd), 'it is there as long as somebody refers to it');
      letGo();
      t.ok(watch.gone(wd));
    });
  }

  t.test('watches that are let go of', async (t) => {
    const fds = [sealedMemfd('a', 4096), sealedMemfd('b', 4096)] as const;
    const [a, b] = [watch.watch(fds[0]), watch.watch(fds[1])];
    watch.forget(a);
    close(fds[0]);
    t.notOk(watch.gone(b), 'the other one stays');
    close(fds[1]);
    t.ok(watch.gone(b));
    watch.forget(b);
  });

  const queue = setting('max_queued_events');
  const most = Math.min(setting('max_user_watches'), 40_000);
  const skip = queue >= most ? `${queue} events are kept, and ${most} can be watched` : false;
  t.test('more ends at once than the kernel keeps events for', { skip }, async (t) => {
    const kept = sealedMemfd('kept', 4096);
    const first = watch.watch(kept);
    const many: { wd: number; letGo: () => void }[] = [];
    for (let i = 0; i <= queue; i++) {
      const fd = sealedMemfd('many', 4096);
      many.push({ wd: watch.watch(fd), letGo: map(fd, 4096, { write: false }).release });
      close(fd);
    }
    for (const { letGo } of many) letGo();
    t.notOk(
      withFewFds(0, () => watch.gone(first)),
      'with no file descriptor left to look by',
    );
    t.equal(many.filter(({ wd }) => !watch.gone(wd)).length, 0, 'all are known to be gone');
    t.notOk(watch.gone(first), 'but for the one that is there');
    close(kept);
    t.ok(watch.gone(first));
  });
});
