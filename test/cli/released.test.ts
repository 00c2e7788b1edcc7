/** A buffer that was released while somebody has its memory: whatever is asked of it, the answer is one. */
import { join } from 'node:path';
import t from 'tap';
import { type CommandDefinition, definitionOf, withAllBelow } from '../../src/cli/definition.js';
import { dmabrokerctl } from '../../src/cli/program.js';
import { connect } from '../../src/client/index.js';
import { TestDaemon } from '../support/daemon.js';
import { ctl } from './support/again.js';

const daemon = await TestDaemon.memfd(t);
const run = (...args: string[]) => ctl(['--socket', daemon.restSocket, ...args]);

/** What is still told of it. */
const LOOKED_AT = ['show', 'holders', 'history'];
/** What else a command must be given. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  extend: ['--for', '1h'],
  preview: ['-o', join(daemon.folder, 'picture.png')],
  revoke: ['t1'],
};

t.test('every command that takes an id', async (t) => {
  const client = await connect({ socket: daemon.clientSocket });
  const made = JSON.parse((await run('alloc', '--size', '4096', '--json')).stdout);
  const held = await client.redeem(made.token.token);
  const { id } = made.buffer;
  t.equal((await run('release', id)).status, 0);
  const takesId = ({ arguments: [first] }: CommandDefinition) => first?.name === 'id';
  const commands = withAllBelow(definitionOf(dmabrokerctl())).filter(takesId);
  t.ok(commands.length > 10);
  for (const { path } of commands) {
    const name = path.join(' ');
    const answer = await run(...path, id.slice(0, 10), ...(MORE[name] ?? []));
    if (LOOKED_AT.includes(name)) t.equal(answer.status, 0, name);
    else {
      const said = `dmabrokerctl: not_found: the buffer ${id} is released: what is left of it `;
      t.equal(answer.status, 1, name);
      t.ok(answer.stderr.startsWith(said), `${name}: ${answer.stderr}`);
    }
  }
  await held.close();
  client.close();
});
