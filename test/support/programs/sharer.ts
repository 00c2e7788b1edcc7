/**
 * A client to be killed. `sharer.js SOCKET own SOURCE` allocates a buffer and prints a token for it;
 * `sharer.js SOCKET fd TOKEN` redeems one and holds its fd, `sharer.js SOCKET mapping TOKEN` a mapping
 * alone.
 */
import { closeSync } from 'node:fs';
import { connect } from '../../../src/client/index.js';
import { map } from '../../../src/native/libc/memory.js';

const [socket = '', what = '', argument = ''] = process.argv.slice(2);
const client = await connect({ socket, reconnect: false });

if (what === 'own') {
  const handleType = argument === 'memfd' ? 'memfd' : 'dma_buf';
  const buffer = await client.allocate({
    kind: 'buffer',
    size: 65_536,
    handleTypes: [handleType],
    source: argument,
  });
  console.log(await buffer.share());
} else {
  const buffer = await client.redeem(argument);
  const fd = buffer.planes[0]?.fd ?? -1;
  if (what === 'mapping') {
    // What is not referred to any more is unmapped.
    Object.assign(globalThis, { mapping: map(fd, buffer.size, { write: true }) });
    closeSync(fd);
  }
  console.log('has it');
}
setInterval(() => {}, 2 ** 30);
