/** Every memory of every buffer, each once, as the data plane tells main of them. */
import t from 'tap';
import type { BrokerBuffer } from '../../../src/broker/buffer.js';
import { allMemories } from '../../../src/server/plane/all-memories.js';

const buffer = (id: string, uid: number, memories: number[], identities?: string[]) =>
  ({
    id,
    owner: { client: null, peer: { uid } },
    allocation: { memories, ...(identities && { identities }) },
    recipients: [{ client: { peer: { pid: uid === 2 ? 0 : 7 } } }],
  }) as unknown as BrokerBuffer;

const broker = {
  buffers: [buffer('a', 1, [4096], ['1:1']), buffer('b', 2, [4096, 8192], ['1:1', '1:2'])],
  lingering: [buffer('c', 1, [16], ['1:3']), buffer('d', 1, [1 << 20])],
  clients: [],
};

t.test('memory that two buffers have is told once, with both', async (t) => {
  t.same(allMemories(broker, null), {
    memories: [
      { identity: '1:1', bytes: 4096, buffers: ['a', 'b'] },
      { identity: '1:2', bytes: 8192, buffers: ['b'] },
      { identity: '1:3', bytes: 16, buffers: ['c'] },
    ],
    clients: [],
    outside: 1,
    opaque: 1,
  });
});

t.test('an owner is told of their own buffers alone', async (t) => {
  const { memories, outside, opaque } = allMemories(broker, 2);
  t.same(
    memories.map(({ identity, buffers }) => [identity, buffers]),
    [
      ['1:1', ['b']],
      ['1:2', ['b']],
    ],
  );
  t.same([outside, opaque], [1, 0]);
});
