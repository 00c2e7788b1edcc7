/** Shell completion: bash completes with the script; zsh and fish can parse theirs. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { candidates } from '../../src/cli/complete.js';
import { definitionOf, withAllBelow } from '../../src/cli/definition.js';
import { dmabrokerctl } from '../../src/cli/program.js';
import { connect } from '../../src/client/index.js';
import { packageRoot } from '../../src/package-root.js';
import { TestDaemon } from '../support/daemon.js';
import { ctl } from './support/again.js';

const program = definitionOf(dmabrokerctl());
const daemon = await TestDaemon.memfd(t);
const folder = join(daemon.folder, 'completion');
mkdirSync(folder);
symlinkSync(join(packageRoot, 'bin/dmabrokerctl.js'), join(folder, 'dmabrokerctl'));
const scripts = new Map<string, string>();
for (const shell of ['bash', 'zsh', 'fish']) {
  const { stdout } = await ctl(['completion', shell]);
  scripts.set(shell, join(folder, shell));
  writeFileSync(join(folder, shell), stdout);
}

/** What bash offers where the last word is to be completed. */
function complete(...words: string[]): string[] {
  const body = `source "$1"; shift
    compopt() { :; }
    COMP_WORDS=(dmabrokerctl "$@"); COMP_CWORD=$#
    _dmabrokerctl
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const run = spawnSync('bash', ['--norc', '-uc', body, 'bash', join(folder, 'bash'), ...words], {
    encoding: 'utf8',
    cwd: folder,
    env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
  });
  t.equal(run.stderr, '', words.join(' '));
  return run.stdout.split('\n').filter((line) => line !== '');
}

/** What every shell is told, of which it makes its offer. */
async function words(...line: string[]): Promise<string[]> {
  const found = await candidates(program, line);
  return found === 'files' ? [] : found.map(([word]) => word);
}

t.test('every command and every option', async (t) => {
  const globals = [...program.options.flatMap(({ flags }) => flags), '--help'];
  for (const { path, commands, options } of withAllBelow(program)) {
    if (commands.length > 0) {
      const names = commands.map((each) => each.path.at(-1));
      t.same(await words(...path, ''), names, `after ${path.join(' ')}`);
    }
    const own = path.length === 0 ? [] : options.flatMap(({ flags }) => flags);
    const offered = await words(...path, '--');
    const long = [...own, ...globals].filter((flag) => flag.startsWith('--'));
    t.same(offered, long, `options of ${path.join(' ')}`);
  }
});

t.test('bash: a word that was begun, behind options and their values', async (t) => {
  t.same(
    complete(''),
    program.commands.map(({ path }) => path[0]),
  );
  t.same(complete('re'), ['recv', 'release', 'rename', 'reissue', 'recall', 'revoke', 'restart']);
  t.same(await words('--socket', 'list', 'quota', 's'), ['set'], 'a value is no command');
  t.same(complete('--socket', '=', 'list', 'quota', 's'), ['set']);
  t.same(await words('completion', ''), ['bash', 'zsh', 'fish']);
  t.same(await words('preview', '--range', ''), ['limited', 'full']);
  t.same(await words('preview', '--range', '=', 'f'), ['full']);
  t.same(complete('preview', '--range', '='), ['limited', 'full']);
  t.same(await words('top', '--interval', ''), [], 'nothing is known');
  t.same(complete('recv', 'token', '-o', 'fi'), ['fish']);
});

t.test('bash: ids of buffers, of the daemon that the words name', async (t) => {
  const socket = ['--socket', daemon.restSocket];
  const made = await ctl([...socket, 'alloc', '--size', '1', '--json']);
  const { id } = JSON.parse(made.stdout).buffer;
  t.same(complete(...socket, 'show', ''), [id]);
  t.same(await words('events', ...socket, '--buffer', id.slice(0, 3)), [id]);
  t.same(await words(...socket, 'show', id, ''), [], 'there is one');
  t.same(complete('--socket', '/nowhere', 'show', ''), [], 'no daemon, no complaint');
});

t.test('words of openapi.yaml, formats, and what the daemon knows', async (t) => {
  const socket = ['--socket', daemon.restSocket];
  t.same(await words('alloc', '--placement', 'h'), ['host_visible', 'host_cached']);
  t.same(await words('alloc', '--usage', 'cpu_'), ['cpu_read', 'cpu_write']);
  t.same(await words('alloc', '--handle-type', ''), ['dma_buf', 'opaque_fd', 'memfd']);
  t.same(await words('import', '--format', 'R'), ['RA24', 'RX24', 'RG24', 'RG16', 'R16', 'R8']);
  t.same(await words('list', '--state', 'l'), ['live', 'lost', 'lingering']);
  t.same(await words('log-level', 'd'), ['debug']);
  t.same(await words('events', '--type', 'device.'), ['device.lost', 'device.restored']);
  const sources = await words(...socket, 'alloc', '--source', '');
  t.same(sources.sort(), ['cuda', 'dma-heap', 'memfd', 'udmabuf', 'vulkan']);
  t.same(await words(...socket, 'quota', 'get', 'd'), ['daemon']);
  t.same(await words(...socket, 'alloc', '--device', ''), []);
  t.same(await words(...socket, 'disconnect', ''), [], 'no client, and no buffer');
  const client = await connect({ socket: daemon.clientSocket });
  const [{ id = '' } = {}] = await daemon.clients();
  t.same(await words(...socket, 'client', ''), [id]);
  t.same(await words(...socket, 'list', '--client', ''), [id]);
  client.close();
});

t.test(
  'fish: commands with what they are for, values, files',
  { skip: spawnSync('fish', ['--version']).status === 0 ? false : 'fish is missing' },
  async (t) => {
    const offered = (line: string) => {
      const body = 'source $argv[1]; complete -C $argv[2]';
      const run = spawnSync('fish', ['-c', body, join(folder, 'fish'), `dmabrokerctl ${line}`], {
        encoding: 'utf8',
        cwd: folder,
        env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
      });
      t.equal(run.stderr, '', line);
      return run.stdout.split('\n').filter((each) => each !== '');
    };
    t.match(offered('quota s'), [/^set\tset a quota/]);
    t.same(offered('preview --range=f'), ['--range=full']);
    t.same(offered('recv token --output=fi'), ['--output=fish']);
    t.same(offered('--socket /nowhere show '), []);
  },
);

for (const shell of ['zsh', 'fish']) {
  t.test(
    `${shell}: the script can be parsed`,
    {
      skip: spawnSync(shell, ['--version']).status === 0 ? false : `${shell} is missing`,
    },
    async (t) => {
      const { status, stderr } = spawnSync(shell, ['-n', join(folder, shell)], {
        encoding: 'utf8',
      });
      t.equal(status, 0, stderr);
    },
  );
}

t.test('--json gives the script, too', async (t) => {
  const { stdout } = await ctl(['completion', 'fish', '--json']);
  t.match(JSON.parse(stdout), { shell: 'fish', script: /^complete -c dmabrokerctl -f$/m });
});

t.test('another shell is refused', async (t) => {
  t.match(await ctl(['completion', 'csh']), { status: 2, stderr: /Allowed choices are bash, zsh/ });
});
