/** The first half of the guest's tests (vm/half.ts). */
import { runHalf } from './vm/half.js';

await runHalf(1);
