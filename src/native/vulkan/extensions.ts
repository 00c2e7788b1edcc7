/**
 * The device extensions that the broker uses, what for, and which of them a device lets it enable.
 * Pure.
 */
import type { ExtensionReport } from '../../memory/device.js';
import { apiVersion } from './version.js';

interface Wanted {
  readonly name: string;
  readonly purpose: string;
  /** Extensions that must be enabled with it, and the version whose core has them. */
  readonly needs: readonly { readonly name: string; readonly core: number }[];
}

const V1_1 = apiVersion(1, 1);
const V1_2 = apiVersion(1, 2);
const NEVER = Number.POSITIVE_INFINITY;

/** Dependencies as the registry has them for a device of Vulkan 1.1 or later. */
const wanted: readonly Wanted[] = [
  { name: 'VK_KHR_external_memory_fd', purpose: 'exports memory as file descriptors', needs: [] },
  {
    name: 'VK_EXT_external_memory_dma_buf',
    purpose: 'those descriptors are dma_bufs',
    needs: [{ name: 'VK_KHR_external_memory_fd', core: NEVER }],
  },
  {
    name: 'VK_EXT_image_drm_format_modifier',
    purpose: 'images with DRM format modifiers',
    needs: [{ name: 'VK_KHR_image_format_list', core: V1_2 }],
  },
  {
    name: 'VK_EXT_queue_family_foreign',
    purpose: 'hands cleared memory over to other devices and drivers',
    needs: [],
  },
  { name: 'VK_EXT_physical_device_drm', purpose: "names the device's DRM nodes", needs: [] },
  { name: 'VK_EXT_memory_budget', purpose: 'how much of each heap is in use', needs: [] },
  {
    name: 'VK_KHR_external_semaphore_fd',
    purpose: 'exports semaphores as file descriptors',
    needs: [{ name: 'VK_KHR_external_semaphore', core: V1_1 }],
  },
];

/**
 * What to enable on a device of Vulkan `version` (1.1 or later) that offers `available`. `names` are
 * for vkCreateDevice, dependencies included; `report` has one entry for each wanted extension.
 */
export function planExtensions(
  available: ReadonlySet<string>,
  version: number,
): { readonly names: readonly string[]; readonly report: readonly ExtensionReport[] } {
  const names = new Set<string>();
  const report = wanted.map(({ name, purpose, needs }): ExtensionReport => {
    const extra = needs.filter(({ core }) => version < core).map((need) => need.name);
    const missing = [name, ...extra].find((each) => !available.has(each));
    if (missing === undefined) {
      // VUID-vkCreateDevice-ppEnabledExtensionNames-01387: dependencies are enabled too.
      for (const each of [...extra, name]) names.add(each);
      return { name, enabled: true, reason: purpose };
    }
    const reason =
      missing === name
        ? 'the driver does not have it'
        : `it needs ${missing}, which the driver does not have`;
    return { name, enabled: false, reason };
  });
  return { names: [...names], report };
}
