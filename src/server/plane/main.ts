/**
 * The data plane: the worker thread that owns the client socket, the registry of buffers and every
 * fd of a buffer. It blocks in the kernel until a client, the allocator or the main thread speaks
 * (one dmab_step a turn), and never returns to Node's event loop: nothing here may await.
 *
 * Owns: the listener, the fds of allocations, and through the registry the clients' pidfds; accepted
 * sockets are connections.ts's. The eventfd is main's.
 */
import { randomFillSync } from 'node:crypto';
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Aliases } from '../../broker/aliases.js';
import { Broker } from '../../broker/broker.js';
import { sooner } from '../../broker/deadlines.js';
import { fdParts } from '../../broker/fd-parts.js';
import { pooled } from '../../broker/id.js';
import { Policy } from '../../broker/policy.js';
import { Quotas } from '../../broker/quota/quotas.js';
import { NOBODY } from '../../broker/turns.js';
import { after } from '../../memory/clock.js';
import type { LogLevel } from '../../memory/log-level.js';
import type { Done } from '../../memory/result.js';
import type { Allocation } from '../../memory/source.js';
import { SystemClock } from '../../native/clock.js';
import { closeCall, Later } from '../../native/later.js';
import { close, identity, isWritable } from '../../native/libc/fd.js';
import { sealedBytes } from '../../native/libc/memory.js';
import { hasExited, nameThread, openProcess, processName } from '../../native/libc/process.js';
import { remains, tells } from '../../native/remains.js';
import { sealedContent } from '../../native/sealed-content.js';
import { Step } from '../../native/step.js';
import { KeptPlane } from '../kept/plane.js';
import { accountable } from '../machine/users.js';
import { Closing } from '../wayland/closing.js';
import { Connections } from '../wayland/connections.js';
import { globalsOf } from '../wayland/globals.js';
import type { DeviceNotice, PlaneMessage, PlaneSetup, QuotaSetup } from '../words/messages.js';
import type { PlaneMetrics } from '../words/metrics.js';
import type { Question } from '../words/questions.js';
import { AllocatorClient } from './allocator-client.js';
import { answer, type PlaneWorld } from './answer.js';
import { Holding } from './holding.js';
import { Journal } from './journal.js';
import { KernelMemory } from './kernel-memory.js';
import { Measures } from './measures.js';
import { operations } from './operations.js';
import { questions } from './questions.js';
import { quotaUses } from './quota-uses.js';
import { Reporter } from './reporter.js';
import { ShownMemory } from './shown.js';
import { TurnClock } from './turn-clock.js';

/** How long the daemon's end waits for the closing of what clients gave. */
const LAST_CLOSES_MS = 1000;

interface PlaneData {
  readonly setup: PlaneSetup;
  readonly control: MessagePort;
  readonly allocator: MessagePort;
}

nameThread('dmab-plane');
const { setup, control, allocator } = workerData as PlaneData;
const { device, devices } = setup.inventory;
const fds = fdParts(setup.maxFds);

const post = (message: PlaneMessage) => control.postMessage(message);
const log = (level: LogLevel, text: string, fields: object, by?: string) =>
  post({ kind: 'log', level, text, fields, by });

const clock = new SystemClock();
const turns = new TurnClock(clock);
const measures = new Measures(clock);
const reporter = new Reporter((batch) => post({ kind: 'events', ...batch }), turns, setup.events);
const defect = (stack: string) => log('error', 'the allocator failed', { stack });
const allocatorClient = new AllocatorClient(allocator, defect);
const later = new Later(setup.wake);
const kernelMemory = new KernelMemory(
  setup.inventory.sources,
  (call, done) => later.begin(call, done),
  defect,
);
const shown = new ShownMemory(
  (call, done) => later.begin(call, done),
  turns,
  setup.displays,
  (stack) => log('error', 'a display could not be asked', { stack }),
);
/** The daemon ends, and what it has is kept. */
let leaving = false;
const kept: KeptPlane | null =
  setup.kept === null
    ? null
    : new KeptPlane(
        { ...setup.kept, keeper: setup.keeper },
        { clock, log, broker: () => broker, keeper: (pid) => post({ kind: 'keeper', pid }) },
      );
const broker: Broker = new Broker(
  {
    allocate: (asker, choice, id, done) => {
      const measured = measures.allocating(choice.source, done);
      if (!kernelMemory.allocate(asker, choice, id, measured))
        allocatorClient.allocate(asker, choice, id, measured);
    },
    prepare: (choice, id, done) => {
      const made: Done<Allocation> = (result) => {
        if ('error' in result) {
          const { code, message: reason } = result.error;
          log('debug', 'a spare could not be made', { source: choice.source, code, reason });
        }
        done(result);
      };
      if (!kernelMemory.allocate(NOBODY, choice, id, made))
        allocatorClient.allocate(NOBODY, choice, id, made);
    },
    idle: () => allocatorClient.idle && kernelMemory.idle,
    served: (source) => measures.served(source),
    plan: (asker, choice, done) => allocatorClient.plan(asker, choice, done),
    askDisplays: (asker, pictures, done) =>
      shown.ask(asker, pictures, (said) => {
        log('debug', 'displays were asked', said);
        done(said);
      }),
    openDevice: (uuid, done) =>
      allocatorClient.openDevice(uuid, (result) => {
        if (!('error' in result)) {
          const { name, problem, heaps } = result;
          broker.quotas.addHeaps(uuid, heaps ?? []);
          if (problem === null) log('info', 'another Vulkan device was opened', { name, uuid });
          else log('warn', 'a Vulkan device cannot be opened', { name, uuid, reason: problem });
        }
        done(result);
      }),
    importMemory: (asker, brought, done) =>
      allocatorClient.importMemory(asker, brought, measures.allocating('import', done)),
    work: (asker, work, done) => allocatorClient.work(asker, work, done),
    free: (allocation) => allocatorClient.free(allocation),
    sealText: (text) => sealedBytes('dmabroker-text', text),
    sealedText: (fd, size) => {
      const content = sealedContent(fd, size);
      if (typeof content === 'string') throw new Error(`a text of the daemon's own: ${content}`);
      return Buffer.from(content).toString();
    },
    remains,
    tells,
    sweep: (identities) => post({ kind: 'sweep', identities }),
    keep: (buffer, done) => {
      if (kept === null) done();
      else kept.keeping.keep(buffer, done);
    },
    keepMetadata: (buffer, metadata, done) => {
      if (kept === null) done();
      else kept.keeping.keepMetadata(buffer, metadata, done);
    },
    toldAt: (buffer) => kept?.keeping.toldAt(buffer) ?? 0,
    processName,
    openProcess,
    exited: hasExited,
    identity,
    isWritable,
    closeFd: close,
    report: (event) => {
      // What is let go of then is kept.
      if (leaving) return;
      reporter.report(event);
      if (event.type === 'refusal') measures.refused(event.error.code);
      if (event.type !== 'buffer.reissued') return;
      const { id, generation } = event.buffer;
      log('info', 'buffer re-issued', { event: 'buffer_reissued', buffer: id, generation });
    },
    changed: (record) => {
      journal.changed(record);
      kept?.keeping.changed(record);
    },
    gone: (record) => {
      journal.gone(record);
      kept?.keeping.gone(record);
    },
    clock: turns,
    random: pooled((bytes) => randomFillSync(bytes)),
  },
  setup.inventory,
  quotasOf(setup.quotas),
  {
    unknownGraceMs: setup.unknownGraceSeconds * 1000,
    trustedBytes: setup.trustedBytes,
    maxPastProcesses: fds.pastProcesses,
  },
);
const journal: Journal = new Journal(() => broker, turns, post);

broker.policy = new Policy(setup.policy);
broker.fallback = setup.fallback;
broker.displays.areAsked = setup.displays.length > 0;
broker.leases.graceSeconds = setup.leaseGraceSeconds;
broker.pool.configure(setup.pool);

kept?.restore(setup.restartGraceSeconds * 1000);

const step = new Step(setup.listener, setup.wake);
const closing = new Closing(({ fd, isConnection }, done) =>
  later.begin(closeCall(fd, isConnection), done),
);
const globals = globalsOf(broker, setup);
/** Somebody has called: there may be a message of another thread. */
let called = true;
const connections = new Connections(
  step,
  broker,
  { globals, closing, clock, fds: fds.clients, inFlight: fds.inFlight, log },
  {
    turned: () => {
      turns.turn(step.waited);
      kernelMemory.turn();
      measures.turn(step.began, step.waited);
    },
    woken: () => {
      called = true;
    },
  },
);
const holding = new Holding(
  (held) => connections.hold(held),
  () => reporter.behind,
);
let running = true;
const world: PlaneWorld = {
  broker,
  journal,
  connections: {
    disconnect: (client, by) => connections.disconnect(client, by),
    hold: (held) => holding.ask(held),
  },
  waits: new Map(),
  setDisplays: (cards) => {
    shown.cards = cards;
    broker.displays.areAsked = cards.length > 0;
  },
  measured,
  shutDown: () => {
    running = false;
  },
  post: (message) => {
    // Before anybody is told that something was done.
    kept?.keeping.flush();
    post(message);
  },
};
const answers = { ...operations, ...questions };

function quotasOf({ rules, subuids, recallSeconds, charge }: QuotaSetup): Quotas {
  const quotas = new Quotas(turns, {
    defaults: rules.default,
    accountable: accountable(subuids),
    recallSeconds,
    charge,
    mainDevice: device?.deviceUuid ?? null,
    aliases: new Aliases(setup.inventory.sources),
  });
  for (const { uuid, heaps = [] } of devices) quotas.addHeaps(uuid, heaps);
  quotas.configure('configuration', rules.configuration);
  quotas.configure('rest', rules.rest);
  return quotas;
}

function noticed(notice: DeviceNotice): void {
  const { device } = notice;
  if (notice.notice === 'lost') {
    const { reason } = notice;
    const buffers = broker.deviceLost(notice.allocations);
    reporter.report({ type: 'device.lost', reason });
    log('error', 'the device was lost', { event: 'device_lost', device, buffers, reason });
    return;
  }
  const { problem, inventory } = notice;
  broker.setSources(inventory.sources, inventory.offers, inventory.devices);
  if (problem === null) {
    reporter.report({ type: 'device.restored', reason: `${device} was made anew` });
    log('info', 'the device was made anew', { event: 'device_restored', device });
  } else log('error', 'the device cannot be used', { device, reason: problem });
}

function drainMessages(): void {
  for (let m = receiveMessageOnPort(allocator); m; m = receiveMessageOnPort(allocator)) {
    if ('notice' in m.message) noticed(m.message);
    else allocatorClient.reply(m.message);
  }
  for (let m = receiveMessageOnPort(control); m; m = receiveMessageOnPort(control)) {
    answer(world, answers, m.message as Question);
  }
}

function measured(): PlaneMetrics {
  const { hits, misses, bytes, spares } = broker.pool;
  return {
    ...measures.counted,
    clients: connections.size,
    queuedBytes: connections.queuedBytes,
    unprovenBytes: broker.unprovenBytes,
    kept: kept?.keeping.use ?? null,
    pool: { hits, misses, bytes, spares },
    clientFds: connections.clientFds,
    protocolObjects: connections.protocolObjects,
    quotas: quotaUses(broker.quotas),
  };
}

/** Clients' fds whose close waits are left to the kernel, which ends the process as soon as it can. */
function closeLast(): void {
  const end = after(clock.now(), LAST_CLOSES_MS);
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  while (closing.left.size > 0 && clock.now() < end) {
    Atomics.wait(nothing, 0, 0, LAST_CLOSES_MS / 100);
    later.run();
    closing.run();
  }
  const left = Object.fromEntries(closing.left);
  if (closing.left.size > 0)
    log('warn', 'file descriptors of these users are not closed yet', { left });
  later.close();
}

while (running) {
  // Before the messages are sent: what it waited for may be one.
  kept?.keeping.run();
  holding.look();
  const wait = connections.flush();
  // Read after it: the end of a connection is something for the journal.
  // Before the step sends what tells of it.
  kept?.keeping.flush();
  let timeout = journal.behind ? 0 : sooner(wait, broker.wait);
  timeout = sooner(sooner(timeout, reporter.wait), sooner(closing.wait, kernelMemory.wait));
  timeout = sooner(timeout, shown.wait);
  if (kept !== null) timeout = sooner(timeout, kept.keeping.wait);
  step.run(timeout, connections);
  if (called) {
    called = false;
    later.run();
    closing.run();
    kernelMemory.run();
    shown.run();
    drainMessages();
  } else {
    if (closing.wait >= 0) closing.run();
    if (kernelMemory.wait >= 0) kernelMemory.run();
    if (shown.wait >= 0) shown.run();
  }
  broker.poll();
  reporter.flush();
  journal.run();
}

// What is let go of now is there when the daemon is started again.
kept?.keeping.freeze();
leaving = kept !== null;
broker.end();
connections.close();
broker.close();
kept?.close();
reporter.close();
// With it goes what is still in its backlog, and what was sent there.
closing.close(NOBODY.uid, setup.listener, () => {});
closeLast();
kernelMemory.close();
step.close();
control.close();
allocator.close();
