/**
 * Reads server-sent events (HTML Standard, 9.2.6). Packages that do so keep an id without data to
 * themselves, which is how the daemon says where to go on when no event has passed the filter.
 */

/** One event. */
export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

export class EventParser {
  #rest = '';
  #name = '';
  #data: string[] = [];
  /** What to go on after (`Last-Event-ID`). */
  lastId: string | null = null;
  /** Milliseconds to wait before connecting again. */
  retryMs = 1000;

  /** The events that are complete with this text. */
  read(text: string): ServerEvent[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  /** What is left of a broken connection belongs to no event of the next one. */
  restart(): void {
    this.#rest = '';
    this.#name = '';
    this.#data = [];
  }

  #line(line: string): ServerEvent | undefined {
    if (line === '') {
      const event = { name: this.#name, data: this.#data.join('\n') };
      this.#name = '';
      this.#data = [];
      return event.data === '' ? undefined : event;
    }
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (field === 'event') this.#name = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id') this.lastId = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
    return undefined;
  }
}
