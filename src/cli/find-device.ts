/** Which Vulkan device somebody at a terminal means: REST takes its UUID alone. */
import type { ListedDeviceInfo } from '../rest/contract.js';
import { Usage } from './failure.js';
import type { Rest } from './rest.js';

/**
 * `wanted` is a UUID (dashes allowed), which the daemon is to judge, its beginning, or a part of one device's name,
 * in any case. Throws Usage where no name or several have it.
 */
export async function findDevice(rest: Rest, wanted: string): Promise<string> {
  const uuid = wanted.replaceAll('-', '').toLowerCase();
  if (/^[0-9a-f]{32}$/.test(uuid)) return uuid;
  const begins = (device: ListedDeviceInfo) =>
    /^[0-9a-f]{6,}$/.test(uuid) && device.device_uuid.startsWith(uuid);
  const devices = await rest.get<ListedDeviceInfo[]>('/v1/devices');
  const part = wanted.toLowerCase();
  const found = devices.filter(
    (device) => device.name.toLowerCase().includes(part) || begins(device),
  );
  const [device] = found;
  if (device !== undefined && found.length === 1) return device.device_uuid;
  const candidates = found.length > 0 ? found : devices;
  const text = candidates.map(({ name, device_uuid }) => `${name} (${device_uuid})`).join('; ');
  const how = found.length > 0 ? 'several devices are' : 'no device is';
  throw new Usage(`${how} "${wanted}"; there are: ${text || 'none'}`);
}
