/**
 * The comment with which a file's part of a stream begins, where several files write one. By itself, since the guest
 * loads it, where each module costs.
 */
export const beginning = (name: string): string => `test file: ${name}`;
export const BEGINNING = /^# test file: (.*)\n?$/;
