/**
 * The allocator: the thread that owns the Vulkan device and the other memory sources, so that slow
 * work (allocating, clearing gigabytes) never holds up the data plane.
 *
 * Owns: the sources and what they keep. The fds of an allocation change hands with the reply.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { BrokerError, toMessage } from '../../broker/errors.js';
import type {
  Allocation,
  HandleType,
  MemorySource,
  Plan,
  SourceName,
  SourceState,
} from '../../broker/source.js';
import { identity } from '../../native/libc/fd.js';
import { MemfdSource } from '../../native/sources/memfd.js';
import { probeHeaps, probeUdmabuf } from '../../native/sources/probe.js';
import { RenewableDevice } from '../../native/sources/renewable.js';
import { wake } from '../../native/step.js';
import type {
  AllocatorReady,
  AllocatorReply,
  AllocatorRequest,
  AllocatorSetup,
  DeviceNotice,
  DeviceQuestion,
  Inventory,
} from '../messages.js';

const { setup, port } = workerData as { setup: AllocatorSetup; port: MessagePort };

const vulkan = new RenewableDevice(setup.device ?? undefined, {
  lost: (device, reason, allocations) => tell({ notice: 'lost', device, reason, allocations }),
  renewed: (device, problem) => {
    const found = inventory();
    parentPort?.postMessage({ inventory: found } satisfies AllocatorReady);
    tell({ notice: 'renewed', device, problem, inventory: found });
  },
});
const heaps = probeHeaps();
const udmabuf = probeUdmabuf();
const memfd = new MemfdSource();
const sources: readonly MemorySource[] = [
  ...vulkan.sources,
  ...heaps.sources,
  ...udmabuf.sources,
  memfd,
];
const isOpaque = ({ handleType }: SourceState) => handleType === 'opaque_fd';
/** In order of preference: whatever exports dma_bufs comes first. */
const states = (): readonly SourceState[] => [
  ...vulkan.states.filter((state) => !isOpaque(state)),
  ...heaps.states,
  ...udmabuf.states,
  ...vulkan.states.filter(isOpaque),
  {
    name: memfd.name,
    handleType: memfd.handleType,
    usable: true,
    reason: 'shared memory for development; not a dma_buf',
  },
];

function inventory(): Inventory {
  return {
    device: vulkan.describe(),
    sources: states(),
    offers: sources.flatMap((source) => source.formats()),
  };
}

function sourceOf(name: SourceName, handleType: HandleType): MemorySource {
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
  return identified(sourceOf(choice.source, choice.handleType).allocate(choice.spec, id));
}

function planned({ choice }: Extract<AllocatorRequest, { kind: 'plan' }>): Plan {
  return sourceOf(choice.source, choice.handleType).plan(choice.spec);
}

function taken({ spec, planes }: Extract<AllocatorRequest, { kind: 'import' }>): Allocation {
  return identified(vulkan.import(spec, planes));
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
      case 'work':
        return { seq, work: vulkan.work(request.work) };
    }
  } catch (error) {
    return { seq, error: toMessage(error) };
  }
}

port.on('message', (request: AllocatorRequest) => {
  if (request.kind === 'free') {
    const { source, handleType, key } = request;
    if (source === 'import') vulkan.freeImport(key);
    else sourceOf(source, handleType).free(key);
    return;
  }
  tell(answer(request));
});

function tell(message: AllocatorReply | DeviceNotice): void {
  port.postMessage(message);
  wake(setup.wake);
}

// The data plane closes its end when it is done: everything is freed by then.
port.on('close', () => {
  for (const source of sources) source.close();
  vulkan.close();
  parentPort?.close();
});

parentPort?.on('message', ({ seq }: DeviceQuestion) => {
  parentPort?.postMessage({ seq, device: vulkan.describe() });
});

parentPort?.postMessage({ inventory: inventory() } satisfies AllocatorReady);
