/**
 * Which systemd unit and which container a process runs in, read off its control group's path. For
 * people: whoever may write a cgroup tree may choose its names, so no decision rests on them.
 *
 * Pure. cgroups(7), systemd.unit(5), systemd.slice(5), and the names that container managers use.
 */

export interface Cgroup {
  /** As /proc/PID/cgroup gives it, e.g. `/system.slice/foo.service`; null where it is not known. */
  readonly cgroup: string | null;
  /** The unit: a service or scope, of the user's own manager where there is one. */
  readonly unit: string | null;
  /** The slice that the unit is in. */
  readonly slice: string | null;
  /** The innermost container's id, or its name where its manager has only names. */
  readonly container: string | null;
}

export const NO_CGROUP: Cgroup = { cgroup: null, unit: null, slice: null, container: null };

/** systemd.unit(5)'s name, of the types that hold processes: systemd.service(5), systemd.scope(5). */
const UNIT = /^[\w:.\\@-]+\.(service|scope)$/;
const SLICE = /^[\w:.\\@-]+\.slice$/;
const USER_MANAGER = /^user@\d+\.service$/;

/**
 * Where a component names a container. Docker, podman, CRI-O and containerd name a scope (with
 * systemd's driver) or a folder (with cgroupfs) after the id's 64 hexadecimal digits; podman in a unit's
 * own control group (--cgroups=split, as for Quadlet) has `libpod-payload-`. LXC and systemd-nspawn have
 * names.
 */
const CONTAINERS: readonly RegExp[] = [
  /^(?:docker|libpod|crio|cri-containerd|nerdctl)-([0-9a-f]{64})\.scope$/,
  /^(?:libpod-(?:payload-)?)?([0-9a-f]{64})$/,
  /^lxc\.payload\.(.+)$/,
  /^machine-(.+)\.scope$/,
  /^systemd-nspawn@(.+)\.service$/,
];

/** systemd prefixes a name that the kernel would take for one of its own files with `_`. */
const unescaped = (component: string) => component.replace(/^_/, '');

/** Undoes systemd.unit(5)'s `\x2d`; the rest of the name stays. */
const decoded = (name: string) =>
  name.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );

function containerOf(components: readonly string[]): string | null {
  for (const [index, component] of [...components.entries()].reverse()) {
    // LXC before 4.0: /lxc/NAME.
    if (components[index - 1] === 'lxc') return component;
    for (const pattern of CONTAINERS) {
      const id = pattern.exec(component)?.[1];
      if (id !== undefined) return decoded(id);
    }
  }
  return null;
}

/** The path of a process: cgroup v2's (`0::`), or systemd's own hierarchy where v2's has nothing. */
function pathOf(text: string): string | null {
  // A cgroup that was removed under its last process is marked.
  const lines = text.split('\n').map((line) => line.replace(/ \(deleted\)$/, ''));
  const find = (prefix: RegExp) => lines.find((line) => prefix.test(line))?.replace(prefix, '');
  const unified = find(/^0::/);
  const systemd = find(/^\d+:name=systemd:/);
  return (unified === '/' ? systemd : undefined) ?? unified ?? systemd ?? null;
}

/** Reads the text of /proc/PID/cgroup. */
export function parseCgroup(text: string): Cgroup {
  const path = pathOf(text);
  if (path === null) return NO_CGROUP;
  const components = path
    .split('/')
    .filter((component) => component !== '')
    .map(unescaped);
  const manager = components.findIndex((component) => USER_MANAGER.test(component));
  const isUnit = (component: string) => UNIT.test(component);
  // A user's own manager has units of its own below; init.scope and the like are such, too.
  const inManager = components.findIndex((component, i) => i > manager && isUnit(component));
  const at = manager >= 0 && inManager < 0 ? manager : inManager;
  const above = at < 0 ? components : components.slice(0, at);
  return {
    cgroup: path,
    unit: components[at] ?? null,
    slice: above.findLast((component) => SLICE.test(component)) ?? null,
    container: containerOf(components),
  };
}
