/**
 * The allocator: the thread that owns the Vulkan devices and the other memory sources, so that slow
 * work (allocating, clearing gigabytes) never holds up the data plane. What is long is done in pieces, and
 * those who ask take turns (broker/turns.ts); between two turns it hears who asks what the devices are.
 *
 * Owns: the sources and what they keep. The fds of an allocation change hands with the reply.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type Job, Turns } from '../../broker/turns.js';
import { after } from '../../memory/clock.js';
import type { DeviceState } from '../../memory/device.js';
import { BrokerError, toMessage } from '../../memory/errors.js';
import type {
  Allocation,
  HandleType,
  MemorySource,
  Plan,
  SourceName,
  SourceState,
} from '../../memory/source.js';
import type { Steps } from '../../memory/steps.js';
import { SystemClock } from '../../native/clock.js';
import { collectHeap } from '../../native/heap.js';
import { nameThread } from '../../native/libc/process.js';
import { CudaDevices } from '../../native/sources/cuda-devices.js';
import { VulkanDevices } from '../../native/sources/devices.js';
import { identified, withIdentities } from '../../native/sources/identified.js';
import { MemfdSource } from '../../native/sources/memfd.js';
import { probeHeaps, probeUdmabuf } from '../../native/sources/probe.js';
import type { DeviceEvents } from '../../native/sources/renewable.js';
import { wake } from '../../native/step.js';
import { claimsOf, claimsOfKey } from '../../native/transfer/claims.js';
import type {
  AllocatorReady,
  AllocatorReply,
  AllocatorRequest,
  AllocatorSetup,
  DeviceAnswer,
  DeviceNotice,
  DeviceQuestion,
  Inventory,
} from '../words/messages.js';
import { Waiting } from './waiting.js';

nameThread('dmab-allocator');
const { setup, port } = workerData as { setup: AllocatorSetup; port: MessagePort };

const events: DeviceEvents = {
  lost: (device, reason, allocations) => tell({ notice: 'lost', device, reason, allocations }),
  renewed: (device, problem) => {
    tell({ notice: 'renewed', device, problem, inventory: tellMain() });
  },
  changed: () => tellMain(),
};
const cuda: CudaDevices = new CudaDevices(events, {
  placeOf: (uuid) => vulkan.placeOf(uuid),
  imagesOf: (uuid) => vulkan.imagesOf(uuid),
});
const vulkan: VulkanDevices = new VulkanDevices(setup.device ?? undefined, events, {}, cuda);
/** Of the main device by CUDA, or of whichever there is. */
const cudaStates = () => cuda.mainStates(vulkan.mainUuid);
const heaps = probeHeaps();
const udmabuf = probeUdmabuf();
const memfd = new MemfdSource();
const clock = new SystemClock();
const waiting = new Waiting(clock);
const turns = new Turns();
/** Those without a device. */
const sources: readonly MemorySource[] = [...heaps.sources, ...udmabuf.sources, memfd];
const isOpaque = ({ handleType }: SourceState) => handleType === 'opaque_fd';
/** In order of preference: whatever exports dma_bufs comes first. */
const states = (): readonly SourceState[] => [
  ...vulkan.main.states.filter((state) => !isOpaque(state)),
  ...cudaStates().filter((state) => !isOpaque(state)),
  ...heaps.states,
  ...udmabuf.states,
  ...vulkan.main.states.filter(isOpaque),
  ...cudaStates().filter(isOpaque),
  {
    name: memfd.name,
    handleType: memfd.handleType,
    usable: true,
    reason: 'shared memory for development; not a dma_buf',
  },
];

function inventory(): Inventory {
  return {
    device: vulkan.describeMain(),
    cudaBytes: cuda.mainBytes(vulkan.mainUuid),
    sources: states(),
    offers: [...vulkan.main.sources, ...sources, ...cuda.mainSources(vulkan.mainUuid)].flatMap(
      (source) => source.formats(),
    ),
    devices: vulkan.states,
    listed: vulkan.describe(),
    foreseen: vulkan.foreseen,
  };
}

/** What there is has changed. */
function tellMain(): Inventory {
  const found = inventory();
  parentPort?.postMessage({ inventory: found } satisfies AllocatorReady);
  return found;
}

type Requested<K extends AllocatorRequest['kind']> = Extract<AllocatorRequest, { kind: K }>;
/** Those who wait for an answer. */
type Asked = Exclude<AllocatorRequest, { kind: 'free' }>;

/** `device`: a UUID, of a Vulkan source; the main device's without. */
function sourceOf(name: SourceName, handleType: HandleType, device?: string): MemorySource {
  if (name === 'vulkan') return vulkan.source(device, handleType);
  if (name === 'cuda') return cuda.source(device, handleType, vulkan.mainUuid);
  const found = sources.find((source) => source.name === name && source.handleType === handleType);
  if (found === undefined) throw new BrokerError('internal', `no source ${name} (${handleType})`);
  return found;
}

function* made({ choice, id }: Requested<'allocate'>): Steps<Allocation> {
  const { source: name, handleType, also, device, spec } = choice;
  const source = sourceOf(name, handleType, device);
  return identified(source, yield* source.allocating(spec, id, also));
}

function planned({ choice }: Requested<'plan'>): Plan {
  const { source, handleType, also, device, spec } = choice;
  const plan = sourceOf(source, handleType, device).plan(spec);
  return also === undefined ? plan : { ...plan, also };
}

function taken({ spec, planes, device }: Requested<'import'>) {
  return withIdentities(vulkan.import(spec, planes, device));
}

function opened({ device }: Requested<'open'>): DeviceState {
  const state = vulkan.open(device);
  tellMain();
  return state;
}

function* answer(request: Asked): Steps<AllocatorReply> {
  const { seq } = request;
  try {
    switch (request.kind) {
      case 'allocate':
        return { seq, allocation: yield* made(request) };
      case 'plan':
        return { seq, plan: planned(request) };
      case 'import':
        return { seq, allocation: taken(request) };
      case 'open':
        return { seq, opened: opened(request) };
      case 'work':
        return { seq, work: yield* vulkan.work(request.work) };
    }
  } catch (error) {
    return { seq, error: toMessage(error) };
  }
}

function free({ source, handleType, key, device }: Requested<'free'>) {
  if (source === 'import') vulkan.freeImport(key);
  else sourceOf(source, handleType, device).free(key);
}

/** `over` is called when it has been answered. */
function jobOf(request: Asked, over: () => void = () => {}): Job {
  const steps = answer(request);
  return {
    step: () => {
      const step = steps.next();
      if (step.done !== true) return false;
      tell(step.value);
      over();
      return true;
    },
    end: () => {
      const error = toMessage(new BrokerError('busy', 'the daemon ends'));
      steps.return({ seq: request.seq, error });
    },
  };
}

/** The event loop is gone back to so often, however much is to be done. */
const MOST_MS = 2;
let going = false;

function go(): void {
  if (going) return;
  going = true;
  setImmediate(() => {
    going = false;
    const end = after(clock.now(), MOST_MS);
    do turns.run();
    while (!turns.empty && clock.now() < end);
    if (!turns.empty) go();
  });
}

function add(request: Asked, over?: () => void): void {
  turns.add(request.asker, jobOf(request, over));
  go();
}

/** Its turn comes when the memory is free. */
function start(request: Requested<'work'>): void {
  const refuse = (error: unknown) => tell({ seq: request.seq, error: toMessage(error) });
  try {
    waiting.add(claimsOf(request.work), (problem, over) => {
      if (problem === null) add(request, over);
      else refuse(problem);
    });
  } catch (error) {
    refuse(error);
  }
}

port.on('message', (request: AllocatorRequest) => {
  if (request.kind === 'work') start(request);
  else if (request.kind !== 'free') add(request);
  // After the work that uses its VkBuffer, or its address for CUDA.
  else if (request.handleType === 'opaque_fd' || request.source === 'cuda') {
    waiting.add(claimsOfKey(request.key), (_, over) => {
      free(request);
      over();
    });
  } else free(request);
});

function tell(message: AllocatorReply | DeviceNotice): void {
  port.postMessage(message);
  wake(setup.wake);
}

// The data plane closes its end when it is done: everything is freed by then.
port.on('close', () => {
  waiting.close();
  turns.close();
  for (const source of sources) source.close();
  vulkan.close();
  cuda.close();
  parentPort?.close();
});

function told({ seq, about }: DeviceQuestion): DeviceAnswer {
  if (about === 'main') return { seq, device: vulkan.describeMain() };
  return about === 'all' ? { seq, devices: vulkan.describe() } : { seq };
}

parentPort?.on('message', (question: DeviceQuestion) => parentPort?.postMessage(told(question)));

tellMain();
// Whoever has waited for that is busy for longer.
collectHeap();
