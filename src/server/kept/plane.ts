/**
 * The data plane's part of what outlives the daemon: it reads what there is, has the broker take it up, and
 * keeps it from then on.
 *
 * Owns: the file, the manager's socket, the connection to the keeper, and fds of the store that no buffer has, which are closed at once.
 */
import type { Broker } from '../../broker/broker.js';
import type { Clock } from '../../memory/clock.js';
import { messageOf } from '../../memory/errors.js';
import { STORED_FDS_PER_SECOND } from '../../memory/limits.js';
import type { LogLevel } from '../../memory/log-level.js';
import { info } from '../../native/dmabuf.js';
import { SystemError } from '../../native/libc/errno.js';
import { close, duplicate, identity } from '../../native/libc/fd.js';
import { NotifySocket } from '../../native/notify-socket.js';
import { referredElsewhere } from '../../native/remains.js';
import { Slots } from '../../native/slots.js';
import type { KeptSetup } from '../words/messages.js';
import { FdStore } from './fd-store.js';
import { type Found, findKept, type NamedFd } from './found.js';
import { HeadNumber } from './head.js';
import { KeeperClient } from './keeper-client.js';
import { Keeping } from './keeping.js';
import { VERSION } from './records.js';

interface World {
  readonly clock: Clock;
  broker(): Broker;
  log(level: LogLevel, text: string, fields: object): void;
  /** Who keeps fds beside the service manager; null: nobody now. */
  keeper(pid: number | null): void;
}

export class KeptPlane {
  readonly keeping: Keeping;
  /** Until it is restored. */
  #found: Found | null;
  readonly #slots: Slots;
  readonly #socket: NotifySocket;
  readonly #keeper: KeeperClient;
  #lastUnkept = false;
  #hasFailed = false;

  constructor(
    setup: KeptSetup & { readonly keeper: string },
    private readonly world: World,
  ) {
    const { slots } = Slots.open(setup.file, VERSION);
    // Before the first record of this version.
    slots.version = VERSION;
    this.#slots = slots;
    this.#socket = NotifySocket.open(setup.socket);
    this.#keeper = new KeeperClient(setup.keeper, {
      clock: world.clock,
      referred: referredElsewhere,
      used: (may) => slots.setNumber(HeadNumber.keeper, may ? 1 : 0),
      process: (pid) => world.keeper(pid),
      log: (level, text, fields) => world.log(level, text, fields),
    });
    const store = new FdStore(
      {
        send: (state, fds) => this.#send(state, fds),
        unread: () => this.#socket.unread,
        referred: referredElsewhere,
        clock: world.clock,
      },
      { max: setup.max, perSecond: STORED_FDS_PER_SECOND },
      this.#keeper,
    );
    const found = findKept(slots.records(), this.#all(setup.named), {
      identity,
      dmaBuf: info,
      duplicate,
    });
    this.keeping = new Keeping(
      () => ({ broker: world.broker(), full: () => this.#full(), unkept: () => this.#unkept() }),
      slots,
      store,
    );
    this.#found = found;
    for (const { fd } of found.stray) close(fd);
    // First: the manager takes a file once, and may have a buffer's under such a name.
    store.forget(found.forgotten);
    this.keeping.found(found);
  }

  /** Once the broker is there, and before anybody connects. */
  restore(graceMs: number): void {
    if (this.#found === null) throw new Error('it is restored already');
    const { clients, buffers, problems, stray } = this.#found;
    this.#found = null;
    const numbers = {
      client: this.#slots.number(HeadNumber.client),
      token: this.#slots.number(HeadNumber.token),
    };
    for (const problem of problems) this.world.log('warn', problem, {});
    for (const error of this.world.broker().restore(clients, buffers, numbers, graceMs)) {
      this.world.log('error', `a buffer of before the restart is lost: ${messageOf(error)}`, {});
    }
    this.keeping.flush();
    if (buffers.length === 0 && clients.length === 0 && stray.length === 0) return;
    const away = buffers.filter(({ fds, state }) => fds === null && !state.released).length;
    const fields = {
      event: 'restored',
      buffers: buffers.length,
      away,
      clients: clients.length,
      stray: stray.length,
    };
    this.world.log(
      'info',
      `${buffers.length} buffers of before the restart are there again`,
      fields,
    );
  }

  #send(state: string, fds: readonly number[]): 'sent' | 'full' | 'failed' {
    try {
      return this.#socket.send(state, fds) ? 'sent' : 'full';
    } catch (error) {
      // Too many of this user's are on their way, to whomever (unix(7)): there will be fewer.
      if (error instanceof SystemError && error.code === 'ETOOMANYREFS') return 'full';
      const text = `the service manager cannot be given a file descriptor (${messageOf(error)}): newer buffers will not outlive the daemon`;
      if (!this.#hasFailed) this.world.log('error', text, { event: 'store_failed' });
      this.#hasFailed = true;
      return 'failed';
    }
  }

  #full(): void {
    const text = 'there is no room for all that is to outlive the daemon: newer buffers will not';
    this.world.log('error', text, { event: 'state_full' });
  }

  #unkept(): void {
    if (this.#lastUnkept) return;
    this.#lastUnkept = true;
    const text =
      'the service manager keeps no more file descriptors, and nobody beside it: newer buffers will not outlive the daemon';
    this.world.log('warn', text, { event: 'store_full' });
  }

  /** What the manager has had, and the keeper. */
  #all(named: readonly NamedFd[]): readonly NamedFd[] {
    if (this.#slots.number(HeadNumber.keeper) === 0) return named;
    const all = [...named];
    const names = new Set(named.map(({ name }) => name));
    for (const each of this.#keeper.take()) {
      if (!names.has(each.name)) all.push(each);
      else {
        this.#keeper.drop(each.name);
        close(each.fd);
      }
    }
    return all;
  }

  close(): void {
    this.#keeper.close();
    this.keeping.close();
    this.#socket.close();
  }
}
