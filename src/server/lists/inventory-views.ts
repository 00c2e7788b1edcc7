/**
 * What the allocator found, in the shapes of openapi.yaml.
 */
import { fourccName, MOD_LINEAR, modifierText } from '../../memory/fourcc.js';
import type { FormatOffer, SourceState } from '../../memory/source.js';
import type { ListedDevice } from '../../native/sources/devices.js';
import type { FormatInfo, ListedDeviceInfo, SourceInfo } from '../../rest/contract.js';

export function formatView({
  format,
  modifier,
  planes,
  source,
  handleType,
  made,
}: FormatOffer): FormatInfo {
  return {
    format: fourccName(format),
    modifier: modifierText(modifier),
    modifier_name: modifier === MOD_LINEAR ? 'LINEAR' : null,
    planes,
    source,
    handle_type: handleType,
    made,
  };
}

export function sourceView(source: SourceState): SourceInfo {
  const { name, handleType, usable, reason, maxBytes = null } = source;
  return { name, handle_type: handleType, usable, reason, limits: { max_bytes: maxBytes } };
}

export function listedDeviceView(device: ListedDevice): ListedDeviceInfo {
  return { ...device, sources: device.sources.map(sourceView) };
}
