/**
 * An image's present content for a preview: a copy, so that whoever writes to the memory meanwhile
 * waits for nobody.
 */
import type { Broker } from '../../broker/broker.js';
import type { BrokerBuffer, Owner } from '../../broker/buffer.js';
import { BrokerError, isOutOfFds, outOfFds } from '../../memory/errors.js';
import { MOD_LINEAR, modifierText } from '../../memory/fourcc.js';
import { isImportedImage, spansOf } from '../../memory/registered.js';
import type { Done } from '../../memory/result.js';
import { referenceTo } from '../../memory/work.js';
import { duplicate } from '../../native/libc/fd.js';
import { memoriesOf } from '../../native/transfer/ends.js';
import type { Content } from '../words/preview.js';

/** `done` is called once; the content's fd is its receiver's, who says when it is done with it. */
export function readImage(
  broker: Broker,
  buffer: BrokerBuffer,
  by: Owner,
  done: Done<Content>,
): void {
  const { spec, allocation } = buffer;
  if (spec.kind !== 'image') {
    const message = 'linear memory has no picture: nothing says what is in it';
    throw new BrokerError('unsupported_format', message, { constraint: 'kind', possible: 'image' });
  }
  const { modifier } = allocation;
  if (modifier !== MOD_LINEAR) {
    throw new BrokerError('unsupported_modifier', 'only LINEAR images can be shown', {
      constraint: 'modifier',
      requested: modifier === null ? null : modifierText(modifier),
      possible: [modifierText(MOD_LINEAR)],
    });
  }
  const planes = planesInContent(buffer);
  broker.works.read(by, buffer, { offset: 0n, size: 0n }, (worked) => {
    if ('error' in worked) return done(worked);
    const { content } = worked;
    const [fd] = content?.held.fds ?? [];
    if (content === null || fd === undefined) throw new Error('a read without content');
    try {
      const { format, width, height } = spec;
      const copy = duplicate(fd);
      const ticket = broker.works.leaves(content);
      done({ fd: copy, ticket, size: content.size, format, width, height, planes });
    } catch (error) {
      content.received();
      if (!isOutOfFds(error)) throw error;
      done({ error: outOfFds() });
    } finally {
      content.held.release();
    }
  });
}

/**
 * A read gives all memories, one after the other, in the order of their planes; of an imported image, each
 * from the image's first byte in it on.
 */
function planesInContent(buffer: BrokerBuffer): Content['planes'] {
  if (isImportedImage(buffer)) return planesInSpans(buffer);
  const { all, ofPlane } = memoriesOf(referenceTo(buffer));
  return buffer.allocation.planes.map(({ offset, stride }, index) => {
    const before = all.slice(0, ofPlane[index]);
    return { offset: offset + before.reduce((sum, { size }) => sum + size, 0), stride };
  });
}

function planesInSpans(buffer: BrokerBuffer): Content['planes'] {
  const { planes } = buffer.allocation;
  /** By fd: what is to be added to an offset in that memory. */
  const shifts = new Map<number, number>();
  let before = 0;
  for (const { plane, offset, bytes } of spansOf(buffer)) {
    shifts.set(planes[plane]?.fd ?? -1, before - offset);
    before += bytes;
  }
  return planes.map(({ fd, offset, stride }) => ({
    offset: offset + (shifts.get(fd) ?? 0),
    stride,
  }));
}
