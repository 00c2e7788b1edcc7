/**
 * What a card has is a graph: a plane feeds CRTCs, a CRTC feeds encoders, an encoder is a connector's. Here a way through
 * it is chosen, to a connector with something on it. All of this only reads, and anybody who may open the card may.
 */
import * as k from './layout.js';
import { Argument, ioctl, type Talk } from './talk.js';

/** More than any card has; of what has more the rest is not seen. */
const MOST = { connectors: 64, crtcs: 32, encoders: 32, planes: 128, properties: 128 };
const MOST_MODES = 256;
const MOST_FORMATS = 512;

export interface Connector {
  readonly id: number;
  /** The one that it is fed by now; 0: none. */
  readonly encoder: number;
  readonly encoders: readonly number[];
  readonly isWriteback: boolean;
  /** k.CONNECTED, k.DISCONNECTED, or nobody has looked yet. */
  readonly connection: number;
  /** struct drm_mode_modeinfo of each, the preferred one first. */
  readonly modes: readonly Buffer[];
}

export interface Plane {
  readonly id: number;
  /** 0: none. */
  readonly crtc: number;
  readonly possibleCrtcs: number;
  readonly formats: readonly number[];
}

export interface Card {
  readonly crtcs: readonly number[];
  readonly connectors: readonly Connector[];
}

/** A driver's name. */
export function* driverOf(fd: number): Talk<string> {
  const length = 64;
  const version = new Argument(k.VERSION.size, length);
  const at = version.point(k.VERSION.name, length);
  version.bytes.writeBigUInt64LE(BigInt(length), k.VERSION.nameLength);
  yield* ioctl(fd, 'DRM_IOCTL_VERSION', k.VERSION.request, version.bytes);
  const said = Number(version.bytes.readBigUInt64LE(k.VERSION.nameLength));
  return version.bytes.toString('latin1', at, at + Math.min(said, length));
}

export function* cardOf(fd: number, probes: boolean): Talk<Card> {
  const { crtcs, connectors } = MOST;
  const found = new Argument(k.GET_RESOURCES.size, 4 * (crtcs + connectors));
  const crtcsAt = found.point(k.GET_RESOURCES.crtcs, 4 * crtcs);
  const connectorsAt = found.point(k.GET_RESOURCES.connectors, 4 * connectors);
  found.set(k.GET_RESOURCES.crtcCount, crtcs).set(k.GET_RESOURCES.connectorCount, connectors);
  yield* ioctl(fd, 'DRM_IOCTL_MODE_GETRESOURCES', k.GET_RESOURCES.request, found.bytes);
  const ids = (at: number, count: number, most: number) =>
    found.list(at, Math.min(found.u32(count), most));
  const all: Connector[] = [];
  for (const id of ids(connectorsAt, k.GET_RESOURCES.connectorCount, connectors)) {
    all.push(yield* connectorOf(fd, id, probes));
  }
  return { crtcs: ids(crtcsAt, k.GET_RESOURCES.crtcCount, crtcs), connectors: all };
}

/** Probing asks the monitor, which takes its time; otherwise it is told what the kernel knows. */
function* connectorOf(fd: number, id: number, probes: boolean): Talk<Connector> {
  const c = k.GET_CONNECTOR;
  if (probes) {
    // Nothing is wanted of it: so the kernel looks (drm_mode_getconnector, count_modes).
    const look = new Argument(c.size).set(c.id, id);
    yield* ioctl(fd, 'DRM_IOCTL_MODE_GETCONNECTOR', c.request, look.bytes);
  }
  const told = new Argument(c.size, 4 * MOST.encoders + k.MODE.size * MOST_MODES).set(c.id, id);
  const encodersAt = told.point(c.encoders, 4 * MOST.encoders);
  const modesAt = told.point(c.modes, k.MODE.size * MOST_MODES);
  told.set(c.encoderCount, MOST.encoders).set(c.modeCount, MOST_MODES);
  yield* ioctl(fd, 'DRM_IOCTL_MODE_GETCONNECTOR', c.request, told.bytes);
  const modes = Array.from({ length: Math.min(told.u32(c.modeCount), MOST_MODES) }, (_, i) =>
    told.bytes.subarray(modesAt + i * k.MODE.size, modesAt + (i + 1) * k.MODE.size),
  );
  return {
    id,
    encoder: told.u32(c.encoder),
    encoders: told.list(encodersAt, Math.min(told.u32(c.encoderCount), MOST.encoders)),
    isWriteback: told.u32(c.type) === k.WRITEBACK,
    connection: told.u32(c.connection),
    modes,
  };
}

/** The CRTC that an encoder is fed by (0: none), and those that may feed it, a bit each. */
export function* encoderOf(fd: number, id: number): Talk<{ crtc: number; possibleCrtcs: number }> {
  const e = k.GET_ENCODER;
  const told = new Argument(e.size).set(e.id, id);
  yield* ioctl(fd, 'DRM_IOCTL_MODE_GETENCODER', e.request, told.bytes);
  return { crtc: told.u32(e.crtc), possibleCrtcs: told.u32(e.possibleCrtcs) };
}

export function* planesOf(fd: number): Talk<Plane[]> {
  const p = k.GET_PLANE_RESOURCES;
  const found = new Argument(p.size, 4 * MOST.planes);
  const at = found.point(p.planes, 4 * MOST.planes);
  found.set(p.count, MOST.planes);
  yield* ioctl(fd, 'DRM_IOCTL_MODE_GETPLANERESOURCES', p.request, found.bytes);
  const planes: Plane[] = [];
  for (const id of found.list(at, Math.min(found.u32(p.count), MOST.planes))) {
    planes.push(yield* planeOf(fd, id));
  }
  return planes;
}

function* planeOf(fd: number, id: number): Talk<Plane> {
  const p = k.GET_PLANE;
  const told = new Argument(p.size, 4 * MOST_FORMATS).set(p.id, id);
  const at = told.point(p.formats, 4 * MOST_FORMATS);
  told.set(p.formatCount, MOST_FORMATS);
  yield* ioctl(fd, 'DRM_IOCTL_MODE_GETPLANE', p.request, told.bytes);
  const formats = told.list(at, Math.min(told.u32(p.formatCount), MOST_FORMATS));
  return { id, crtc: told.u32(p.crtc), possibleCrtcs: told.u32(p.possibleCrtcs), formats };
}

/** An object's properties by their names: the number of each, and its value where that has 32 bits. */
export type Properties = ReadonlyMap<string, { readonly id: number; readonly value: number }>;

export class PropertyNames {
  /** Several objects have the same ones. */
  readonly #names = new Map<number, string>();

  *of(fd: number, object: number, type: number): Talk<Properties> {
    const p = k.GET_PROPERTIES;
    const most = MOST.properties;
    const told = new Argument(p.size, 12 * most).set(p.object, object).set(p.type, type);
    const idsAt = told.point(p.ids, 4 * most);
    const valuesAt = told.point(p.values, 8 * most);
    told.set(p.count, most);
    yield* ioctl(fd, 'DRM_IOCTL_MODE_OBJ_GETPROPERTIES', p.request, told.bytes);
    const properties = new Map<string, { id: number; value: number }>();
    for (const [i, id] of told.list(idsAt, Math.min(told.u32(p.count), most)).entries()) {
      properties.set(yield* this.#nameOf(fd, id), { id, value: told.u32(valuesAt + 8 * i) });
    }
    return properties;
  }

  *#nameOf(fd: number, id: number): Talk<string> {
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const { request, size, id: idAt, name: at } = k.GET_PROPERTY;
    const told = new Argument(size).set(idAt, id);
    yield* ioctl(fd, 'DRM_IOCTL_MODE_GETPROPERTY', request, told.bytes);
    const [name = ''] = told.bytes.toString('latin1', at, at + k.NAME_BYTES).split('\0');
    this.#names.set(id, name);
    return name;
  }
}
