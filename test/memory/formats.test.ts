/**
 * The table of formats against its two sources: codes, bytes and subsampling against libdrm's
 * drm_fourcc.h (by way of the C compiler and of its comments), VkFormats against Khronos's vk.xml.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { XMLParser } from 'fast-xml-parser';
import t from 'tap';
import { type FormatInfo, formatInfo, formats } from '../../src/memory/formats.js';
import { fourccName } from '../../src/memory/fourcc.js';
import { VkFormat } from '../../src/native/vulkan/layout.gen.js';
import { packageRoot } from '../../src/package-root.js';

const HEADER =
  ['/usr/include/libdrm/drm_fourcc.h', '/usr/include/drm/drm_fourcc.h'].find(existsSync) ?? '';
const noHeader = HEADER === '' && 'drm_fourcc.h is missing: libdrm-dev';
const REGISTRY = '/usr/share/vulkan/registry/vk.xml';
const noRegistry = !existsSync(REGISTRY) && `${REGISTRY} is missing: libvulkan-dev`;

t.test('names and codes', async (t) => {
  t.equal(new Set(formats.map(({ code }) => code)).size, formats.length);
  for (const format of formats) {
    t.equal(formatInfo(format.code), format);
    t.equal(fourccName(format.code), format.name);
  }
  t.equal(formatInfo(0), undefined);
});

t.test('codes are what the C compiler says', { skip: noHeader }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'dmabroker-formats-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const lines = formats.map(({ drm }) => `printf("${drm} %u\\n", DRM_FORMAT_${drm});`);
  const source = join(folder, 'codes.c');
  writeFileSync(
    source,
    `#include <stdio.h>\n#include <stdint.h>\n#include "${HEADER}"\n` +
      `int main(void) {\n${lines.join('\n')}\nreturn 0;\n}\n`,
  );
  const program = join(folder, 'codes');
  // libdrm's copy includes drm.h, which stands beside it.
  const args = ['-std=c11', '-I', join(HEADER, '..'), '-o', program, source];
  const compiled = spawnSync(process.env.CC ?? 'cc', args, { encoding: 'utf8' });
  t.equal(compiled.status, 0, 'the program compiles', { stderr: compiled.stderr });
  const printed = spawnSync(program, { encoding: 'utf8' }).stdout.trim().split('\n');
  t.strictSame(
    printed,
    formats.map(({ drm, code }) => `${drm} ${code}`),
  );
});

/** What drm_fourcc.h's comments say: bytes of the first plane's block, then of each other plane. */
function documented(header: string, drm: string): { bytes: number[]; subsampling: string | null } {
  const define = new RegExp(`^#define DRM_FORMAT_${drm}\\s+fourcc_code.*$`, 'm').exec(header);
  const [line] = define ?? [''];
  const bits = /\[(\d+):0\]/.exec(line)?.[1];
  if (bits !== undefined) return { bytes: [(Number(bits) + 1) / 8], subsampling: null };
  const before = header.slice(0, define?.index ?? 0);
  const block = before.slice(before.lastIndexOf('/*\n'));
  const planes = new Map<number, number>();
  for (const [, index, top] of block.matchAll(/index (\d)[^[\n]*\[(\d+):0\]/g)) {
    planes.set(Number(index), (Number(top) + 1) / 8);
  }
  const subsampling = /(\d)x(\d) subsampled|non-subsampled/.exec(line);
  return {
    bytes: [...planes.values()],
    subsampling: subsampling?.[1] === undefined ? '1x1' : `${subsampling[1]}x${subsampling[2]}`,
  };
}

t.test('bytes and subsampling are what drm_fourcc.h says', { skip: noHeader }, async (t) => {
  const header = readFileSync(HEADER, 'utf8');
  for (const { drm, planes } of formats) {
    const [, chroma] = planes;
    t.strictSame(
      documented(header, drm),
      {
        bytes: planes.map(({ bytesPerBlock }) => bytesPerBlock),
        subsampling: chroma === undefined ? null : `${chroma.hsub}x${chroma.vsub}`,
      },
      drm,
    );
  }
});

interface XmlFormat {
  readonly name: string;
  readonly blockSize: string;
  readonly texelsPerBlock: string;
  readonly blockExtent?: string;
  readonly chroma?: string;
  readonly plane?: readonly {
    readonly widthDivisor: string;
    readonly heightDivisor: string;
    readonly compatible: string;
  }[];
}

function registryFormats(): Map<string, XmlFormat> {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    isArray: (name) => name === 'format' || name === 'plane',
  });
  const document = parser.parse(readFileSync(REGISTRY, 'utf8')) as {
    registry: { formats: { format: XmlFormat[] } };
  };
  return new Map(document.registry.formats.format.map((format) => [format.name, format]));
}

t.test('VkFormats are what vk.xml says', { skip: noRegistry }, async (t) => {
  const known = registryFormats();
  const sizeOf = (name: string) => Number(known.get(name)?.blockSize);
  /** The planes of a VkFormat, in the table's words. */
  const planesOf = (found: XmlFormat): FormatInfo['planes'] =>
    found.plane?.map((each) => ({
      hsub: Number(each.widthDivisor),
      vsub: Number(each.heightDivisor),
      blockWidth: 1,
      bytesPerBlock: sizeOf(each.compatible),
    })) ?? [
      {
        hsub: 1,
        vsub: 1,
        blockWidth: Number(found.blockExtent?.split(',')[0] ?? 1),
        bytesPerBlock: Number(found.blockSize),
      },
    ];
  for (const { name, vkFormat, planes, ycbcr } of formats) {
    if (vkFormat === null) continue;
    const found = known.get(vkFormat);
    t.ok(found, `${name}: ${vkFormat}`);
    if (found === undefined) continue;
    t.strictSame(planes, planesOf(found), name);
    t.equal(ycbcr, found.chroma !== undefined, `${name}: YCbCr`);
    // The generator took the number from the same registry.
    t.type((VkFormat as Readonly<Record<string, number>>)[vkFormat], 'number', vkFormat);
  }
});

t.test('without a VkFormat are exactly those of which the table says why', async (t) => {
  const without = formats.filter(({ vkFormat }) => vkFormat === null).map(({ name }) => name);
  t.strictSame(without, ['RA24', 'RX24', 'BA24', 'BX24', 'NV21', 'YV12']);
});

t.test('docs/formats.md is up to date', async (t) => {
  const script = join(packageRoot, 'dist/scripts/generate-formats-doc.js');
  const run = spawnSync(process.execPath, [script, '--check'], { cwd: packageRoot });
  t.equal(run.stderr.toString(), '');
  t.equal(run.status, 0);
});
