/** What each part of the daemon gets of its file descriptors. */
import fc from 'fast-check';
import t from 'tap';
import { fdParts } from '../../src/broker/fd-parts.js';

t.test('the daemon keeps some for itself', async (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 64, max: 2 ** 30 }), (maxFds) => {
      const { buffers, clients, pastProcesses } = fdParts(maxFds);
      const own = maxFds - buffers - clients - pastProcesses;
      return own >= Math.min(512, Math.floor(maxFds / 4)) && Math.min(buffers, clients) > 0;
    }),
  );
  t.same(fdParts(524_288), {
    buffers: 392_832,
    clients: 65_472,
    pastProcesses: 32_736,
    inFlight: 262_144,
  });
  t.same(fdParts(1024), { buffers: 576, clients: 96, pastProcesses: 48, inFlight: 512 });
});
