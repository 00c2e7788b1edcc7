/** Compiles the programs that every machine runs, for one that has no compiler: bench/gpu.sh, and the guest. */
import { compile, compileReference } from './programs.js';

compile('load');
compile('crowd');
compile('cuda-memory');
compile('meet', { sources: ['peer.h'] });
compileReference();
