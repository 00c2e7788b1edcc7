// Why: everything that needs a real dma_buf relies on the guest; these tests hold its promises.
// They run on the host and boot a guest seven times.
import {
  closeSync,
  existsSync,
  ftruncateSync,
  readdirSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { Duplex, PassThrough, Readable } from 'node:stream';
import t from 'tap';
import { eventually } from '../support/daemon.js';
import { isNight } from '../support/night.js';
import { answerPhotographs, openPicture } from './camera.js';
import { commandScript } from './command.js';
import { allowed, cpuOfGuest, statusOf } from './cpus.js';
import { EndMark } from './end-mark.js';
import { furnished, testFile } from './furnished.js';
import { GuestError, prepareGuest, runInGuest } from './vm.js';

t.setTimeout(900_000);
const { kind } = await prepareGuest(); // minutes, if nobody has built it yet

/** A process that is there and is not merely waiting to be reaped. */
function runs(pid: number | undefined): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && !/\) Z /.test(readFileSync(path, 'utf8'));
}

/** The processes of a process group (proc(5): pid, name, state, parent, group). */
function groupOf(pid: number | undefined): string[] {
  return readdirSync('/proc').filter((entry) => {
    const path = `/proc/${entry}/stat`;
    if (!/^\d+$/.test(entry) || !existsSync(path)) return false;
    const [, state, , group] = /\) (.) (\d+) (\d+)/.exec(readFileSync(path, 'utf8')) ?? [];
    return state !== 'Z' && Number(group) === pid;
  });
}

/** Whether what the vDSO and the kernel say of the monotonic clock, in turn, is in order. */
const CLOCK_BOTH_WAYS = `
import ctypes, time
class Time(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("rest", ctypes.c_long)]
libc = ctypes.CDLL(None)
def asked():
    now = Time()
    libc.syscall(228, 1, ctypes.byref(now))
    return now.seconds * 10**9 + now.rest
said = [f() for _ in range(2000) for f in (time.monotonic_ns, asked)]
print(said == sorted(said))`;

t.test('arguments arrive exactly, the streams stay apart, the status comes back', async (t) => {
  const awkward = ["it's", 'a "b"  c', '', '$HOME `id` \\', 'two\nlines', '*', 'é'];
  const input = `a\0\xff\r\n\x03\0${'b'.repeat(100_000)}\0`;
  const program = `
    const given = require('fs').readFileSync(0, 'latin1');
    process.stdout.write(JSON.stringify([process.argv.slice(1), process.env.GIVEN, process.cwd(), given]));
    process.stderr.write('only here');
    process.exitCode = 3;`;
  const result = await runInGuest(['node', '-e', program, '--', ...awkward], {
    env: { GIVEN: "a 'b'\n$c" },
    stdin: Readable.from([Buffer.from(input, 'latin1')]),
  });
  t.equal(result.status, 3);
  t.same(JSON.parse(result.stdout), [awkward, "a 'b'\n$c", '/dmabroker', input], 'input is whole');
  t.equal(result.stderr, 'only here');
  t.notOk(runs(result.pid), 'its machine is gone');
  await eventually(() => groupOf(result.pid).length === 0, 'whatever it started is gone');
});

t.test(
  'a single argument is a shell command line; the guest has what the project needs',
  async (t) => {
    // As `npm run vm -- --for` has it furnished, without packages. The daemon starts with the first who connects.
    const furniture = [
      'for each in dmabrokerd dmabroker-scanout make sudo; do command -v $each; done >/dev/null && echo programs',
      'sudo make -C clients/gbm install && ls /usr/lib/x86_64-linux-gnu/gbm/dmabroker_gbm.so',
      'su carol -c "test -w /run/dmabroker/client.sock && ! test -w /run/dmabroker/rest.sock" && echo sockets',
      isNight ? 'dmabrokerctl health >/dev/null && echo served' : 'echo served',
    ];
    const checks = [
      ...furniture,
      'uname -r',
      'test -c /dev/udmabuf && cat /sys/module/udmabuf/parameters/size_limit_mb',
      'stat -c %G /dev/dri/renderD128',
      'nproc',
      'id -nG alice',
      'id -nG carol',
      'touch /dmabroker/written && echo writable',
      `python3 -c '${CLOCK_BOTH_WAYS}'`,
      'vulkaninfo 2>/dev/null | grep -oE "VK_LAYER_KHRONOS_validation|VK_EXT_external_memory_dma_buf|deviceName .*llvmpipe|Mesa [0-9]+" | sort -u',
    ];
    const { status, stdout } = await runInGuest(
      furnished({ layer: null, mappingDisplay: null }, [checks.join('\n')]),
    );
    t.equal(status, 0);
    const [
      programs,
      made,
      backend,
      sockets,
      served,
      release,
      limit,
      group,
      cpus,
      alice,
      carol,
      writable,
      clock,
      ...vulkan
    ] = stdout.split('\n');
    t.same([programs, sockets, served], ['programs', 'sockets', 'served']);
    t.equal(made, 'make: clients/gbm was made outside');
    t.equal(backend, '/usr/lib/x86_64-linux-gnu/gbm/dmabroker_gbm.so');
    t.match(release, kind === 'uml' ? /^([7-9]|6\.12)\./ : /^6\.12\./);
    t.equal(limit, '4096');
    t.equal(group, 'render');
    t.equal(cpus, kind === 'uml' ? '1' : '2');
    t.equal(alice, 'alice dmabroker');
    t.equal(carol, 'carol');
    t.equal(writable, 'writable');
    t.equal(clock, 'True', 'the clock that is read without a system call is the kernel’s');
    t.notOk(existsSync('written'), 'what the guest writes stays in it');
    const found = vulkan.join('\n');
    t.match(found, /VK_EXT_external_memory_dma_buf/);
    t.match(found, /VK_LAYER_KHRONOS_validation/);
    t.match(found, /llvmpipe/);
    t.ok(Number(/Mesa (\d+)/.exec(found)?.[1]) >= 25);
  },
);

t.test(
  'much output is whole, and that of a process left behind does not hold the end',
  async (t) => {
    const { status, stdout } = await runInGuest(['sleep 1000 & seq 1 300000']);
    t.equal(status, 0);
    t.equal(stdout.length, 1_988_895);
    t.match(stdout, /\n300000\n$/);
  },
);

t.test('a timeout ends the guest', async (t) => {
  const running = runInGuest(['sleep', '1000'], { timeoutSeconds: 5 });
  if (kind === 'uml' && allowed(statusOf('self')).length > 1) {
    const own = `PPid:\t${process.pid}\n`;
    const guests = () => readdirSync('/proc').filter((pid) => statusOf(pid).includes(own));
    const kept = () => guests().some((pid) => cpuOfGuest(statusOf(pid)) !== undefined);
    await eventually(kept, 'meanwhile it is kept on one CPU');
  }
  const result = await running;
  t.equal(result.status, 124);
  t.ok(result.timedOut);
  t.notOk(runs(result.pid), 'its machine is gone');
  await eventually(() => groupOf(result.pid).length === 0, 'whatever it started is gone');
});

t.test('test files that share a guest share nothing else', async (t) => {
  const good = 'console.log("TAP version 14\\nok 1 - a\\n1..1");';
  const spawn = 'import("node:child_process").then(({ spawn }) => spawn';
  const programs = {
    leaves: `${good} ${spawn}("sleep", ["1000"], { stdio: "inherit", detached: true }).unref());`,
    hangs: `${good} setInterval(() => {}, 1000);`,
    good: `import { readdirSync, readFileSync } from 'node:fs';
      const names = readdirSync('/proc').filter((pid) => /^[0-9]+$/.test(pid));
      const left = names.filter((pid) => readFileSync('/proc/' + pid + '/cmdline', 'utf8').startsWith('sleep'));
      console.log('TAP version 14\\n' + (left.length === 0 ? 'ok' : 'not ok') + ' 1 - alone\\n1..1');`,
  };
  const folder = '/tmp/x/dist/bundle-tests';
  const files = Object.entries(programs).map(
    ([name, text]) => `cat >${folder}/${name}.test.js <<'END'\n${text}\nEND`,
  );
  const { status, stdout } = await runInGuest([
    [
      `mkdir -p ${folder}; echo '{ "type": "module" }' >/tmp/x/package.json`,
      ...files,
      'cd /tmp/x && exec node /dmabroker/dist/test/vm/guest-file.js --limit 3 --linger 1 leaves hangs good',
    ].join('\n'),
  ]);
  t.equal(status, 1);
  const said = stdout.split('\n').filter((line) => /^(ok|not ok|# test)/.test(line));
  t.same(said, [
    '# test file: leaves',
    'ok 1 - leaves',
    'not ok 2 - leaves: a process that it started outlived it',
    '# test file: hangs',
    'not ok 3 - hangs',
    'not ok 4 - hangs: it was ended after 3 s',
    '# test file: good',
    'ok 5 - good',
  ]);
});

t.test('a guest that goes away without a status is an error', async (t) => {
  await t.rejects(runInGuest(['echo o > /proc/sysrq-trigger; sleep 60']), GuestError);
});

t.test('an abort signal ends the guest', async (t) => {
  const reason = new Error('enough');
  await t.rejects(runInGuest(['true'], { signal: AbortSignal.abort(reason) }), reason);
  const stop = new AbortController();
  setTimeout(() => stop.abort(reason), 1000);
  await t.rejects(runInGuest(['sleep', '1000'], { signal: stop.signal }), reason);
});

t.test(
  'the end mark is found wherever chunks are cut, and nothing before it is lost',
  async (t) => {
    const mark = 'mark';
    const bytes = Buffer.from(`a\0b\0\0ma\0mark and what is not passed on`);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const stream = new EndMark(mark);
      const read = stream.toArray();
      stream.write(bytes.subarray(0, cut));
      stream.write(bytes.subarray(cut));
      t.equal(Buffer.concat(await read).toString(), 'a\0b\0\0ma', `cut at ${cut}`);
      t.ok(stream.seen);
    }
    const cutOff = new EndMark(mark);
    const read = cutOff.toArray();
    cutOff.end('x\0mar');
    t.equal(Buffer.concat(await read).toString(), 'x\0mar', 'half a mark is output');
    t.notOk(cutOff.seen);
  },
);

t.test('a guest is asked for by the name of a test that runs in one', async (t) => {
  t.equal(testFile('gbm/compositors'), 'gbm/compositors.guest');
  t.throws(() => testFile('nothing'), /--for nothing: no test of the guest's is called so/);
  t.throws(() => testFile('examples/'), /--for examples\/: which of examples\/ffmpeg.guest, /);
});

t.test('who asks for a photograph is told what QEMU says of it', async (t) => {
  const picture = openPicture();
  t.teardown(() => closeSync(picture));
  const [asked, told, answers, commands] = [0, 1, 2, 3].map(() => new PassThrough()) as [
    ...[PassThrough, PassThrough, PassThrough, PassThrough],
  ];
  const done = answerPhotographs({
    ...{ monitor: Duplex.from({ readable: answers, writable: commands }) },
    ...{ port: Duplex.from({ readable: asked, writable: told }), picture, pictureThere: 10 },
  });
  answers.write('{"QMP":{}}\n{"return":{}}\n');
  let said = '';
  told.on('data', (chunk: Buffer) => {
    said += chunk.toString('latin1');
  });
  const ask = async (format: string, answer: string, expected: string) => {
    said = '';
    asked.write(`${format}\n`);
    answers.write(`${answer}\n`);
    await eventually(
      () => said.length >= expected.length,
      () => said,
    );
    t.equal(said, expected);
  };
  const refusal = '{"error":{"class":"GenericError","desc":"no console"}}';
  await ask('ppm', refusal, 'QEMU takes no photograph: no console\n');
  const ppm = 'P6\n2 1\n255\nabcdef';
  writeSync(picture, ppm);
  await ask('ppm', '{"event":"RESUME"}\n{"return":{}}', `${ppm.length}\n${ppm}`);
  await ask('xr24', '{"return":{}}', '8\ncba\xfffed\xff');
  ftruncateSync(picture, ppm.length - 1);
  const half = 'QEMU takes no photograph: what it has made is no PPM\n';
  await ask('xr24', '{"return":{}}', half);
  answers.end('{"ret'); // it is ended
  asked.end();
  await done;
  const sent = commands.read().toString();
  t.equal(sent.match(/"screendump".*"\/proc\/self\/fd\/10"/g)?.length, 4);
});

t.test('what cannot be said to a shell is refused', async (t) => {
  t.throws(() => commandScript([], {}), RangeError);
  t.throws(() => commandScript(['a', 'b\0c'], {}), RangeError);
  t.throws(() => commandScript(['true'], { 'A B': '' }), RangeError);
  if (kind === 'uml')
    await t.rejects(runInGuest(['true'], { display: true }), RangeError, 'it has no display');
});
