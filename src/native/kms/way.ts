/** The way through a card on which a picture would be shown: the plane, CRTC, connector and mode that a commit names. */

import {
  type Card,
  type Connector,
  cardOf,
  encoderOf,
  type Plane,
  type Properties,
  PropertyNames,
  planesOf,
} from './card.js';
import { CONNECTED, DISCONNECTED, MODE, OBJECT, PRIMARY } from './layout.js';
import type { Talk } from './talk.js';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** An object of the card's, and its properties. */
export interface Stop {
  readonly id: number;
  readonly properties: Properties;
}

export interface Way {
  readonly connector: Stop;
  readonly crtc: Stop;
  readonly plane: Stop;
  /** struct drm_mode_modeinfo */
  readonly mode: Buffer;
  /** The mode's. */
  readonly size: Size;
  readonly formats: readonly number[];
}

/** `absent`: there is no display that could be asked. */
export interface NoWay {
  readonly reason: string;
  readonly absent: boolean;
}

const sizeOf = (mode: Buffer): Size => ({
  width: mode.readUInt16LE(MODE.width),
  height: mode.readUInt16LE(MODE.height),
});

/** Of the picture's size; else the first that shows a part of it, as who pans in a larger one does. */
function modeFor(modes: readonly Buffer[], { width, height }: Size): Buffer | undefined {
  const sized = modes.map((mode) => ({ mode, size: sizeOf(mode) }));
  const exact = sized.find(({ size }) => size.width === width && size.height === height);
  return (exact ?? sized.find(({ size }) => size.width <= width && size.height <= height))?.mode;
}

/** Nobody has looked at it since the machine was started, or since something was plugged in. */
const isUnknown = ({ connection, modes }: Connector) =>
  connection !== DISCONNECTED && (connection !== CONNECTED || modes.length === 0);

/** `asMaster` runs what only the master may do. */
export function* findWay(
  fd: number,
  picture: Size,
  asMaster: <T>(talk: Talk<T>) => Talk<T>,
): Talk<Way | NoWay> {
  let card = yield* cardOf(fd, false);
  const shows = ({ isWriteback }: Connector) => !isWriteback;
  if (card.connectors.filter(shows).some(isUnknown)) card = yield* asMaster(cardOf(fd, true));
  const there = card.connectors.filter((each) => shows(each) && each.connection === CONNECTED);
  if (there.length === 0) return { reason: 'has nothing connected', absent: true };
  const fitting = there.flatMap((connector) => {
    const mode = modeFor(connector.modes, picture);
    return mode === undefined ? [] : [{ connector, mode, size: sizeOf(mode) }];
  });
  const isExact = ({ size }: { size: Size }) =>
    size.width === picture.width && size.height === picture.height;
  const chosen = fitting.find(isExact) ?? fitting[0];
  if (chosen === undefined) {
    const { width, height } = picture;
    return { reason: `has no mode of ${width}x${height} or less`, absent: false };
  }
  const { connector, mode, size } = chosen;
  const index = yield* crtcOf(fd, card, connector);
  const crtc = card.crtcs[index];
  if (crtc === undefined) return { reason: 'has no CRTC for what is connected', absent: false };
  const names = new PropertyNames();
  const plane = yield* primaryPlane(fd, crtc, index, names);
  if (plane === null) return { reason: 'has no primary plane for its CRTC', absent: false };
  const stop = function* (id: number, type: number): Talk<Stop> {
    return { id, properties: yield* names.of(fd, id, type) };
  };
  return {
    connector: yield* stop(connector.id, OBJECT.connector),
    crtc: yield* stop(crtc, OBJECT.crtc),
    plane: { id: plane.id, properties: plane.properties },
    ...{ mode, size, formats: plane.formats },
  };
}

/** The one that it is on, or one that nothing else is on; its index, -1 where there is none. */
function* crtcOf(fd: number, { crtcs, connectors }: Card, connector: Connector): Talk<number> {
  const taken = new Set<number>();
  for (const { id, encoder } of connectors) {
    if (encoder === 0) continue;
    const { crtc } = yield* encoderOf(fd, encoder);
    if (id === connector.id && crtc !== 0) return crtcs.indexOf(crtc);
    taken.add(crtc);
  }
  let possible = 0;
  for (const encoder of connector.encoders) {
    possible |= (yield* encoderOf(fd, encoder)).possibleCrtcs;
  }
  const those = [...crtcs.keys()].filter((index) => (possible & (1 << index)) !== 0);
  return those.find((index) => !taken.has(crtcs[index] ?? 0)) ?? those[0] ?? -1;
}

/** The one that it is fed by, or one that feeds nothing. */
function* primaryPlane(
  fd: number,
  crtc: number,
  index: number,
  names: PropertyNames,
): Talk<(Plane & { readonly properties: Properties }) | null> {
  const found: (Plane & { readonly properties: Properties })[] = [];
  for (const plane of yield* planesOf(fd)) {
    if ((plane.possibleCrtcs & (1 << index)) === 0) continue;
    const properties = yield* names.of(fd, plane.id, OBJECT.plane);
    if (properties.get('type')?.value === PRIMARY) found.push({ ...plane, properties });
  }
  const [first = null] = found;
  return found.find((each) => each.crtc === crtc) ?? found.find((each) => each.crtc === 0) ?? first;
}
