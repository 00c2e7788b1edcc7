/** The client library: `import { connect } from 'dmabroker'`. */
export type { Alignment } from '../memory/alignment.js';
export type { ErrorCode } from '../memory/errors.js';
export { fourcc, fourccName, MOD_LINEAR } from '../memory/fourcc.js';
export type { PlaneLayout, PlanePlace } from '../memory/plane.js';
export type {
  Contiguous,
  HandleType,
  Placement,
  VulkanMemory,
} from '../memory/source.js';
export type { UsageName } from '../memory/usage.js';
export {
  BrokerError,
  type Json,
  type Possible,
  type QuotaRefusal,
  type Refusal,
} from './broker-error.js';
export { ClientBuffer } from './buffer.js';
export type { AllocateOptions, CallOptions } from './call-options.js';
export {
  Client,
  type ConnectOptions,
  connect,
} from './client.js';
export type { Deadline, Recall } from './deadline.js';
export type { BufferDescription, ReceivedMemory, ReceivedPlane } from './description.js';
export type { OrUnknown } from './enums.js';
export type {
  BufferEvent,
  ClientEvent,
  ConnectionLostEvent,
  ConnectionRestoredEvent,
} from './events.js';
export {
  type ClaimTerms,
  type CommitTerms,
  type Committed,
  layoutDigest,
  type Metadata,
} from './lasting.js';
export type { BrokerDescription, ClientDevice, SourceDescription } from './manager.js';
export { MappedMemory } from './mapped-memory.js';
export type { Planned } from './planned.js';
export type { ReconnectOptions } from './reconnect.js';
export type {
  AdoptedBuffer,
  BroughtPlane,
  CommonRequest,
  ImageRequest,
  ImportedImage,
  ImportedLinear,
  ImportedMemory,
  ImportTerms,
  LinearRequest,
  OwnMemory,
} from './requests.js';
export type { MapOptions, ReadContent, RedeemTerms, Share, ShareTerms } from './terms.js';
export { ConnectionError } from './wire-client.js';
export type { ByteRange, CopyTerms, WorkPath } from './work.js';
