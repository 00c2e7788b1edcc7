/**
 * The refusal that several interfaces tell in the same way: `failed`, and before it `long_detail` where
 * the whole detail is longer than a message may be.
 */
import type { Broker } from '../../broker/broker.js';
import type { Owner } from '../../broker/buffer.js';
import { type BrokerError, catalogue, type Refusal } from '../../memory/errors.js';
import type {
  dmabroker_buffer_v1,
  dmabroker_share_v1,
  dmabroker_test_v1,
  dmabroker_work_v1,
} from '../../protocol/dmabroker-v1.gen.js';
import type { Resource } from './resource.js';
import { cut, MAX_TEXT } from './text.js';

/** Their events have the same names and arguments (test/protocol/rules.test.ts). */
export type Refusing =
  | typeof dmabroker_buffer_v1
  | typeof dmabroker_share_v1
  | typeof dmabroker_test_v1
  | typeof dmabroker_work_v1;

const fits = (detail: string) => Buffer.byteLength(detail) <= MAX_TEXT.detail;

/** What is left of a detail that is too long: the first of these that is not. */
function shortened({ constraint, nearest }: Refusal): string {
  const less = [
    { constraint, nearest, truncated: true },
    { constraint, truncated: true },
  ].map((each) => JSON.stringify(each));
  return less.find(fits) ?? '{}';
}

/** The last two are a buffer's alone. */
export type RefusalEvent = 'failed' | 'lease_refused' | 'commit_refused';

/** Who asked for what is refused, of which object, and by which event it is told. */
interface Asked<I extends Refusing> {
  readonly owner: Owner;
  readonly resource: Resource<I>;
  readonly event?: RefusalEvent;
}

/** Tells whoever has the object that what was asked of it is refused. */
export function refuse<I extends Refusing>(
  broker: Broker,
  { owner, resource, event = 'failed' }: Asked<I>,
  error: BrokerError,
): void {
  // Nothing is made for an object that has gone.
  if (!resource.alive) return;
  const to = resource as unknown as Resource<typeof dmabroker_buffer_v1>;
  const { number } = catalogue[error.code];
  const message = cut(error.message, MAX_TEXT.message);
  const whole = JSON.stringify(error.refusal);
  if (fits(whole)) {
    to.event(event, number, message, whole);
    return;
  }
  const tell = () => to.event(event, number, message, shortened(error.refusal));
  const long = broker.texts.make(owner, whole);
  if (long === null) {
    tell();
    return;
  }
  const { held, size, received } = long;
  const both = () => {
    to.event('long_detail', held.fds[0] ?? -1, size);
    tell();
  };
  resource.connection.packet(held, both, received);
  held.release();
}
