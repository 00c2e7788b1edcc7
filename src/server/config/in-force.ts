/**
 * The configuration that the daemon runs with, and the one that a restart would put in its place: the
 * file may have been read again since (SIGHUP), and only a part of it changes at run time.
 */
import { type Clock, dateText } from '../../memory/clock.js';
import type { LogLevel } from '../../memory/log-level.js';
import type { ConfigReport } from '../../rest/contract.js';
import type { Loaded } from './config.js';
import { isLive } from './live.js';
import { type QuotaLayers, type Settings, settingsOf } from './report.js';

const UNSET = { value: null, from: 'default', line: null } as const;

export class ConfigInForce {
  #latest: Loaded;
  /** Why the file was not taken when it was last read; null where it was. */
  #error: string | null = null;

  constructor(
    private readonly started: Loaded,
    /** Of now: REST may have changed it. */
    private readonly logLevel: () => LogLevel,
    private readonly stateFolder: string,
    private readonly quotas: () => QuotaLayers,
    private readonly clock: Clock,
  ) {
    this.#latest = started;
  }

  /** The file was read again. */
  reload(latest: Loaded): void {
    this.#latest = latest;
    this.#error = null;
  }

  /** The file was read again and has a mistake: nothing has changed. */
  refused(reason: string): void {
    this.#error = reason;
  }

  get report(): ConfigReport {
    const { file, readAt, config } = this.#latest;
    const quotas = this.quotas();
    const next = settingsOf(this.#latest, quotas);
    const now = this.#now(settingsOf(this.started, quotas), next);
    const settings = [...new Set([...now.keys(), ...next.keys()])].map((key) => {
      const value = now.get(key) ?? UNSET;
      const later = next.get(key) ?? UNSET;
      const same = JSON.stringify(value.value) === JSON.stringify(later.value);
      return { key, ...value, after_restart: same ? null : later };
    });
    return {
      file: file.path,
      read_at: dateText(this.clock, readAt),
      error: this.#error,
      state_folder: this.stateFolder,
      settings,
      tokens: (config.restTcp.tokensFile?.tokens ?? []).map(({ name, role, preview, expires }) => ({
        name,
        role,
        preview,
        expires_at: new Date(expires).toISOString(),
      })),
    };
  }

  /** The names of what the file has changed and a restart would put in force. */
  get pending(): string[] {
    return this.report.settings
      .filter(({ from, after_restart }) => from !== 'rest' && after_restart !== null)
      .map(({ key }) => key);
  }

  #now(started: Settings, next: Settings): Settings {
    const keys = [...new Set([...started.keys(), ...next.keys()])];
    const now = new Map(
      keys.flatMap((key) => {
        const value = (isLive(key) ? next : started).get(key);
        return value === undefined ? [] : [[key, value] as const];
      }),
    );
    const level = this.logLevel();
    if (level !== this.#latest.config.log.level) {
      now.set('log.level', { value: level, from: 'rest', line: null });
    }
    return now;
  }
}
