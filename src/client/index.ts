/**
 * The client library: `import { connect } from 'dmabroker'`.
 */
export type { Alignment } from '../broker/alignment.js';
export { BrokerError, type ErrorCode, type Refusal } from '../broker/errors.js';
export { fourcc, fourccName, MOD_LINEAR } from '../broker/fourcc.js';
export type { HandleType } from '../broker/source.js';
export {
  type BufferDescription,
  ClientBuffer,
  type MapOptions,
  type ReceivedMemory,
  type ReceivedPlane,
  type ShareTerms,
} from './buffer.js';
export {
  Client,
  type ConnectOptions,
  connect,
} from './client.js';
export type { OrUnknown } from './enums.js';
export type { BrokerDescription, ClientDevice, SourceDescription } from './manager.js';
export { MappedMemory } from './mapped-memory.js';
export type { BroughtPlane, ImageRequest, ImportedMemory, LinearRequest } from './requests.js';
export { ConnectionError } from './wire-client.js';
export type { ByteRange, CopyTerms, WorkPath } from './work.js';
