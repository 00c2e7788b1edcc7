/** Users take turns, piece by piece, and so do the connections of each. */
import t from 'tap';
import { type Asker, type Job, Turns } from '../../src/broker/turns.js';

const of = (uid: number, connection: string | null = 'c'): Asker => ({ uid, connection });

function make() {
  const turns = new Turns();
  const done: string[] = [];
  /** A job of so many pieces, each noted. */
  const job = (name: string, pieces: number, last = () => {}): Job => {
    let left = pieces;
    return {
      step: () => {
        done.push(name);
        left--;
        if (left === 0) last();
        return left === 0;
      },
      end: () => void done.push(`${name} ended`),
    };
  };
  const all = () => {
    for (let i = 0; i < 1000 && !turns.empty; i++) turns.run();
    return done.join(' ');
  };
  return { turns, done, job, all };
}

t.test('who asks for little waits for a piece of each other user', async (t) => {
  const { turns, job, all } = make();
  for (let i = 0; i < 64; i++) turns.add(of(1), job('gigabyte', 4));
  for (let i = 0; i < 64; i++) turns.add(of(2), job('frame', 2));
  turns.add(of(3), job('small', 1));
  t.equal(all().split(' ').indexOf('small'), 2);
  t.equal(all().split(' ').length, 64 * 4 + 64 * 2 + 1, 'and nothing is lost');
});

t.test('connections of one user take turns within its turns', async (t) => {
  const { turns, job, all } = make();
  turns.add(of(1, 'a'), job('a', 3));
  turns.add(of(1, 'b'), job('b', 3));
  turns.add(of(2), job('x', 3));
  t.equal(all(), 'a x b x a x b a b');
});

t.test('what one connection asks for is done in its order', async (t) => {
  const { turns, job, all } = make();
  turns.add(of(1), job('first', 3));
  turns.add(of(1), job('second', 1));
  turns.add(of(2), job('other', 1));
  t.equal(all(), 'first other first first second');
});

t.test('a job that is over may add others', async (t) => {
  const { turns, job, all } = make();
  const more = () => {
    turns.add(of(1), job('more', 1));
    turns.add(of(2), job('other', 1));
  };
  turns.add(of(1), job('one', 1, more));
  t.equal(all(), 'one other more');
  t.ok(turns.empty);
  turns.run();
});

t.test('what is not done is ended, once', async (t) => {
  const { turns, done, job } = make();
  turns.add(of(1), job('begun', 2));
  turns.add(of(2), job('waiting', 1));
  turns.run();
  turns.close();
  t.same([...done].sort(), ['begun', 'begun ended', 'waiting ended']);
  t.ok(turns.empty);
});
