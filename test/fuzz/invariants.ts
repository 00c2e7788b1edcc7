/**
 * What holds whatever clients do: one that does nothing wrong is served, its memory is its own, and when the
 * others have left, nothing of theirs is left in the daemon.
 *
 * Owns: two connections, and the buffer of one of them.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Client, type ClientBuffer, connect } from '../../src/client/index.js';
import type { UserInfo } from '../../src/rest/contract.js';
import { eventually, type TestDaemon } from '../support/daemon.js';
import { recounted } from '../support/recount.js';
import { Fault } from './session.js';

const SIZE = 65_536;
const pattern = Buffer.from(Array.from({ length: SIZE }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
/** How often the fds are counted: now and then the daemon opens a file of /proc for a moment. */
const LOOKS = 5;

const linear = (size: number) => ({ kind: 'buffer', size, handleTypes: ['memfd'] }) as const;

/** How many fds are open when nothing is being done. */
async function atRest(daemon: TestDaemon): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  for (let look = 0; look < LOOKS; look++) {
    await daemon.buffers();
    fewest = Math.min(fewest, daemon.openFds());
  }
  return fewest;
}

export class Witness {
  private constructor(
    private readonly daemon: TestDaemon,
    private readonly client: Client,
    private readonly other: Client,
    private readonly buffer: ClientBuffer,
    private readonly charged: UserInfo['charge'],
    private readonly fds: number,
  ) {}

  /** Connects before anybody else does, and counts what the daemon has open. */
  static async start(daemon: TestDaemon): Promise<Witness> {
    const [client, other] = [
      await connect({ socket: daemon.clientSocket, reconnect: false }),
      await connect({ socket: daemon.clientSocket, reconnect: false }),
    ];
    const buffer = await client.allocate(linear(SIZE));
    buffer.map().write((bytes) => bytes.set(pattern));
    await eventually(() => daemon.drained(), 'there are no spares');
    const users: UserInfo[] = (await daemon.rest('GET', '/v1/users')).body;
    const charged = users.reduce((sum, { charge }) => sum + charge.buffers, 0);
    if (charged !== 1) throw new Error('somebody else has something');
    const charge = users[0]?.charge as UserInfo['charge'];
    return new Witness(daemon, client, other, buffer, charge, await atRest(daemon));
  }

  /** It is served, while the others do what they like. */
  async served(): Promise<void> {
    const { daemon, client, other } = this;
    if (daemon.process.exitCode !== null || daemon.process.signalCode !== null) {
      throw new Fault('the daemon has ended');
    }
    const made = await client.allocate(linear(4096));
    made.map().write((bytes) => bytes.write('hello'));
    const taken = await other.redeem(await made.share());
    const read = taken.map().read((bytes) => bytes.toString('latin1', 0, 5));
    if (read !== 'hello') throw new Fault(`what was shared is read as ${JSON.stringify(read)}`);
    await taken.close();
    await made.release();
    const unchanged = this.buffer.map().read((bytes) => bytes.equals(pattern));
    if (!unchanged) throw new Fault('somebody has written into memory that was never shared');
    const { status, body } = await daemon.rest('GET', '/healthz');
    if (status !== 200) throw new Fault(`/healthz: ${status} ${JSON.stringify(body)}`);
    const [error] = daemon.errors;
    if (error !== undefined) throw new Fault(`an error is logged: ${JSON.stringify(error)}`);
  }

  /** The others have left, and so has everything of theirs. What outlives connections is released. */
  async alone(): Promise<void> {
    const { daemon, fds } = this;
    let left = '';
    const isAlone = async () => {
      for (const { id, released_at } of await daemon.buffers()) {
        const stays = id === this.buffer.id || released_at !== null;
        if (!stays) await daemon.rest('DELETE', `/v1/buffers/${id}`);
      }
      await daemon.drained();
      const [clients, buffers] = [await daemon.clients(), await daemon.buffers()];
      const open = daemon.openFds();
      const listed = buffers.map(({ id, state }) => `${id} ${state}`).join();
      left = `${clients.length} clients, buffers ${listed}, ${open} fds in place of ${fds}`;
      return clients.length === 2 && buffers.length === 1 && open === fds;
    };
    await faultUnless(eventually(isAlone, () => left));
    await faultUnless(recounted(daemon));
    const users: UserInfo[] = (await daemon.rest('GET', '/v1/users')).body;
    for (const { uid, charge } of users.filter(({ charge }) => charge.buffers + charge.bytes > 0)) {
      if (isDeepStrictEqual(charge, this.charged)) continue;
      throw new Fault(`user ${uid} is still charged ${JSON.stringify(charge)}`);
    }
  }

  async end(): Promise<void> {
    await this.buffer.close();
    this.client.close();
    this.other.close();
  }
}

async function faultUnless(holds: Promise<void>): Promise<void> {
  try {
    await holds;
  } catch (error) {
    throw new Fault(`left behind: ${error instanceof Error ? error.message : error}`);
  }
}
