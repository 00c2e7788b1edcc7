/**
 * The tables that are generated from the XML are those of the XML, their numbers are the broker's,
 * and no message of ours can become longer than a message may be.
 */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Lifetime, RecallNotice, ToldRelease } from '../../src/broker/lifetime.js';
import { catalogue } from '../../src/memory/errors.js';
import { MAX_LASTING_NAME, MAX_NAME_BYTES } from '../../src/memory/limits.js';
import { type HandleType, Usage } from '../../src/memory/source.js';
import type { WorkPath } from '../../src/memory/work.js';
import { packageRoot } from '../../src/package-root.js';
import * as dmabroker from '../../src/protocol/dmabroker-v1.gen.js';
import {
  type Argument,
  type Interface,
  MAX_MESSAGE_SIZE,
  type Message,
  type Values,
} from '../../src/protocol/wire.js';
import { MAX_TEXT } from '../../src/server/wayland/text.js';
import { encode } from '../support/wire.js';

const script = join(packageRoot, 'dist/scripts/generate-protocol.js');
const xmlPath = join(packageRoot, 'protocol/dmabroker-v1.xml');
const check = (cwd: string) =>
  spawnSync(process.execPath, [script, '--check'], { cwd, encoding: 'utf8' });

/** A copy of what the generator reads and compares, with the XML changed. */
function changed(t: Test, change: (xml: string) => string): string {
  const folder = mkdtempSync(join(tmpdir(), 'dmabroker-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'protocol'));
  cpSync(join(packageRoot, 'src/protocol'), join(folder, 'src/protocol'), { recursive: true });
  writeFileSync(join(folder, 'protocol/dmabroker-v1.xml'), change(readFileSync(xmlPath, 'utf8')));
  return folder;
}

t.test('the tables are up to date', async (t) => {
  const now = check(packageRoot);
  t.equal(now.status, 0, now.stderr);
  t.notMatch(now.stdout, /dmabroker-v1.gen.ts: not compared/);
  t.equal(check(changed(t, (xml) => xml)).status, 0);
  const stale = check(changed(t, (xml) => xml.replace('name="revoke"', 'name="recall"')));
  t.equal(stale.status, 1, 'a difference is found');
  t.match(stale.stderr, /dmabroker-v1.gen.ts differs/);
});

t.test('the numbers are the broker’s', async (t) => {
  const { enums } = dmabroker.dmabroker_manager_v1;
  const numbers = Object.entries(catalogue)
    .map(([code, { number }]): [string, number] => [code, number])
    .filter(([, number]) => number < 100);
  t.same(enums.refusal, Object.fromEntries(numbers));
  const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const usage = Object.entries(Usage).map(([name, bit]) => [snake(name), bit]);
  t.same(enums.usage, Object.fromEntries(usage));
  // The types make each of these complete: a name that is missing does not compile.
  const handleTypes: Record<HandleType, number> = { dma_buf: 1, opaque_fd: 2, memfd: 4 };
  const lifetimes: Record<Exclude<Lifetime, object>, number> = { connection: 0, until_released: 1 };
  const reasons: Record<ToldRelease, number> = {
    owner: 1,
    administrator: 2,
    lease_expired: 3,
  };
  const paths: Record<WorkPath, number> = { device: 1, cpu: 2 };
  t.same(dmabroker.dmabroker_work_v1.enums.path, paths);
  const recalls: Record<RecallNotice, number> = {
    withdrawn: 0,
    share: 1,
    memory_pressure: 2,
    lease_expired: 3,
    administrator: 4,
  };
  t.same(dmabroker.dmabroker_buffer_v1.enums.recall_reason, recalls);
  t.same(enums.handle_type, handleTypes);
  t.same(dmabroker.dmabroker_params_v1.enums.lifetime, lifetimes);
  t.same(dmabroker.dmabroker_buffer_v1.enums.release_reason, reasons);
  for (const bits of [enums.usage, enums.handle_type]) {
    for (const bit of Object.values(bits)) t.equal(Math.log2(bit) % 1, 0, `${bit} is one bit`);
  }
});

const scanner = spawnSync('wayland-scanner', ['--version']);
const skip = scanner.error === undefined ? false : 'wayland-scanner is not installed';

t.test('wayland-scanner takes the XML', { skip }, async (t) => {
  for (const output of ['client-header', 'server-header', 'private-code']) {
    // It seeks in its input, so that a pipe will not do.
    const input = openSync(xmlPath, 'r');
    const run = spawnSync('wayland-scanner', ['--strict', output], {
      stdio: [input, 'pipe', 'pipe'],
      encoding: 'utf8',
    });
    closeSync(input);
    t.equal(run.status, 0, output);
    t.equal(run.stderr, '');
    t.match(run.stdout, 'dmabroker_manager_v1');
  }
});

const TOKEN_BYTES = 26;
/** `t` and a count below 2^53. */
const TOKEN_ID_BYTES = 17;
const UUID_BYTES = 32;
const ID_BYTES = 13;
/** The name of a file in /dev/dma_heap has at most 255 bytes (NAME_MAX). */
const SOURCE_BYTES = 'dma-heap:'.length + 255;
/** VK_MAX_PHYSICAL_DEVICE_NAME_SIZE, less its NUL. */
const DEVICE_NAME_BYTES = 255;

/** The longest text or array of each argument, in bytes. */
const longest: Record<string, number> = {
  'dmabroker_manager_v1.device.name': DEVICE_NAME_BYTES,
  'dmabroker_manager_v1.device.device_uuid': UUID_BYTES,
  'dmabroker_manager_v1.device.driver_uuid': UUID_BYTES,
  'dmabroker_manager_v1.source.name': SOURCE_BYTES,
  'dmabroker_manager_v1.source.reason': MAX_TEXT.reason,
  'dmabroker_manager_v1.redeem.token': TOKEN_BYTES,
  'dmabroker_manager_v1.redeem_as.token': TOKEN_BYTES,
  'dmabroker_manager_v1.claim.name': MAX_LASTING_NAME + '@4294967295'.length,
  'dmabroker_manager_v1.session.token': TOKEN_BYTES,
  'dmabroker_params_v1.adopt.id': ID_BYTES,
  'dmabroker_params_v1.adopt.session': TOKEN_BYTES,
  'dmabroker_params_v1.set_name.name': MAX_NAME_BYTES,
  'dmabroker_params_v1.set_lasting_name.name': MAX_LASTING_NAME,
  'dmabroker_params_v1.set_source.name': SOURCE_BYTES,
  'dmabroker_buffer_v1.info.id': ID_BYTES,
  'dmabroker_buffer_v1.info.source': SOURCE_BYTES,
  'dmabroker_buffer_v1.fell_back.source': SOURCE_BYTES,
  'dmabroker_buffer_v1.fell_back.message': MAX_TEXT.reason,
  'dmabroker_buffer_v1.failed.message': MAX_TEXT.message,
  'dmabroker_buffer_v1.failed.detail': MAX_TEXT.detail,
  'dmabroker_buffer_v1.committed.digest': 64,
  'dmabroker_buffer_v1.commit_refused.message': MAX_TEXT.message,
  'dmabroker_buffer_v1.commit_refused.detail': MAX_TEXT.detail,
  'dmabroker_buffer_v1.lease_refused.message': MAX_TEXT.message,
  'dmabroker_buffer_v1.lease_refused.detail': MAX_TEXT.detail,
  'dmabroker_share_v1.token.token': TOKEN_BYTES,
  'dmabroker_share_v1.token_id.id': TOKEN_ID_BYTES,
  'dmabroker_share_v1.failed.message': MAX_TEXT.message,
  'dmabroker_share_v1.failed.detail': MAX_TEXT.detail,
  'dmabroker_buffer_v1.checked.reason': MAX_TEXT.reason,
  'dmabroker_buffer_v1.device.device_uuid': UUID_BYTES,
  'dmabroker_params_v1.set_device.device_uuid': UUID_BYTES,
  'dmabroker_test_v1.possible.source': SOURCE_BYTES,
  'dmabroker_test_v1.failed.message': MAX_TEXT.message,
  'dmabroker_test_v1.failed.detail': MAX_TEXT.detail,
  'dmabroker_work_v1.failed.message': MAX_TEXT.message,
  'dmabroker_work_v1.failed.detail': MAX_TEXT.detail,
};

t.test('no message is longer than a message may be', async (t) => {
  const used = new Set<string>();
  const value = (key: string, arg: Argument) => {
    if (arg.type !== 'string' && arg.type !== 'array') return 1;
    used.add(key);
    const length = longest[key];
    if (length === undefined) throw new Error(`how long can ${key} be?`);
    return arg.type === 'string' ? 'x'.repeat(length) : Buffer.alloc(length);
  };
  const all: readonly Interface[] = Object.values(dmabroker);
  for (const { name, requests, events } of all) {
    for (const message of [...requests, ...events] as Message[]) {
      const values = message.args.map((arg) => value(`${name}.${message.name}.${arg.name}`, arg));
      const { bytes } = encode(message, 1, values as Values<Message>);
      t.ok(bytes.length <= MAX_MESSAGE_SIZE, `${name}.${message.name}: ${bytes.length} bytes`);
    }
  }
  t.same([...used].sort(), Object.keys(longest).sort(), 'the list has nothing that is not there');
});
