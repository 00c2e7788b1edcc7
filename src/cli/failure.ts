/**
 * The ways in which the command line fails, each with its exit code. Scripts rely on the codes.
 */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Problem } from '../rest/contract.js';
import { account } from './accounts.js';

export const EXIT_OK = 0;
export const EXIT_REFUSED = 1;
export const EXIT_USAGE = 2;
export const EXIT_UNREACHABLE = 3;

/** Every exit code and what it means: for --help, the man page and docs/cli.md. */
export const EXIT_CODES: readonly (readonly [number, string])[] = [
  [EXIT_OK, 'it is done'],
  [EXIT_REFUSED, 'the daemon refused the request; doctor: something is wrong'],
  [EXIT_USAGE, 'the command line was wrong, or a file that it names'],
  [EXIT_UNREACHABLE, 'no daemon could be reached'],
];

/** A problem document; what was refused over the client socket was no request that has a name. */
export type RefusedProblem = Omit<Problem, 'request_id'> & Partial<Pick<Problem, 'request_id'>>;

/** A failure as --json tells it: the daemon's problem document, or this of the command line. */
export type FailureReport =
  | RefusedProblem
  | { readonly code: 'usage' | 'unreachable'; detail: string };

/** A failure that is told in one sentence, without a stack. */
export abstract class Failure extends Error {
  abstract readonly exitCode: number;
  abstract readonly report: FailureReport;
}

/** The daemon's answer was a problem document. */
export class Refused extends Failure {
  override readonly exitCode = EXIT_REFUSED;

  constructor(readonly problem: RefusedProblem) {
    super(`${problem.code}: ${problem.detail}`);
  }

  override get report(): FailureReport {
    return this.problem;
  }
}

/** An option or argument makes no sense. */
export class Usage extends Failure {
  override readonly exitCode = EXIT_USAGE;

  override get report(): FailureReport {
    return { code: 'usage', detail: this.message };
  }
}

/** Nobody answers where the daemon should be, or something that is no dmabroker. */
export class Unreachable extends Failure {
  override readonly exitCode = EXIT_UNREACHABLE;

  override get report(): FailureReport {
    return { code: 'unreachable', detail: this.message };
  }
}

/** Why nobody can be reached at a place, by the error's name in errno(3). */
export function whyUnreachable(error: Error & { code?: string }, place: string): string {
  switch (error.code) {
    case 'ENOENT':
      return `${place} does not exist`;
    case 'ECONNREFUSED':
    case 'ENOTSOCK':
      return `nobody listens on ${place}`;
    case 'EACCES':
      return `you may not connect to ${place}${groupHint(place)}`;
    case 'ECONNRESET':
      return `${place} closed the connection without an answer`;
    default:
      return `${place}: ${error.message}`;
  }
}

/** Whose member may connect to a socket: its group, or that of the folder which hides it. */
export function groupHint(
  path: string,
  isMine = (gid: number) => ownGroups().includes(gid),
): string {
  let gid: number;
  try {
    ({ gid } = statSync(path));
  } catch {
    return path === dirname(path) ? '' : groupHint(dirname(path), isMine);
  }
  const group = gid === 0 || isMine(gid) ? null : account('group', String(gid));
  return group === null ? '' : `: the group ${group.name} may (usermod -aG ${group.name} USER)`;
}

const ownGroups = () => [process.getgid?.(), ...(process.getgroups?.() ?? [])];
