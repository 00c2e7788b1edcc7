/**
 * Writes records into a file of slots (fd 3) for ever: those that are there it replaces, and what it finds
 * twice it mends, as the daemon does. Ends when it is killed.
 */
import { writeSync } from 'node:fs';
import { Slots } from '../../../src/native/slots.js';

const KEYS = 32;
const MAX_SIZE = 1500;

const { slots } = Slots.open(3, Number(process.argv[2]));
const known = new Map<number, { readonly slot: number; readonly order: number }>();
for (const { slot, order, bytes } of slots.records()) {
  const { key } = JSON.parse(bytes.toString()) as { readonly key: number };
  const other = known.get(key);
  if (other !== undefined) slots.remove(other.order < order ? other.slot : slot);
  if (other === undefined || other.order < order) known.set(key, { slot, order });
}
for (let round = 0; ; round++) {
  for (let key = 0; key < KEYS; key++) {
    const size = Math.floor(Math.random() * MAX_SIZE);
    const record = Buffer.from(JSON.stringify({ key, size, text: String(size % 10).repeat(size) }));
    const slot = slots.write(record, { told: false, replaces: known.get(key)?.slot ?? null });
    if (slot === null) throw new Error('the file is full');
    known.set(key, { slot, order: 0 });
  }
  slots.recycle();
  if (round === 0) writeSync(1, 'all of them are there');
}
