/**
 * A client that wants everything, or to break the daemon: `attacker.js CLIENT-SOCKET REST-SOCKET`. It
 * floods with connections, garbage, half messages, file descriptors, allocations, guessed tokens and
 * objects, all at once and without end. Says `attacking` when it has tried each.
 */
import { randomBytes } from 'node:crypto';
import { openSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as pause, setImmediate } from 'node:timers/promises';
import {
  dmabroker_manager_v1,
  dmabroker_params_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { wl_display } from '../../../src/protocol/wayland.gen.js';
import { FREE, MANAGER, RawClient } from '../raw-client.js';

const [socket = '', restSocket = ''] = process.argv.slice(2);
const BATCH = 64;
const FDS = 28;
/** More than the REST server takes of all users together. */
const REQUESTS = 80;
/** What was refused is tried again after so long: the machine is to do something else, too. */
const AGAIN_MS = 1000;
const PAUSE_MS = 20;
const nothing = openSync('/dev/null', 'r');

/** Connections that say no more. */
const silent: RawClient[] = [];

/** Sends batches, each when the one before has been taken, until the daemon ends the connection. */
async function batches(batch: (client: RawClient, id: number) => Buffer): Promise<void> {
  const client = await new RawClient(socket).ready();
  try {
    for (let id = FREE; ; id += 2 * BATCH) {
      const all = Array.from({ length: BATCH }, (_, i) => batch(client, id + 2 * i));
      client.send(Buffer.concat(all));
      client.request(wl_display, 1, 'sync', id + 1);
      await client.until(() => client.count('wl_callback.done') > 0);
      client.events.length = 0;
      tried.add(batch);
      await pause(PAUSE_MS);
    }
  } finally {
    client.close();
  }
}

const allocations = (client: RawClient, id: number) => client.asking(id);
const guesses = ({ peer }: RawClient, id: number) =>
  peer.request(dmabroker_manager_v1, MANAGER, 'redeem', id, randomBytes(16).toString('hex'));
const objects = ({ peer }: RawClient, id: number) =>
  peer.request(dmabroker_manager_v1, MANAGER, 'create_params', id);

async function garbage(): Promise<void> {
  const client = new RawClient(socket);
  try {
    client.send(randomBytes(4096));
    await client.ended();
  } finally {
    client.close();
  }
}

/** Planes for imports that are never asked for. */
async function planes(): Promise<void> {
  const client = await new RawClient(socket).ready();
  try {
    for (let id = FREE; ; id++) {
      const params = client.peer.request(dmabroker_manager_v1, MANAGER, 'create_params', id);
      const plane = client.peer.request(dmabroker_params_v1, id, 'add_plane', nothing, 0, 0, 64);
      client.send(Buffer.concat([params, plane]), [nothing]);
      tried.add(planes);
      await setImmediate();
    }
  } finally {
    client.close();
  }
}

/** As many fds as a message takes, in a message that never ends. */
async function unfinished(): Promise<void> {
  const client = await new RawClient(socket).ready();
  try {
    for (const byte of Buffer.from('0100000000000c', 'hex')) {
      client.send(Buffer.of(byte), Array(FDS).fill(nothing));
      await setImmediate();
    }
    await client.ended();
  } finally {
    client.close();
  }
}

async function half(): Promise<void> {
  const client = new RawClient(socket);
  client.send(client.peer.request(wl_display, 1, 'get_registry', 2).subarray(0, 7));
  silent.push(client);
}

async function connection(): Promise<void> {
  const client = new RawClient(socket);
  try {
    silent.push(await client.ready());
  } catch (error) {
    client.close();
    throw error;
  }
}

/** A connection to the REST socket that says nothing; another when it has ended. */
function silentRequest(): void {
  connect(restSocket)
    .on('error', () => {})
    .once('close', () => setTimeout(silentRequest, AGAIN_MS));
}

const tried = new Set<unknown>();

/** Again and again; what the daemon refuses is tried anew. */
async function insist(attack: () => Promise<void>, kind: unknown = attack): Promise<never> {
  for (;;) {
    await attack().then(
      () => tried.add(kind),
      () => {},
    );
    await pause(PAUSE_MS);
  }
}

const floods = [allocations, guesses, objects];
const others = [garbage, planes, unfinished];
for (const flood of floods) insist(() => batches(flood), flood);
for (const attack of others) insist(attack);
for (let i = 0; i < REQUESTS; i++) silentRequest();
while (tried.size < floods.length + others.length) await pause(PAUSE_MS);
console.log('attacking');
insist(half);
insist(connection);
