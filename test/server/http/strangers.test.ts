/** A local user without a token keeps as many connections as it gets; who has one is served. */

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import {
  CONNECTION_LIMIT,
  CONNECTIONS_PER_TOKEN,
  STRANGER_LIMIT,
} from '../../../src/server/http/limits.js';
import { Strangers } from '../../../src/server/http/strangers.js';
import { ctl } from '../../cli/support/ctl.js';
import { TestDaemon } from '../../support/daemon.js';
import { temporaryFolder } from '../../support/folder.js';

const ASKED = 40;
const BEAT_MS = 1000;

t.test('who gives way', async (t) => {
  const make = (count: number, strangers: Strangers) =>
    Array.from({ length: count }, () => {
      const socket = new Socket();
      strangers.arrived(socket);
      return socket;
    });
  const gone = (sockets: readonly Socket[]) => sockets.filter(({ destroyed }) => destroyed).length;

  t.test('one who has asked without a token, before one who has not asked', async (t) => {
    const strangers = new Strangers();
    const all = make(STRANGER_LIMIT, strangers);
    const [idle, asking] = [all[7], all[3]];
    for (const socket of [idle, asking]) strangers.asks(socket as Socket, null);
    strangers.answered(idle as Socket);
    make(1, strangers);
    t.same([idle?.destroyed, asking?.destroyed, gone(all)], [true, false, 1]);
    make(1, strangers);
    t.same([asking?.destroyed, gone(all)], [true, 2]);
    make(1, strangers);
    t.equal(all[0]?.destroyed, true, 'then the oldest');
  });

  t.test('never one whose token is good, as far as its part goes', async (t) => {
    const strangers = new Strangers();
    const known = make(STRANGER_LIMIT, strangers);
    for (const socket of known) strangers.asks(socket, 'grafana');
    const late = make(STRANGER_LIMIT, strangers);
    t.equal(gone(known), STRANGER_LIMIT - CONNECTIONS_PER_TOKEN, 'beyond it they are as strangers');
    t.equal(gone(late), 0);
    for (const socket of known) socket.emit('close');
    const again = make(CONNECTIONS_PER_TOKEN, strangers);
    for (const socket of again) strangers.asks(socket, 'grafana');
    make(STRANGER_LIMIT, strangers);
    t.equal(gone(again), 0, 'who has left has given its part back');
    for (const socket of [...known, ...late, ...again]) socket.destroy();
  });
});

t.test('64 connections with /healthz once a second', async (t) => {
  const folder = temporaryFolder(t);
  const [tokens, file] = [join(folder, 'tokens.toml'), join(folder, 'dmabroker.toml')];
  const made = await ctl(['token', 'new', '--name', 'watcher', '--role', 'reader']);
  const [secret = '', , ...entry] = made.stdout.split('\n');
  writeFileSync(tokens, entry.join('\n'), { mode: 0o600 });
  writeFileSync(file, `[rest.tcp]\nlisten = "127.0.0.1:0"\ntokens_file = "${tokens}"\n`);
  const daemon = await TestDaemon.memfd(t, {}, ['--config', file]);
  const port = Number(daemon.log.find(({ msg }) => msg === 'REST over TCP')?.port);

  // It comes back at once, whenever it is sent away.
  let over = false;
  let sentAway = 0;
  const sockets = new Set<Socket>();
  const stranger = () => {
    const socket = connect(port, '127.0.0.1');
    sockets.add(socket);
    const ask = () => socket.write(`GET /healthz HTTP/1.1\r\nhost: localhost:${port}\r\n\r\n`);
    const beat = setInterval(ask, BEAT_MS);
    socket
      .once('connect', ask)
      .on('data', () => {})
      .on('error', () => {});
    socket.once('close', () => {
      clearInterval(beat);
      sockets.delete(socket);
      sentAway++;
      if (!over) stranger();
    });
  };
  for (let i = 0; i < CONNECTION_LIMIT; i++) stranger();
  t.teardown(() => {
    over = true;
    for (const socket of sockets) socket.destroy();
  });

  const ask = async (): Promise<boolean> => {
    const headers = { authorization: `Bearer ${secret}` };
    const options = { port, host: '127.0.0.1', path: '/v1/buffers', headers, agent: false };
    const asked = request(options);
    asked.end();
    try {
      const [answer] = await once(asked, 'response');
      await text(answer);
      return answer.statusCode === 200;
    } catch {
      return false; // It was sent away.
    }
  };
  let served = 0;
  for (let i = 0; i < ASKED; i++) {
    // Until its token is seen it is a stranger itself, whom a flood on a busy machine may be faster than.
    for (let tries = 0; tries < 3; tries++) {
      if (!(await ask())) continue;
      served++;
      break;
    }
  }
  t.equal(served, ASKED);
  t.ok(sentAway > 0, `strangers gave way ${sentAway} times`);
  t.same(daemon.errors, []);
});
