/**
 * The allocator: the thread that owns the Vulkan devices and the other memory sources, so that slow
 * work (allocating, clearing gigabytes) never holds up the data plane.
 *
 * Owns: the sources and what they keep. The fds of an allocation change hands with the reply.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { DeviceState } from '../../broker/devices.js';
import { BrokerError, type ErrorMessage, outOfFds, toMessage } from '../../broker/errors.js';
import type {
  Allocation,
  HandleType,
  MemorySource,
  Plan,
  SourceName,
  SourceState,
} from '../../broker/source.js';
import { SystemClock } from '../../native/clock.js';
import { isOutOfFds } from '../../native/libc/errno.js';
import { close, identity } from '../../native/libc/fd.js';
import { nameThread } from '../../native/libc/thread.js';
import { VulkanDevices } from '../../native/sources/devices.js';
import { MemfdSource } from '../../native/sources/memfd.js';
import { probeHeaps, probeUdmabuf } from '../../native/sources/probe.js';
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
} from '../messages.js';
import { Waiting } from './waiting.js';

nameThread('dmab-allocator');
const { setup, port } = workerData as { setup: AllocatorSetup; port: MessagePort };

const vulkan = new VulkanDevices(setup.device ?? undefined, {
  lost: (device, reason, allocations) => tell({ notice: 'lost', device, reason, allocations }),
  renewed: (device, problem) => {
    tell({ notice: 'renewed', device, problem, inventory: tellMain() });
  },
});
const heaps = probeHeaps();
const udmabuf = probeUdmabuf();
const memfd = new MemfdSource();
const waiting = new Waiting(new SystemClock());
/** Those without a device. */
const sources: readonly MemorySource[] = [...heaps.sources, ...udmabuf.sources, memfd];
const isOpaque = ({ handleType }: SourceState) => handleType === 'opaque_fd';
/** In order of preference: whatever exports dma_bufs comes first. */
const states = (): readonly SourceState[] => [
  ...vulkan.main.states.filter((state) => !isOpaque(state)),
  ...heaps.states,
  ...udmabuf.states,
  ...vulkan.main.states.filter(isOpaque),
  {
    name: memfd.name,
    handleType: memfd.handleType,
    usable: true,
    reason: 'shared memory for development; not a dma_buf',
  },
];

function inventory(): Inventory {
  return {
    device: vulkan.main.describe(),
    sources: states(),
    offers: [...vulkan.main.sources, ...sources].flatMap((source) => source.formats()),
    devices: vulkan.states,
    listed: vulkan.describe(),
  };
}

/** What there is has changed. */
function tellMain(): Inventory {
  const found = inventory();
  parentPort?.postMessage({ inventory: found } satisfies AllocatorReady);
  return found;
}

/** `device`: a UUID, of a Vulkan source; the main device's without. */
function sourceOf(name: SourceName, handleType: HandleType, device?: string): MemorySource {
  if (name === 'vulkan') return vulkan.source(device, handleType);
  const found = sources.find((source) => source.name === name && source.handleType === handleType);
  if (found === undefined) throw new BrokerError('internal', `no source ${name} (${handleType})`);
  return found;
}

/** Here and not in the data plane, which would have to ask for each of thousands of buffers. */
function identified(allocation: Allocation): Allocation {
  // Every opaque fd is the driver's one device file.
  if (allocation.handleType === 'opaque_fd') return allocation;
  const fds = new Set(allocation.planes.map(({ fd }) => fd));
  return { ...allocation, identities: [...fds].map(identity) };
}

function made({ choice, id }: Extract<AllocatorRequest, { kind: 'allocate' }>): Allocation {
  const { source: name, handleType, device, spec } = choice;
  const source = sourceOf(name, handleType, device);
  const allocation = source.allocate(spec, id);
  try {
    return identified(allocation);
  } catch (error) {
    // Its receiver would have been told of it: nobody else lets go of it.
    for (const fd of new Set(allocation.planes.map((plane) => plane.fd))) close(fd);
    source.free(allocation.key);
    throw error;
  }
}

function planned({ choice }: Extract<AllocatorRequest, { kind: 'plan' }>): Plan {
  return sourceOf(choice.source, choice.handleType, choice.device).plan(choice.spec);
}

function taken({ spec, planes, device }: Extract<AllocatorRequest, { kind: 'import' }>) {
  return identified(vulkan.import(spec, planes, device));
}

function opened({ device }: Extract<AllocatorRequest, { kind: 'open' }>): DeviceState {
  const state = vulkan.open(device);
  tellMain();
  return state;
}

/** Whoever asks is told of a descriptor that the daemon lacked, wherever that was. */
function refusal(error: unknown): ErrorMessage {
  return toMessage(isOutOfFds(error) ? outOfFds() : error);
}

function answer(request: Exclude<AllocatorRequest, { kind: 'free' }>): AllocatorReply {
  const { seq } = request;
  try {
    switch (request.kind) {
      case 'allocate':
        return { seq, allocation: made(request) };
      case 'plan':
        return { seq, plan: planned(request) };
      case 'import':
        return { seq, allocation: taken(request) };
      case 'open':
        return { seq, opened: opened(request) };
      case 'work':
        return { seq, work: vulkan.work(request.work) };
    }
  } catch (error) {
    return { seq, error: refusal(error) };
  }
}

function free({ source, handleType, key, device }: Extract<AllocatorRequest, { kind: 'free' }>) {
  if (source === 'import') vulkan.freeImport(key);
  else sourceOf(source, handleType, device).free(key);
}

function start(request: Extract<AllocatorRequest, { kind: 'work' }>): void {
  const refuse = (error: unknown) => tell({ seq: request.seq, error: refusal(error) });
  try {
    waiting.add(claimsOf(request.work), (problem) => {
      if (problem === null) tell(answer(request));
      else refuse(problem);
    });
  } catch (error) {
    refuse(error);
  }
}

port.on('message', (request: AllocatorRequest) => {
  if (request.kind === 'work') start(request);
  else if (request.kind !== 'free') tell(answer(request));
  // After the work that uses its VkBuffer.
  else if (request.handleType === 'opaque_fd') {
    waiting.add(claimsOfKey(request.key), () => free(request));
  } else free(request);
});

function tell(message: AllocatorReply | DeviceNotice): void {
  port.postMessage(message);
  wake(setup.wake);
}

// The data plane closes its end when it is done: everything is freed by then.
port.on('close', () => {
  waiting.close();
  for (const source of sources) source.close();
  vulkan.close();
  parentPort?.close();
});

function told({ seq, about }: DeviceQuestion): DeviceAnswer {
  if (about === 'main') return { seq, device: vulkan.main.describe() };
  return about === 'all' ? { seq, devices: vulkan.describe() } : { seq };
}

parentPort?.on('message', (question: DeviceQuestion) => parentPort?.postMessage(told(question)));

tellMain();
