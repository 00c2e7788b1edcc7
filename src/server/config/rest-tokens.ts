/**
 * The file of the tokens with which REST is used over TCP. It has digests, so that nobody who reads
 * it can use them; it is refused nonetheless where others could read or change it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { closeSync, constants, fstatSync, readFileSync } from 'node:fs';
import { parse, TomlDate, TomlError } from 'smol-toml';
import { REST_ROLES, type RestAccess, type RestRole } from '../../broker/policy.js';
import type { WallTime } from '../../memory/clock.js';
import { messageOf } from '../../memory/errors.js';
import { openPlain } from '../machine/plain-file.js';
import { createAjv } from './ajv.js';
import { ConfigError } from './config-error.js';
import { type Kind, text } from './kind.js';

export interface RestToken extends RestAccess {
  /** For the log; no secret. */
  readonly name: string;
  readonly role: Exclude<RestRole, 'none'>;
  /** SHA-256 of the token, in hexadecimal. */
  readonly sha256: string;
  /** A date that somebody has written, and so the one thing that is judged by the date. */
  readonly expires: WallTime;
}

interface File {
  tokens?: {
    name: string;
    sha256: string;
    role: RestToken['role'];
    preview?: boolean;
    expires: unknown;
  }[];
}

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    tokens: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'sha256', 'role', 'expires'],
        properties: {
          name: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' },
          sha256: { type: 'string', pattern: '^[0-9a-f]{64}$' },
          role: { enum: REST_ROLES.filter((role) => role !== 'none') },
          preview: { type: 'boolean' },
          // smol-toml makes it an object of its own.
          expires: {},
        },
      },
    },
  },
} as const;

/** Group and others may do nothing: members of the daemon's group are its clients. */
const FORBIDDEN_MODE = 0o077;

/** Throws an Error with a sentence for the administrator. It takes Ajv (`loadAjv`). */
export function readRestTokens(path: string, own: number): RestToken[] {
  // A FIFO would hold up the start, and SIGHUP the main thread.
  const fd = openPlain(path, constants.O_RDONLY);
  let text: string;
  try {
    const { mode, uid } = fstatSync(fd);
    if ((mode & FORBIDDEN_MODE) !== 0) {
      throw new Error(`${path} has tokens and may be open to its owner alone: chmod 600 ${path}`);
    }
    if (uid !== own && uid !== 0) throw new Error(`${path} must be the daemon's own or root's`);
    text = readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
  return parseRestTokens(text, path);
}

export function parseRestTokens(text: string, about: string): RestToken[] {
  let file: unknown;
  try {
    file = parse(text);
  } catch (error) {
    // Its message shows the line, which may have a token in it by mistake.
    if (error instanceof TomlError) {
      throw new Error(`${about}:${error.line}:${error.column}: this is no TOML`);
    }
    throw error;
  }
  const validate = createAjv().compile<File>(schema);
  if (!validate(file)) {
    const [error] = validate.errors ?? [];
    const key = (error?.instancePath ?? '').slice(1).replaceAll('/', '.');
    throw new Error(`${about}: ${key} ${error?.message ?? 'is wrong'}`.replace(':  ', ': '));
  }
  const tokens = (file.tokens ?? []).map(({ preview = false, expires, ...rest }, index) => {
    if (!(expires instanceof TomlDate) || !expires.isDateTime() || expires.isLocal()) {
      const example = '2027-01-31T00:00:00Z';
      throw new Error(`${about}: tokens.${index}.expires must be a time such as ${example}`);
    }
    return {
      ...rest,
      preview: preview || rest.role === 'admin',
      // A token is no user, and owns nothing.
      owner: false,
      expires: expires.getTime() as WallTime,
    };
  });
  for (const key of ['name', 'sha256'] as const) {
    const seen = new Set(tokens.map((token) => token[key]));
    if (seen.size < tokens.length) throw new Error(`${about}: two tokens have the same ${key}`);
  }
  return tokens;
}

/** A file of tokens, as the configuration names it. */
export interface RestTokens {
  readonly path: string;
  readonly tokens: readonly RestToken[];
}

export const tokensFile: Kind<string, RestTokens> = {
  ...text('a path that begins with `/`', { pattern: '^/' }),
  read(path, { uid }) {
    try {
      return { path, tokens: readRestTokens(path, uid) };
    } catch (error) {
      // It is about another file.
      throw new ConfigError(messageOf(error));
    }
  },
  show: ({ path }) => path,
};

export const digestOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** Whose secret it is, unless it has expired. All are compared, each in constant time. */
export function findRestToken(
  tokens: readonly RestToken[],
  secret: string,
  now: WallTime,
  equal = timingSafeEqual,
): RestToken | null {
  const digest = digestOf(secret);
  let found: RestToken | null = null;
  for (const token of tokens) {
    if (equal(digest, Buffer.from(token.sha256, 'hex'))) found = token;
  }
  return found !== null && found.expires > now ? found : null;
}
