/** Reads what `node --cpu-prof` writes: whose time it was, by the source file that a bundle's comments name. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
  };
  readonly children?: readonly number[];
}

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** The node of each sample, and the microseconds since the one before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
  /** Microseconds of CLOCK_MONOTONIC, as process.hrtime has them. */
  readonly startTime: number;
}

/** Between which moments samples count; all without. */
export interface Between {
  readonly from: number;
  readonly to: number;
}

/** Of a place: what functions of it took. */
export interface Part {
  /** `protocol/wire.ts`, with what that has called in Node and C; a dependency; `garbage collection`. */
  readonly place: string;
  readonly share: number;
  readonly functions: readonly { readonly name: string; readonly share: number }[];
}

/** A line of esbuild's before each module: `// src/protocol/wire.ts`. */
const MODULE = /^\/\/ ((?:src|node_modules)\/\S+)$/;

/** The file of each line of a bundle, by its number from 0. */
const files = new Map<string, (string | null)[]>();

function fileOf(url: string, line: number): string | null {
  if (!url.startsWith('file:')) return null;
  let lines = files.get(url);
  if (lines === undefined) {
    const path = fileURLToPath(url);
    let file: string | null = null;
    lines = (existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []).map((text) => {
      file = MODULE.exec(text)?.[1] ?? file;
      return file;
    });
    files.set(url, lines);
  }
  return lines[line] ?? null;
}

/** The place that a node's time is of: what is Node's or C's is of whoever of ours has called it. */
function placeOf(node: ProfileNode, parents: ReadonlyMap<number, ProfileNode>): string | null {
  const { functionName } = node.callFrame;
  if (functionName === '(idle)' || functionName === '(root)') return null;
  if (functionName === '(garbage collector)') return 'garbage collection';
  for (let at: ProfileNode | undefined = node; at !== undefined; at = parents.get(at.id)) {
    const file = fileOf(at.callFrame.url, at.callFrame.lineNumber);
    if (file === null) continue;
    const [, dependency] = /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file) ?? [];
    return dependency ?? file.replace(/^src\//, '');
  }
  return 'Node itself';
}

/** Whether a file with this end of its path was run in the profile's thread. */
export const ran = ({ nodes }: CpuProfile, path: string): boolean =>
  nodes.some(({ callFrame }) => callFrame.url.endsWith(path));

/** Self time by place, the largest first; shares in per cent of the time that was not idle. */
export function partsOf(profile: CpuProfile, between?: Between): Part[] {
  const { from, to } = between ?? { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  const self = new Map<number, number>();
  let at = profile.startTime;
  for (const [i, id] of profile.samples.entries()) {
    const delta = profile.timeDeltas[i] ?? 0;
    at += delta;
    if (at >= from && at <= to) self.set(id, (self.get(id) ?? 0) + delta);
  }
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map<number, ProfileNode>();
  for (const node of byId.values()) for (const id of node.children ?? []) parents.set(id, node);
  const places = new Map<string, Map<string, number>>();
  let all = 0;
  for (const node of profile.nodes) {
    const place = placeOf(node, parents);
    const time = self.get(node.id) ?? 0;
    if (place === null || time === 0) continue;
    all += time;
    const functions = places.get(place) ?? new Map<string, number>();
    const name = node.callFrame.functionName || '(anonymous)';
    functions.set(name, (functions.get(name) ?? 0) + time);
    places.set(place, functions);
  }
  const share = (time: number) => (100 * time) / all;
  return [...places]
    .map(([place, functions]) => ({
      place,
      share: share([...functions.values()].reduce((sum, time) => sum + time, 0)),
      functions: [...functions]
        .map(([name, time]) => ({ name, share: share(time) }))
        .toSorted((a, b) => b.share - a.share),
    }))
    .toSorted((a, b) => b.share - a.share);
}
