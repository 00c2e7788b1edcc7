/**
 * A step in a process that has run out of file descriptors (to be started under prlimit): prints
 * what accepting gives then, and after one was closed, as JSON.
 */
import { closeSync, openSync } from 'node:fs';
import { connectUnix, listenUnix } from '../../../src/native/libc/socket.js';
import { eventfd, Step } from '../../../src/native/step.js';
import { turn } from '../step.js';

const [path = ''] = process.argv.slice(2);
const step = new Step(listenUnix(path), eventfd());
connectUnix(path);
const taken: number[] = [];
try {
  for (;;) taken.push(openSync('/dev/null', 'r'));
} catch {
  // All are taken now.
}
const starved = turn(step, 0);
step.accepting(false);
const paused = turn(step, 0);
// One for the connection, one for its pidfd.
for (const fd of taken.splice(0, 2)) closeSync(fd);
step.accepting(true);
const [accepted] = turn(step, 0);
for (const fd of taken) closeSync(fd);
console.log(JSON.stringify({ starved, paused, accepted: accepted?.kind }));
