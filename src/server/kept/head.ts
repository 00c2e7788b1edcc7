/** Numbers that outlive the daemon, in the head of its file (native/slots.ts). */
export const HeadNumber = {
  /** The next event's. */
  event: 0,
  /** The last client's and the last token's. */
  client: 1,
  token: 2,
  /** Of the events: drawn once, when the file is made. */
  run: 3,
  /** 1: the keeper may have something. */
  keeper: 4,
} as const;
