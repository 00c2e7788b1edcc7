/** A lease's end: as long from now as the daemon said, whatever is done to the machine's date meanwhile. */
import t from 'tap';
import { Deadline, Recall } from '../../src/client/deadline.js';

t.test('a date that is set moves the date of the end, not the end', async (t) => {
  const deadline = new Recall('share', 60);
  const now = Date.now;
  t.teardown(() => {
    Date.now = now;
  });
  const before = deadline.secondsLeft;
  const told = deadline.deadline.getTime();
  const day = 86_400_000;
  Date.now = () => now() + day;
  t.ok(Math.abs(deadline.deadline.getTime() - told - day) < 60_000);
  t.ok(deadline.secondsLeft <= before && deadline.secondsLeft > before - 60);
  t.ok(new Deadline(0).secondsLeft <= 0);
});
