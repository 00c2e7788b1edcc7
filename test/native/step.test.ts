/** One turn of the data plane: what is sent, what comes, and what becomes of a message. */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { MAX_FDS } from '../../src/memory/limits.js';
import { addressOf } from '../../src/native/ffi.js';
import { EMFILE, EPIPE } from '../../src/native/libc/errno.js';
import { close, identity, isCloexec } from '../../src/native/libc/fd.js';
import { openPidfd } from '../../src/native/libc/process.js';
import { connectUnix, listenUnix, receive, send } from '../../src/native/libc/socket.js';
import { eventfd, Step, wake } from '../../src/native/step.js';
import { withoutLeaks } from '../support/fds.js';
import { withFewFds } from '../support/few-fds.js';
import { temporaryFolder } from '../support/folder.js';
import { sendManyFds } from '../support/many-fds.js';
import { programFile } from '../support/programs.js';
import { give, type Input, type SendResult, turn } from '../support/step.js';

/** fds in one message at most: the kernel's. */
const SCM_MAX_FD = 253;

const hello = Buffer.from('hello');

/** A step that listens, and as many accepted clients as are asked for. */
function make(t: Test, clients = 1) {
  const path = join(temporaryFolder(t), 'step.sock');
  const [listener, waker] = [listenUnix(path), eventfd()];
  const step = new Step(listener, waker);
  const pairs: { server: number; client: number }[] = [];
  const fds = [listener, waker];
  const connect = () => {
    const client = connectUnix(path);
    const [input] = turn(step, -1);
    if (input?.kind !== 'accept') throw new Error(`${input?.kind} instead of a connection`);
    step.add(input.fd);
    fds.push(client, input.fd);
    if (input.pidfd >= 0) fds.push(input.pidfd);
    pairs.push({ server: input.fd, client });
    return input;
  };
  for (let i = 0; i < clients; i++) connect();
  t.teardown(() => {
    step.close();
    for (const fd of fds) close(fd);
  });
  const [first = { server: -1, client: -1 }] = pairs;
  /** Closes one end before the test is over. */
  const drop = (fd: number) => close(fds.splice(fds.indexOf(fd), 1)[0] as number);
  return { step, waker, path, pairs, ...first, connect, drop };
}

/** Queues a message and runs a turn; returns what became of it. */
function sendNow(step: Step, fd: number, bytes: Buffer, fds: number[] = [], drained = false) {
  let result: SendResult | undefined;
  give(step, fd, bytes, fds, { drained }, (given) => {
    result = given;
  });
  turn(step, 0);
  return result;
}

const data = (input: Input | undefined) => {
  if (input?.kind !== 'data') throw new Error(`${input?.kind} instead of data`);
  return { ...input, bytes: Buffer.from(input.bytes) };
};

await withoutLeaks(t, 'step', async (t) => {
  t.test('connections', async (t) => {
    const { step, connect } = make(t, 0);
    t.same(turn(step, 0), [], 'nobody is there');
    const { fd, pid, uid, gid, pidfd } = connect();
    t.same([pid, uid, gid], [process.pid, process.getuid?.(), process.getgid?.()]);
    t.ok(isCloexec(fd));
    t.ok(pidfd < 0 || isCloexec(pidfd), 'a pidfd where the kernel has them');
    t.same(turn(step, 0), []);
  });

  t.test('data and its end', async (t) => {
    const { step, server, client, drop } = make(t);
    send(client, hello, []);
    const [input] = turn(step, -1);
    t.same(data(input), { kind: 'data', fd: server, bytes: hello, fds: [], lost: false });
    drop(client);
    t.equal(data(turn(step, -1)[0]).bytes.length, 0, 'empty at the end');
    step.remove(server);
    t.same(turn(step, 0), [], 'what is no longer watched is silent');
  });

  t.test('each socket once a turn', async (t) => {
    const { step, pairs } = make(t, 3);
    for (const { client } of pairs) send(client, Buffer.alloc(10_000, 1), []);
    const turns = [1, 2, 3].map(() => turn(step, 0).map((input) => data(input)));
    for (const [i, size] of [4096, 4096, 10_000 - 8192].entries()) {
      const turn = turns[i] ?? [];
      t.same(
        turn.map(({ bytes }) => bytes.length),
        [size, size, size],
      );
      t.same(turn.map(({ fd }) => fd).sort(), pairs.map(({ server }) => server).sort());
    }
    t.same(turn(step, 0), []);
  });

  t.test('fds', async (t) => {
    const { step, client } = make(t);
    const file = openSync('/dev/zero', 'r');
    send(client, hello, [file, file]);
    const { fds } = data(turn(step, -1)[0]);
    t.same(fds.map(identity), [identity(file), identity(file)]);
    t.ok(fds.every(isCloexec));
    sendManyFds(client, hello, file, SCM_MAX_FD);
    const all = data(turn(step, -1)[0]);
    t.match(all, { lost: false, fds: { length: SCM_MAX_FD } }, 'the kernel has none to close');
    for (const fd of [...fds, ...all.fds]) close(fd);
    closeSync(file);
  });

  t.test('fds for which there is no descriptor left', async (t) => {
    const { step, client } = make(t);
    const file = openSync('/dev/zero', 'r');
    send(client, hello, Array(MAX_FDS).fill(file));
    const some = withFewFds(3, () => data(turn(step, -1)[0]));
    t.match(some, { lost: true, bytes: hello, fds: { length: 3 } });
    for (const fd of [file, ...some.fds]) close(fd);
  });

  t.test('many fds from many sockets: a few in each turn', async (t) => {
    const { step, pairs } = make(t, 10);
    const file = openSync('/dev/zero', 'r');
    for (const { client } of pairs) send(client, hello, Array(MAX_FDS).fill(file));
    const heard = new Set<number>();
    while (heard.size < pairs.length) {
      const came = turn(step, 0).map((input) => data(input));
      const fds = came.flatMap((input) => input.fds);
      t.ok(fds.length > 0 && fds.length <= 2 * MAX_FDS, `${fds.length}`);
      for (const fd of fds) close(fd);
      for (const { fd } of came) heard.add(fd);
    }
    t.same(turn(step, 0), [], 'each socket was heard');
    close(file);
  });

  t.test('the end of a process', async (t) => {
    const { step } = make(t, 0);
    const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
    const pidfd = openPidfd(child.pid ?? -1) ?? -1;
    step.addProcess(pidfd);
    t.same(turn(step, 0), []);
    child.kill('SIGKILL');
    t.same(turn(step, -1), [{ kind: 'exited', pidfd }]);
    t.same(turn(step, 0), [], 'told once');
    step.remove(pidfd);
    close(pidfd);
  });

  t.test('sending', async (t) => {
    const { step, server, client } = make(t);
    const file = openSync('/dev/zero', 'r');
    t.equal(sendNow(step, server, hello, [file]), 5);
    const { bytes, fds = [] } = receive(client) ?? {};
    t.same(bytes, hello);
    t.same(fds.map(identity), [identity(file)], 'the sender’s stays open');
    for (const fd of fds) close(fd);
    closeSync(file);
    const bad = sendNow(step, server, hello, [99_999]);
    t.same(bad, { errno: 9 });
  });

  t.test('messages go out in order, and are copies', async (t) => {
    const { step, server, client } = make(t);
    const order: number[] = [];
    for (const i of [1, 2, 3]) {
      const bytes = Buffer.from([i]);
      give(step, server, bytes, [], { drained: false }, () => order.push(i));
      bytes.fill(9);
    }
    t.same(order, [], 'nothing happens before the turn');
    turn(step, 0);
    t.same(order, [1, 2, 3]);
    t.same(receive(client)?.bytes, Buffer.from([1, 2, 3]));
  });

  t.test('a peer that has not read', async (t) => {
    const { step, server, client } = make(t);
    t.equal(sendNow(step, server, hello, [], true), 5, 'nothing was sent before');
    t.equal(sendNow(step, server, hello, [], true), 'undrained');
    t.equal(sendNow(step, server, hello, [], false), 5, 'where it does not matter');
    t.equal(receive(client)?.bytes.length, 10);
    t.equal(sendNow(step, server, hello, [], true), 5);
  });

  t.test('a full socket, and room again', async (t) => {
    const { step, server, client } = make(t);
    const chunk = Buffer.alloc(65_536);
    const MOST = 1000;
    let result: SendResult | undefined = 0;
    for (let i = 0; i < MOST && typeof result === 'number'; i++) {
      result = sendNow(step, server, chunk);
    }
    t.equal(result, 'full');
    step.watch(server, false, true);
    t.same(turn(step, 0), []);
    while (receive(client) !== null);
    t.same(turn(step, -1), [{ kind: 'writable', fd: server }]);
    step.watch(server, true, false);
    t.same(turn(step, 0), []);
  });

  t.test('where it is noted that all of a message has gone', async (t) => {
    const { step, server, client, drop } = make(t);
    const word = new Int32Array(1);
    const told = addressOf(new Uint8Array(word.buffer));
    const tell = (
      bytes: Buffer,
      { fds = [], drained = false }: { fds?: number[]; drained?: boolean } = {},
    ) => {
      let result: SendResult | undefined;
      give(step, server, bytes, fds, { drained, told: [told] }, (given) => {
        result = given;
      });
      t.equal(word[0], 0, 'not when it is queued');
      turn(step, 0);
      const noted = word[0];
      word[0] = 0;
      return { result, noted };
    };
    t.same(tell(hello), { result: 5, noted: 1 });
    t.same(tell(hello, { drained: true }), { result: 'undrained', noted: 0 });
    t.same(tell(hello, { fds: [99_999] }), { result: { errno: 9 }, noted: 0 });
    const chunk = Buffer.alloc(400_000);
    const MOST = 100;
    let last = tell(chunk);
    let parts = 0;
    for (let i = 0; i < MOST && last.result !== 'full'; i++) {
      const whole = last.result === chunk.length;
      if (!whole) parts++;
      t.equal(last.noted, whole ? 1 : 0, `${last.result} bytes of it`);
      last = tell(chunk);
    }
    t.same(last, { result: 'full', noted: 0 });
    t.ok(parts > 0, 'a part of one has gone');
    drop(client);
    t.same(tell(hello), { result: { errno: EPIPE }, noted: 0 });
  });

  t.test('who was told before stays told where a later message does not go', async (t) => {
    const { step, server, drop, client } = make(t);
    drop(client);
    const word = new Int32Array([1]);
    const told = addressOf(new Uint8Array(word.buffer));
    give(step, server, hello, [], { drained: false, told: [told] }, () => {});
    turn(step, 0);
    t.equal(word[0], 1);
  });

  t.test(
    'as many words as a message may have fds, each what it was where it does not go',
    async (t) => {
      const { step, server, drop, client } = make(t);
      const words = new Int32Array(MAX_FDS);
      const first = addressOf(new Uint8Array(words.buffer));
      const told = Array.from(words, (_, i) => first + 4 * i);
      give(step, server, hello, [], { drained: false, told }, () => {});
      turn(step, 0);
      t.same([...words], Array(MAX_FDS).fill(1));
      const before = Array.from(words, (_, i) => i % 2);
      words.set(before);
      drop(client);
      give(step, server, hello, [], { drained: false, told }, () => {});
      turn(step, 0);
      t.same([...words], before);
      const tooMany = [...told, first];
      const give29 = () =>
        give(step, server, hello, [], { drained: false, told: tooMany }, () => {});
      t.throws(give29, RangeError);
    },
  );

  t.test('what is not watched for reading waits, a hang-up does not', async (t) => {
    const { step, server, client, drop } = make(t);
    step.watch(server, false, false);
    send(client, hello, []);
    t.same(turn(step, 0), []);
    drop(client);
    t.same(data(turn(step, -1)[0]).bytes, hello, 'what came before it');
    t.equal(data(turn(step, -1)[0]).bytes.length, 0);
    t.same(sendNow(step, server, hello), { errno: EPIPE });
  });

  t.test('a peer that leaves without reading', async (t) => {
    const { step, server, client, drop } = make(t);
    t.equal(sendNow(step, server, hello), 5);
    drop(client);
    t.match(turn(step, -1), [{ kind: 'failed', fd: server, errno: 104 }], 'ECONNRESET');
  });

  t.test('a full batch', async (t) => {
    const { step, server, client } = make(t);
    let sent = 0;
    const done = () => sent++;
    const MOST = 10_000;
    let queued = 0;
    while (queued < MOST && give(step, server, Buffer.from('x'), [], { drained: false }, done))
      queued++;
    t.ok(queued >= 64 && queued < MOST, `${queued} messages a turn`);
    turn(step, 0);
    t.equal(sent, queued);
    t.equal(receive(client)?.bytes.length, queued);
    t.equal(
      give(step, server, hello, [], { drained: false }, done),
      true,
      'the next turn has room',
    );
    turn(step, 0);
    t.throws(
      () => give(step, server, Buffer.alloc(2 ** 20), [], { drained: false }, done),
      RangeError,
    );
    t.throws(
      () => give(step, server, hello, Array(MAX_FDS + 1).fill(0), { drained: false }, done),
      RangeError,
    );
  });

  t.test('wake', async (t) => {
    const { step, waker } = make(t, 0);
    wake(waker);
    wake(waker);
    t.same(turn(step, -1), [{ kind: 'wake' }], 'once for any number');
    t.same(turn(step, 0), []);
  });

  t.test('what cannot be watched', async (t) => {
    const { step } = make(t, 0);
    t.throws(() => step.add(99_999), { syscall: 'epoll_ctl', code: 'EBADF' });
    t.throws(() => new Step(99_999, 99_998), { code: 'EBADF' });
  });

  t.test('a process without file descriptors', async (t) => {
    const script = programFile('starved');
    const path = join(temporaryFolder(t), 'step.sock');
    const out = execFileSync('prlimit', ['--nofile=64:64', process.execPath, script, path], {
      encoding: 'utf8',
    });
    t.same(JSON.parse(out), {
      starved: [{ kind: 'accept-failed', errno: EMFILE }],
      paused: [],
      accepted: 'accept',
    });
  });
});
