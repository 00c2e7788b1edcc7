/**
 * The keys by which sources know what they keep. They are never given twice, whatever the source and its device: an
 * allocation may outlive the device that made it, and memory that has no file of its own is told by its key alone.
 */
let last = 0;

export const nextKey = (): number => ++last;
