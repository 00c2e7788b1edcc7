/** A connection to the broker: allocate buffers, redeem tokens. */
import type { Alignment } from '../memory/alignment.js';
import { fourcc } from '../memory/fourcc.js';
import { usageBits } from '../memory/usage.js';
import { dmabroker_manager_v1, dmabroker_params_v1 } from '../protocol/dmabroker-v1.gen.js';
import { CLIENT_SOCKET, clientSocket } from '../protocol/paths.js';
import { hi, lo } from '../protocol/wire.js';
import type { ClientBuffer } from './buffer.js';
import { BufferObject } from './buffer-object.js';
import { type CallOptions, checkOptions } from './call-options.js';
import { type Check, record, signal, text } from './check.js';
import { type ClientEvent, eventsOf } from './events.js';
import { Listeners } from './listeners.js';
import { type BrokerDescription, type ClientDevice, findManager } from './manager.js';
import { type Planned, testRequest } from './planned.js';
import {
  type CommonRequest,
  checkImport,
  checkRequest,
  type ImageRequest,
  type ImportedMemory,
  type LinearRequest,
} from './requests.js';
import { type ConnectionError, type ProtocolObject, WireClient } from './wire-client.js';

export interface ConnectOptions extends CallOptions {
  /**
   * The daemon's client socket; by default `DMABROKER_SOCKET`, else the user's own daemon's in
   * `XDG_RUNTIME_DIR` where there is one, else the system's.
   */
  readonly socket?: string;
}

const { handle_type } = dmabroker_manager_v1.enums;

/** sun_path with its NUL (unix(7)). */
const MAX_PATH_BYTES = 107;
const checkConnect: Check = record<ConnectOptions>({ socket: text(1, MAX_PATH_BYTES), signal });
/** Far longer than any token is; a message of the wire has 4,096 bytes. */
const checkToken: Check = text(1, 1024);

/** Connects and waits until the daemon has described itself. */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  checkConnect(options, 'options');
  options.signal?.throwIfAborted();
  const wire = WireClient.connect(options.socket ?? clientSocket(CLIENT_SOCKET));
  try {
    const { manager, description } = await findManager(wire, options);
    return new Client(wire, manager, description);
  } catch (error) {
    wire.close();
    throw error;
  }
}

export class Client {
  readonly #events = new Listeners<[ClientEvent]>();
  #unref: (() => void) | null = null;

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

  /**
   * Allocates. Rejects with BrokerError (refused) or ConnectionError, and with TypeError or RangeError for
   * what is no request, before anything is sent.
   */
  async allocate(
    request: LinearRequest | ImageRequest,
    options: CallOptions = {},
  ): Promise<ClientBuffer> {
    checkRequest(request);
    this.#check(options);
    const params = this.#params(request);
    const ask = (id: number): void => {
      params.request('create', id);
      params.request('destroy');
    };
    return this.#receive(ask, options, 'release');
  }

  #check(options: CallOptions): void {
    checkOptions(options, 'options');
    options.signal?.throwIfAborted();
  }

  /** A dry run: what `allocate` would give. Rejects as it would; nothing is allocated. */
  async test(request: LinearRequest | ImageRequest, options: CallOptions = {}): Promise<Planned> {
    checkRequest(request);
    this.#check(options);
    const params = this.#params(request);
    const ask = (id: number): void => {
      params.request('test', id);
      params.request('destroy');
    };
    return testRequest(this.wire, request.kind, ask, options);
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
    if (usage) params.request('set_usage', bits(usage, usageBits));
    if (handleTypes) params.request('set_handle_types', bits(handleTypes, handle_type));
    this.#describe(params, request);
    return params;
  }

  /**
   * Registers dma_bufs that were made elsewhere: from then on they can be shared like any buffer.
   * Rejects with BrokerError, whose refusal names the plane.
   */
  async import(memory: ImportedMemory, options: CallOptions = {}): Promise<ClientBuffer> {
    checkImport(memory);
    this.#check(options);
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
    const ask = (id: number): void => {
      params.request('import', id);
      params.request('destroy');
    };
    return this.#receive(ask, options, 'release');
  }

  /** What an allocation and an import have in common. */
  #describe(
    params: ProtocolObject<typeof dmabroker_params_v1>,
    { lifetime, name, device }: Pick<CommonRequest, 'lifetime' | 'name' | 'device'>,
  ): void {
    if (device !== undefined) params.request('set_device', device.toLowerCase());
    if (typeof lifetime === 'object') params.request('set_lease', lifetime.lease);
    else if (lifetime) {
      params.request('set_lifetime', dmabroker_params_v1.enums.lifetime[lifetime]);
    }
    if (name !== undefined) params.request('set_name', name);
  }

  /** Gets a buffer that somebody shared. Rejects with BrokerError (`invalid_token`). */
  async redeem(token: string, options: CallOptions = {}): Promise<ClientBuffer> {
    checkToken(token, 'token');
    this.#check(options);
    const ask = (id: number): void => this.manager.request('redeem', id, token);
    return this.#receive(ask, options, 'destroy');
  }

  /** Creates a buffer object, sends the request that it answers, and waits for done or failed. */
  #receive(
    ask: (id: number) => void,
    options: CallOptions,
    end: 'destroy' | 'release',
  ): Promise<ClientBuffer> {
    const object = new BufferObject(this.wire, this.manager, this.#events);
    return object.receive(() => ask(object.id), options, end);
  }

  /** Resolves when the daemon has taken every request before it. */
  async sync(options: CallOptions = {}): Promise<void> {
    this.#check(options);
    return this.wire.sync(options);
  }

  /**
   * What happens to the buffers of this connection, from now on; it keeps the process alive while it is
   * iterated. Ends with `close`, or throws ConnectionError where the connection ends otherwise.
   */
  events(options: CallOptions = {}): AsyncGenerator<ClientEvent, void, undefined> {
    checkOptions(options, 'options');
    return eventsOf(this.wire, this.#events, options);
  }

  /**
   * Has the connection keep the process alive, as a socket of Node does: for who waits for `onRecalled` and
   * the like alone. Else only what is awaited does.
   */
  ref(): this {
    this.#unref ??= this.wire.hold();
    return this;
  }

  /** The opposite, which is the beginning. */
  unref(): this {
    this.#unref?.();
    this.#unref = null;
    return this;
  }

  /** Called once when the connection is over; returns what takes the listener off. */
  onClosed(listener: (error: ConnectionError) => void): () => void {
    return this.wire.onClosed(listener);
  }

  /** Disconnects: buffers bound to the connection are released, fds received stay good. */
  close(): void {
    this.wire.close();
  }
}

function bits<T extends string>(names: readonly T[], values: Readonly<Record<T, number>>): number {
  return names.reduce((sum, name) => sum | values[name], 0);
}
