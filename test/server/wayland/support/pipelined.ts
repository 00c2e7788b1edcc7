/**
 * What a client may send in one flush, and what is answered: each sequence with all that it asks of objects
 * whose answers are on their way. The answers are told for each object, in their order, with all arguments;
 * what is drawn anew each time (ids, tokens, fds) has a name of its own.
 */

import { fstatSync, readSync } from 'node:fs';
import type { HandleType } from '../../../../src/memory/source.js';
import { close } from '../../../../src/native/libc/fd.js';
import { sealedBytes } from '../../../../src/native/libc/memory.js';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
  dmabroker_params_v1,
  dmabroker_share_v1,
  dmabroker_test_v1,
  dmabroker_work_v1,
} from '../../../../src/protocol/dmabroker-v1.gen.js';
import { FREE, MANAGER, type RawClient } from '../../../support/raw-client.js';
import { interfaces, type WireEvent } from '../../../support/wire-peer.js';

const ANY_UID = 0xffffffff;
const NV12 = 0x3231564e;
const { handle_type } = dmabroker_manager_v1.enums;
const { lifetime, plane_memory } = dmabroker_params_v1.enums;

type Lifetime = keyof typeof lifetime | { readonly lease: number };
type Memory = 'linear' | 'nv12';

/** A flush that is being written: each object has an id, and what ends its answer. */
export class Flush {
  readonly #bytes: Buffer[] = [];
  /** The events of which one is the last that an object is answered with. */
  readonly finals: { readonly id: number; readonly names: readonly string[] }[] = [];
  /** What has to be destroyed afterwards, with the interface. */
  readonly left = new Map<number, string>();
  #next = FREE;

  constructor(
    private readonly client: RawClient,
    private readonly handleType: HandleType,
    /** A token of somebody else's buffer. */
    readonly token: string,
  ) {}

  get bytes(): Buffer {
    return Buffer.concat(this.#bytes);
  }

  get ids(): readonly number[] {
    return Array.from({ length: this.#next - FREE }, (_, i) => FREE + i);
  }

  /** What goes along in sealed memfds. */
  readonly documents: string[] = [];

  /** The requests that were sent, by interface and name. */
  readonly used = new Set<string>();

  readonly request: RawClient['request'] = (...request) => {
    this.used.add(`${request[0].name}.${request[2]}`);
    const bytes = this.client.peer.request(...request);
    this.#bytes.push(bytes);
    return bytes;
  };

  #object(name: string, finals: readonly string[]): number {
    const id = this.#next++;
    this.left.set(id, name);
    this.finals.push({ id, names: finals });
    return id;
  }

  #params(memory: Memory, kept: Lifetime, type: HandleType): number {
    const id = this.#next++;
    this.request(dmabroker_manager_v1, MANAGER, 'create_params', id);
    if (memory === 'linear') this.request(dmabroker_params_v1, id, 'set_buffer', 0, 8192);
    else {
      this.request(dmabroker_params_v1, id, 'set_image', 64, 32, NV12);
      this.request(dmabroker_params_v1, id, 'set_planes', plane_memory.separate);
    }
    this.request(dmabroker_params_v1, id, 'set_handle_types', handle_type[type]);
    if (typeof kept === 'object') this.request(dmabroker_params_v1, id, 'set_lease', kept.lease);
    else this.request(dmabroker_params_v1, id, 'set_lifetime', lifetime[kept]);
    return id;
  }

  create(
    memory: Memory,
    kept: Lifetime,
    { type = this.handleType, lastingName }: { type?: HandleType; lastingName?: string } = {},
  ): number {
    const params = this.#params(memory, kept, type);
    if (lastingName !== undefined) {
      this.request(dmabroker_params_v1, params, 'set_lasting_name', lastingName);
    }
    const id = this.#object(dmabroker_buffer_v1.name, ['done', 'failed']);
    this.request(dmabroker_params_v1, params, 'create', id);
    this.request(dmabroker_params_v1, params, 'destroy');
    return id;
  }

  /** So many equal ones; the parameters are destroyed before, where they are not `asked` for. */
  batch(count: number, kept: Lifetime, type = this.handleType, asked = true): number[] {
    const params = this.#params('linear', kept, type);
    const ids = Array.from({ length: count }, () => {
      const id = this.#object(dmabroker_buffer_v1.name, ['done', 'failed']);
      this.request(dmabroker_params_v1, params, 'add_buffer', id);
      return id;
    });
    if (asked) this.request(dmabroker_params_v1, params, 'create_batch');
    this.request(dmabroker_params_v1, params, 'destroy');
    return ids;
  }

  /** Twice: the parameters are not used up. */
  test(memory: Memory, type = this.handleType): number[] {
    const params = this.#params(memory, 'connection', type);
    const ids = [1, 2].map(() => {
      const id = this.#object('dmabroker_test_v1', ['done', 'failed']);
      this.request(dmabroker_params_v1, params, 'test', id);
      return id;
    });
    this.request(dmabroker_params_v1, params, 'destroy');
    return ids;
  }

  redeem(token: string): number {
    const id = this.#object(dmabroker_buffer_v1.name, ['done', 'failed']);
    this.request(dmabroker_manager_v1, MANAGER, 'redeem', id, token);
    return id;
  }

  share(buffer: number): number {
    const id = this.#object(dmabroker_share_v1.name, ['token', 'failed']);
    this.request(dmabroker_buffer_v1, buffer, 'share', id, 1, ANY_UID, 0, 0);
    return id;
  }

  work(buffer: number): number {
    const id = this.#object(dmabroker_work_v1.name, ['done', 'failed']);
    this.request(dmabroker_manager_v1, MANAGER, 'create_work', id, buffer);
    return id;
  }

  fill(buffer: number, value: number): void {
    this.request(dmabroker_work_v1, this.work(buffer), 'fill', value);
  }

  copy(from: number, to: number): void {
    const id = this.work(to);
    this.request(dmabroker_work_v1, id, 'set_offset', 0, 4);
    this.request(dmabroker_work_v1, id, 'set_source_offset', 0, 4);
    this.request(dmabroker_work_v1, id, 'set_size', 0, 8);
    this.request(dmabroker_work_v1, id, 'copy', from);
  }

  read(buffer: number): void {
    const id = this.work(buffer);
    this.request(dmabroker_work_v1, id, 'set_size', 0, 8);
    this.request(dmabroker_work_v1, id, 'read');
  }

  /** The answer to the last of them is waited for. */
  renew(buffer: number): void {
    this.request(dmabroker_buffer_v1, buffer, 'renew', 40_000);
  }

  /** With a document, or with that of before. */
  commit(buffer: number, document?: string): void {
    if (document !== undefined) {
      this.documents.push(document);
      this.request(dmabroker_buffer_v1, buffer, 'set_metadata', 0, document.length);
    }
    this.request(dmabroker_buffer_v1, buffer, 'commit', 0, 0);
  }

  park(buffer: number): void {
    this.request(dmabroker_buffer_v1, buffer, 'park', 30_000);
  }

  reissue(buffer: number): void {
    this.request(dmabroker_buffer_v1, buffer, 'reissue');
  }

  release(buffer: number): void {
    this.request(dmabroker_buffer_v1, buffer, 'release');
  }

  /** No event of it comes any more. */
  destroy(id: number): void {
    const name = this.left.get(id) ?? '';
    this.request(interfaces.get(name) as typeof dmabroker_buffer_v1, id, 'destroy');
    this.left.delete(id);
    const at = this.finals.findIndex((final) => final.id === id);
    this.finals.splice(at, 1);
  }
}

/** Everything that can be asked of a buffer. */
function everything(flush: Flush, buffer: number): void {
  flush.fill(buffer, 7);
  flush.read(buffer);
  flush.share(buffer);
  flush.renew(buffer);
  flush.reissue(buffer);
  flush.read(buffer);
}

const refusedType = (type: HandleType): HandleType => (type === 'memfd' ? 'dma_buf' : 'memfd');

/** By what it is that is sent at once. */
export const sequences: Readonly<Record<string, (flush: Flush, type: HandleType) => void>> = {
  'everything, then release': (flush) => {
    const buffer = flush.create('linear', 'connection');
    everything(flush, buffer);
    flush.release(buffer);
  },
  'everything of one that stays, released before the end': (flush) => {
    const buffer = flush.create('linear', 'until_released');
    flush.share(buffer);
    flush.release(buffer);
    everything(flush, buffer);
  },
  'everything of one with a lease': (flush) => {
    const buffer = flush.create('linear', { lease: 30_000 });
    everything(flush, buffer);
    flush.release(buffer);
  },
  'planes of their own': (flush) => {
    const buffer = flush.create('nv12', 'connection');
    everything(flush, buffer);
    flush.release(buffer);
  },
  'destroyed before the end': (flush) => {
    const buffer = flush.create('linear', 'connection');
    flush.fill(buffer, 9);
    flush.read(buffer);
    flush.share(buffer);
    flush.destroy(buffer);
  },
  'destroyed before the end, one that stays': (flush) => {
    const buffer = flush.create('linear', 'until_released');
    flush.read(buffer);
    flush.share(buffer);
    flush.destroy(buffer);
  },
  'work and shares whose objects are destroyed before they are answered': (flush) => {
    const buffer = flush.create('linear', 'connection');
    const work = flush.work(buffer);
    flush.request(dmabroker_work_v1, work, 'fill', 4);
    flush.destroy(work);
    flush.destroy(flush.share(buffer));
    flush.read(buffer);
    flush.release(buffer);
  },
  'a copy, and its source is destroyed': (flush) => {
    const [from, to] = [flush.create('linear', 'connection'), flush.create('linear', 'connection')];
    flush.fill(from, 5);
    flush.copy(from, to);
    flush.destroy(from);
    flush.read(to);
    flush.release(to);
  },
  'a copy there and back, and both are released': (flush) => {
    const [from, to] = [flush.create('linear', 'connection'), flush.create('linear', 'connection')];
    flush.fill(from, 5);
    flush.copy(from, to);
    flush.fill(from, 6);
    flush.read(to);
    flush.copy(to, from);
    flush.read(from);
    flush.release(from);
    flush.copy(from, to);
    flush.release(to);
  },
  'one that is refused': (flush, type) => {
    const buffer = flush.create('linear', 'connection', { type: refusedType(type) });
    everything(flush, buffer);
    flush.release(buffer);
  },
  'a copy from one that is refused': (flush, type) => {
    const from = flush.create('linear', 'connection', { type: refusedType(type) });
    const to = flush.create('linear', 'connection');
    flush.fill(to, 3);
    flush.copy(from, to);
    flush.read(to);
    flush.release(to);
  },
  'dry runs beside the allocation': (flush, type) => {
    flush.destroy(flush.test('linear')[0] ?? 0);
    flush.test('nv12');
    flush.test('linear', refusedType(type));
    flush.share(flush.create('linear', 'connection'));
  },
  'a token that is redeemed, and one that is none': (flush) => {
    const good = flush.redeem(flush.token);
    flush.read(good);
    // It would be good for as long as the other's buffer.
    flush.request(dmabroker_share_v1, flush.share(good), 'revoke');
    flush.renew(good);
    flush.reissue(good);
    flush.release(good);
    const bad = flush.redeem('nobody-knows-this');
    everything(flush, bad);
  },
  'a lease in place of the connection': (flush) => {
    const buffer = flush.create('linear', 'connection');
    flush.park(buffer);
    flush.renew(buffer);
    flush.share(buffer);
    flush.release(buffer);
    flush.park(flush.redeem('nobody-knows-this'));
  },
  'revisions, and what is asked behind them': (flush) => {
    const buffer = flush.create('linear', 'until_released', { lastingName: 'pipelined' });
    flush.commit(buffer, '{"a":1}');
    flush.commit(buffer);
    flush.commit(buffer, '[]');
    flush.share(buffer);
    flush.release(buffer);
    flush.commit(buffer);
    flush.commit(flush.redeem('nobody-knows-this'), '{}');
  },
  'several at once, each asked of': (flush) => {
    const [a = 0, b = 0, c = 0] = flush.batch(3, 'connection');
    flush.fill(b, 8);
    flush.copy(b, a);
    flush.read(a);
    flush.share(c);
    flush.destroy(b);
    flush.park(c);
    flush.release(a);
    flush.release(c);
  },
  'several at once that stay, destroyed before the end': (flush) => {
    for (const id of flush.batch(3, 'until_released')) {
      flush.share(id);
      flush.destroy(id);
    }
  },
  'several at once that are refused, too many, and some that are not asked for': (flush, type) => {
    for (const id of flush.batch(2, 'connection', refusedType(type))) flush.share(id);
    flush.batch(65, 'connection');
    for (const id of flush.batch(2, 'connection', type, false)) flush.share(id);
  },
  'a token that is revoked where it is made': (flush) => {
    const buffer = flush.create('linear', 'connection');
    const share = flush.share(buffer);
    flush.request(dmabroker_share_v1, share, 'revoke');
    flush.request(dmabroker_share_v1, share, 'revoke');
    flush.share(buffer);
    flush.release(buffer);
  },
};

/** What is asked in none of them, of what can be asked behind an answer that is on its way. */
export function missing(client: RawClient, type: HandleType): string[] {
  const all = Object.values(sequences).flatMap((write) => {
    const flush = new Flush(client, type, '');
    write(flush, type);
    return [...flush.used];
  });
  const used = new Set(all);
  return [dmabroker_buffer_v1, dmabroker_share_v1, dmabroker_work_v1, dmabroker_test_v1]
    .flatMap(({ name, requests }) => requests.map((request) => `${name}.${request.name}`))
    .filter((name) => !used.has(name));
}

/** What is drawn anew each time. */
const DRAWN: Readonly<Record<string, readonly number[]>> = {
  'dmabroker_buffer_v1.info': [0],
  // Seconds that are left: they pass.
  'dmabroker_buffer_v1.lease': [0],
  'dmabroker_buffer_v1.plane': [0],
  'dmabroker_share_v1.token': [0],
  'dmabroker_share_v1.token_id': [0],
};

/** An id of 13 characters, where a sentence has one. */
const withoutIds = (text: string): string => text.replaceAll(/\b[a-z2-7]{13}\b/g, '(id)');

function told({ name, values }: WireEvent): string {
  if (name.endsWith('.content')) {
    const fd = values[0] as number;
    const bytes = Buffer.alloc(fstatSync(fd).size);
    readSync(fd, bytes, 0, bytes.length, 0);
    return `${name} ${bytes.toString('hex')}`;
  }
  const drawn = DRAWN[name] ?? [];
  const kept = values.map((value, i) => (drawn.includes(i) ? '(drawn)' : value));
  return withoutIds(`${name} ${JSON.stringify(kept)}`);
}

const destroyRequest = (client: RawClient, id: number, name: string): void => {
  const definition = interfaces.get(name) as typeof dmabroker_buffer_v1;
  client.request(definition, id, 'destroy');
};

/** Sends a sequence, waits for all of its answers; they are told for each object, in their order. */
export async function transcript(
  client: RawClient,
  name: string,
  type: HandleType,
  token: string,
): Promise<string> {
  const flush = new Flush(client, type, token);
  sequences[name]?.(flush, type);
  const fds = flush.documents.map((text) => sealedBytes('document', text));
  client.send(flush.bytes, fds);
  for (const fd of fds) close(fd);
  const of = (id: number) => client.events.filter(({ object }) => object === id);
  await client.until(() =>
    flush.finals.every(({ id, names }) =>
      of(id).some((event) => names.includes(event.name.split('.')[1] ?? '')),
    ),
  );
  // What is answered later than the last that was waited for, a reissue for one, is before this.
  for (const [id, definition] of flush.left) destroyRequest(client, id, definition);
  const freed = () => client.events.filter((event) => event.name === 'wl_display.delete_id').length;
  await client.until(() => freed() === flush.ids.length);
  // Nobody hears what comes for an object that was destroyed in the flush.
  const lines = flush.finals.flatMap(({ id }) => of(id).map((event) => `${id} ${told(event)}`));
  client.forget();
  return lines.join('\n');
}
