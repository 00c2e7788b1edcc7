/** What is said of a buffer until `done`: which fds are kept of it, and that the others are closed at once. */
import { closeSync, fstatSync, openSync } from 'node:fs';
import t from 'tap';
import { Gathered } from '../../src/client/gathered.js';
import type { HandleType } from '../../src/memory/source.js';
import { dmabroker_manager_v1 } from '../../src/protocol/dmabroker-v1.gen.js';

const { dma_buf, opaque_fd } = dmabroker_manager_v1.enums.handle_type;
const LATER = 1 << 20;

class Heard extends Gathered {
  described() {
    return this.take();
  }
  letGo() {
    this.drop();
  }
}

/** One that was told of a buffer of so many bytes, in one memory. */
function heard(types?: readonly HandleType[]): Heard {
  const object = new Heard(types);
  object.info('ni4i56', 1, 0, 'udmabuf', 0, 8192, 0, 0, 0, 0, 0);
  object.memory(0, 0, 8192);
  return object;
}

const fresh = () => openSync('/dev/null', 'r');

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

t.test('one fd a plane, and further ones of other types beside the first', async (t) => {
  const object = heard();
  const fds = [fresh(), fresh(), fresh(), fresh()] as const;
  object.plane(fds[0], dma_buf, 0, 0, 0, 64);
  object.plane(fds[1], opaque_fd, 0, 0, 0, 64);
  object.plane(fds[2], LATER, 0, 0, 0, 64);
  object.plane(fds[3], opaque_fd, 1, 0, 4096, 64);
  t.same(fds.map(isOpen), [true, true, false, false], 'what nobody can use is closed');
  const told = object.described();
  t.match(told, { id: 'ni4i56', size: 8192, format: null, memories: [{ size: 8192 }] });
  t.equal(told?.handleType, 'dma_buf');
  const further = [{ handleType: 'opaque_fd', fd: fds[1] }];
  t.same(told?.planes, [{ fd: fds[0], memory: 0, offset: 0, stride: 64, further }]);
  t.same(object.described()?.planes, [], 'they are the caller’s from then on');
  for (const fd of fds.slice(0, 2)) closeSync(fd);
});

t.test('one that is to have some types has no others', async (t) => {
  const object = heard(['opaque_fd']);
  const [other, wanted] = [fresh(), fresh()];
  object.plane(other, dma_buf, 0, 0, 0, 0);
  object.plane(wanted, opaque_fd, 0, 0, 0, 0);
  t.same([other, wanted].map(isOpen), [false, true]);
  object.letGo();
  t.equal(isOpen(wanted), false, 'nobody wants it any more');
  t.same(object.described()?.planes, []);
});

t.test('nothing was said', async (t) => {
  t.equal(new Heard().described(), null);
});
