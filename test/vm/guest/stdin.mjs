#!/usr/bin/env node
// Why: in the guest, passes the command's standard input on up to the end mark. It ends by a mark, as output does: where the
// host's end of a serial line of User-Mode Linux is closed, the kernel hangs the line up and drops what nobody has read yet.
import { EndMark } from '../../../dist/test/vm/end-mark.js';

const input = process.stdin.pipe(new EndMark(process.argv[2]));
input.pipe(process.stdout, { end: false });
input.once('end', () => process.exit()); // writes to a pipe are done by then
process.stdout.once('error', () => process.exit()); // the command has closed its input
