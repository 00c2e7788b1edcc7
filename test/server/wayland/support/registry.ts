/** A broker in a world of its own, with the journal that follows it, and what was posted to main. */
import { Broker } from '../../../../src/broker/broker.js';
import { Journal } from '../../../../src/server/plane/journal.js';
import type { PlaneMessage } from '../../../../src/server/words/messages.js';
import { FakeWorld, memfd, offers } from '../../../broker/support/world.js';

export function makeRegistry() {
  const world = new FakeWorld();
  const broker = new Broker(world, { sources: [memfd], offers });
  const posted: PlaneMessage[] = [];
  const post = (message: PlaneMessage) => posted.push(message);
  const journal = new Journal(() => broker, world.clock, post);
  world.observer = journal;
  return { world, broker, posted, post, journal };
}
