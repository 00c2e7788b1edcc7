/**
 * What a client would say next: requests for objects that it has, in an order that means something. It
 * knows the state machine of the protocol (a buffer comes of params, a token of a share), and beside it
 * every request of the tables, of each object that it has.
 *
 * What is chosen depends on the seed alone; a choice among what the daemon has said (tokens, buffers that
 * are there) is a number, so that later choices are the same however fast it answers.
 */
import { dmabroker_manager_v1, dmabroker_params_v1 } from '../../src/protocol/dmabroker-v1.gen.js';
import { wl_display } from '../../src/protocol/wayland.gen.js';
import type { Argument, Interface, Message } from '../../src/protocol/wire.js';
import type { Random } from '../support/random.js';
import { interfaces } from '../support/wire-peer.js';
import type { GlobalOffer, Heard } from './heard.js';
import { type Built, build, type Value } from './message.js';
import { edge, plausible } from './values.js';

/** Values for arguments, by name, in place of those by chance. */
type Given = Readonly<Record<string, Value>>;

const MANAGER = 'dmabroker_manager_v1';
const BUFFER = 'dmabroker_buffer_v1';
const WORK = 'dmabroker_work_v1';
/** What it is that a work object answers. */
const WORKS = ['copy', 'fill', 'read'];
/** The manager, which every daemon offers. */
const FIRST_GLOBAL: GlobalOffer = { name: 1, interface: MANAGER, version: 1 };
const { memfd } = dmabroker_manager_v1.enums.handle_type;

const LASTING = ['fuzz', 'fuzz/2', 'fuzz-3'];

/** Of params: what says what the memory is, or may come once or in order alone. */
const NOT_BY_CHANCE = [
  ...['set_buffer', 'set_image', 'set_device', 'set_plane_layout'],
  ...['add_plane', 'add_buffer', 'set_memory'],
];
const SETTERS = dmabroker_params_v1.requests
  .map(({ name }) => name as string)
  .filter((name) => /^(set|add)_/.test(name) && !NOT_BY_CHANCE.includes(name));

/** wl_registry.bind's: whose interface the request names. */
const isUntyped = (arg: Argument) => arg.type === 'new_id' && arg.interface === undefined;

/** Ended by the daemon itself, with its answer (wl_callback). */
const endsItself = ({ requests, events }: Interface) =>
  requests.length === 0 && events.some(({ destructor }) => destructor);

export class Talk {
  readonly objects = new Map<number, Interface>([[1, wl_display]]);
  readonly freed: number[] = [];
  #next = 2;

  /** `tame`: it says nothing that a client may not say. */
  constructor(
    private readonly random: Random,
    readonly heard: Heard,
    readonly tame: boolean,
  ) {}

  /** The requests of one move, to be sent together or one by one. */
  move(): Built[] {
    const { random } = this;
    if (this.#first(MANAGER) === undefined) return this.#begin();
    if (random.below(3) === 0 && !this.tame) return this.#anything();
    return this.#usual(random.below(98));
  }

  /** The same kind of move so many times, as who is in a hurry asks for all at once. */
  often(times: number): Built[] {
    const chance = this.random.below(98);
    return Array.from({ length: times }, () => this.#usual(chance)).flat();
  }

  #usual(chance: number): Built[] {
    const { random } = this;
    if (this.#first(MANAGER) === undefined) return this.#begin();
    if (chance < 34) return this.#parameters();
    if (chance < 48) return this.#withBuffer(['share'], random);
    if (chance < 60) return this.#say(this.#first(MANAGER), 'redeem', { token: this.#token() });
    if (chance < 70) return this.#work();
    if (chance < 74) return this.#withBuffer(['renew', 'reissue'], random);
    if (chance < 86) return this.#drop();
    return chance < 94 ? this.sync() : this.#lasting();
  }

  /** Asks for an answer to all that was said. */
  sync(): Built[] {
    return this.#say(1, 'sync');
  }

  #begin(): Built[] {
    const registry = this.#first('wl_registry');
    if (registry === undefined) return this.#say(1, 'get_registry');
    return this.#say(registry, 'bind', this.#bound(FIRST_GLOBAL));
  }

  /** Describes memory, and asks for it. */
  #parameters(): Built[] {
    const { random } = this;
    const made = this.#say(this.#first(MANAGER), 'create_params');
    const id = [...this.objects.keys()].at(-1) ?? 0;
    const imports = random.below(6) === 0;
    const kind = random.below(2) === 0 ? 'set_buffer' : 'set_image';
    made.push(...this.#say(id, kind));
    for (const setter of SETTERS) {
      if (random.below(9) === 0) made.push(...this.#say(id, setter));
    }
    if (random.below(12) === 0) made.push(...this.#say(id, 'set_device'));
    if (imports) made.push(...this.#say(id, 'add_plane', { plane_idx: 0 }));
    else if (random.below(12) === 0)
      made.push(...this.#say(id, 'set_plane_layout', { plane_idx: 0 }));
    if (!imports && random.below(5) > 0) {
      made.push(...this.#say(id, 'set_handle_types', { handle_types: this.#handleType() }));
    }
    if (imports) made.push(...this.#say(id, 'import'));
    else if (random.below(8) === 0) made.push(...this.#batch(id));
    else {
      if (random.below(8) === 0) made.push(...this.#say(id, 'set_memory'));
      made.push(...this.#say(id, random.below(5) === 0 ? 'test' : 'create'));
    }
    if (random.below(4) > 0) made.push(...this.#say(id, 'destroy'));
    return made;
  }

  /** Memory with a lasting name, what its writer publishes, and somebody who claims it. */
  #lasting(): Built[] {
    const newest = () => [...this.objects.keys()].at(-1) ?? 0;
    const manager = this.#first(MANAGER);
    const made = this.#say(manager, 'create_params');
    const params = newest();
    made.push(
      ...this.#say(params, 'set_buffer'),
      ...this.#say(params, 'set_handle_types', { handle_types: this.#handleType() }),
      ...this.#say(params, 'set_lifetime', { lifetime: 1 }),
      ...this.#say(params, 'set_lasting_name', { name: this.random.one(LASTING) ?? 'fuzz' }),
      ...this.#say(params, 'create'),
    );
    const buffer = newest();
    made.push(
      ...this.#say(buffer, 'set_metadata', { fd: { choice: this.random.below(8), tame: true } }),
      ...this.#say(buffer, 'commit', { revision_hi: 0, revision_lo: 0 }),
      ...this.#say(params, 'destroy'),
      ...this.#say(manager, 'claim', { name: this.random.one(LASTING) ?? 'fuzz', how: 0 }),
    );
    return made;
  }

  /** Several equal buffers. They are answered when they are asked for, or their params have gone. */
  #batch(params: number): Built[] {
    const { random } = this;
    const made: Built[] = [];
    for (let more = 1 + random.below(5); more > 0; more--) {
      made.push(...this.#say(params, 'add_buffer'));
    }
    if (random.below(5) === 0) made.push(...this.#say(params, 'test'));
    made.push(...this.#say(params, random.below(8) > 0 ? 'create_batch' : 'destroy'));
    return made;
  }

  /** Something about a buffer that is there; where there is none, a sync. */
  #withBuffer(requests: readonly string[], random: Random): Built[] {
    const request = random.one(requests) ?? 'share';
    const id = this.#readyBuffer();
    return id === undefined ? this.sync() : this.#say(id, request);
  }

  /** A copy, fill or read of a buffer that is there. */
  #work(): Built[] {
    const { random } = this;
    const buffer = this.#readyBuffer();
    if (buffer === undefined) return this.sync();
    const made = this.#say(this.#first(MANAGER), 'create_work', { buffer });
    const id = [...this.objects.keys()].at(-1) ?? 0;
    const kind = random.one(WORKS) ?? 'read';
    const setters = ['set_offset', 'set_size', ...(kind === 'copy' ? ['set_source_offset'] : [])];
    for (const setter of setters) if (random.below(2) === 0) made.push(...this.#say(id, setter));
    made.push(...this.#say(id, kind));
    if (random.below(4) === 0) made.push(...this.#say(id, 'destroy'));
    return made;
  }

  /** Ends an object by one of its destructors. */
  #drop(): Built[] {
    const { random } = this;
    const ending = [...this.objects].flatMap(([id, { name, requests }]) =>
      requests
        .filter(({ destructor }) => destructor && name !== MANAGER)
        // Before `done` a client may end a buffer by `destroy` alone.
        .filter((each) => each.name === 'destroy' || name !== BUFFER || this.heard.ready.has(id))
        .map((each) => ({ id, name: each.name })),
    );
    const chosen = ending[random.below(1 << 20) % Math.max(1, ending.length)];
    return chosen === undefined ? this.sync() : this.#say(chosen.id, chosen.name);
  }

  /** Any request of any object: of each interface as often, however many objects it has. */
  #anything(): Built[] {
    const { random } = this;
    const all = [...this.objects].filter(([, { requests }]) => requests.length > 0);
    const names = [...new Set(all.map(([, { name }]) => name))];
    const chosen = names[random.below(1 << 20) % names.length];
    const some = all.filter(([, { name }]) => name === chosen);
    const [id, definition] = some[random.below(1 << 20) % some.length] ?? [1, wl_display];
    const before = this.objects.size;
    const said = this.#sayAny(id, definition);
    // What was made is used at once, or it would drown among the others.
    for (let more = random.below(4); more > 0 && this.objects.size > before; more--) {
      const [newest, made] = [...this.objects].at(-1) ?? [1, wl_display];
      said.push(...this.#sayAny(newest, made));
    }
    return said;
  }

  #sayAny(id: number, { requests }: Interface): Built[] {
    const request = this.random.one(requests as readonly Message[]);
    if (request?.name === 'add_buffer') return this.#batch(id);
    return request === undefined ? [] : this.#say(id, request.name);
  }

  #say(id: number | undefined, request: string, given: Given = {}): Built[] {
    const definition = this.objects.get(id ?? 0);
    const message = (definition?.requests as readonly Message[] | undefined)?.find(
      ({ name }) => name === request,
    );
    if (id === undefined || definition === undefined || message === undefined) return [];
    const bound = message.args.some(isUntyped) ? this.#bound(this.#global()) : {};
    // All arguments are chosen first: an object that is made may not be one of them.
    const known: Given = { ...bound, ...given };
    const values = message.args.map((arg) => known[arg.name] ?? this.#value(definition, arg));
    for (const [i, { type, interface: named }] of message.args.entries()) {
      if (type === 'new_id') this.#made(values[i] as Value, named);
    }
    if (message.destructor) this.#gone(id);
    if (definition.name === WORK && WORKS.includes(request)) this.heard.asked(id);
    return [build(definition, message, id, values)];
  }

  #value(definition: Interface, arg: Argument): Value {
    const { random } = this;
    if (arg.type === 'new_id') return this.#newId();
    if (arg.type === 'object') return this.#existing(arg.interface);
    const value = plausible(random, definition, arg, this.tame);
    // A claim that waits for a minute has its answer when nobody is there any more to hear it.
    const mayBeWild = !this.tame && typeof value === 'number' && arg.name !== 'milliseconds';
    const wild = mayBeWild && random.below(24) === 0;
    return wild ? edge(random) : value;
  }

  #existing(name: string | undefined): number {
    if (name === BUFFER) return this.#readyBuffer() ?? 1;
    return this.#first(name ?? '') ?? 1;
  }

  #first(name: string): number | undefined {
    for (const [id, definition] of this.objects) if (definition.name === name) return id;
    return undefined;
  }

  #readyBuffer(): number | undefined {
    const choice = this.random.below(1 << 20);
    const ready = [...this.heard.ready].filter((id) => this.objects.get(id)?.name === BUFFER);
    return ready[choice % Math.max(1, ready.length)];
  }

  /** One that some source has. */
  #handleType(): number {
    const choice = this.random.below(1 << 20);
    const types = [...this.heard.handleTypes];
    return types[choice % Math.max(1, types.length)] ?? memfd;
  }

  #token(): string {
    const choice = this.random.below(1 << 20);
    const { tokens } = this.heard;
    return (choice % 8 > 0 && tokens[choice % Math.max(1, tokens.length)]) || choice.toString(16);
  }

  #newId(): number {
    const reuse = this.random.below(2) === 0;
    return (reuse && this.freed.shift()) || this.#next++;
  }

  #global(): GlobalOffer {
    const choice = this.random.below(1 << 20);
    const { globals } = this.heard;
    return globals[choice % Math.max(1, globals.length)] ?? FIRST_GLOBAL;
  }

  /** What wl_registry.bind says. */
  #bound({ name, interface: named, version }: GlobalOffer): Given {
    return { name, id: { interface: named, version, id: this.#newId() } };
  }

  #made(value: Value, named: string | undefined): void {
    const untyped = typeof value === 'object' && 'id' in value ? value : null;
    const id = untyped?.id ?? (value as number);
    const definition = interfaces.get(untyped?.interface ?? named ?? '');
    if (definition === undefined) return;
    this.heard.made(id, definition);
    if (endsItself(definition)) this.freed.push(id);
    else this.objects.set(id, definition);
  }

  #gone(id: number): void {
    this.objects.delete(id);
    this.freed.push(id);
    this.heard.forget(id);
  }
}
