/** The process that keeps fds for the daemon: what it keeps, for whom, and that nobody's words end it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { isSystemError } from '../../../src/native/libc/errno.js';
import { close, identity } from '../../../src/native/libc/fd.js';
import { sealedMemfd } from '../../../src/native/libc/memory.js';
import { connectUnix, receive, send } from '../../../src/native/libc/socket.js';
import { Lines } from '../../../src/server/words/keeper-lines.js';
import { eventually } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { KEEPER_PROGRAM, KeeperService } from '../../support/keeper.js';

const isRoot = process.getuid?.() === 0;

/** As much of a daemon as it takes to speak with it. */
class Speaker {
  readonly fd: number;
  readonly lines = new Lines();
  readonly heard: string[] = [];
  readonly got = new Map<string, string>();
  ended = false;

  constructor(path: string) {
    this.fd = connectUnix(path);
  }

  say(words: string, fds: readonly number[] = []): void {
    try {
      send(this.fd, Buffer.from(words), fds);
    } catch (error) {
      if (!isSystemError(error)) throw error;
    }
  }

  read(): void {
    try {
      for (let got = receive(this.fd); got !== null && !this.ended; got = receive(this.fd)) {
        this.ended = got.bytes.length === 0;
        for (const words of this.lines.add(got.bytes, got.fds)) this.#hear(words);
      }
    } catch (error) {
      if (!isSystemError(error)) throw error;
      this.ended = true;
    }
  }

  #hear(words: readonly string[]): void {
    this.heard.push(words.join(' '));
    if (words[0] !== 'have') return;
    for (const name of words.slice(1)) {
      const fd = this.lines.fd();
      this.got.set(name, identity(fd));
      close(fd);
    }
  }

  /** Until that is said, or the end. */
  async hears(line: RegExp): Promise<void> {
    await eventually(() => {
      this.read();
      return this.ended || this.heard.some((each) => line.test(each));
    }, `it says ${line}`);
  }

  /** Asks for all, and has it. */
  async take(): Promise<ReadonlyMap<string, string>> {
    this.got.clear();
    this.heard.length = 0;
    this.say('take\n');
    await this.hears(/^done$/);
    return new Map(this.got);
  }

  close(): void {
    close(this.fd);
  }
}

async function begin(t: Test, maxFds?: number) {
  const keeper = new KeeperService(t, maxFds);
  await keeper.start();
  const speak = (words = 'hello 1\n', fds: readonly number[] = []) => {
    const speaker = new Speaker(keeper.path);
    speaker.say(words, fds);
    return speaker;
  };
  return { keeper, speak };
}

await withoutLeaks(t, 'the keeper', async (t) => {
  const memories = Array.from({ length: 30 }, (_, i) => sealedMemfd(`keeper:${i}`, 4096));
  const [a = -1, b = -1, c = -1] = memories;

  await t.test('what is put is there for whoever comes next', async (t) => {
    const { keeper, speak } = await begin(t);
    const first = speak();
    await first.hears(/^hello/);
    t.same(first.heard, [`hello 1 3584 ${keeper.child.pid}`], 'its version, its room, its number');
    first.say('put a-0\nput b-0\n', [a, b]);
    first.say('put c-0\n', [c]);
    first.say('drop b-0\ndrop nothing\n');
    t.same(
      [...(await first.take())],
      [
        ['a-0', identity(a)],
        ['c-0', identity(c)],
      ],
    );
    first.say('put b-0\n', [b]);
    // What was sent just before the end is read, too.
    first.close();
    const second = speak();
    t.same([...(await second.take()).keys()], ['a-0', 'c-0', 'b-0']);
    second.say('put a-0\n', [c]);
    t.equal((await second.take()).get('a-0'), identity(c), 'in place of another');
    t.equal(keeper.memories(/keeper:/), 3);
    second.close();
  });

  await t.test('a second connection has the place of the first', async (t) => {
    const { speak } = await begin(t);
    const first = speak();
    first.say('put a-0\n', [a]);
    const second = speak();
    t.same([...(await second.take()).keys()], ['a-0']);
    await first.hears(/never/);
    t.ok(first.ended);
    for (const each of [first, second]) each.close();
  });

  await t.test('what is not put again goes, when that is said', async (t) => {
    const { speak } = await begin(t);
    const first = speak();
    first.say('put a-0\nput b-0\n', [a, b]);
    first.close();
    const second = speak();
    second.say('put b-0\nput c-0\n', [b, c]);
    t.equal((await second.take()).size, 3);
    second.say('settle\n');
    t.same([...(await second.take()).keys()], ['b-0', 'c-0']);
    second.close();
  });

  await t.test('more than fits into messages, for one that reads late', async (t) => {
    const { speak } = await begin(t);
    const names = Array.from({ length: 3000 }, (_, i) => `n${i}-0`);
    const first = speak();
    for (const [i, name] of names.entries()) {
      const memory = memories[i % memories.length] ?? -1;
      while (send(first.fd, Buffer.from(`put ${name}\n`), [memory]) === null) await setTimeout(1);
    }
    first.say('take\n');
    await setTimeout(100);
    await first.hears(/^done$/);
    t.same([...first.got.keys()], names);
    first.close();
  });

  await t.test('who is silent in the midst of an answer is in nobody\u2019s way', async (t) => {
    const { speak } = await begin(t);
    const first = speak();
    for (let i = 0; i < 100; i++) first.say(`put n${i}-0\n`, [a]);
    for (let i = 0; i < 100; i++) {
      if (i % 10 === 0) await setTimeout(1);
      first.say('put a-0\n', [a]);
    }
    first.say('take\n');
    await setTimeout(50);
    const second = speak();
    t.equal((await second.take()).size, 101);
    for (const each of [first, second]) each.close();
  });

  for (const [what, words, fds] of [
    ['does not greet', 'take\n', []],
    ['greets twice', 'hello 1\nhello 1\n', []],
    ['is of another version', 'hello 2\n', []],
    ['is not understood', 'hello 1\nGET / HTTP/1.1\n', []],
    ['has no name', 'hello 1\nput\n', [a]],
    ['has a name that is none', 'hello 1\nput ../x\n', [a]],
    ['has too long a name', `hello 1\nput ${'a'.repeat(65)}\n`, [a]],
    ['has no fd', 'hello 1\nput x\n', []],
    ['has fds too many', 'hello 1\nput x\n', [a, b]],
    ['has fds for nothing', 'hello 1\ndrop x\n', [a]],
    ['does not end', 'x'.repeat(5000), []],
    ['does not end, with fds', 'x', memories.slice(0, 28)],
  ] as const) {
    await t.test(`one whose message ${what}`, async (t) => {
      const { keeper, speak } = await begin(t);
      const good = speak();
      good.say('put good\n', [c]);
      await good.hears(/^hello/);
      const wrong = speak(words, fds);
      if (what.endsWith('with fds')) wrong.say('y', memories.slice(0, 28));
      await wrong.hears(/never/);
      t.ok(wrong.ended, 'is left');
      const next = speak();
      const kept = await next.take();
      t.equal(kept.get('good'), identity(c), 'and nothing else is lost');
      t.equal(kept.size, keeper.memories(/keeper:/), 'no fd is left');
      t.equal(keeper.child.exitCode, null);
      for (const each of [good, wrong, next]) each.close();
    });
  }

  await t.test('no more than it has room for', async (t) => {
    const { speak } = await begin(t, 532);
    const first = speak();
    await first.hears(/^hello 1 20 /);
    for (let i = 0; i < 20; i++) first.say(`put n${i}\n`, [a]);
    t.equal((await first.take()).size, 20);
    first.say('put n3\n', [b]);
    t.equal((await first.take()).get('n3'), identity(b), 'in place of another there is room');
    first.say('put more\n', [a]);
    await first.hears(/never/);
    t.ok(first.ended);
    const second = speak();
    t.equal((await second.take()).size, 20);
    for (const each of [first, second]) each.close();
  });

  await t.test(
    'another user gets nothing, and takes nobody\u2019s place',
    { skip: !isRoot && 'it takes two users' },
    async (t) => {
      const { keeper, speak } = await begin(t);
      const first = speak();
      first.say('put a-0\n', [a]);
      await first.hears(/^hello/);
      chownSync(keeper.path, 65_534, 65_534);
      const stranger = speak('hello 1\ntake\n');
      await stranger.hears(/never/);
      t.same(stranger.heard, []);
      t.equal((await first.take()).size, 1);
      for (const each of [first, stranger]) each.close();
    },
  );

  await t.test('without systemd it does not start', async (t) => {
    const child = spawn(process.execPath, [KEEPER_PROGRAM], { stdio: 'ignore' });
    const [status] = await once(child, 'exit');
    t.equal(status, 2);
  });

  for (const memory of memories) close(memory);
});
