/**
 * The commands of README.md, docs/cli.md, docs/clients.md, docs/lasting-memory.md and docs/vulkan.md that take no
 * administrator, as they stand there: in a folder of their own in place of /tmp, with the checkout built already.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import t, { type Test } from 'tap';
import { connect } from '../../src/client/index.js';
import { packageRoot } from '../../src/package-root.js';
import { TestDaemon } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { isNight } from '../support/night.js';
import { runInGuest } from '../vm/vm.js';
import { commandsOf } from './pages.js';

t.setTimeout(300_000);

/** What the pages take for granted: installed programs, and a build, which there is. */
const PROGRAMS = {
  npm: `case "$*" in ci|'run build') ;; *) exec ${join(dirname(process.execPath), 'npm')} "$@" ;; esac`,
  npx: 'program=$1; shift; exec node "bin/$program.js" "$@"',
  dmabrokerctl: 'exec node bin/dmabrokerctl.js "$@"',
};
const PATIENCE_MS = 120_000;

/** A folder with these programs, for PATH. */
function programs(folder: string): string {
  for (const [name, text] of Object.entries(PROGRAMS)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  return folder;
}

const path = programs(temporaryFolder(t));

function shell(script: string, env: NodeJS.ProcessEnv = {}): string {
  const { status, stdout, stderr } = spawnSync('bash', ['-euc', script], {
    cwd: packageRoot,
    encoding: 'utf8',
    timeout: PATIENCE_MS,
    env: { ...process.env, PATH: `${path}:${process.env.PATH}`, ...env },
  });
  if (status !== 0) throw new Error(`${script}\nended with ${status}: ${stdout}${stderr}`);
  return stdout;
}

/** In the guest, where there are dma_bufs. What is to be made was made here. */
async function inGuest(t: Test, script: string): Promise<string> {
  // The guest sees the checkout alone.
  const own = programs(mkdtempSync(join(packageRoot, 'build/programs-')));
  t.teardown(() => rmSync(own, { recursive: true, force: true }));
  writeFileSync(join(own, 'make'), '#!/bin/sh\n', { mode: 0o755 });
  const { status, stdout, stderr } = await runInGuest(
    ['bash', '-euc', `PATH=$PWD/${relative(packageRoot, own)}:$PATH\n${script}`],
    { timeoutSeconds: 120 },
  );
  t.equal(status, 0, stderr);
  return stdout;
}

t.test('README: a daemon by hand, and the C example with it', async (t) => {
  const [use = '', vm = ''] = commandsOf('README.md', 'use');
  const [c = ''] = commandsOf('docs/clients.md', 'the-protocol-itself-and-other-languages');
  shell(c.split('\n', 1)[0] ?? '');
  const [install = '', daemon = '', ...rest] = use.split('\n');
  t.match(install, /^npm ci && npm run build$/, 'this is so');
  // A reader takes longer to type than the daemon to start.
  const wait = 'until [ -S /tmp/rest.sock ]; do sleep 0.1; done';
  const said = await inGuest(t, ['exec 2>&1', daemon, wait, ...rest, c].join('\n'));
  t.match(said, /^token: /m);
  t.match(said, /^- +\w+ +1 MiB +live /m);
  t.equal(said.match(/drew 640x480 pixels/g)?.length, 2, 'examples/c, twice');
  t.match(shell(vm), /dma_buf/);
});

t.test('docs/cli.md: filters, leases, completion; docs/lasting-memory.md', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const client = await connect({ socket: daemon.clientSocket });
  const made = await Promise.all(
    [1, 2].map(() =>
      client.allocate({
        kind: 'buffer',
        size: 4096,
        handleTypes: ['memfd'],
        lifetime: { lease: 60 },
      }),
    ),
  );
  const env = { DMABROKER_REST_SOCKET: daemon.restSocket };
  const [which = ''] = commandsOf('docs/cli.md', 'which-buffers');
  const [one, two] = made.map(({ id }) => id);
  const said = shell(which.replace('sae er3l', `${one} ${two}`), env);
  t.ok(
    made.every(({ id }) => said.includes(id)),
    'both leases are extended',
  );

  const home = temporaryFolder(t);
  const [completion = ''] = commandsOf('docs/cli.md', 'completion');
  const config = join(home, '.config/fish/completions');
  shell(`mkdir -p ${config}; fpath=(none ${home}); ${completion}\ncomplete -p dmabrokerctl`, {
    ...env,
    HOME: home,
  });
  t.match(readFileSync(join(home, '_dmabrokerctl'), 'utf8'), /#compdef dmabrokerctl/);
  t.match(readFileSync(join(config, 'dmabrokerctl.fish'), 'utf8'), /complete/);
  client.close();

  // docs/lasting-memory.md, with the same daemon: what one program leaves, the next one finds.
  const page = readFileSync(join(packageRoot, 'docs/lasting-memory.md'), 'utf8');
  const [leaves = '', finds = ''] = [...page.matchAll(/^```python\n(.*?)^```/gms)].map(
    ([, program = '']) => program,
  );
  const places = {
    ...env,
    DMABROKER_SOCKET: daemon.clientSocket,
    PYTHONPATH: 'clients/python/src',
  };
  for (const [name, program] of Object.entries({ leaves, finds: `import dmabroker\n${finds}` }))
    writeFileSync(join(home, name), program);
  shell(`/usr/bin/python3 ${join(home, 'leaves')}`, places);
  t.equal(shell(`/usr/bin/python3 ${join(home, 'finds')}`, places), "b'hello'\n");
  const tensors = shell('/usr/bin/python3 examples/tensors/tensors.py --megabytes 8', places);
  t.match(tensors, /all three compute -?\d/);
  writeFileSync(join(home, 'numpy.py'), 'raise ModuleNotFoundError("No module named numpy")');
  const without = { ...places, PYTHONPATH: `${home}:clients/python/src` };
  const bare = shell('/usr/bin/python3 examples/tensors/tensors.py 2>&1 || true', without);
  t.match(bare, /^[^\n]*apt install python3-numpy\n$/, 'without numpy it says what to install');
  t.match(tensors, /^by REST, then: 8 MiB of memfd, an orphan, .* with nobody; charged \d+ MiB$/m);
  t.match(
    tensors,
    /^by REST, beside two readers: .*, no orphan, with python3 \d+ and python3 \d+;/m,
  );
  const [lasting = ''] = commandsOf('docs/lasting-memory.md', '');
  writeFileSync(join(home, 'model.json'), '{}');
  const here = lasting.replaceAll(/model\.(json|bin)/g, (file) => join(home, file));
  t.match(shell(here, places), /llama-3\/shard-1 .* by its owner or administrator/);
});

t.test('docs/clients.md: the conformance program says how many scenarios passed', async (t) => {
  const [, conformance = ''] = commandsOf(
    'docs/clients.md',
    'the-protocol-itself-and-other-languages',
  );
  const driver = 'node dist/conformance/drivers/typescript.js';
  // All of them plays conformance/typescript.guest in the gate.
  const words = isNight ? '' : ' connect share';
  const said = shell(`${conformance.replace('./my-driver', driver)}${words}`);
  t.match(said, /^[1-9]\d* passed, 0 failed/m);
});

t.test('docs/vulkan.md: a device is lost', async (t) => {
  const [lose = ''] = commandsOf('docs/vulkan.md', 'a-lost-device');
  const [make = '', ...rest] = lose.split('\n');
  shell(make);
  const said = await inGuest(
    t,
    `${rest.slice(0, -1).join('\n')}
    until dmabrokerctl health >/dev/null 2>&1; do sleep 0.2; done
    ${rest.at(-1)}
    dmabrokerctl alloc --size 64K >/dev/null
    dmabrokerctl device`,
  );
  t.match(said, /lost: +1 time/);
});
