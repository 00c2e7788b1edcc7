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
  SourceName,
  SourceState,
} from '../../broker/source.js';
import { Importer } from '../../native/sources/import.js';
import { MemfdSource } from '../../native/sources/memfd.js';
import { probeHeaps, probeUdmabuf } from '../../native/sources/probe.js';
import { probeVulkan } from '../../native/sources/vulkan.js';
import { wake } from '../../native/step.js';
import { describeDevice } from '../../native/vulkan/describe.js';
import type {
  AllocatorReady,
  AllocatorReply,
  AllocatorRequest,
  AllocatorSetup,
  DeviceQuestion,
} from '../messages.js';

const { setup, port } = workerData as { setup: AllocatorSetup; port: MessagePort };

const vulkan = probeVulkan(setup.device ?? undefined);
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
const states: readonly SourceState[] = [
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

/** Memory that clients bring is imported into the device where there is one. */
const importer = new Importer(vulkan.sources[0]?.device ?? null);

function sourceOf(name: SourceName, handleType: HandleType): MemorySource {
  const found = sources.find((source) => source.name === name && source.handleType === handleType);
  if (found === undefined) throw new BrokerError('internal', `no source ${name} (${handleType})`);
  return found;
}

function made({ choice, id }: Extract<AllocatorRequest, { kind: 'allocate' }>): Allocation {
  return sourceOf(choice.source, choice.handleType).allocate(choice.spec, id);
}

function taken({ spec, planes }: Extract<AllocatorRequest, { kind: 'import' }>): Allocation {
  return importer.import(spec, planes);
}

port.on('message', (request: AllocatorRequest) => {
  if (request.kind === 'free') {
    const { source, handleType, key } = request;
    if (source === 'import') importer.free(key);
    else sourceOf(source, handleType).free(key);
    return;
  }
  const { seq } = request;
  let reply: AllocatorReply;
  try {
    reply = { seq, allocation: request.kind === 'import' ? taken(request) : made(request) };
  } catch (error) {
    reply = { seq, error: toMessage(error) };
  }
  port.postMessage(reply);
  wake(setup.wake);
});

// The data plane closes its end when it is done: everything is freed by then.
port.on('close', () => {
  importer.close();
  for (const source of sources) source.close();
  parentPort?.close();
});

parentPort?.on('message', ({ seq }: DeviceQuestion) => {
  // Budgets change; without a source the device is closed and stays as it was found.
  const [live] = vulkan.sources;
  parentPort?.postMessage({ seq, device: live ? describeDevice(live.device) : vulkan.device });
});

const ready: AllocatorReady = {
  inventory: {
    device: vulkan.device,
    sources: states,
    offers: sources.flatMap((source) => source.formats()),
  },
};
parentPort?.postMessage(ready);
