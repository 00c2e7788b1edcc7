/** Policy with processes of several users: who may connect, use REST, redeem; and SIGHUP. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { packageRoot } from '../../src/package-root.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { programFile } from '../support/programs.js';

const redeemer = programFile('redeemer');
const ctl = join(packageRoot, 'bin/dmabrokerctl.js');

/** Users without a name and without further groups: only root can be them. */
const [ALICE, BOB, CAROL] = [61_001, 61_002, 61_003];
const skip = process.getuid?.() === 0 ? false : 'it takes root to be somebody else';

async function as(uid: number, ...args: string[]) {
  const stdio = ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'];
  const child = spawn(process.execPath, args, { uid, gid: uid, stdio });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const [out, errors, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    closed,
  ]);
  return { status, out: out + errors };
}

t.test('who may do what', { skip }, async (t) => {
  const file = join(temporaryFolder(t), 'dmabroker.toml');
  // The files let everybody in: what refuses here is the policy.
  const sockets = '[clients]\nmode = "0666"\n[rest]\nmode = "0666"\n';
  writeFileSync(file, `${sockets}[policy]\nconnect = { users = [${ALICE}, ${BOB}] }\nowner = {}\n`);
  const daemon = await TestDaemon.memfd(t, {}, ['--config', file]);
  chmodSync(daemon.folder, 0o755);
  const client = await connect({ socket: daemon.clientSocket });
  const buffer = await client.allocate({ kind: 'buffer', size: 4096, handleTypes: ['memfd'] });
  const token = () => buffer.share();

  const carol = await as(CAROL, redeemer, daemon.clientSocket, await token());
  t.not(carol.status, 0);
  t.match(carol.out, /permission_denied: user \d+ may not connect/);
  const alice = await as(ALICE, redeemer, daemon.clientSocket, await token());
  t.equal(alice.status, 0, alice.out);

  const rest = ['--socket', daemon.restSocket];
  for (const args of [
    ['list'],
    ['show', buffer.id],
    ['release', buffer.id],
    ['tokens', buffer.id],
  ]) {
    const { status, out } = await as(BOB, ctl, ...rest, ...args);
    t.equal(status, 1, args.join(' '));
    t.match(out, 'permission_denied');
    t.match(out, 'Members of the group dmabroker-admin may', 'and what there is to do');
  }
  t.equal((await as(BOB, ctl, ...rest, 'health')).status, 0);

  writeFileSync(file, `${sockets}[policy]\nconnect = { users = ["nobody-here"] }\n`);
  daemon.process.kill('SIGHUP');
  const said = (part: string) =>
    eventually(() => daemon.log.some((l) => l.msg.includes(part)), part);
  await said('nothing has changed');
  t.equal((await as(ALICE, redeemer, daemon.clientSocket, await token())).status, 0);

  const readers = `[policy]\nconnect = { users = [${CAROL}] }\nreader = { users = [${BOB}] }\n`;
  writeFileSync(file, sockets + readers);
  daemon.process.kill('SIGHUP');
  await said('the configuration was read again');
  t.equal((await as(CAROL, redeemer, daemon.clientSocket, await token())).status, 0);
  t.not((await as(ALICE, redeemer, daemon.clientSocket, await token())).status, 0);
  t.equal((await as(BOB, ctl, ...rest, 'show', buffer.id)).status, 0, 'a reader sees');
  t.equal((await as(BOB, ctl, ...rest, 'release', buffer.id)).status, 1, 'and changes nothing');
  client.close();
});
