/** What a run has sent and heard, so that one that reaches nothing is seen. */

/** A connection's life, played step by step. */
export interface Playable {
  readonly kind: string;
  /** Requests that were sent, by name. */
  readonly sent: ReadonlyMap<string, number>;
  /** Answers, by name. */
  readonly heard: { readonly counts: ReadonlyMap<string, number> };
  readonly messages: number;
  /** Plays one move; returns false when its life is over. */
  step(): boolean;
  end(): void;
}

export interface Counts {
  readonly sessions: Record<string, number>;
  readonly sent: Record<string, number>;
  readonly heard: Record<string, number>;
}

const count = (counts: Record<string, number>, name: string, by: number) => {
  counts[name] = (counts[name] ?? 0) + by;
};

export class Tally {
  readonly counts: Counts = { sessions: {}, sent: {}, heard: {} };

  /** Requests. */
  get messages(): number {
    return Object.values(this.counts.sent).reduce((sum, by) => sum + by, 0);
  }

  add({ kind, sent, heard }: Playable): void {
    count(this.counts.sessions, kind, 1);
    for (const [name, by] of sent) count(this.counts.sent, name, by);
    for (const [name, by] of heard.counts) count(this.counts.heard, name, by);
  }

  /** Adds what another process has counted. */
  merge({ sessions, sent, heard }: Counts): void {
    for (const [name, by] of Object.entries(sessions)) count(this.counts.sessions, name, by);
    for (const [name, by] of Object.entries(sent)) count(this.counts.sent, name, by);
    for (const [name, by] of Object.entries(heard)) count(this.counts.heard, name, by);
  }
}
