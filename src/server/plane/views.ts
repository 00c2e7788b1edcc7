/** The broker's records in the shapes of openapi.yaml. */
import type { Broker } from '../../broker/broker.js';
import type { BrokerBuffer, Client } from '../../broker/buffer.js';
import type { History as BrokerHistory } from '../../broker/history.js';
import type { RecallTerms } from '../../broker/quota/recalls.js';
import type { TokenInfo as BrokerTokenInfo } from '../../broker/tokens.js';
import type { PartialPeer } from '../../broker/who.js';
import { type Clock, dateText, type Monotonic } from '../../memory/clock.js';
import { typesOf } from '../../memory/faces.js';
import { fourccName, modifierText } from '../../memory/fourcc.js';
import type { Allocation, HandleType, MemorySpec, Plan } from '../../memory/source.js';
import { unverified, usageNames } from '../../memory/usage.js';
import type {
  BufferInfo,
  ClientInfo,
  History,
  PlannedBuffer,
  TokenInfo,
  WaitingAllocation,
} from '../../rest/contract.js';

/** A copy, with the list that openapi.yaml's types want to own. */
function peerView<P extends PartialPeer>(peer: P) {
  return { ...peer, groups: peer.groups === null ? null : [...peer.groups] };
}

export function bufferView(broker: Broker, buffer: BrokerBuffer): BufferInfo {
  const { allocation, spec, owner } = buffer;
  const { check } = allocation;
  const image = spec.kind === 'image' ? spec : null;
  const time = (moment: Monotonic) => dateText(broker.clock, moment);
  return {
    id: buffer.id,
    generation: buffer.generation,
    former_of: buffer.formerOf,
    state: buffer.state,
    name: buffer.name,
    handle_type: allocation.handleType,
    further_handle_types: typesOf(allocation).slice(1),
    source: allocation.source,
    device: allocation.device ?? null,
    import: check === undefined ? null : { checked: check.how, reason: check.reason },
    exporter: allocation.exporter,
    funded_by: allocation.funding ?? null,
    fell_back: allocation.fellBack ? { ...allocation.fellBack } : null,
    vulkan:
      allocation.vulkan === undefined
        ? null
        : {
            memory_type: allocation.vulkan.memoryType,
            dedicated: allocation.vulkan.dedicated,
          },
    size: allocation.size,
    kind: spec.kind,
    format: image === null ? null : fourccName(image.format),
    modifier: allocation.modifier === null ? null : modifierText(allocation.modifier),
    width: image?.width ?? null,
    height: image?.height ?? null,
    planes: planeViews(allocation),
    placement: [...allocation.placement],
    unverified_usage: usageNames(unverified(spec.usage, allocation.scanout)),
    scanout: allocation.scanout ? { ...allocation.scanout } : null,
    lifetime: lifetimeView(broker, buffer),
    owner: { client: owner.client?.id ?? null, ...peerView(owner.peer) },
    recipients: [...buffer.recipients].map(({ client, receivedAt }) => ({
      client: client.id,
      ...peerView(client.peer),
      connected: client.connected,
      received_at: time(receivedAt),
    })),
    created_at: time(buffer.createdAt),
    last_used_at: time(buffer.lastUsed),
    released_at: buffer.releasedAt === null ? null : time(buffer.releasedAt),
    recall: recallView(broker.quotas.recalls.ofBuffer(buffer), broker.clock),
    tokens: broker.sharing.tokens.count(buffer),
    // What is released has no name any more.
    lasting: buffer.released ? null : lastingView(buffer.lasting, broker.clock),
    orphan: orphanView(broker, buffer),
  };
}

function lastingView(lasting: BrokerBuffer['lasting'], clock: Clock): BufferInfo['lasting'] {
  if (lasting === null) return null;
  const { name, uid, writer, revision, committed } = lasting;
  return {
    ...{ name, uid, revision },
    // One that has gone may be succeeded by whoever comes.
    writer: writer?.connected === true ? writer.id : null,
    claimers: [...new Set([...lasting.claimers.values()].map(({ id }) => id))],
    committed: committed && {
      at: dateText(clock, committed.at),
      digest: committed.digest,
      metadata_bytes: committed.metadata?.size ?? null,
    },
  };
}

function orphanView(broker: Broker, buffer: BrokerBuffer): BufferInfo['orphan'] {
  if (!buffer.isOrphan) return null;
  const lease = broker.leases.of(buffer);
  return {
    ends_by: [...(lease === null ? [] : (['lease'] as const)), 'owner', 'administrator'],
    ends_at: lease && dateText(broker.clock, lease.endsAt),
  };
}

function recallView(recall: RecallTerms | null, clock: Clock): BufferInfo['recall'] {
  return recall && { reason: recall.reason, deadline: dateText(clock, recall.deadline) };
}

/** `only`: those of a user. */
export function waitingViews(broker: Broker, only: number | null): WaitingAllocation[] {
  return broker.waiting
    .filter(({ wanted: { owner } }) => only === null || owner.peer.uid === only)
    .map(({ wanted: { owner, name, bytes, count }, place, since, deadline, reason }) => ({
      place,
      client: owner.client?.id ?? null,
      uid: owner.peer.uid,
      pid: owner.peer.pid,
      executable: owner.peer.executable,
      name,
      bytes,
      count,
      since: dateText(broker.clock, since),
      deadline: dateText(broker.clock, deadline),
      constraint: reason?.refusal.constraint ?? null,
      reason: reason?.message ?? null,
    }));
}

export const furtherTypes = (types: readonly HandleType[] = []) =>
  types.length > 0 ? { further_handle_types: [...types] } : {};

/** What a request would become. */
export function planView(spec: MemorySpec, plan: Plan): PlannedBuffer {
  return {
    handle_type: plan.handleType,
    ...furtherTypes(plan.also),
    source: plan.source,
    device: plan.device ?? null,
    size: plan.memories.reduce((sum, bytes) => sum + bytes, 0),
    kind: spec.kind,
    modifier: plan.modifier === null ? null : modifierText(plan.modifier),
    planes: planeViews(plan),
    placement: [...plan.placement],
    unverified_usage: usageNames(unverified(spec.usage, plan.scanout)),
    scanout: plan.scanout ? { ...plan.scanout } : null,
  };
}

function lifetimeView(broker: Broker, buffer: BrokerBuffer): BufferInfo['lifetime'] {
  const { lifetime } = buffer;
  if (typeof lifetime === 'string') return { type: lifetime };
  const lease = broker.leases.of(buffer);
  if (lease === null) return { type: 'lease' };
  const { seconds, endsAt, letGoAt } = lease;
  return {
    type: 'lease',
    seconds,
    ends_at: dateText(broker.clock, endsAt),
    released_at: letGoAt === null ? null : dateText(broker.clock, letGoAt),
  };
}

function planeViews({ planes }: Pick<Allocation | Plan, 'planes'>): BufferInfo['planes'] {
  return planes.map(({ memory, offset, stride }, index) => ({ index, memory, offset, stride }));
}

export function tokenView(token: BrokerTokenInfo, clock: Clock): TokenInfo {
  const { id, usesLeft, uid, mayRenew, createdAt, expires } = token;
  return {
    id,
    uses_left: usesLeft,
    uid,
    may_renew: mayRenew,
    created_at: dateText(clock, createdAt),
    expires_at: expires === null ? null : dateText(clock, expires),
  };
}

export function historyView({ entries, forgotten }: BrokerHistory, clock: Clock): History {
  const events = entries.map(({ at, ...entry }) => ({ time: dateText(clock, at), ...entry }));
  return { events, forgotten };
}

export function clientView(client: Client, clock: Clock): ClientInfo {
  return {
    id: client.id,
    ...peerView(client.peer),
    connected_at: dateText(clock, client.connectedAt),
    buffers: client.owned.size,
    bytes: client.ownedBytes,
    fds_sent: client.fdsSent,
  };
}
