/** The calling thread's name, as top(1) and /proc/<pid>/task/<tid>/comm show it. */
import { callInt, symbol, transientString } from '../ffi.js';

const PR_SET_NAME = 15;
const prctl = symbol('prctl');

/** At most 15 bytes (prctl(2)); more are cut. */
export function nameThread(name: string): void {
  callInt(prctl, PR_SET_NAME, transientString(name));
}
