/** On which CPU a guest is kept. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { allowed, cpuOfGuest, quietest } from './cpus.js';

const status = (name: string, group: number, cpus: string) =>
  `Name:\t${name}\nNStgid:\t70\nNSpgid:\t${group}\nCpus_allowed:\t3\nCpus_allowed_list:\t${cpus}\n`;

t.test('a CPU list is read as the kernel writes it', async (t) => {
  t.same(allowed(status('sh', 70, '0-2,5')), [0, 1, 2, 5]);
  t.same(allowed(status('sh', 70, '7')), [7]);
  t.same(allowed(''), [], 'a process that has ended');
  t.ok(allowed(readFileSync('/proc/self/status', 'utf8')).length > 0);
});

t.test('a guest is known by its kernel', async (t) => {
  t.equal(cpuOfGuest(status('linux', 70, '1')), 1);
  t.equal(cpuOfGuest(status('linux', 70, '0-1')), undefined, 'one that is kept nowhere');
  t.equal(cpuOfGuest(status('linux', 69, '1')), undefined, 'a process in the guest');
  t.equal(cpuOfGuest(status('node', 70, '1')), undefined);
});

t.test('the next goes where the fewest are', async (t) => {
  t.equal(quietest([0, 1], []), 0);
  t.equal(quietest([0, 1], [0]), 1);
  t.equal(quietest([0, 1], [0, 1, 1]), 0);
  t.equal(quietest([2, 5, 7], [2, 5, 0, 0]), 7, 'of those that there are');
  t.equal(quietest([4], []), undefined, 'no choice');
});
