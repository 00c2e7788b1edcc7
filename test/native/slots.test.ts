/** Records that outlive the process: what is in the file after anything, whoever has ended in the midst of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { ftruncateSync, readSync, writeSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { close, duplicate } from '../../src/native/libc/fd.js';
import { sealedMemfd } from '../../src/native/libc/memory.js';
import { HeadNumbers, LaterSlots, Slots, UnreadableSlots } from '../../src/native/slots.js';
import { withoutLeaks } from '../support/fds.js';
import { atNight } from '../support/night.js';
import { programFile } from '../support/programs.js';
import { Random, seed } from '../support/random.js';

const VERSION = 3;
const HEAD = 4096;
const SLOT = 512;
const PAYLOAD = 480;

const make = (count = 64) => Slots.make('slots-test', count, VERSION);

/** The file as the next process finds it. */
function reopened(t: Test, slots: Slots): Slots {
  const fd = duplicate(slots.fd);
  const again = Slots.open(fd, VERSION).slots;
  t.teardown(() => again.close());
  return again;
}

const texts = (slots: Slots) => [...slots.records()].map(({ bytes }) => bytes.toString()).sort();
const write = (slots: Slots, text: string, replaces: number | null = null) =>
  slots.write(Buffer.from(text), { told: false, replaces });

/** Writes numbers where they should not be: at a slot's word, or the head's. */
function poke(slots: Slots, at: number, value: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  writeSync(slots.fd, bytes, 0, 4, at);
}
const wordAt = (slot: number, word: number) => HEAD + slot * SLOT + 4 * word;
const [STATE, NEXT, LENGTH] = [0, 2, 3];

await withoutLeaks(t, 'slots', async (t) => {
  t.test('records of all lengths', async (t) => {
    const slots = make(100);
    const lengths = [0, 1, PAYLOAD - 1, PAYLOAD, PAYLOAD + 1, 5 * PAYLOAD, 5 * PAYLOAD + 1];
    const all = lengths.map((length, i) => String.fromCharCode(97 + i).repeat(length));
    for (const text of all) t.not(write(slots, text), null);
    t.same(texts(slots), [...all].sort());
    t.same(texts(reopened(t, slots)), [...all].sort());
    t.equal(slots.free, 100 - (4 + 2 + 5 + 6));
    slots.close();
  });

  t.test('a full file changes nothing, and what is freed is used again', async (t) => {
    const slots = make(4);
    const [first, long] = [write(slots, 'first'), write(slots, 'l'.repeat(2 * PAYLOAD))];
    if (first === null || long === null) throw new Error('it is full already');
    t.equal(write(slots, 'x'.repeat(PAYLOAD + 1)), null, 'two where there is one');
    t.same(texts(slots), ['first', 'l'.repeat(2 * PAYLOAD)]);
    t.equal(slots.free, 1);
    slots.remove(long);
    t.equal(write(slots, 'x'.repeat(2 * PAYLOAD)), null, 'not before nobody has an address of it');
    slots.recycle();
    t.type(write(slots, 'x'.repeat(3 * PAYLOAD)), 'number');
    t.equal(slots.free, 0);
    t.equal(write(slots, 'y', first), null, 'a replacement wants room beside the old one');
    t.same(texts(reopened(t, slots)), ['first', 'x'.repeat(3 * PAYLOAD)]);
    slots.discard(first);
    t.type(write(slots, 'y'), 'number', 'of that one nobody has an address');
    t.same(texts(reopened(t, slots)).sort(), ['x'.repeat(3 * PAYLOAD), 'y']);
    slots.close();
  });

  t.test('told', async (t) => {
    const slots = make();
    const [a, b] = [write(slots, 'a'), write(slots, 'b')];
    if (a === null || b === null) throw new Error('it is full');
    slots.tell(a);
    t.same([slots.isTold(a), slots.isTold(b)], [true, false]);
    t.same(
      [...slots.records()].map(({ told }) => told),
      [true, false],
    );
    const again = slots.write(Buffer.from('A'), { told: slots.isTold(a), replaces: a });
    t.equal(slots.isTold(again as number), true);
    t.not(slots.toldAt(b), slots.toldAt(again as number));
    slots.close();
  });

  t.test('numbers of the head, for another thread', async (t) => {
    const slots = make(1);
    const numbers = new HeadNumbers(slots.fd);
    t.equal(numbers.get(3), 0);
    numbers.set(3, 2 ** 40);
    slots.setNumber(0, 7);
    t.same([slots.number(3), numbers.get(0)], [2 ** 40, 7]);
    numbers.close();
    t.equal(reopened(t, slots).number(3), 2 ** 40);
    slots.close();
  });

  t.test('what nobody can read', async (t) => {
    const strange = (size: number, bytes = Buffer.alloc(0)) => {
      const fd = sealedMemfd('strange', size);
      writeSync(fd, bytes, 0, bytes.length, 0);
      t.teardown(() => close(fd));
      return fd;
    };
    for (const size of [1, HEAD, HEAD + SLOT - 1]) {
      t.throws(() => Slots.check(strange(size), VERSION), UnreadableSlots, `${size} bytes`);
    }
    t.throws(() => Slots.check(strange(HEAD + SLOT), VERSION), UnreadableSlots, 'zeroes');
    const slots = make(2);
    const ready = 5;
    for (const [word, value, what] of [
      [0, 0, 'another magic'],
      [ready, 0, 'not finished'],
      [3, 256, 'other slots'],
      [4, 3, 'more slots than it has'],
    ] as const) {
      const bytes = Buffer.alloc(HEAD + 2 * SLOT);
      readSync(slots.fd, bytes, 0, bytes.length, 0);
      bytes.writeInt32LE(value, 4 * word);
      t.throws(() => Slots.check(strange(bytes.length, bytes), VERSION), UnreadableSlots, what);
    }
    t.throws(() => Slots.check(slots.fd, VERSION - 1), LaterSlots);
    const later = Slots.open(duplicate(slots.fd), VERSION + 1);
    t.equal(later.version, VERSION, 'an earlier one');
    later.slots.close();
    t.throws(() => ftruncateSync(slots.fd, HEAD), { code: 'EPERM' }, 'nobody takes its pages away');
    slots.close();
  });

  t.test('chains that lead nowhere', async (t) => {
    const long = 'l'.repeat(3 * PAYLOAD);
    for (const [what, spoil] of [
      ['a circle', (slots: Slots) => poke(slots, wordAt(3, NEXT), 3)],
      ['out of the file', (slots: Slots) => poke(slots, wordAt(2, NEXT), 1000)],
      ['before the file', (slots: Slots) => poke(slots, wordAt(2, NEXT), -5)],
      ['to what was never used', (slots: Slots) => poke(slots, wordAt(2, NEXT), 20)],
      ['into a record', (slots: Slots) => poke(slots, wordAt(2, NEXT), 1)],
      ['into what another record has', (slots: Slots) => poke(slots, wordAt(2, NEXT), 6)],
      ['to a free slot', (slots: Slots) => poke(slots, wordAt(3, STATE), 0)],
      ['too short', (slots: Slots) => poke(slots, wordAt(2, LENGTH), 4 * PAYLOAD)],
      ['too long', (slots: Slots) => poke(slots, wordAt(2, LENGTH), PAYLOAD)],
      ['less than nothing', (slots: Slots) => poke(slots, wordAt(2, LENGTH), -1)],
      ['endless', (slots: Slots) => poke(slots, wordAt(2, LENGTH), 2 ** 31 - 1)],
    ] as const) {
      const slots = make(32);
      const other = 'o'.repeat(2 * PAYLOAD);
      for (const text of ['a', 'b', long]) write(slots, text);
      write(slots, other);
      spoil(slots);
      const again = reopened(t, slots);
      const found = texts(again);
      t.same(
        found.filter((text) => text !== other),
        ['a', 'b'],
        what,
      );
      t.equal(again.free, 32 - 2 - (found.includes(other) ? 2 : 0), `${what}: its slots are free`);
      slots.close();
    }
  });

  t.test('whatever is in it, what is found is whole, and can be written', async (t) => {
    const noise = fc.array(fc.tuple(fc.nat(16 * 8 - 1), fc.integer({ min: -2, max: 20 })), {
      maxLength: 40,
    });
    const property = fc.property(noise, (words) => {
      const slots = make(16);
      for (const text of ['a', 'b'.repeat(700), 'c'.repeat(1200)]) write(slots, text);
      for (const [at, value] of words) poke(slots, wordAt(at >> 3, at & 7), value);
      const again = Slots.open(duplicate(slots.fd), VERSION).slots;
      const before = [...again.records()];
      for (const { slot } of before) again.remove(slot);
      again.recycle();
      const isFree = again.free === 16;
      const taken = again.write(Buffer.alloc(16 * PAYLOAD), { told: true, replaces: null });
      again.close();
      slots.close();
      return isFree && taken !== null;
    });
    t.doesNotThrow(() => fc.assert(property, { numRuns: atNight(300, 20_000) }));
  });

  t.test('any writing, replacing, freeing and reopening is what a map does', async (t) => {
    const step = fc.record({
      what: fc.constantFrom('write', 'replace', 'remove', 'discard', 'recycle', 'tell', 'reopen'),
      pick: fc.nat(50),
      length: fc.oneof(fc.nat(20), fc.nat(4 * PAYLOAD)),
    });
    const COUNT = 24;
    const property = fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      let slots = make(COUNT);
      let number = 0;
      const model = new Map<number, { text: string; told: boolean }>();
      for (const { what, pick, length } of steps) {
        const known = [...model.keys()][pick % Math.max(1, model.size)];
        const text = `${++number}`.padEnd(length, '.');
        if (what === 'write' || (what === 'replace' && known !== undefined)) {
          const replaces = what === 'replace' ? (known as number) : null;
          const told = replaces !== null && slots.isTold(replaces);
          const slot = slots.write(Buffer.from(text), { told, replaces });
          if (slot === null) continue;
          if (replaces !== null) model.delete(replaces);
          model.set(slot, { text, told });
        } else if ((what === 'remove' || what === 'discard') && known !== undefined) {
          slots[what](known);
          model.delete(known);
        } else if (what === 'recycle') slots.recycle();
        else if (what === 'tell' && known !== undefined) {
          slots.tell(known);
          (model.get(known) as { told: boolean }).told = true;
        } else if (what === 'reopen') {
          const fd = duplicate(slots.fd);
          slots.close();
          slots = Slots.open(fd, VERSION).slots;
        }
        const found = [...slots.records()];
        for (const { slot, bytes, told } of found) {
          const expected = model.get(slot);
          if (expected?.text !== bytes.toString() || expected.told !== told) throw new Error(text);
        }
        const used = [...model.values()].reduce(
          (sum, { text }) => sum + Math.max(1, Math.ceil(text.length / PAYLOAD)),
          0,
        );
        if (found.length !== model.size || slots.free !== COUNT - used) throw new Error('free');
      }
      slots.close();
    });
    t.doesNotThrow(() => fc.assert(property, { numRuns: atNight(200, 10_000) }));
  });

  t.test('a process that is killed while it writes', async (t) => {
    const script = programFile('slot-writer');
    const chosen = seed();
    t.comment(`DMABROKER_SEED=${chosen}`);
    const random = new Random(chosen);
    const slots = make(256);
    const start = () =>
      spawn(process.execPath, [script, '3'], { stdio: ['ignore', 'pipe', 'inherit', slots.fd] });
    /** It says so when it has written all for the first time. */
    const busy = async (writer: ChildProcess) => {
      if (writer.stdout !== null) await once(writer.stdout, 'data');
    };
    let next = start();
    for (let round = 0; round < atNight(20, 400); round++) {
      const writer = next;
      await busy(writer);
      await setTimeout(random.below(15));
      writer.kill('SIGKILL');
      await once(writer, 'exit');
      const again = Slots.open(duplicate(slots.fd), VERSION).slots;
      const byKey = new Map<number, { order: number; slot: number }>();
      let used = 0;
      const wrong: string[] = [];
      for (const { slot, order, bytes } of again.records()) {
        const { key, size, text } = JSON.parse(bytes.toString()) as {
          readonly key: number;
          readonly size: number;
          readonly text: string;
        };
        if (text !== String(size % 10).repeat(size)) wrong.push(`${key} is not whole`);
        used += Math.ceil(bytes.length / PAYLOAD);
        const other = byKey.get(key);
        if (other === undefined || other.order < order) byKey.set(key, { order, slot });
      }
      t.same(wrong, [], 'every record is one that was written');
      t.equal(byKey.size, 32, 'and none is lost');
      t.equal(again.free, 256 - used, 'no slot is');
      again.close();
      next = start();
    }
    next.kill('SIGKILL');
    await once(next, 'exit');
    slots.close();
  });
});
