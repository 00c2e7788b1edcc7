/**
 * A connection to the broker: allocate buffers, redeem tokens.
 */
import type { Alignment } from '../broker/alignment.js';
import { fourcc } from '../broker/fourcc.js';
import { Usage } from '../broker/source.js';
import { CLIENT_SOCKET, clientSocket } from '../paths.js';
import { dmabroker_manager_v1, dmabroker_params_v1 } from '../protocol/dmabroker-v1.gen.js';
import { hi, lo } from '../protocol/wire.js';
import type { ClientBuffer } from './buffer.js';
import { BufferObject } from './buffer-object.js';
import { type BrokerDescription, type ClientDevice, findManager } from './manager.js';
import { type Planned, testRequest } from './planned.js';
import type { CommonRequest, ImageRequest, ImportedMemory, LinearRequest } from './requests.js';
import { type ConnectionError, type ProtocolObject, WireClient } from './wire-client.js';

export interface ConnectOptions {
  /**
   * The daemon's client socket; by default `DMABROKER_SOCKET`, else the user's own daemon's in
   * `XDG_RUNTIME_DIR` where there is one, else the system's.
   */
  readonly socket?: string;
}

const { handle_type } = dmabroker_manager_v1.enums;

/** Connects and waits until the daemon has described itself. */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  const wire = WireClient.connect(options.socket ?? clientSocket(CLIENT_SOCKET));
  try {
    const { manager, description } = await findManager(wire);
    return new Client(wire, manager, description);
  } catch (error) {
    wire.close();
    throw error;
  }
}

export class Client {
  /** Made by `connect`. */
  constructor(
    private readonly wire: WireClient,
    private readonly manager: ProtocolObject<typeof dmabroker_manager_v1>,
    readonly description: BrokerDescription,
  ) {}

  /** The machine's Vulkan devices, the main one first; a request may name one. */
  get devices(): readonly ClientDevice[] {
    return this.description.devices;
  }

  /** Allocates. Rejects with BrokerError (refused) or ConnectionError. */
  async allocate(request: LinearRequest | ImageRequest): Promise<ClientBuffer> {
    const params = this.#params(request);
    return this.#receive((id) => {
      params.request('create', id);
      params.request('destroy');
    });
  }

  /** A dry run: what `allocate` would give. Rejects as it would; nothing is allocated. */
  async test(request: LinearRequest | ImageRequest): Promise<Planned> {
    const params = this.#params(request);
    return testRequest(this.wire, request.kind, (id) => {
      params.request('test', id);
      params.request('destroy');
    });
  }

  #params(request: LinearRequest | ImageRequest): ProtocolObject<typeof dmabroker_params_v1> {
    const params = this.wire.create(dmabroker_params_v1, {});
    this.manager.request('create_params', params.id);
    if (request.kind === 'buffer') {
      params.request('set_buffer', hi(request.size), lo(request.size));
    } else {
      const { width, height, format, modifiers = [] } = request;
      params.request('set_image', width, height, fourcc(format));
      for (const modifier of modifiers) params.request('add_modifier', hi(modifier), lo(modifier));
    }
    if (request.kind === 'image' && request.separatePlanes === true) {
      params.request('set_planes', dmabroker_params_v1.enums.plane_memory.separate);
    }
    const layout = (request.kind === 'image' && request.layout) || [];
    for (const [index, { offset, stride }] of layout.entries()) {
      params.request('set_plane_layout', index, offset, stride);
    }
    const { usage, handleTypes, source, placement } = request;
    if (request.alignment) {
      const { stride = 0, offset = 0, size = 0, height = 0 }: Alignment = request.alignment;
      params.request('set_alignment', stride, offset, size, height);
    }
    if (source !== undefined) params.request('set_source', source);
    if (placement) {
      params.request('set_placement', dmabroker_params_v1.enums.placement[placement]);
    }
    if (usage) params.request('set_usage', bits(usage, Usage));
    if (handleTypes) params.request('set_handle_types', bits(handleTypes, handle_type));
    this.#describe(params, request);
    return params;
  }

  /**
   * Registers dma_bufs that were made elsewhere: from then on they can be shared like any buffer.
   * Rejects with BrokerError, whose refusal names the plane.
   */
  async import(memory: ImportedMemory): Promise<ClientBuffer> {
    const params = this.wire.create(dmabroker_params_v1, {});
    this.manager.request('create_params', params.id);
    if (memory.kind === 'buffer') params.request('set_buffer', hi(memory.size), lo(memory.size));
    else {
      const { width, height, format, modifier } = memory;
      params.request('set_image', width, height, fourcc(format));
      if (modifier !== undefined) params.request('add_modifier', hi(modifier), lo(modifier));
    }
    for (const [index, { fd, offset, stride }] of memory.planes.entries()) {
      params.request('add_plane', fd, index, offset, stride);
    }
    this.#describe(params, memory);
    return this.#receive((id) => {
      params.request('import', id);
      params.request('destroy');
    });
  }

  /** What an allocation and an import have in common. */
  #describe(
    params: ProtocolObject<typeof dmabroker_params_v1>,
    { lifetime, name, device }: Pick<CommonRequest, 'lifetime' | 'name' | 'device'>,
  ): void {
    if (device !== undefined) params.request('set_device', uuidText(device));
    if (typeof lifetime === 'object') params.request('set_lease', lifetime.lease);
    else if (lifetime) {
      params.request('set_lifetime', dmabroker_params_v1.enums.lifetime[lifetime]);
    }
    if (name !== undefined) params.request('set_name', name);
  }

  /** Gets a buffer that somebody shared. Rejects with BrokerError (`invalid_token`). */
  redeem(token: string): Promise<ClientBuffer> {
    return this.#receive((id) => this.manager.request('redeem', id, token));
  }

  /** Creates a buffer object, sends the request that it answers, and waits for done or failed. */
  #receive(ask: (id: number) => void): Promise<ClientBuffer> {
    const object = new BufferObject(this.wire);
    return object.receive(() => ask(object.id));
  }

  /** Resolves when the daemon has taken every request before it. */
  sync(): Promise<void> {
    return this.wire.sync();
  }

  /** Called once when the connection is over. */
  onClosed(listener: (error: ConnectionError) => void): void {
    this.wire.onClosed(listener);
  }

  /** Disconnects: buffers bound to the connection are released, fds received stay good. */
  close(): void {
    this.wire.close();
  }
}

function bits<T extends string>(names: readonly T[], values: Readonly<Record<T, number>>): number {
  return names.reduce((sum, name) => sum | values[name], 0);
}

/** Whatever is no UUID would end the connection. */
function uuidText(device: string): string {
  if (!/^[0-9a-f]{32}$/i.test(device)) {
    throw new TypeError(`a device's UUID has 32 hexadecimal digits: ${device}`);
  }
  return device.toLowerCase();
}
