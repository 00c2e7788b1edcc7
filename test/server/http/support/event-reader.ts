/**
 * Reads `GET /v1/events` of a test's server, with the parser of the command line.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Test } from 'tap';
import { EventParser, type ServerEvent } from '../../../../src/cli/sse.js';

export class EventReader {
  readonly events: ServerEvent[] = [];
  readonly parser = new EventParser();
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>;
  #changed: () => void = () => {};

  private constructor(readonly answer: IncomingMessage) {
    answer.setEncoding('utf8');
    answer.on('error', () => {});
    this.ended = new Promise((resolve) => answer.once('close', resolve));
    answer.on('data', (text: string) => {
      this.events.push(...this.parser.read(text));
      this.#changed();
    });
  }

  /** Connects; the connection is closed at the test's end. */
  static async open(
    t: Test,
    socketPath: string,
    query = '',
    headers: Record<string, string> = {},
  ): Promise<EventReader> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const path = `/v1/events${query}`;
      const request = httpRequest({ socketPath, path, agent: false, headers });
      request.once('response', resolve);
      request.once('error', reject);
      request.end();
    });
    t.teardown(() => answer.destroy());
    return new EventReader(answer);
  }

  /** Resolves when it holds for what has been read. */
  async until(met: () => boolean): Promise<void> {
    while (!met()) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  /** The first `count` events. */
  async first(count: number): Promise<ServerEvent[]> {
    await this.until(() => this.events.length >= count);
    return this.events.slice(0, count);
  }
}
