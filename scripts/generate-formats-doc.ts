/**
 * Writes docs/formats.md: the table of src/memory/formats.ts and what a linear layout is. `--check`
 * writes nothing and fails where the committed file is not up to date.
 *
 * Run after a build, in the repository's root: `node dist/scripts/generate-formats-doc.js [--check]`.
 */
import { DEFAULT_ALIGNMENT, MAX_ALIGNMENT } from '../src/memory/alignment.js';
import { type FormatPlane, formats } from '../src/memory/formats.js';
import { generated } from './generated.js';

function planeText({ hsub, vsub, blockWidth, bytesPerBlock }: FormatPlane): string {
  const block = blockWidth === 1 ? `${bytesPerBlock}` : `${bytesPerBlock} for ${blockWidth} pixels`;
  return hsub * vsub === 1 ? block : `${block} at 1/${hsub} × 1/${vsub}`;
}

const rows = formats.map(({ name, drm, vkFormat, planes }) => {
  const vk = vkFormat === null ? 'none' : `\`${vkFormat.replace('VK_FORMAT_', '')}\``;
  return `| \`${name}\` | ${drm} | ${vk} | ${planes.map(planeText).join(' + ')} |`;
});

const text = `<!-- Generated from src/memory/formats.ts by scripts/generate-formats-doc.ts: do not edit. -->

# Formats and layouts

A format is named by its DRM fourcc (drm_fourcc.h), as in linux-dmabuf-v1, KMS and V4L2's newer
formats. \`GET /v1/device/formats\` and \`dmabrokerctl formats\` show which of them can be had here, with
which modifier, from which source, and how each is made:

- **image**: the device made it as a VkImage with a DRM format modifier, checked for the usage that was
  asked for. The driver decides the layout.
- **layout**: linear memory (a VkBuffer, a dma-heap's, udmabuf's, a memfd's) that the daemon laid out by
  the rules below. Whether a device takes it is for its importer to try: usage bits other than
  CPU access are not checked.

| fourcc | DRM_FORMAT_ | VK_FORMAT_ | bytes a sample, by plane |
|---|---|---|---|
${rows.join('\n')}

\`R8\` and \`R16\` have trailing spaces in their fourcc. X formats have the VkFormat of their A sibling.
Where there is none, Vulkan has no format with those bytes: none has 8-bit alpha in byte 0 (RA24, RX24,
BA24, BX24), none has Cr before Cb (NV21, YV12). They are always laid out by the daemon. So is NV24, whose
VkFormat needs a feature (ycbcr2plane444Formats) that the daemon does not enable, and every YCbCr
image whose width or height is not a multiple of its chroma's.

## Linear layouts

| | at least | may be asked for, powers of two up to |
|---|---|---|
| stride | ${DEFAULT_ALIGNMENT.stride} bytes | ${MAX_ALIGNMENT.stride} |
| offset of a plane | ${DEFAULT_ALIGNMENT.offset} bytes | ${MAX_ALIGNMENT.offset} |
| size of a memory | ${DEFAULT_ALIGNMENT.size} bytes, whole pages | ${MAX_ALIGNMENT.size} |
| rows of the first plane | ${DEFAULT_ALIGNMENT.height} | ${MAX_ALIGNMENT.height} |

- A row has room for every sample; odd dimensions round chroma up.
- Strides of further planes follow from the first one's: the same for NV12, half for YU12, twice for
  NV24. V4L2's single-planar formats carry one \`bytesperline\` and mean that.
- With \`height\`, as codecs want it, rows are padded: NV12 of 1920 × 1080 with 16 has 1088 + 544.
- Planes follow each other in one memory. On request (\`set_planes\`, \`separate_planes\`) each has a memory of
  its own, at offset 0, as multi-planar V4L2 takes them.
- Strides and offsets have 32 bits in the protocol: what does not fit is refused (\`too_large\`).

An alignment that the driver's image does not meet makes it a layout, where LINEAR is among the
modifiers; otherwise the request is refused.

With exactly one modifier a client may dictate the layout (\`set_plane_layout\`, \`layout\`): offset and stride
of each memory plane. It gets that or a refusal: \`invalid_argument\` where rows do not fit in a stride or
planes overlap, \`unsupported_layout\` where the driver has another, which is told.

## Sources

In order of preference: \`vulkan\` (dma_buf), \`cuda\` (dma_buf; [cuda.md](cuda.md) says of which requests),
\`dma-heap:<name>\` for each of /dev/dma_heap with \`system\` first, \`udmabuf\`, \`vulkan\` (opaque_fd, linear memory alone),
\`cuda\` (the same), \`memfd\`. The first that exports an accepted
handle type and has the format is taken; a request may name others (\`set_source\`, \`sources\`). Each is
tried at start (of CUDA its attributes are asked), and \`GET /v1/device\` says why one is not usable.

| source | zeroed by | limits |
|---|---|---|
| vulkan | see [vulkan.md](vulkan.md) | the device's; lavapipe's also udmabuf's |
| cuda | the GPU, before it leaves | what the GPU has left; whole granules, of 2 MiB mostly |
| dma-heap | the kernel for \`system\` and CMA heaps (system_heap.c, cma_heap.c), else the daemon | memory that is available now; a CMA heap: what is free of its region |
| udmabuf | the kernel (shmem) | \`size_limit_mb\`, 64 MiB by default; memory that is available now |
| memfd | the kernel (shmem) | the machine's memory |

Physically contiguous, as devices without an IOMMU want it, is the memory of CMA heaps (called \`default_cma_region\`, \`reserved\`, \`linux,cma\`,
\`default-pool\`, or with \`cma\` in their name); that of \`dma-heap:system\`, udmabuf and memfd is not; of Vulkan's, CUDA's and
a vendor's heaps it is not told. With \`contiguous\` a request asks for it: \`preferred\`, which puts sources that have it first, or \`required\`,
which takes no other (\`unsupported_placement\`, with the constraint \`contiguous\`).

Since Linux 6.17 the default region of contiguous memory has two nodes in /dev/dma_heap: \`default_cma_region\`, and its own name (\`reserved\`
where the command line made it). They are one source with one quota, \`dma-heap:default_cma_region\`: requests, quotas and settings may name it by
either, and \`GET /v1/device\` has the other in \`aliases\`. Which node is the other, the daemon learns from the kernel's counts of its trial
allocation (\`/sys/kernel/mm/cma\`, CONFIG_CMA_SYSFS); where nothing is counted, it is the one of the names above, if there is only one.
What is counted is shown as \`region\`: its \`size\`, and what is \`available\` of that now, which may be in pieces. The size is no quota: one of as much
(\`[quotas.sources."dma-heap:default_cma_region"]\`) has the region shared out among users.

Where a heap of the kernel has no more (\`out_of_memory\`), the first source behind it in the chain of
[\`[sources] fallback\`](settings.md) that serves the request is taken in its place, and charged as that: never one that the
request did not allow (\`sources\`, \`contiguous: required\`, the kinds of fd, the policy). The buffer says so: \`fell_back\` has the source that
had no more, and why. What \`GET /v1/device\` calls \`fallback\` is that chain.
Memory of a source that a display refuses gives way to the next one's, too, where [the daemon asks it](displays-and-codecs.md#asked-by-the-daemon).

udmabuf's limit is raised with \`/sys/module/udmabuf/parameters/size_limit_mb\`; its \`list_limit\` counts
memfds in one dma_buf, of which the daemon uses one.
`;

generated('docs/formats.md', text, 'src/memory/formats.ts');
