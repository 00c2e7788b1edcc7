/**
 * What the allocator found, in the shapes of openapi.yaml.
 */
import { fourccName, MOD_LINEAR, modifierText } from '../../memory/fourcc.js';
import type { FormatOffer, SourceState } from '../../memory/source.js';
import type { ListedDevice } from '../../native/sources/devices.js';
import type { FormatInfo, ListedDeviceInfo, SourceInfo } from '../../rest/contract.js';
import type { Inventory } from '../words/messages.js';

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

/** What an administrator should know about this daemon's sources. */
export function warnings({ sources }: Inventory): string[] {
  const exporters = sources.filter((source) => source.handleType === 'dma_buf');
  if (exporters.some((source) => source.usable)) return [];
  const why = exporters.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  return [`no dma_buf can be exported here (${why}); other handle types must be asked for`];
}
