/** Sizes, durations and users as people write them; and every option says which it is when its value is wrong. */
import { userInfo } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import t from 'tap';
import { duration, size, user } from '../../src/cli/numbers.js';
import { dmabrokerctl } from '../../src/cli/program.js';

t.test('sizes', async (t) => {
  const cases: [string, number][] = [
    ['0', 0],
    ['4096', 4096],
    ['512B', 512],
    ['64K', 65_536],
    ['64k', 65_536],
    ['1 MiB', 2 ** 20],
    ['1M', 2 ** 20],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['2T', 2 ** 41],
  ];
  for (const [text, bytes] of cases) t.equal(size(text), bytes, text);
  for (const text of ['', 'M', '-1', '1X', '1MB', '0.3', '1e3', '9007199254740992']) {
    t.throws(() => size(text), InvalidArgumentError, text);
  }
});

t.test('durations', async (t) => {
  const cases: [string, number][] = [
    ['90', 90],
    ['90s', 90],
    ['5 min', 300],
    ['5m', 300],
    ['1.5h', 5400],
    ['2d', 172_800],
  ];
  for (const [text, seconds] of cases) t.equal(duration(text), seconds, text);
  for (const text of ['', 'h', '-1', '0.5s', '1y', '1h30m']) {
    t.throws(() => duration(text), InvalidArgumentError, text);
  }
});

t.test('users, by name and number', async (t) => {
  const { username, uid } = userInfo();
  t.equal(user(username), uid);
  t.equal(user('4242'), 4242, 'also one that this machine does not know');
  for (const text of ['no-such-user', '', '-1', '--help', 'root:x']) {
    t.throws(() => user(text), InvalidArgumentError, text);
  }
});

t.test('a wrong value is told with its option, whichever it is', async (t) => {
  const check = (command: Command) => {
    for (const option of [...command.options, ...command.registeredArguments]) {
      const parse = option.parseArg;
      if (!parse) continue;
      const name = `${command.name()} ${option.name()}`;
      try {
        parse('\u0001 no value\u0001', undefined);
        t.ok(FREE.includes(option.name()), `${name} takes any text`);
      } catch (error) {
        // Commander puts the option before its message, and before that of no other error.
        t.ok(error instanceof InvalidArgumentError, `${name}: ${error}`);
      }
    }
    for (const below of command.commands) check(below);
  };
  check(dmabrokerctl());
});

/** Whose values only the daemon can judge. */
const FREE = ['modifier', 'source', 'format', 'quota'];
