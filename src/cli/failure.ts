/**
 * The ways in which the command line fails, each with its exit code. Scripts rely on the codes.
 */
import type { Problem } from '../server/control.js';

export const EXIT_OK = 0;
/** The daemon refused the request. */
export const EXIT_REFUSED = 1;
/** The command line was wrong. */
export const EXIT_USAGE = 2;
/** No daemon could be reached. */
export const EXIT_UNREACHABLE = 3;

/** A failure that is told in one sentence, without a stack. */
export abstract class Failure extends Error {
  abstract readonly exitCode: number;
}

/** The daemon's answer was a problem document. */
export class Refused extends Failure {
  override readonly exitCode = EXIT_REFUSED;

  constructor(readonly problem: Problem) {
    super(`${problem.code}: ${problem.detail}`);
  }
}

/** An option or argument makes no sense. */
export class Usage extends Failure {
  override readonly exitCode = EXIT_USAGE;
}

/** Nobody answers on the socket, or something that is no dmabroker. */
export class Unreachable extends Failure {
  override readonly exitCode = EXIT_UNREACHABLE;
}
