/** How buffers and processes are put into words for people; several commands show them. */
import type { BufferInfo, QuotaInfo } from '../rest/contract.js';
import type { Names } from './names.js';

interface Process {
  readonly uid: number | null;
  readonly pid: number | null;
  readonly executable: string | null;
}

interface Place {
  readonly unit: string | null;
  readonly container: string | null;
}

type Image = Pick<BufferInfo, 'kind' | 'width' | 'height' | 'format'>;

/** `image 1920x1080 XR24` or `buffer`. */
export function contents({ kind, width, height, format }: Image): string {
  return kind === 'image' ? `image ${width}x${height} ${format}` : 'buffer';
}

/** Where a process runs: its container, or else its systemd unit; ids of containers are cut. */
export function placeText({ unit, container }: Place): string {
  if (container === null) return unit ?? '-';
  return `container ${container.length === 64 ? container.slice(0, 12) : container}`;
}

/** `weston (pid 712, bob)`, as far as it is known; without a name, `uid 1000`. */
export function processText({ uid, pid, executable }: Process, names: Names): string {
  const who = [
    ...(pid === null ? [] : [`pid ${pid}`]),
    ...(uid === null ? [] : [names.nameOf('passwd', uid) ?? `uid ${uid}`]),
  ].join(', ');
  const name = executable?.split('/').at(-1);
  if (name === undefined) return who === '' ? '-' : who;
  return who === '' ? name : `${name} (${who})`;
}

/** As the command line names a quota: `daemon`, `connection` and `user` alone are those of all. */
export function quotaName({ scope, key }: Pick<QuotaInfo, 'scope' | 'key'>, names: Names): string {
  const id = /^\d+$/.test(key) ? Number(key) : null;
  if (scope === 'user' && id !== null) return `user/${names.user(id)}`;
  if (scope === 'group' && id !== null) return `group/${names.nameOf('group', id) ?? id}`;
  return key === 'default' ? scope : `${scope}/${key}`;
}

/** What would end an orphan: what comes of itself comes first. */
export function endOf({ orphan }: Pick<BufferInfo, 'orphan'>): string | null {
  if (orphan === null) return null;
  const { ends_by, ends_at } = orphan;
  const hands = ends_by.filter((each) => each !== 'lease').join(' or ');
  return ends_at === null ? `by its ${hands}` : `lease, ${ends_at}, or by its ${hands}`;
}
