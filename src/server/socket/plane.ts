/**
 * The data plane: the worker thread that owns the client socket, the registry of buffers and every
 * fd of a buffer. It blocks in the kernel until a client, the allocator or the main thread speaks
 * (one dmab_step a turn), and never returns to Node's event loop: nothing here may await.
 *
 * Owns: accepted sockets, the fds of allocations, and through the registry the clients' pidfds. The listener and the eventfd are main's.
 */
import { randomFillSync } from 'node:crypto';
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Broker } from '../../broker/broker.js';
import type { Owner } from '../../broker/buffer.js';
import { BrokerError, toMessage } from '../../broker/errors.js';
import { FairPool } from '../../broker/fair-pool.js';
import { HeldFds } from '../../broker/held-fds.js';
import {
  CLIENT_FDS_PART,
  FDS_PER_CONNECTION,
  MAX_OBJECTS,
  PAST_FDS_PART,
} from '../../broker/limits.js';
import { Policy } from '../../broker/policy.js';
import { Quotas } from '../../broker/quota/quotas.js';
import { EMFILE, ENFILE, errnoName } from '../../native/libc/errno.js';
import { close } from '../../native/libc/fd.js';
import { sealedTable } from '../../native/libc/memory.js';
import { hasExited } from '../../native/libc/pidfd.js';
import { remains, tells } from '../../native/remains.js';
import { type Input, Step } from '../../native/step.js';
import { dmabroker_manager_v1 } from '../../protocol/dmabroker-v1.gen.js';
import type {
  DeviceNotice,
  LogLevel,
  PlaneMessage,
  PlaneSetup,
  Question,
  QuotaSetup,
} from '../messages.js';
import type { PlaneMetrics } from '../metrics.js';
import { identify } from '../peer.js';
import { accountable } from '../users.js';
import { AllocatorClient } from './allocator-client.js';
import { answer, doer } from './answers.js';
import { Connection } from './connection.js';
import { createDisplay, type Global } from './display.js';
import { advertised, dmabufGlobal, formatTable } from './dmabuf.js';
import { Journal } from './journal.js';
import { bindManager } from './manager.js';
import { Measures } from './measures.js';
import { Outbox } from './outbox.js';
import { Reporter } from './reporter.js';

interface PlaneData {
  readonly setup: PlaneSetup;
  readonly control: MessagePort;
  readonly allocator: MessagePort;
}

interface Connected {
  readonly connection: Connection;
  readonly outbox: Outbox;
  /** Not one too many of its user's, which is only told so. */
  readonly counted: boolean;
  /** Who has ended it over REST. */
  endedBy: Owner | null;
}

/** How long accepting pauses when the process is out of file descriptors. */
const ACCEPT_PAUSE_MS = 100;

const { setup, control, allocator } = workerData as PlaneData;
const { sources, offers, device, devices, listed } = setup.inventory;

const post = (message: PlaneMessage) => control.postMessage(message);
const log = (level: LogLevel, text: string, fields: object) =>
  post({ kind: 'log', level, text, fields });

const measures = new Measures(() => performance.now());
const reporter = new Reporter(
  (events, audit) => post({ kind: 'events', events, audit }),
  Date.now,
  setup.audit,
);
const allocatorClient = new AllocatorClient(allocator, (stack) =>
  log('error', 'the allocator failed', { stack }),
);
const broker: Broker = new Broker(
  {
    allocate: (choice, id, done) =>
      allocatorClient.allocate(choice, id, measures.allocating(choice.source, done)),
    prepare: (choice, id, done) =>
      allocatorClient.allocate(choice, id, (result) => {
        if ('error' in result) {
          const { code, message: reason } = result.error;
          log('debug', 'a spare could not be made', { source: choice.source, code, reason });
        }
        done(result);
      }),
    idle: () => allocatorClient.idle,
    served: (source) => measures.served(source),
    plan: (choice, done) => allocatorClient.plan(choice, done),
    openDevice: (uuid, done) =>
      allocatorClient.openDevice(uuid, (result) => {
        if ('device' in result) {
          const { name, problem } = result.device;
          broker.quotas.addHeaps(uuid, result.device.heaps ?? []);
          if (problem === null) log('info', 'another Vulkan device was opened', { name, uuid });
          else log('warn', 'a Vulkan device cannot be opened', { name, uuid, reason: problem });
        }
        done(result);
      }),
    importMemory: (spec, planes, device, done) =>
      allocatorClient.importMemory(spec, planes, device, measures.allocating('import', done)),
    work: (work, done) => allocatorClient.work(work, done),
    free: (allocation) => allocatorClient.free(allocation),
    remains,
    tells,
    exited: hasExited,
    closeFd: close,
    report: (event) => {
      reporter.report(event);
      if (event.type === 'refusal') measures.refused(event.error.code);
      if (event.type !== 'buffer.reissued') return;
      const { id, generation } = event.buffer;
      log('info', 'buffer re-issued', { event: 'buffer_reissued', buffer: id, generation });
    },
    changed: (record) => journal.changed(record),
    gone: (record) => journal.gone(record),
    now: () => Date.now(),
    elapsed: () => performance.now(),
    random: (bytes) => randomFillSync(bytes),
  },
  sources,
  offers,
  quotasOf(setup.quotas),
  {
    unknownGraceMs: setup.unknownGraceSeconds * 1000,
    maxPastProcesses: Math.floor(setup.maxFds * PAST_FDS_PART),
  },
  devices,
);
const journal: Journal = new Journal(
  () => broker,
  () => Date.now(),
  post,
);

broker.policy = new Policy(setup.policy);
broker.leases.graceSeconds = setup.leaseGraceSeconds;
broker.pool.configure(setup.pool);

const clientFds = new FairPool(Math.floor(setup.maxFds * CLIENT_FDS_PART));
const objects = new FairPool(MAX_OBJECTS);
const step = new Step(setup.listener, setup.wake);
const connections = new Map<number, Connected>();
const globals = makeGlobals();
/** The connections that have something to send or to end. */
const active = new Set<number>();
let acceptAgainAt: number | null = null;
let running = true;

function quotasOf({ rules, subuids, recallSeconds, charge }: QuotaSetup): Quotas {
  const quotas = new Quotas(() => Date.now(), {
    defaults: rules.default,
    accountable: accountable(subuids),
    recallSeconds,
    charge,
    mainDevice: device?.device_uuid ?? null,
  });
  for (const { uuid, heaps = [] } of devices) quotas.addHeaps(uuid, heaps);
  quotas.configure('configuration', rules.configuration);
  quotas.configure('rest', rules.rest);
  return quotas;
}

function makeGlobals(): Global[] {
  const mainDevice = setup.mainDevice === null ? null : Buffer.from(setup.mainDevice);
  const others = listed.filter(({ main }) => !main);
  const context = { broker, device, mainDevice, others };
  const manager: Global = {
    name: 1,
    definition: dmabroker_manager_v1,
    version: dmabroker_manager_v1.version,
    bind: (connection, id, version) => bindManager(context, connection, id, version),
  };
  const formats = advertised(offers);
  if (formats.length === 0) return [manager];
  const feedback =
    mainDevice === null
      ? null
      : { mainDevice, table: new HeldFds([sealedTable(formatTable(formats))], close) };
  return [manager, dmabufGlobal(2, formats, feedback)];
}

function accepted(input: Extract<Input, { kind: 'accept' }>): void {
  const { pid, uid, gid } = input;
  const { peer, pidfd } = identify(input.fd, { pid, uid, gid }, input.pidfd);
  const client = broker.connect(peer, pidfd);
  const { uid: charged } = broker.quotas.whoIs({ client, peer });
  const [fds, mine] = [clientFds.of(charged), objects.of(charged)];
  const connection = new Connection(client, close, fds, mine, () => active.add(input.fd));
  createDisplay(connection, globals);
  const counted = fds.take(FDS_PER_CONNECTION);
  connections.set(input.fd, {
    connection,
    outbox: new Outbox(step, input.fd, connection),
    counted,
    endedBy: null,
  });
  step.add(input.fd);
  if (!broker.policy.mayConnect(peer)) {
    const error = new BrokerError('permission_denied', `user ${uid} may not connect`, {
      constraint: 'connect',
      requested: uid,
    });
    broker.refused({ client, peer }, error);
    connection.refuse(`${error.code}: ${error.message}`);
    return;
  }
  if (!counted) {
    connection.refuse(`limit_exceeded: user ${uid} has too many connections`);
    return;
  }
  log('debug', 'client connected', { client: client.id, ...client.peer });
}

function ended(fd: number, reason: string | null): void {
  const entry = connections.get(fd);
  if (entry === undefined) return;
  connections.delete(fd);
  active.delete(fd);
  const { connection, counted, endedBy } = entry;
  const { client } = connection;
  step.remove(fd);
  connection.close();
  if (counted) connection.fds.give(FDS_PER_CONNECTION);
  broker.disconnect(client, endedBy);
  close(fd);
  const why = connection.failure ?? reason;
  if (why === null) log('debug', 'client left', { client: client.id });
  else log('warn', 'client dropped', { client: client.id, ...client.peer, why });
}

function take(input: Input): void {
  switch (input.kind) {
    case 'accept':
      accepted(input);
      break;
    case 'accept-failed':
      if (input.errno === EMFILE || input.errno === ENFILE) {
        // The connection stays in the backlog; epoll would report it again at once.
        step.accepting(false);
        acceptAgainAt = Date.now() + ACCEPT_PAUSE_MS;
        log('error', 'out of file descriptors: not accepting for a moment', {});
      }
      break;
    case 'wake':
      // Messages are drained every turn.
      break;
    case 'writable':
      connections.get(input.fd)?.outbox.writable();
      active.add(input.fd);
      break;
    case 'failed':
      ended(input.fd, errnoName(input.errno));
      break;
    case 'data':
      received(input);
      break;
  }
}

function received({ fd, bytes, fds, truncated }: Extract<Input, { kind: 'data' }>): void {
  const entry = connections.get(fd);
  if (entry === undefined) for (const stray of fds) close(stray);
  else if (bytes.length === 0) ended(fd, null);
  else entry.connection.receive(bytes, fds, truncated);
}

function noticed(notice: DeviceNotice): void {
  const { device } = notice;
  if (notice.notice === 'lost') {
    const { reason } = notice;
    const buffers = broker.deviceLost(notice.allocations);
    reporter.device('device.lost', reason);
    log('error', 'the Vulkan device was lost', { event: 'device_lost', device, buffers, reason });
    return;
  }
  const { problem, inventory } = notice;
  broker.setSources(inventory.sources, inventory.offers, inventory.devices);
  if (problem === null) {
    reporter.device('device.restored', `${device} was made anew`);
    log('info', 'the Vulkan device was made anew', { event: 'device_restored', device });
  } else log('error', 'the Vulkan device cannot be opened', { device, reason: problem });
}

function drainMessages(): void {
  for (let m = receiveMessageOnPort(allocator); m; m = receiveMessageOnPort(allocator)) {
    if ('notice' in m.message) noticed(m.message);
    else allocatorClient.reply(m.message);
  }
  for (let m = receiveMessageOnPort(control); m; m = receiveMessageOnPort(control)) {
    const question = m.message as Question;
    if (question.question === 'shutDown') running = false;
    if (question.question === 'metrics') {
      post({ kind: 'answer', seq: question.seq, value: measured() });
    } else if (question.question === 'disconnectClient') {
      post(disconnect(question));
    } else answer(broker, journal, question, post);
  }
}

/** Ends a connection in the next turn, when the client has been told why. */
function disconnect(question: Question & { question: 'disconnectClient' }): PlaneMessage {
  const { seq, parameters } = question;
  const by = doer(question);
  try {
    const client = broker.client(parameters);
    const found = [...connections.values()].find(({ connection }) => connection.client === client);
    if (found !== undefined) found.endedBy ??= by;
    found?.connection.refuse('an administrator has ended the connection');
    return { kind: 'answer', seq, value: null };
  } catch (error) {
    if (by !== null && error instanceof BrokerError) broker.refused(by, error);
    return { kind: 'refusal', seq, error: toMessage(error) };
  }
}

function measured(): PlaneMetrics {
  let queuedBytes = 0;
  for (const { connection } of connections.values()) queuedBytes += connection.queuedBytes;
  const { hits, misses, bytes, spares } = broker.pool;
  return {
    ...measures.counted,
    clients: connections.size,
    queuedBytes,
    pool: { hits, misses, bytes, spares },
  };
}

/** The sooner of two time-outs, where -1 is never. */
const sooner = (a: number, b: number) => (a < 0 ? b : b < 0 ? a : Math.min(a, b));

/** Queues what connections have to send, ends those that are over; returns the step's time-out. */
function flush(): number {
  let timeout = acceptAgainAt === null ? -1 : Math.max(0, acceptAgainAt - Date.now());
  const batch = [...active];
  active.clear();
  for (const fd of batch) {
    const outbox = connections.get(fd)?.outbox;
    if (outbox === undefined) continue;
    const wait = outbox.flush();
    if (wait === 'over') ended(fd, null);
    else timeout = sooner(timeout, wait);
  }
  // The end of one connection may have given others something to send.
  if (active.size > 0 || journal.behind) timeout = 0;
  for (const fd of batch) {
    if (connections.get(fd)?.outbox.busy || connections.get(fd)?.connection.closing) active.add(fd);
  }
  return timeout;
}

while (running) {
  const timeout = sooner(sooner(flush(), broker.wait), reporter.wait);
  const inputs = step.run(timeout);
  const turnEnded = measures.turn();
  for (const input of inputs) take(input);
  if (acceptAgainAt !== null && Date.now() >= acceptAgainAt) {
    acceptAgainAt = null;
    step.accepting(true);
  }
  drainMessages();
  broker.poll();
  reporter.flush();
  journal.run();
  turnEnded();
}

for (const fd of [...connections.keys()]) ended(fd, null);
broker.close();
reporter.close();
step.close();
control.close();
allocator.close();
