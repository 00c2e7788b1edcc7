/** What can be asked of a dma_buf: the parser and the refusals anywhere, the rest in the guest. */
import { closeSync, openSync } from 'node:fs';
import t from 'tap';
import { checked } from '../../src/memory/check-spec.js';
import type { Allocation } from '../../src/memory/source.js';
import { info, parseInfo, setName, sync } from '../../src/native/dmabuf.js';
import { isDmaBuf } from '../../src/native/kind.js';
import { remains } from '../../src/native/remains.js';
import { probeVulkan } from '../../src/native/sources/probe-vulkan.js';
import { withFewFds } from '../support/few-fds.js';
import { enableValidation, expectNoValidationMessages, inGuest } from './vulkan/validation.js';

const validation = enableValidation();
const { sources, states } = probeVulkan();
const source = sources.find((each) => each.handleType === 'dma_buf');
const reason = states.find((each) => each.handleType === 'dma_buf')?.reason ?? '';

t.test('fdinfo is parsed', async (t) => {
  const text =
    'pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t1035\nsize:\t4096\ncount:\t3\nexp_name:\tudmabuf\nname:\tdmabroker:abc\n';
  t.strictSame(parseInfo(text), {
    size: 4096,
    count: 3,
    exporter: 'udmabuf',
    name: 'dmabroker:abc',
  });
  t.equal(parseInfo(text.replace(/name:\tdma.*\n/, ''))?.name, '');
  t.equal(parseInfo('pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t1\n'), null);
});

t.test('other files are none', async (t) => {
  const fd = openSync('/dev/null', 'r');
  t.equal(isDmaBuf(fd), false);
  t.equal(info(fd), null);
  t.throws(() => setName(fd, 'x'), /errno 25/, 'ENOTTY');
  t.throws(() => sync(fd, 'start', { read: true }), /errno 25/);
  closeSync(fd);
  t.equal(isDmaBuf(fd), false, 'nor is an fd that is closed');
  t.throws(() => setName(0, 'x'.repeat(32)), RangeError);
  t.throws(() => sync(0, 'start', {}), TypeError);
});

t.test('a real one', { skip: !inGuest && !source && reason }, async (t) => {
  if (!source) return t.fail(reason);
  const { key, planes } = source.allocate(checked({ kind: 'buffer', size: 8192, usage: 0 }), 'a');
  const fd = planes[0]?.fd ?? -1;
  t.equal(isDmaBuf(fd), true);
  setName(fd, 'x'.repeat(31));
  t.match(info(fd), { size: 8192, exporter: 'udmabuf', name: 'x'.repeat(31) });
  sync(fd, 'start', { read: true, write: true });
  sync(fd, 'end', { read: true, write: true });
  t.throws(() => sync(99_999, 'start', { read: true }), /errno 9/);
  source.free(key);
  t.equal(info(fd)?.count, 1);
  const allocation = { source: 'udmabuf', handleType: 'dma_buf', exporter: 'udmabuf' } as const;
  const left = remains(allocation as unknown as Allocation, [fd]);
  const blind = withFewFds(0, () => left.look());
  t.equal(blind, 'lingering', 'released while there is no file descriptor to look with');
  t.equal(left.look(), 'counted', 'and looked at again');
  left.close();
});

t.test('close', async () => {
  for (const each of sources) each.close();
});
expectNoValidationMessages(t, validation);
