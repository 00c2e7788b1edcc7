/**
 * The field's other brokers: what each does that is nearest to a hand-off, against ours and against C's, in the same
 * run. They differ in what they do (virgl_test_server keeps a resource of GL's, PipeWire negotiates a format), and
 * ours are asked as their nearest is.
 */
import { join } from 'node:path';
import { connect } from '../../src/client/index.js';
import { dmabroker_manager_v1 } from '../../src/protocol/dmabroker-v1.gen.js';
import { withoutVulkan } from '../../test/support/daemon.js';
import { answerOf } from '../support/answer.js';
import type { Bench, Row } from '../support/bench.js';
import {
  type Broker,
  startDbus,
  startPipewire,
  startUnixfd,
  startVirgl,
} from '../support/brokers.js';
import {
  compile,
  load,
  play,
  startDaemon,
  startReference,
  temporaryFolder,
} from '../support/programs.js';
import { inTurns, p50, p99, rowsOf, type Times } from '../support/rounds.js';
import { USES, writeMeeting } from '../support/script.js';
import { tokenMaker } from '../support/tokens.js';

/** In a layer over the guest's /usr, with what they are compiled against; no test has it. */
export const FIELD_PACKAGES = [
  'gcc',
  'libc6-dev',
  'pkgconf',
  'virgl-server',
  'pipewire',
  'libpipewire-0.3-dev',
  'gstreamer1.0-plugins-bad',
  'gstreamer1.0-plugins-base',
  'libgstreamer1.0-dev',
  'libgstreamer-plugins-base1.0-dev',
  'dbus-broker',
];

type Way = 'sync' | 'redeem' | 'allocate' | 'share';

/** Ours, as they are asked here. `share` is of two clients (c/meet.c), which C has none of. */
const OURS: Readonly<Record<Way, string>> = {
  sync: 'sync',
  redeem: 'redeem',
  allocate: 'allocate and release 4 KiB memfd',
  share: 'allocate, share, redeem as another client',
};

interface Asked {
  readonly peer: string;
  readonly way: Way;
  /** What is done there. */
  readonly theirs: string;
  /** Before how often, for its program. */
  readonly args: readonly string[];
  /** A part of the requests, where each takes long. */
  readonly part: number;
  start(): Promise<Broker>;
}

const asked = (
  peer: string,
  way: Way,
  theirs: string,
  start: () => Promise<Broker>,
  { args = [], part = 1 }: { args?: readonly string[]; part?: number } = {},
): Asked => ({ peer, way, theirs, start, args, part });

export const BROKERS: readonly Asked[] = [
  asked('virgl_test_server', 'allocate', 'a resource with its fd, made and gone', startVirgl),
  asked('dbus-broker', 'redeem', 'a call that is answered with an fd', startDbus),
  asked('GStreamer unixfd', 'redeem', 'a buffer, until the other process has it', startUnixfd),
  asked('PipeWire', 'sync', "a round trip of its core's", startPipewire, { args: ['sync'] }),
  asked('PipeWire', 'share', 'a link, until its first buffer', startPipewire, {
    args: ['link'],
    part: 0.02,
  }),
];

export const caseOf = ({ way, theirs }: Asked) => `${OURS[way]} / ${theirs}`;

/** Ours are asked by c/load.c, as C is, and where two clients meet by c/meet.c. */
async function startOurs(requests: number) {
  const daemon = await startDaemon(withoutVulkan);
  const owner = await connect({ socket: daemon.clientSocket });
  const buffer = await owner.allocate({ kind: 'buffer', size: 4096, handleTypes: ['memfd'] });
  const reference = await startReference(answerOf(buffer));
  const plan = { connections: 1, warmUp: Math.ceil(requests / 10), requests };
  const make = tokenMaker(owner);
  const tokens = () => make(plan.warmUp + plan.requests);
  const played = async (way: Way, socket: string): Promise<Times> => {
    if (way === 'sync') return load(socket, { kind: 'sync' }, plan);
    if (way === 'redeem') {
      return load(socket, { kind: 'redeem', tokens: await tokens(), uses: USES }, plan);
    }
    const handleType = dmabroker_manager_v1.enums.handle_type.memfd;
    return load(socket, { kind: 'allocate', memory: { size: 4096 }, handleType }, plan);
  };
  const meeting = join(temporaryFolder(), 'meeting');
  const [sample = ''] = await tokens();
  writeMeeting(meeting, sample);
  const meet = compile('meet', { sources: ['peer.h'] });
  const shared = (many: number) => play<Times>([meet, daemon.clientSocket, meeting, `${many}`]);
  return {
    ask: (way: Way, many: number) =>
      way === 'share' ? shared(many) : played(way, daemon.clientSocket),
    askC: (way: Way) => played(way, reference.socket),
    stop: async () => {
      owner.close();
      await reference.stop();
      await daemon.stop();
    },
  };
}

export const field: Bench = {
  name: 'field',
  what: "The field's other brokers, and C, in the same run",
  place: 'guest',
  amount: { rounds: 7, requests: 5000 },
  quick: { rounds: 3, requests: 500 },

  async run({ rounds, requests, note }) {
    const ours = await startOurs(requests);
    const rows: Row[] = [];
    for (const wanted of BROKERS) {
      const { peer, way, args, part } = wanted;
      const broker = await wanted.start();
      const many = Math.max(10, Math.round(requests * part));
      const theirs = () =>
        play<Times>([broker.program, ...args, ...broker.args, `${many}`], undefined, broker.env);
      const steps: Record<string, () => Promise<Times>> = {
        peer: theirs,
        daemon: () => ours.ask(way, many),
        ...(way !== 'share' && { C: () => ours.askC(way) }),
      };
      const { daemon = [], peer: other = [], C = [] } = await inTurns(rounds, steps);
      await broker.stop();
      const name = caseOf(wanted);
      rows.push(...rowsOf(name, [p50, p99], ['daemon', daemon], [peer, other]));
      if (C.length > 0) rows.push(...rowsOf(name, [p50], [peer, other], ['C', C]));
    }
    await ours.stop();
    note('Each row names what is asked of us and, after the stroke, of the other.');
    return rows;
  },
};
