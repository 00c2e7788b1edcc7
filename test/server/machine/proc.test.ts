/** /proc's texts: which lines of maps count, and how a device is written there. */
import { readFileSync, statSync } from 'node:fs';
import t from 'tap';
import { deviceOf, parseMaps, processInfo, type Uses } from '../../../src/server/machine/proc.js';

t.equal(deviceOf('00:01'), 1n);
t.equal(deviceOf('08:12'), 0x812n);
t.equal(deviceOf('00:fff'), 0xf000ffn, 'a minor number of more than eight bits');
t.equal(deviceOf('103:02'), 0x10302n);

t.test('as stat(2) has it', async (t) => {
  const [line] = readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((each) => each.endsWith(process.execPath));
  const [, , , device = '', inode = ''] = (line ?? '').split(/ +/);
  const { dev, ino } = statSync(process.execPath, { bigint: true });
  t.equal(BigInt(inode), ino);
  t.equal(deviceOf(device), dev);
});

t.test('maps', async (t) => {
  const uses: Uses = new Map();
  parseMaps(
    [
      '7f00-7f01 rw-s 00000000 00:0a 77                         /dmabuf:name',
      '7f01-7f02 r--s 00001000 00:0a 77                         /dmabuf:with some spaces',
      '7f02-7f03 rw-s 00000000 00:0a 78                         /dmabuf:',
      '7f03-7f04 rw-s 00000000 00:01 9      /memfd:dmabroker:abc (deleted)',
      '7f04-7f05 rw-s 00000000 00:01 10     /memfd:other (deleted)',
      '7f05-7f06 rw-p 00000000 00:00 0      [heap]',
      '7f06-7f07 r-xp 00000000 08:01 12     /tmp/x /dmabuf:fake',
      '',
    ].join('\n'),
    uses,
  );
  t.same(
    [...uses],
    [
      ['10:77', { fds: 0, mappings: 2 }],
      ['10:78', { fds: 0, mappings: 1 }],
      ['1:9', { fds: 0, mappings: 1 }],
    ],
  );
});

t.test('a process', async (t) => {
  const { pid, uid, executable, startedAt } = processInfo(process.pid);
  t.equal(pid, process.pid);
  t.equal(uid, process.getuid?.());
  t.equal(executable, readFileSync('/proc/self/comm', 'utf8').trim());
  const age = Date.now() - startedAt;
  t.ok(age > -2000 && age < 600_000, `${age} ms old`);
  t.throws(() => processInfo(0x7fff_ffff), { code: 'ENOENT' });
});
