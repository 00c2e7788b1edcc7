/**
 * What the process keeps in memory that nobody needs. Left alone each thread, V8's own among them, has a heap of the C
 * library's, of which what was free once stays in memory (mallopt(3), malloc_trim(3)); and V8 keeps what a start has left
 * until it has reason to look, which a daemon without clients does not give it.
 */
import { addon } from './door.js';
import { callInt, symbol } from './ffi.js';

const M_ARENA_MAX = -8;

/** Threads that begin from now on share the C library's heap with others. */
export function shareHeaps(): void {
  callInt(symbol('mallopt'), M_ARENA_MAX, 1);
}

/** Collects what this thread's heap has of no use, and gives its pages back: some 10 to 50 ms. */
export function collectHeap(): void {
  addon?.collect();
}

/** Gives back what is free of the C library's heaps. Takes milliseconds, in which nobody is given anything of them. */
export function giveBackFree(): void {
  callInt(symbol('malloc_trim'), 0);
}
