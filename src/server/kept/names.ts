/** What fds are called in the service manager's store (FDNAME=, sd_pid_notify_with_fds(3)). */

/** The file of records. */
export const STATE_NAME = 'state';
/** One that could not be read, and is of no use but to be looked at. */
export const SET_ASIDE_NAME = 'state-set-aside';

/**
 * Of a buffer's memory: 13 characters, a hyphen, a digit. What it was given when it was re-issued has its generation, too:
 * of a type whose fds do not tell what they are, the memory of before would be taken for it.
 */
export const fdName = (id: string, memory: number, generation: number): string =>
  generation === 1 ? `${id}-${memory}` : `${id}-${memory}-${generation}`;

/** Of the document that was published last with a buffer: the same with an m, and its number. */
export const metadataName = (id: string, number: number): string => `${id}-m${number}`;

/** The buffer's id. */
export const bufferOf = (name: string): string => name.slice(0, name.indexOf('-'));

const MEMORY = /^[a-z2-7]{1,13}-\d+(-\d+)?$/;
/** Whether it is such a name. */
export const isMemoryName = (name: string): boolean => MEMORY.test(name);
