/**
 * The second process of bench/hardware.ts and bench/cuda-hardware.ts: redeems a token, imports the memory into a Vulkan device
 * of its own or into CUDA, looks at what the first process wrote, and writes.
 *
 *   node dist/bench/hardware-peer.js <client socket> <token> vulkan|cuda|cuda-vmm <device UUID> <expected> <value>
 *
 * Prints how long the import took (µs) where it found the expected value all over; else says where
 * it did not, and ends with status 1.
 */
import { connect } from '../src/client/index.js';
import { importByCuda } from './support/cuda-importer.js';
import { importByCudaVmm } from './support/cuda-vmm-importer.js';
import { type Importer, mismatch } from './support/importer.js';
import { importByVulkan } from './support/vulkan-importer.js';

const [socket = '', token = '', how = '', uuid = '', expected = '', value = ''] =
  process.argv.slice(2);
const importers: Record<string, Importer> = {
  vulkan: importByVulkan,
  cuda: importByCuda,
  'cuda-vmm': importByCudaVmm,
};
const importer = importers[how];
if (importer === undefined) throw new Error(`no importer ${how}`);

const client = await connect({ socket });
const buffer = await client.redeem(token);
const begin = process.hrtime.bigint();
const memory = importer(buffer, uuid);
const microseconds = Number(process.hrtime.bigint() - begin) / 1000;
const wrong = mismatch(memory, buffer.size, Number(expected));
if (wrong === null) {
  memory.fill(Number(value));
  console.log(microseconds.toFixed(0));
} else {
  console.error(wrong);
  process.exitCode = 1;
}
memory.close();
await buffer.close();
client.close();
