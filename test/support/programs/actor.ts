/**
 * A client that does what it is told over IPC (support/actor.ts), until it is told to leave or is
 * killed: `actor.js CLIENT-SOCKET REST-SOCKET`. Each buffer that it gets has a number of its own.
 */
import { request } from 'node:http';
import { BrokerError } from '../../../src/broker/errors.js';
import { type Client, type ClientBuffer, connect } from '../../../src/client/index.js';
import { connectUnix } from '../../../src/native/libc/socket.js';
import type { Answer, Got, Order } from '../actor.js';
import { ask } from '../daemon.js';
import { RawClient } from '../raw-client.js';

const [socket = '', restSocket = ''] = process.argv.slice(2);
const buffers = new Map<number, ClientBuffer>();
const crowd: RawClient[] = [];
let last = 0;
let connected: Promise<Client> | null = null;

const client = () => {
  connected ??= connect({ socket });
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

/** Connects until there are so many or one is refused; says how many the daemon has taken. */
async function flood(count: number): Promise<number> {
  let taken = 0;
  for (let i = 0; i < count; i++) {
    const each = new RawClient(socket);
    crowd.push(each);
    taken += await each.ready().then(
      () => 1,
      () => 0,
    );
  }
  return taken;
}

async function obey(order: Order): Promise<unknown> {
  switch (order.what) {
    case 'connect':
      await client();
      return null;
    case 'allocate': {
      const { size, source, lifetime, device } = order;
      const handleTypes = [order.handleType ?? (source === 'memfd' ? 'memfd' : 'dma_buf')];
      const request = { kind: 'buffer', size, source, lifetime, handleTypes } as const;
      return keep(await (await client()).allocate({ ...request, ...(device && { device }) }));
    }
    case 'share': {
      const { number, terms } = order;
      return find(number).share(terms);
    }
    case 'redeem':
      return keep(await (await client()).redeem(order.token));
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
    case 'flood':
      return flood(order.count);
    case 'hang':
      for (let i = 0; i < order.count; i++) connectUnix(socket);
      return null;
  }
}

function failure(error: unknown): NonNullable<Answer['error']> {
  if (error instanceof BrokerError) {
    return { code: error.code, message: error.message, refusal: error.refusal };
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'error';
  return { code, message: error instanceof Error ? error.message : String(error), refusal: {} };
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
