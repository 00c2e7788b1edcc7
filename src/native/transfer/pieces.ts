/**
 * A copy, fill or read in pieces, between which somebody else is served. Whether its range lies in its
 * memories and whether its ends overlap is judged before the first one, by all of it.
 *
 * Between two pieces it holds nothing of a device, which may be lost by then; of what is read it owns
 * the content. The fds of buffers are the caller's, and open until the end.
 */
import { ftruncateSync, writeSync } from 'node:fs';
import { overlaps } from '../../memory/copy.js';
import { BrokerError } from '../../memory/errors.js';
import { PIECE_BYTES, PIECE_RUNS } from '../../memory/limits.js';
import type { CopyPlan } from '../../memory/region.js';
import type { Steps } from '../../memory/steps.js';
import type { MemoryReference, Work, WorkDone, WorkPath } from '../../memory/work.js';
import { takenBack } from '../guarded.js';
import { sealedContent } from '../libc/memory.js';
import { memoriesOf } from './ends.js';
import { batches, type Piece, piecesOf, runsOf } from './runs.js';
import type { End, Transfers } from './transfers.js';
import { cut } from './windows.js';

/** Does one piece with the device that there is by then. */
export type Attempt = <T>(body: (transfers: Transfers) => T) => T;

/** Throws BrokerErrors; the content of a read is the caller's to close. */
export function* inPieces(work: Work, attempt: Attempt): Steps<WorkDone> {
  if (work.kind === 'read') return yield* read(work, attempt);
  const path = yield* work.kind === 'copy' ? copy(work, attempt) : fill(work, attempt);
  return { path, content: null };
}

const endOf = (reference: MemoryReference): End => ({ reference, memories: memoriesOf(reference) });

/** Does each in turn; the path is the last one's, since a device may go meanwhile. */
function* oneByOne<T>(all: Iterable<T>, body: (each: T) => WorkPath): Steps<WorkPath> {
  let path: WorkPath | null = null;
  for (const each of all) {
    if (path !== null) yield;
    path = body(each);
  }
  return path ?? 'cpu';
}

function* copy(work: Extract<Work, { kind: 'copy' }>, attempt: Attempt): Steps<WorkPath> {
  const [from, to] = [endOf(work.source), endOf(work.destination)];
  checkApart(work.plan, from, to);
  const runs = [...runsOf(work.plan, from.memories, to.memories)];
  const all = batches(runs, PIECE_BYTES, PIECE_RUNS);
  return yield* oneByOne(all, (batch) => attempt((transfers) => transfers.copy(from, to, batch)));
}

function checkApart(plan: CopyPlan, { memories: from }: End, { memories: to }: End): void {
  const same = (a: number, b: number) => from.all[a]?.name === to.all[b]?.name;
  const touch =
    plan === 'memories'
      ? from.all.some((_, a) => to.all.some((_, b) => same(a, b)))
      : overlaps(plan, (a, b) => same(from.ofPlane[a] ?? -1, to.ofPlane[b] ?? -1));
  if (!touch) return;
  const message = 'source and destination overlap: both lie in the same memory';
  throw new BrokerError('invalid_argument', message, { constraint: 'source' });
}

function* fill(
  { destination, extent, value }: Extract<Work, { kind: 'fill' }>,
  attempt: Attempt,
): Steps<WorkPath> {
  const to = endOf(destination);
  const all = [...steps(piecesOf(extent, to.memories))];
  return yield* oneByOne(all, (some) => attempt((transfers) => transfers.fill(to, some, value)));
}

function* read(
  { source, extent, size }: Extract<Work, { kind: 'read' }>,
  attempt: Attempt,
): Steps<WorkDone> {
  const from = endOf(source);
  const all = [...steps(piecesOf(extent, from.memories))];
  let path: WorkPath = 'cpu';
  const fd = yield* sealedContent('dmabroker-content', function* (content) {
    ftruncateSync(content, size);
    let at = 0;
    path = yield* oneByOne(all, (some) => {
      const start = at;
      at += some.reduce((sum, each) => sum + each.size, 0);
      return attempt((transfers) => {
        // From its place on: a step that has lost its device is done once more.
        let place = start;
        return transfers.read(from, some, (bytes) => {
          writeAll(content, bytes, place);
          place += bytes.length;
        });
      });
    });
  });
  return { path, content: { fd, size } };
}

/** What is done at once: PIECE_BYTES and PIECE_RUNS at most. */
function* steps(pieces: Iterable<Piece>): Generator<Piece[]> {
  let some: Piece[] = [];
  let bytes = 0;
  for (const { memory, offset, size } of pieces) {
    for (const part of cut(offset, size, PIECE_BYTES)) {
      if (bytes + part.size > PIECE_BYTES || some.length === PIECE_RUNS) {
        yield some;
        some = [];
        bytes = 0;
      }
      some.push({ memory, ...part });
      bytes += part.size;
    }
  }
  if (some.length > 0) yield some;
}

/** write(2) at `at`; the kernel meets pages that are gone with EFAULT, where the CPU would with SIGBUS. */
function writeAll(fd: number, bytes: Buffer, at: number): void {
  try {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(fd, bytes, done, bytes.length - done, at + done);
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EFAULT') throw takenBack();
    throw error;
  }
}
