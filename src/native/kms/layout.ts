/**
 * The numbers of the kernel's mode setting: ioctl requests, and where the fields of their structs lie (drm.h, drm_mode.h,
 * <drm/drm_fourcc.h>). They are the same on every architecture that Node runs on; test/native/kms compares them with the
 * C compiler's.
 */

/** Of an ioctl that reads and writes a struct of so many bytes, with DRM's letter. */
const readWrite = (number: number, size: number) => 0xc000_6400 + size * 0x1_0000 + number;
const write = (number: number, size: number) => 0x4000_6400 + size * 0x1_0000 + number;

/** Each struct's size and its fields' offsets; `id` and `count` are what the kernel calls otherwise, each time. */
export const VERSION = { request: readWrite(0x00, 64), size: 64, nameLength: 16, name: 24 };
export const GEM_CLOSE = { request: write(0x09, 8), size: 8, handle: 0 };
export const GET_CAP = { request: readWrite(0x0c, 16), size: 16, capability: 0, value: 8 };
export const SET_CLIENT_CAP = { request: write(0x0d, 16), size: 16, capability: 0, value: 8 };
/** They have no argument. */
export const SET_MASTER = 0x641e;
export const DROP_MASTER = 0x641f;
export const PRIME_FD_TO_HANDLE = { request: readWrite(0x2e, 12), size: 12, handle: 0, fd: 8 };
export const GET_RESOURCES = {
  ...{ request: readWrite(0xa0, 64), size: 64 },
  ...{ crtcs: 8, connectors: 16, crtcCount: 36, connectorCount: 40 },
};
export const GET_ENCODER = {
  ...{ request: readWrite(0xa6, 20), size: 20, id: 0, crtc: 8, possibleCrtcs: 12 },
};
export const GET_CONNECTOR = {
  ...{ request: readWrite(0xa7, 80), size: 80 },
  ...{ encoders: 0, modes: 8, modeCount: 32, encoderCount: 40 },
  ...{ encoder: 44, id: 48, type: 52, connection: 60 },
};
export const GET_PROPERTY = { request: readWrite(0xaa, 64), size: 64, id: 16, name: 24 };
export const REMOVE_FB = { request: readWrite(0xaf, 4), size: 4, id: 0 };
export const GET_PLANE_RESOURCES = { request: readWrite(0xb5, 16), size: 16, planes: 0, count: 8 };
export const GET_PLANE = {
  ...{ request: readWrite(0xb6, 32), size: 32 },
  ...{ id: 0, crtc: 4, possibleCrtcs: 12, formatCount: 20, formats: 24 },
};
export const ADD_FB2 = {
  ...{ request: readWrite(0xb8, 104), size: 104 },
  ...{ id: 0, width: 4, height: 8, format: 12, flags: 16 },
  ...{ handles: 20, pitches: 36, offsets: 52, modifiers: 72 },
};
export const GET_PROPERTIES = {
  ...{ request: readWrite(0xb9, 32), size: 32 },
  ...{ ids: 0, values: 8, count: 16, object: 20, type: 24 },
};
export const ATOMIC = {
  ...{ request: readWrite(0xbc, 56), size: 56, flags: 0, objectCount: 4 },
  ...{ objects: 8, counts: 16, ids: 24, values: 32 },
};
export const CREATE_BLOB = { request: readWrite(0xbd, 16), size: 16, data: 0, length: 8, id: 12 };
export const DESTROY_BLOB = { request: readWrite(0xbe, 4), size: 4, id: 0 };

/** struct drm_mode_modeinfo */
export const MODE = { size: 68, width: 4, height: 14 };
/** DRM_PROP_NAME_LEN */
export const NAME_BYTES = 32;

export const CAP_ADDFB2_MODIFIERS = 0x10;
/** It brings the primary planes with it. */
export const CLIENT_CAP_ATOMIC = 3;
export const FB_MODIFIERS = 2;
export const CONNECTED = 1;
export const DISCONNECTED = 2;
export const WRITEBACK = 18;
export const PRIMARY = 1;
export const OBJECT = { crtc: 0xcccc_cccc, connector: 0xc0c0_c0c0, plane: 0xeeee_eeee };
/** DRM_MODE_ATOMIC_TEST_ONLY: whoever leaves this out changes what is shown. */
export const TEST_ONLY = 0x100;
export const ALLOW_MODESET = 0x400;
