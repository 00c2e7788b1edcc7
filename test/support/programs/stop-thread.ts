/** Has a thread of another process stand still until that process ends: `stop-thread PID NAME`. */
import { stopForGood } from '../stopped-thread.js';

const [pid, name = ''] = process.argv.slice(2);
stopForGood(Number(pid), name);
