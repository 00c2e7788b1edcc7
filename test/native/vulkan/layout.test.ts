/**
 * layout.gen.ts against the C compiler: every size, offset and value is compared with what cc makes
 * of Khronos's headers, and the committed file with what the generator writes.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { constants, enums, structs } from '../../../src/native/vulkan/layout.gen.js';
import type { Struct } from '../../../src/native/vulkan/struct.js';

const HEADER = '/usr/include/vulkan/vulkan.h';
const REGISTRY = '/usr/share/vulkan/registry/vk.xml';
const skip = (file: string) => (existsSync(file) ? false : `${file} is missing: libvulkan-dev`);

/** One line a fact: `<what> <number>`, as the C program prints it and as the layout has it. */
const facts = new Map<string, { readonly c: string; readonly ours: bigint }>();
for (const struct of Object.values<Struct>(structs)) {
  const { name } = struct;
  facts.set(`sizeof(${name})`, { c: `sizeof(${name})`, ours: BigInt(struct.size) });
  facts.set(`alignof(${name})`, { c: `_Alignof(${name})`, ours: BigInt(struct.align) });
  for (const [member, { offset, count }] of Object.entries(struct.members)) {
    const path = `${name}.${member}`;
    facts.set(path, { c: `offsetof(${name}, ${member})`, ours: BigInt(offset) });
    if (count === undefined) continue;
    const array = `((${name} *)0)->${member}`;
    facts.set(`${path}[]`, { c: `sizeof ${array} / sizeof ${array}[0]`, ours: BigInt(count) });
  }
}
for (const values of [...Object.values(enums), constants]) {
  for (const [name, value] of Object.entries<number | bigint>(values)) {
    facts.set(name, { c: name, ours: BigInt.asUintN(64, BigInt(value)) });
  }
}

t.test(
  'every struct, member and value is what the C compiler says',
  {
    skip: skip(HEADER),
  },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'dmabroker-layout-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const source = join(folder, 'layout.c');
    const lines = [...facts].map(
      ([what, { c }]) => `printf("%s %llu\\n", "${what}", (unsigned long long)(${c}));`,
    );
    writeFileSync(
      source,
      `#include <stddef.h>\n#include <stdio.h>\n#include <vulkan/vulkan.h>\n` +
        `int main(void) {\n${lines.join('\n')}\nreturn 0;\n}\n`,
    );
    const program = join(folder, 'layout');
    const compiled = spawnSync(process.env.CC ?? 'cc', ['-std=c11', '-o', program, source], {
      encoding: 'utf8',
    });
    t.equal(compiled.status, 0, 'the program compiles', { stderr: compiled.stderr });
    if (compiled.status !== 0) return;

    const printed = execFileSync(program, { encoding: 'utf8' }).trimEnd().split('\n');
    t.equal(printed.length, facts.size, 'every fact was printed');
    const wrong = printed.filter((line) => {
      const [what = '', value = ''] = line.split(' ');
      return facts.get(what)?.ours !== BigInt(value);
    });
    t.strictSame(wrong, [], `${facts.size} facts agree`);
  },
);

t.test('sType is where the header has it', async (t) => {
  for (const struct of Object.values<Struct>(structs)) {
    const first = Object.keys(struct.members)[0];
    if ((struct.sType === undefined) !== (first !== 'sType')) t.fail(`${struct.name} has no sType`);
  }
  t.equal(structs.VkMemoryAllocateInfo.sType, 5);
});

t.test('the committed file is what the generator writes', { skip: skip(REGISTRY) }, async (t) => {
  const script = fileURLToPath(new URL('../../../scripts/generate-vulkan.js', import.meta.url));
  t.ok(existsSync(script), 'the generator is compiled');
  const run = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  t.equal(run.stderr, '');
  t.equal(run.status, 0);
});
