/**
 * Which of several Vulkan devices the daemon takes: the one that the administrator names, otherwise
 * the first of the best type. Pure.
 */
import type { DeviceType, DrmNode, PhysicalDescription } from '../../memory/device.js';

export type Candidate = Pick<PhysicalDescription, 'name' | 'type' | 'deviceUuid' | 'drm'>;

/** A device with memory of its own first, a CPU that plays one last. */
const order: readonly DeviceType[] = [
  'discrete_gpu',
  'integrated_gpu',
  'virtual_gpu',
  'other',
  'cpu',
];

/**
 * `wanted` is one of: a device UUID (32 hexadecimal digits, dashes allowed), a DRM node's path
 * (`/dev/dri/renderD128`), a DRM node's `major:minor`, or a part of the device's name in any case.
 * Where it fits several devices, and where it is absent, the first device of the best type is
 * taken. `nodeOf` gives the device number of a path, null where there is no such device file.
 * Throws with a list of what exists where nothing fits.
 */
export function chooseDevice<C extends Candidate>(
  candidates: readonly C[],
  wanted: string | undefined,
  nodeOf: (path: string) => DrmNode | null,
): C {
  const fits = wanted === undefined ? () => true : criterion(wanted, nodeOf);
  const chosen = candidates
    .filter(fits)
    .reduce<C | undefined>(
      (best, next) => (best && rank(best.type) <= rank(next.type) ? best : next),
      undefined,
    );
  if (chosen) return chosen;
  if (candidates.length === 0) throw new Error('no Vulkan device (of version 1.1 or later)');
  throw new Error(`no Vulkan device is "${wanted}"; there are: ${candidates.map(line).join('; ')}`);
}

const rank = (type: DeviceType) => order.indexOf(type);

function criterion(
  wanted: string,
  nodeOf: (path: string) => DrmNode | null,
): (candidate: Candidate) => boolean {
  const uuid = wanted.replaceAll('-', '').toLowerCase();
  if (/^[0-9a-f]{32}$/.test(uuid)) return (candidate) => candidate.deviceUuid === uuid;

  const numbers = /^(\d+):(\d+)$/.exec(wanted);
  if (numbers || wanted.startsWith('/')) {
    const node = numbers
      ? { major: Number(numbers[1]), minor: Number(numbers[2]) }
      : nodeOf(wanted);
    return ({ drm }) => node !== null && [drm?.primary, drm?.render].some((own) => same(own, node));
  }

  const part = wanted.toLowerCase();
  return (candidate) => candidate.name.toLowerCase().includes(part);
}

function same(a: DrmNode | null | undefined, b: DrmNode): boolean {
  return a?.major === b.major && a.minor === b.minor;
}

function line({ name, type, deviceUuid, drm }: Candidate): string {
  const nodes = [drm?.primary, drm?.render].filter((node) => node != null);
  const drmText = nodes.map((node) => `, DRM ${node.major}:${node.minor}`).join('');
  return `${name} (${type}, UUID ${deviceUuid}${drmText})`;
}
