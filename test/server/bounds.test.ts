/** docs/quotas.md has every bound of what the daemon holds for somebody, with the number of the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import * as broker from '../../src/memory/limits.js';
import { packageRoot } from '../../src/package-root.js';
import { DEFAULT_RATE_LIMIT } from '../../src/server/config/settings.js';
import * as events from '../../src/server/events/limits.js';
import { MAX_REFUSAL_LINES } from '../../src/server/events/refusal-lines.js';
import * as http from '../../src/server/http/limits.js';
import { AUDIT_BYTES, LOG_BYTES } from '../../src/server/log/queue.js';
import { MAX_USER_NAMES } from '../../src/server/machine/user-names.js';
import { MAX_PREVIEWS, MAX_PREVIEWS_PER_USER } from '../../src/server/threads/previews.js';
import { MAX_QUEUED_BYTES } from '../../src/server/wayland/connection.js';
import { MAX_UNASKED_REQUESTS, MAX_WAITING_REQUESTS } from '../../src/server/wayland/order.js';
import { MAX_PACKET_BYTES } from '../../src/server/wayland/output.js';

/** Files of limits alone: whatever is added there is in the table, or here. */
const limits: Record<string, number> = { ...broker, ...events, ...http };
const others: Record<string, number> = {
  AUDIT_BYTES,
  DEFAULT_RATE_LIMIT,
  LOG_BYTES,
  MAX_PACKET_BYTES,
  MAX_PREVIEWS,
  MAX_PREVIEWS_PER_USER,
  MAX_QUEUED_BYTES,
  MAX_REFUSAL_LINES,
  MAX_UNASKED_REQUESTS,
  MAX_USER_NAMES,
  MAX_WAITING_REQUESTS,
};
/** What bounds no thing that is held for somebody: times, and what can be asked for at all. */
const NO_HOLDINGS = new Set([
  'MAX_BUFFER_SIZE',
  'MAX_IMAGE_DIMENSION',
  'LINGERING_CHECKS_PER_TURN',
  'MAX_SILENT_HEARTBEATS',
  'POOL_HOT_REQUESTS',
]);
const isTime = (name: string) => /_(MS|SECONDS)$/.test(name);

const UNITS: Record<string, number> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20 };
const text = readFileSync(join(packageRoot, 'docs/quotas.md'), 'utf8');
const [, section = ''] = /^## What the daemon holds for somebody\n(.*?)^## /ms.exec(text) ?? [];
const rows = section
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('|---'));
const told = new Map<string, number>();
for (const [, name = '', number, unit = ''] of section.matchAll(
  /`([A-Z][A-Z_]+)` (\d+)(?: (KiB|MiB)\b)?/g,
)) {
  told.set(name, Number(number) * (UNITS[unit] ?? Number.NaN));
}

t.test('every row says what, the bound, whose, and what happens there', async (t) => {
  t.ok(rows.length > 20);
  for (const row of rows) {
    const cells = row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    t.equal(cells.length, 4, row);
    t.ok(
      cells.every((cell) => cell !== ''),
      row,
    );
  }
});

t.test('the numbers are those of the code', async (t) => {
  for (const [name, number] of told) {
    const known = limits[name] ?? others[name];
    t.equal(number, known, `${name} is ${known}`);
  }
});

t.test('no bound of the code is missing', async (t) => {
  const wanted = Object.keys(limits).filter((name) => !isTime(name) && !NO_HOLDINGS.has(name));
  for (const name of [...wanted, ...Object.keys(others)]) t.ok(told.has(name), name);
  for (const name of NO_HOLDINGS) t.ok(name in limits, `${name} is one`);
});
