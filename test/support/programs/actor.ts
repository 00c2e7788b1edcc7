/**
 * A client that does what it is told over IPC (support/actor.ts), until it is told to leave or is
 * killed: `actor.js CLIENT-SOCKET REST-SOCKET`. Each buffer that it gets has a number of its own.
 */
import { spawn } from 'node:child_process';
import { unlinkSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerError, type Client, type ClientBuffer, connect } from '../../../src/client/index.js';
import { messageOf } from '../../../src/memory/errors.js';
import { type Mapping, map } from '../../../src/native/libc/memory.js';
import { connectUnix, listenUnix, send } from '../../../src/native/libc/socket.js';
import type { Answer, Got, Order, Said } from '../actor.js';
import { ask } from '../rest.js';

const [socket = '', restSocket = ''] = process.argv.slice(2);
const buffers = new Map<number, ClientBuffer>();
/** What is not referred to any more is unmapped. */
const mappings: Mapping[] = [];
let last = 0;
let connected: Promise<Client> | null = null;

const client = () => {
  connected ??= connect({ socket, reconnect: false });
  return connected;
};

function keep(buffer: ClientBuffer): Got {
  buffers.set(++last, buffer);
  return { number: last, id: buffer.id, size: buffer.size };
}

/** Drops what is kept under a number, and returns it. */
function take(number: number): ClientBuffer {
  const buffer = find(number);
  buffers.delete(number);
  return buffer;
}

function find(number: number): ClientBuffer {
  const buffer = buffers.get(number);
  if (buffer === undefined) throw new Error(`there is no buffer ${number}`);
  return buffer;
}

function fdOf({ planes }: ClientBuffer): number {
  const [plane] = planes;
  if (plane === undefined) throw new Error('the buffer has no plane');
  return plane.fd;
}

/** A request over a connection of its own. */
const rest = (method: string, path: string, body?: unknown) =>
  ask({ socketPath: restSocket, method, path, agent: false }, body);

let events = '';

/** Resolves when the stream of events has begun. */
const follow = () =>
  new Promise<void>((resolve, reject) => {
    const options = { socketPath: restSocket, path: '/v1/events', agent: false, host: 'localhost' };
    const outgoing = request(options, (response) => {
      response.setEncoding('utf8').on('data', (text) => {
        events += text;
        resolve();
      });
    });
    outgoing.once('error', reject);
    outgoing.end();
  });

/** The fd of a buffer that stays with this process until it ends, in some way but as an fd. */
async function only(number: number, keep: (fd: number, size: number) => void): Promise<void> {
  const buffer = take(number);
  keep(fdOf(buffer), buffer.size);
  await buffer.close();
}

/** Puts an fd into a message to a socket that is never accepted. */
function sendToNobody(fd: number): void {
  const path = join(tmpdir(), `nobody-${process.pid}-${++last}`);
  listenUnix(path);
  const socket = connectUnix(path);
  unlinkSync(path);
  if (send(socket, Buffer.alloc(1), [fd]) !== 1) throw new Error('the message was not sent');
}

/** A child is this process's, which its end does not end. */
function pass(fd: number): number {
  const child = spawn('sleep', ['1000'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
  child.unref();
  return child.pid ?? -1;
}

async function obey(order: Order): Promise<unknown> {
  switch (order.what) {
    case 'connect':
      await client();
      return null;
    case 'allocate': {
      const { size, source, lifetime, device } = order;
      const one = order.handleType ?? (source === 'memfd' ? 'memfd' : 'dma_buf');
      const { handleTypes = [one] } = order;
      const allHandleTypes = handleTypes.length > 1;
      const named = order.lastingName === undefined ? {} : { lastingName: order.lastingName };
      const what = { kind: 'buffer', size, source, lifetime, handleTypes, allHandleTypes } as const;
      const request = { ...what, ...named, ...(device && { device }) };
      return keep(await (await client()).allocate(request));
    }
    case 'share': {
      const { number, terms } = order;
      return find(number).share(terms);
    }
    case 'redeem':
      return keep(await (await client()).redeem(order.token));
    case 'claim': {
      const claimed = await (await client()).claim(order.name, order.terms);
      return { ...keep(claimed), revision: claimed.committed?.revision ?? 0 };
    }
    case 'commit':
      return (await find(order.number).commit(order.terms)).revision;
    case 'map':
      find(order.number)
        .map()
        .write((bytes) => bytes.fill(1, 0, 1));
      return null;
    case 'fill':
      return find(order.number).fill(order.value);
    case 'copy':
      return find(order.number).copyFrom(find(order.from));
    case 'word':
      return (await find(order.number).read({ size: 4 })).bytes.readUInt32LE();
    case 'renew':
      await find(order.number).renew(order.seconds);
      return null;
    case 'said': {
      const { recalled, released } = find(order.number);
      return { recalled: recalled?.reason ?? null, released } satisfies Said;
    }
    case 'import': {
      const { planes, size } = find(order.number);
      return keep(await (await client()).import({ kind: 'buffer', size, planes }));
    }
    case 'onlyMap':
      return only(order.number, (fd, size) => mappings.push(map(fd, size, { write: true })));
    case 'onlySend':
      return only(order.number, sendToNobody);
    case 'pass':
      return pass(fdOf(find(order.number)));
    case 'close':
      await take(order.number).close();
      return null;
    case 'release':
      await take(order.number).release();
      return null;
    case 'rest':
      return (await rest(order.method, order.path)).status;
    case 'ask':
      return rest(order.method, order.path, order.body);
    case 'follow':
      return follow();
    case 'followed':
      return events;
  }
}

function failure(error: unknown): NonNullable<Answer['error']> {
  if (error instanceof BrokerError) {
    // As the daemon told it: JSON.
    return { code: error.code, message: error.message, refusal: error.detail };
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'error';
  return { code, message: messageOf(error), refusal: {} };
}

process.on('message', async ({ seq, order }: { seq: number; order: Order }) => {
  let answer: Answer;
  try {
    answer = { seq, value: await obey(order) };
  } catch (error) {
    answer = { seq, error: failure(error) };
  }
  process.send?.(answer);
});
// Told to leave.
process.once('disconnect', () => process.exit(0));
