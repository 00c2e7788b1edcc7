/**
 * Asks a card whether it would show memory, by a commit that changes nothing (DRM_MODE_ATOMIC_TEST_ONLY). Only the card's
 * master may, and whoever opens a card that has none becomes it: so this is given up at once, and taken for the commits
 * alone, which are a moment.
 *
 * Owns: the open card, and all that is made in it. What a killed process leaves of these the kernel takes back.
 */
import { fourccName, MOD_LINEAR } from '../../memory/fourcc.js';
import type { CardScanout, Picture } from '../../memory/scanout.js';
import { closeCall, type LongCall } from '../later.js';
import { errnoName, SystemError } from '../libc/errno.js';
import { driverOf } from './card.js';
import * as k from './layout.js';
import { Argument, command, ioctl, openCall, type Talk } from './talk.js';
import { findWay, type Stop, type Way } from './way.js';

/** Errors that say nothing of the memory: somebody was in the way, or the machine has no more of something. */
const PASSING: ReadonlySet<string> = new Set([
  ...['EACCES', 'EPERM', 'EBUSY', 'EINTR', 'EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE'],
  ...['EIO', 'ENODEV', 'ENXIO', 'ETIMEDOUT', 'EDEADLK', 'EBADF', 'EFAULT'],
]);

/** There is no such card now. */
const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ENODEV', 'ENXIO']);

const unverified = (reason: string): CardScanout => ({ state: 'unverified', reason });

/** A step of it that failed, by what it is called for people. */
class Failed extends Error {
  constructor(
    readonly step: string,
    readonly code: string,
  ) {
    super(`${step}: ${code}`);
  }
}

function* step<T>(name: string, talk: Talk<T>): Talk<T> {
  try {
    return yield* talk;
  } catch (error) {
    throw error instanceof SystemError ? new Failed(name, error.code) : error;
  }
}

/** All are of one size and format; the same memory may be in several. Their fds stay open until the end of the talk. */
export function* askCard(path: string, pictures: readonly Picture[]): Talk<CardScanout> {
  const fd = yield openCall(path);
  if (fd < 0) {
    const code = errnoName(-fd);
    const said = unverified(`${path} cannot be opened: ${code}`);
    return GONE.has(code) ? { ...said, absent: true } : said;
  }
  let card = path;
  try {
    card = `${path} (${yield* step('its name', driverOf(fd))})`;
    return yield* answer(fd, card, pictures);
  } catch (error) {
    if (!(error instanceof Failed || error instanceof SystemError)) throw error;
    const step = error instanceof Failed ? error.step : 'its master';
    return unverified(`${card} could not be asked: ${error.code} (${step})`);
  } finally {
    yield closeCall(fd, false);
  }
}

function* answer(fd: number, card: string, pictures: readonly Picture[]): Talk<CardScanout> {
  const [picture] = pictures;
  if (picture === undefined) return unverified('there is nothing to be shown');
  const taken = yield* master(fd);
  if (taken !== null) {
    return unverified(`another program shows on ${card}: it alone may ask it (${taken})`);
  }
  yield* command(fd, 'DRM_IOCTL_DROP_MASTER', k.DROP_MASTER);
  const cap = new Argument(k.SET_CLIENT_CAP.size);
  cap.set(k.SET_CLIENT_CAP.capability, k.CLIENT_CAP_ATOMIC).set(k.SET_CLIENT_CAP.value, 1);
  yield* step(
    'atomic modeset',
    ioctl(fd, 'DRM_IOCTL_SET_CLIENT_CAP', k.SET_CLIENT_CAP.request, cap.bytes),
  );
  const asMaster = function* <T>(talk: Talk<T>): Talk<T> {
    const taken = yield* master(fd);
    if (taken !== null) throw new Failed('another program shows', taken);
    try {
      return yield* talk;
    } finally {
      yield* command(fd, 'DRM_IOCTL_DROP_MASTER', k.DROP_MASTER);
    }
  };
  const way = yield* step('what it has', findWay(fd, picture, asMaster));
  if ('reason' in way) {
    return { ...unverified(`${card} ${way.reason}`), ...(way.absent && { absent: true }) };
  }
  if (!way.formats.includes(picture.format)) {
    const format = fourccName(picture.format);
    return { state: 'refused', reason: `${card} has no ${format} on its primary plane` };
  }
  try {
    yield* testAll(fd, way, pictures, asMaster);
  } catch (error) {
    if (!(error instanceof Failed) || PASSING.has(error.code)) throw error;
    const reason = `${card} refuses it: ${error.code} (${error.step})`;
    return { state: 'refused', reason };
  }
  const { width, height } = way.size;
  return { state: 'verified', reason: `${card} takes it, at ${width}x${height}` };
}

/** Becomes the card's master; the error where another is. */
function* master(fd: number): Talk<string | null> {
  try {
    yield* command(fd, 'DRM_IOCTL_SET_MASTER', k.SET_MASTER);
    return null;
  } catch (error) {
    if (error instanceof SystemError) return error.code;
    throw error;
  }
}

function* testAll(
  fd: number,
  way: Way,
  pictures: readonly Picture[],
  asMaster: <T>(talk: Talk<T>) => Talk<T>,
): Talk<void> {
  const cap = new Argument(k.GET_CAP.size).set(k.GET_CAP.capability, k.CAP_ADDFB2_MODIFIERS);
  yield* ioctl(fd, 'DRM_IOCTL_GET_CAP', k.GET_CAP.request, cap.bytes);
  const hasModifiers = cap.u32(k.GET_CAP.value) !== 0;
  const framebuffers: number[] = [];
  const blob = yield* step('the mode', createBlob(fd, way.mode));
  try {
    for (const picture of pictures) {
      framebuffers.push(yield* framebuffer(fd, picture, hasModifiers));
    }
    yield* asMaster(
      (function* (): Talk<void> {
        for (const each of framebuffers) yield* step('test commit', test(fd, way, blob, each));
      })(),
    );
  } finally {
    for (const id of framebuffers) yield* drop(fd, k.REMOVE_FB, id);
    yield* drop(fd, k.DESTROY_BLOB, blob);
  }
}

/** What cannot be let go of now goes with the open card. */
function* drop(fd: number, { request, size, ...at }: typeof k.REMOVE_FB, id: number): Talk<void> {
  yield* quietly(fd, request, new Argument(size).set(at.id, id));
}

function* quietly(
  fd: number,
  request: number,
  { bytes }: Argument,
): Generator<LongCall, void, number> {
  try {
    yield* ioctl(fd, 'close', request, bytes);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
}

function* createBlob(fd: number, data: Buffer): Talk<number> {
  const blob = new Argument(k.CREATE_BLOB.size, data.length).set(k.CREATE_BLOB.length, data.length);
  data.copy(blob.bytes, blob.point(k.CREATE_BLOB.data, data.length));
  yield* ioctl(fd, 'DRM_IOCTL_MODE_CREATEPROPBLOB', k.CREATE_BLOB.request, blob.bytes);
  return blob.u32(k.CREATE_BLOB.id);
}

/** It has references of its own to the memory: the handles are closed. */
function* framebuffer(fd: number, picture: Picture, hasModifiers: boolean): Talk<number> {
  const { width, height, format, modifier, planes } = picture;
  if (!hasModifiers && modifier !== MOD_LINEAR) throw new Failed('modifiers', 'ENOTSUP');
  const a = k.ADD_FB2;
  const added = new Argument(a.size)
    .set(a.width, width)
    .set(a.height, height)
    .set(a.format, format);
  if (hasModifiers) added.set(a.flags, k.FB_MODIFIERS);
  const handles = new Set<number>();
  try {
    for (const [i, plane] of planes.entries()) {
      const handle = yield* step('import', importOf(fd, plane.fd));
      // The same memory has the same handle, which is not counted.
      handles.add(handle);
      added.set(a.handles + 4 * i, handle);
      added.set(a.pitches + 4 * i, plane.stride).set(a.offsets + 4 * i, plane.offset);
      if (hasModifiers) added.bytes.writeBigUInt64LE(modifier, a.modifiers + 8 * i);
    }
    yield* step('framebuffer', ioctl(fd, 'DRM_IOCTL_MODE_ADDFB2', a.request, added.bytes));
    return added.u32(a.id);
  } finally {
    const { request, size, handle: at } = k.GEM_CLOSE;
    for (const handle of handles) yield* quietly(fd, request, new Argument(size).set(at, handle));
  }
}

function* importOf(fd: number, memory: number): Talk<number> {
  const p = k.PRIME_FD_TO_HANDLE;
  const made = new Argument(p.size).set(p.fd, memory);
  yield* ioctl(fd, 'DRM_IOCTL_PRIME_FD_TO_HANDLE', p.request, made.bytes);
  return made.u32(p.handle);
}

/** The whole state of the display, so that what is shown now does not matter. Never without TEST_ONLY. */
function* test(fd: number, way: Way, blob: number, framebuffer: number): Talk<void> {
  const { connector, crtc, plane, size } = way;
  const whole = { W: size.width, H: size.height };
  const wanted: readonly (readonly [Stop, Readonly<Record<string, number>>])[] = [
    [connector, { CRTC_ID: crtc.id }],
    [crtc, { MODE_ID: blob, ACTIVE: 1 }],
    [
      plane,
      {
        ...{ FB_ID: framebuffer, CRTC_ID: crtc.id, CRTC_X: 0, CRTC_Y: 0, SRC_X: 0, SRC_Y: 0 },
        ...{ CRTC_W: whole.W, CRTC_H: whole.H },
        // 16.16 fixed point.
        ...{ SRC_W: whole.W * 0x1_0000, SRC_H: whole.H * 0x1_0000 },
      },
    ],
  ];
  const ids = wanted.flatMap(([stop, values]) =>
    Object.keys(values).map((name) => {
      const property = stop.properties.get(name);
      if (property === undefined) throw new Failed(`its property ${name}`, 'ENODEV');
      return property.id;
    }),
  );
  const values = wanted.flatMap(([, each]) => Object.values(each));
  const a = k.ATOMIC;
  const commit = new Argument(a.size, 8 * wanted.length + 4 * ids.length + 8 * values.length);
  commit.set(a.flags, k.TEST_ONLY | k.ALLOW_MODESET).set(a.objectCount, wanted.length);
  commit.put(
    a.objects,
    wanted.map(([{ id }]) => id),
    4,
  );
  commit.put(
    a.counts,
    wanted.map(([, each]) => Object.keys(each).length),
    4,
  );
  commit.put(a.ids, ids, 4);
  commit.put(a.values, values, 8);
  yield* ioctl(fd, 'DRM_IOCTL_MODE_ATOMIC', a.request, commit.bytes);
}
