/**
 * A card is asked whether it shows memory: what it says of it, and that nothing of the question stays, whichever call fails.
 * The numbers of the kernel's structs are the C compiler's. What a driver says is in examples/pixels.guest.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { fourcc, MOD_LINEAR } from '../../../src/memory/fourcc.js';
import type { Picture } from '../../../src/memory/scanout.js';
import { askCard } from '../../../src/native/kms/ask.js';
import * as k from '../../../src/native/kms/layout.js';
import { temporaryFolder } from '../../support/folder.js';
import { FakeCard } from './support/card.js';

const [ENOENT, EIO, EACCES, EBUSY, EINVAL, EOPNOTSUPP] = [2, 5, 13, 16, 22, 95];
const PATH = '/dev/dri/card0';
const picture: Picture = {
  ...{ width: 1024, height: 768, format: fourcc('XR24'), modifier: MOD_LINEAR },
  planes: [{ fd: 5, offset: 0, stride: 4096 }],
};
const NOTHING = { isOpen: false, master: 'nobody', made: [0, 0, 0] };
const ask = (card: FakeCard, pictures: readonly Picture[] = [picture]) =>
  card.run(askCard(PATH, pictures));

t.test('it takes it, by commits that change nothing', async (t) => {
  const card = new FakeCard();
  const said = ask(card, [picture, { ...picture, planes: [{ fd: 6, offset: 64, stride: 4096 }] }]);
  t.same(said, { state: 'verified', reason: `${PATH} (fake) takes it, at 1024x768` });
  t.same(card.left, NOTHING);
  t.equal(card.commits.length, 2);
  const [{ flags, values } = { flags: 0, values: new Map() }] = card.commits;
  t.equal(flags, k.TEST_ONLY | k.ALLOW_MODESET);
  const of = (name: string) => values.get(name);
  t.same(['20 ACTIVE', '30 CRTC_ID', '51 CRTC_ID'].map(of), [1, 20, 20]);
  t.same(['51 CRTC_W', '51 CRTC_H', '51 CRTC_X'].map(of), [1024, 768, 0]);
  t.same(['51 SRC_W', '51 SRC_H', '51 SRC_Y'].map(of), [1024 * 65536, 768 * 65536, 0]);
  t.ok(of('51 FB_ID') && of('20 MODE_ID'));
  // To see whether it may, to give that up, for two commits, and to give it up.
  t.equal(card.asMaster, 6, 'master for no other call');
});

t.test('why it does not, or cannot be asked', async (t) => {
  const said = (change: (card: FakeCard) => unknown, shown = picture) => {
    const card = new FakeCard();
    change(card);
    const { state, reason, absent } = ask(card, [shown]);
    const { master } = card;
    t.same(card.left, { ...NOTHING, master: master === 'other' ? master : 'nobody' });
    return `${state}${absent === true ? ' (absent)' : ''}: ${reason.replace(`${PATH} (fake)`, 'it')}`;
  };
  const fails = (request: number, errno: number) => said((card) => card.errors.set(request, errno));
  const closed = (errno: number) =>
    said((card) => {
      card.closed = errno;
    });
  t.equal(closed(ENOENT), `unverified (absent): ${PATH} cannot be opened: ENOENT`);
  t.equal(closed(EACCES), `unverified: ${PATH} cannot be opened: EACCES`);
  t.equal(
    said((card) => {
      card.master = 'other';
    }),
    'unverified: another program shows on it: it alone may ask it (EACCES)',
  );
  t.equal(
    fails(k.SET_CLIENT_CAP.request, EOPNOTSUPP),
    'unverified: it could not be asked: ENOTSUP (atomic modeset)',
  );
  t.equal(fails(k.PRIME_FD_TO_HANDLE.request, EINVAL), 'refused: it refuses it: EINVAL (import)');
  t.equal(fails(k.ADD_FB2.request, EINVAL), 'refused: it refuses it: EINVAL (framebuffer)');
  t.equal(fails(k.ATOMIC.request, EINVAL), 'refused: it refuses it: EINVAL (test commit)');
  t.equal(fails(k.ATOMIC.request, EBUSY), 'unverified: it could not be asked: EBUSY (test commit)');
  t.equal(
    said((card) => {
      card.connection = k.DISCONNECTED;
    }),
    'unverified (absent): it has nothing connected',
  );
  t.equal(
    said(() => {}, { ...picture, format: fourcc('NV12') }),
    'refused: it has no NV12 on its primary plane',
  );
  t.equal(
    said(() => {}, { ...picture, width: 800 }),
    'unverified: it has no mode of 800x768 or less',
  );
  t.match(
    said(() => {}, { ...picture, width: 4000, height: 4000 }),
    /^verified: .* at 1024x768$/,
    'a part of it is shown',
  );
  t.equal(
    said(
      (card) => {
        card.hasModifiers = false;
      },
      { ...picture, modifier: 1n },
    ),
    'refused: it refuses it: ENOTSUP (modifiers)',
  );
  t.match(
    said((card) => {
      card.hasModifiers = false;
    }),
    /^verified/,
  );
});

t.test('the mode, the CRTC and the plane that fit', async (t) => {
  const card = new FakeCard();
  card.modes = [
    [1920, 1080],
    [640, 480],
    [1024, 768],
  ];
  card.probed = false;
  card.otherCrtc = 20;
  t.match(ask(card).reason, /at 1024x768$/, 'nobody had looked what there is');
  t.equal(card.commits[0]?.values.get('30 CRTC_ID'), 21, 'the one that nothing else is on');
  t.equal(card.commits[0]?.values.get('52 CRTC_ID'), 21);
  card.crtc = 20;
  ask(card);
  t.equal(card.commits[1]?.values.get('30 CRTC_ID'), 20, 'the one that it is on');
});

t.test('whichever call fails, nothing is left, and nothing is verified', async (t) => {
  const whole = new FakeCard();
  ask(whole);
  const bad: string[] = [];
  for (let at = 1; at <= whole.calls; at++) {
    const card = new FakeCard();
    card.failing = { at, errno: EIO };
    const { state } = ask(card);
    const { made } = card.left as { made: number[] };
    // What cannot be let go of goes with the card.
    const isCleaning = state === 'verified' && card.commits.length > 0;
    const isClean = isCleaning || made.every((count) => count === 0);
    if (card.isOpen || card.master !== 'nobody' || !isClean) bad.push(`${at}: ${state}`);
    if (state === 'refused') bad.push(`${at} is no refusal`);
  }
  t.same(bad, []);
});

const HEADERS = '/usr/include/libdrm';
t.test(
  'the numbers are those of the C compiler',
  { skip: existsSync(`${HEADERS}/drm_mode.h`) ? false : 'libdrm-dev is missing' },
  async (t) => {
    const facts: [c: string, ours: number][] = [];
    const of = (struct: string, ours: Readonly<Record<string, number>>, fields: object) => {
      facts.push([`sizeof(struct ${struct})`, ours.size as number]);
      for (const [name, field] of Object.entries(fields))
        facts.push([`offsetof(struct ${struct}, ${field})`, ours[name] as number]);
    };
    const request = (name: string, { request }: { readonly request: number }) =>
      facts.push([`DRM_IOCTL_${name}`, request]);
    request('VERSION', k.VERSION);
    of('drm_version', k.VERSION, { nameLength: 'name_len', name: 'name' });
    request('GEM_CLOSE', k.GEM_CLOSE);
    of('drm_gem_close', k.GEM_CLOSE, { handle: 'handle' });
    request('GET_CAP', k.GET_CAP);
    of('drm_get_cap', k.GET_CAP, { capability: 'capability', value: 'value' });
    request('SET_CLIENT_CAP', k.SET_CLIENT_CAP);
    of('drm_set_client_cap', k.SET_CLIENT_CAP, { capability: 'capability', value: 'value' });
    facts.push(['DRM_IOCTL_SET_MASTER', k.SET_MASTER], ['DRM_IOCTL_DROP_MASTER', k.DROP_MASTER]);
    request('PRIME_FD_TO_HANDLE', k.PRIME_FD_TO_HANDLE);
    of('drm_prime_handle', k.PRIME_FD_TO_HANDLE, { handle: 'handle', fd: 'fd' });
    request('MODE_GETRESOURCES', k.GET_RESOURCES);
    of('drm_mode_card_res', k.GET_RESOURCES, {
      ...{ crtcs: 'crtc_id_ptr', connectors: 'connector_id_ptr' },
      ...{ crtcCount: 'count_crtcs', connectorCount: 'count_connectors' },
    });
    request('MODE_GETENCODER', k.GET_ENCODER);
    of('drm_mode_get_encoder', k.GET_ENCODER, {
      ...{ id: 'encoder_id', crtc: 'crtc_id', possibleCrtcs: 'possible_crtcs' },
    });
    request('MODE_GETCONNECTOR', k.GET_CONNECTOR);
    of('drm_mode_get_connector', k.GET_CONNECTOR, {
      ...{ encoders: 'encoders_ptr', modes: 'modes_ptr', modeCount: 'count_modes' },
      ...{ encoderCount: 'count_encoders', encoder: 'encoder_id', id: 'connector_id' },
      ...{ type: 'connector_type', connection: 'connection' },
    });
    request('MODE_GETPROPERTY', k.GET_PROPERTY);
    of('drm_mode_get_property', k.GET_PROPERTY, { id: 'prop_id', name: 'name' });
    request('MODE_RMFB', k.REMOVE_FB);
    request('MODE_GETPLANERESOURCES', k.GET_PLANE_RESOURCES);
    of('drm_mode_get_plane_res', k.GET_PLANE_RESOURCES, {
      ...{ planes: 'plane_id_ptr', count: 'count_planes' },
    });
    request('MODE_GETPLANE', k.GET_PLANE);
    of('drm_mode_get_plane', k.GET_PLANE, {
      ...{ id: 'plane_id', crtc: 'crtc_id', possibleCrtcs: 'possible_crtcs' },
      ...{ formatCount: 'count_format_types', formats: 'format_type_ptr' },
    });
    request('MODE_ADDFB2', k.ADD_FB2);
    of('drm_mode_fb_cmd2', k.ADD_FB2, {
      ...{ id: 'fb_id', width: 'width', height: 'height', format: 'pixel_format' },
      ...{ flags: 'flags', handles: 'handles', pitches: 'pitches', offsets: 'offsets' },
      modifiers: 'modifier',
    });
    request('MODE_OBJ_GETPROPERTIES', k.GET_PROPERTIES);
    of('drm_mode_obj_get_properties', k.GET_PROPERTIES, {
      ...{ ids: 'props_ptr', values: 'prop_values_ptr', count: 'count_props' },
      ...{ object: 'obj_id', type: 'obj_type' },
    });
    request('MODE_ATOMIC', k.ATOMIC);
    of('drm_mode_atomic', k.ATOMIC, {
      ...{ flags: 'flags', objectCount: 'count_objs', objects: 'objs_ptr' },
      ...{ counts: 'count_props_ptr', ids: 'props_ptr', values: 'prop_values_ptr' },
    });
    request('MODE_CREATEPROPBLOB', k.CREATE_BLOB);
    of('drm_mode_create_blob', k.CREATE_BLOB, { data: 'data', length: 'length', id: 'blob_id' });
    request('MODE_DESTROYPROPBLOB', k.DESTROY_BLOB);
    of('drm_mode_destroy_blob', k.DESTROY_BLOB, { id: 'blob_id' });
    of('drm_mode_modeinfo', k.MODE, { width: 'hdisplay', height: 'vdisplay' });
    facts.push(
      ['DRM_PROP_NAME_LEN', k.NAME_BYTES],
      ['DRM_CAP_ADDFB2_MODIFIERS', k.CAP_ADDFB2_MODIFIERS],
      ['DRM_CLIENT_CAP_ATOMIC', k.CLIENT_CAP_ATOMIC],
      ['DRM_MODE_FB_MODIFIERS', k.FB_MODIFIERS],
      ['DRM_MODE_CONNECTED', k.CONNECTED],
      ['DRM_MODE_DISCONNECTED', k.DISCONNECTED],
      ['DRM_MODE_CONNECTOR_WRITEBACK', k.WRITEBACK],
      ['DRM_PLANE_TYPE_PRIMARY', k.PRIMARY],
      ['DRM_MODE_OBJECT_CRTC', k.OBJECT.crtc],
      ['DRM_MODE_OBJECT_CONNECTOR', k.OBJECT.connector],
      ['DRM_MODE_OBJECT_PLANE', k.OBJECT.plane],
      ['DRM_MODE_ATOMIC_TEST_ONLY', k.TEST_ONLY],
      ['DRM_MODE_ATOMIC_ALLOW_MODESET', k.ALLOW_MODESET],
    );
    // What the compiler refuses is told by its line.
    const lines = facts.map(
      ([c, ours]) => `_Static_assert((unsigned long)(${c}) == ${ours}UL, "${c}");`,
    );
    const source = join(temporaryFolder(t), 'layout.c');
    const includes = ['<stddef.h>', '<xf86drmMode.h>', '<drm.h>', '<drm_mode.h>'];
    const before = includes.map((name) => `#include ${name}`);
    writeFileSync(source, [...before, ...lines, ''].join('\n'));
    execFileSync(process.env.CC ?? 'cc', ['-std=c11', '-fsyntax-only', `-I${HEADERS}`, source]);
    t.ok(facts.length > 100, `${facts.length} numbers`);
  },
);
