/**
 * What the daemon adds to an allocation of a memfd: through its socket as encoded requests and by the client library,
 * against c/reference.c, which makes the same memory by the same calls, and against the source in this process.
 */
import { type ClientBuffer, connect } from '../../src/client/index.js';
import { checked } from '../../src/memory/check-spec.js';
import { Usage } from '../../src/memory/source.js';
import { close } from '../../src/native/libc/fd.js';
import { MemfdSource } from '../../src/native/sources/memfd.js';
import { dmabroker_manager_v1 } from '../../src/protocol/dmabroker-v1.gen.js';
import { withoutVulkan } from '../../test/support/daemon.js';
import { answerOf } from '../support/answer.js';
import type { Bench } from '../support/bench.js';
import { load, startDaemon, startReference } from '../support/programs.js';
import { checkShapes, inTurns, p50, p99, rowsOf, timed } from '../support/rounds.js';

const SIZE = 4096;
const WANTED = { kind: 'buffer', size: SIZE, handleTypes: ['memfd'] } as const;
export const ALLOCATED = 'allocate and release 4 KiB memfd';
export const [RAW, LIBRARY] = ['raw client', 'client library'];

export const allocate: Bench = {
  name: 'allocate',
  what: 'Allocate and release a memfd: the daemon against C, the client library against encoded requests',
  place: 'host',
  amount: { rounds: 7, requests: 2000 },
  quick: { rounds: 3, requests: 500 },

  async run({ rounds, requests }) {
    const daemon = await startDaemon(withoutVulkan);
    const client = await connect({ socket: daemon.clientSocket });
    const sample = await client.allocate(WANTED);
    const reference = await startReference(answerOf(sample));
    await sample.release();
    const source = new MemfdSource();

    const plan = { connections: 1, warmUp: Math.ceil(requests / 10), requests };
    const handleType = dmabroker_manager_v1.enums.handle_type.memfd;
    const played = (socket: string) =>
      load(socket, { kind: 'allocate', memory: { size: SIZE }, handleType }, plan);
    const steps = {
      C: () => played(reference.socket),
      raw: () => played(daemon.clientSocket),
      // As encoded requests do: the one before is released in the same flush.
      library: async () => {
        let before: ClientBuffer | null = null;
        const times = await timed(requests, async () => {
          const released = before?.release();
          before = await client.allocate(WANTED);
          await released;
        });
        await (before as ClientBuffer | null)?.release();
        return times;
      },
      source: () =>
        timed(requests, () => {
          const spec = checked({ kind: 'buffer', size: SIZE, usage: Usage.transfer });
          const { planes, key } = source.allocate(spec, 'bench');
          for (const { fd } of planes) close(fd);
          source.free(key);
        }),
    };
    const all = await inTurns(rounds, steps);
    checkShapes([...all.raw, ...all.C]);

    client.close();
    source.close();
    await reference.stop();
    await daemon.stop();
    return [
      ...rowsOf(ALLOCATED, [p50, p99], [RAW, all.raw], ['C', all.C]),
      ...rowsOf(ALLOCATED, [p50, p99], [LIBRARY, all.library], [RAW, all.raw]),
      ...rowsOf(ALLOCATED, [p50], [RAW, all.raw], ['source alone', all.source]),
    ];
  },
};
