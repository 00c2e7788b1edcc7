/**
 * The table of settings: all that the configuration file can say, in the order in which it is shown. From it
 * follow the file's schema (file.ts), what the daemon has of it (config.ts), what a reload takes over
 * (live.ts), what `GET /v1/config` tells (report.ts), docs/settings.md and dmabroker.toml(5). A new setting
 * is an entry here, and used where it is needed.
 */
import {
  DEVICE_POOL_BYTES,
  DEVICE_POOL_PART,
  MAX_DEFAULT_POOL_BYTES,
  POOL_PART,
} from '../../broker/pool/limits.js';
import type { ChargePolicy } from '../../broker/shares.js';
import {
  DEFAULT_LEASE_GRACE_SECONDS,
  DEFAULT_RESTART_GRACE_SECONDS,
  DEFAULT_TRUSTED_BYTES,
  DEFAULT_UNKNOWN_GRACE_SECONDS,
} from '../../memory/limits.js';
import { LOG_LEVELS } from '../../memory/log-level.js';
import { CLIENT_SOCKET, daemonSocket, REST_SOCKET } from '../../protocol/paths.js';
import { KEEPER_SOCKET } from '../words/keeper-lines.js';
import { LOOKER_SOCKET } from '../words/look-lines.js';
import {
  boolean,
  cardList,
  fileMode,
  groupName,
  integer,
  limit,
  loopback,
  number,
  oneOf,
  size,
  sourceList,
  text,
} from './kind.js';
import { policy } from './policy.js';
import { quotas } from './quotas.js';
import { tokensFile } from './rest-tokens.js';
import { optional, section, setting } from './setting.js';
import { WHEN_FULL } from './when-full.js';

/** A day: what nobody has asked for by then is a matter for an administrator. */
const DAY_SECONDS = 86_400;
const YEAR_SECONDS = 31_536_000;
const HOUR_SECONDS = 3600;

/**
 * Requests that a user may send in a second, unless configured: about what one core answers, so that
 * it stops a loop gone wild and no honest client.
 */
export const DEFAULT_RATE_LIMIT = 10_000;

/** With MAX_POOL_SPECS, at most 4,096 spares. */
const MAX_SPARES_PER_SPEC = 64;

/** sockaddr_un's sun_path has 108 bytes with its NUL (unix(7)). */
const socketPath = text('a path that begins with `/`', { pattern: '^/', maxLength: 107 });

/** Where a socket is, and who may open its file. */
const socketFile = (name: string, mode: string, about: string) => ({
  socket: setting(
    socketPath,
    {
      of: () => daemonSocket(name),
      words: `\`/run/dmabroker/${name}\` (root), \`$XDG_RUNTIME_DIR/dmabroker/${name}\``,
    },
    { about: 'The path of the socket.' },
  ),
  mode: setting(fileMode, mode, { about }),
  group: optional(groupName, "the daemon's own", {
    about: "The group of the socket's file.",
  }),
});

export const SECTIONS = {
  clients: section({
    about: 'The socket of the clients.',
    settings: socketFile(
      CLIENT_SOCKET,
      // What the kernel refuses gets no sentence.
      '0666',
      "The mode of the socket's file. As it is everybody reaches it, and the policy decides who is served.",
    ),
  }),
  rest: section({
    about: 'The socket of the REST API.',
    settings: {
      ...socketFile(
        REST_SOCKET,
        '0660',
        "The mode of the socket's file. Where it lets in a group and not everybody, whom the policy names may open it, too.",
      ),
      rate_limit: setting(integer({ minimum: 0, maximum: 1_000_000 }), DEFAULT_RATE_LIMIT, {
        about: 'Requests that each user may send in a second; 0: any number.',
      }),
    },
  }),
  'rest.tcp': section({
    about: 'The REST API on a loopback address, too, for those who have a token.',
    see: 'configuration.md#rest-over-tcp',
    together: true,
    settings: {
      listen: optional(loopback, 'no address', { about: 'Where it listens.' }),
      tokens_file: optional(tokensFile, 'no file', {
        about: "The file of the tokens: the daemon's or root's, with mode 0600.",
        live: true,
      }),
    },
  }),
  device: section({
    about: 'The main device, whose memory everybody gets who names none.',
    settings: {
      select: optional(
        text(
          'its UUID, its DRM node (`"/dev/dri/renderD128"` or `"226:128"`), or a part of its name',
        ),
        'the first discrete GPU, else integrated, virtual, CPU',
        { about: 'Which Vulkan device it is.' },
      ),
    },
  }),
  sources: section({
    about: 'Which memory source is taken.',
    see: 'formats.md#sources',
    settings: {
      fallback: setting(sourceList, ['dma-heap:system', 'udmabuf'], {
        about:
          'Where a DMA heap has no more, the first of these behind it that serves the request is taken in its place; `[]`: none is.',
      }),
    },
  }),
  displays: section({
    about: 'Whether a display takes memory for scanout.',
    see: 'displays-and-codecs.md#whether-a-display-takes-it',
    live: true,
    settings: {
      ask: setting(cardList, [], {
        about:
          'The cards that the daemon asks before it answers for an image with the usage `scanout`. Only those that nobody else drives: it becomes their master for a moment, where a compositor would be in its way, and it in theirs.',
      }),
    },
  }),
  log: section({
    about: 'The log on standard error.',
    see: 'audit.md#what-it-says',
    settings: {
      level: setting(oneOf(LOG_LEVELS), 'info', {
        about:
          'How much is logged: this, and what is worse. REST may change it until the next start or reload.',
        live: true,
      }),
      audit: setting(boolean, true, {
        about: 'Whether each act is a line of the log, whatever its level.',
      }),
      audit_when_full: setting(oneOf(WHEN_FULL), 'drop', {
        about:
          'An act for which the log has no room is lost (`drop`), or nobody is served until it has (`block`).',
      }),
    },
  }),
  holders: section({
    about: 'Who is seen to have the memory.',
    see: 'trouble.md#who-has-a-buffer',
    settings: {
      socket: setting(socketPath, LOOKER_SOCKET, {
        about:
          'Where a process is asked that may look at all others. Where none is there, the daemon looks itself.',
      }),
    },
  }),
  leaks: section({
    about: 'What `dmabrokerctl leaks` shows.',
    see: 'trouble.md#leaks',
    settings: {
      forgotten_after_seconds: setting(
        integer({ minimum: 1, maximum: YEAR_SECONDS }, 'seconds'),
        3600,
        {
          about: 'A buffer that nobody was handed for so long is forgotten.',
        },
      ),
      sample_seconds: setting(integer({ minimum: 1, maximum: HOUR_SECONDS }, 'seconds'), 60, {
        about: 'How long it is between two looks at who holds the memory.',
      }),
    },
  }),
  accounting: section({
    about: 'What is charged to whom, and for how long.',
    see: 'trouble.md#what-released-memory-is-charged',
    settings: {
      charge: setting(oneOf(['owner', 'importers'] satisfies ChargePolicy[]), 'owner', {
        about:
          'Who is charged for a buffer that other users have redeemed: its owner, or those who did.',
      }),
      trusted_bytes: setting(limit, DEFAULT_TRUSTED_BYTES, {
        about:
          'Released memory of each user that is taken to be gone by its count alone; 0: none, `"none"`: all.',
      }),
      unknown_grace_seconds: setting(
        number({ minimum: 0, maximum: DAY_SECONDS }, 'seconds'),
        DEFAULT_UNKNOWN_GRACE_SECONDS,
        {
          about:
            'How long memory is charged after its release where the kernel does not tell who holds it.',
        },
      ),
    },
  }),
  leases: section({
    about: 'Buffers that their owners have for a time.',
    settings: {
      grace_seconds: setting(
        number({ minimum: 0, maximum: DAY_SECONDS }, 'seconds'),
        DEFAULT_LEASE_GRACE_SECONDS,
        {
          about:
            "How long it is from a lease's end, when its buffer is recalled, until the daemon lets go of it.",
        },
      ),
    },
  }),
  restart: section({
    about: 'What an earlier daemon has left, where a service manager has kept it.',
    see: 'restart.md#what-is-not',
    settings: {
      grace_seconds: setting(
        number({ minimum: 0, maximum: DAY_SECONDS }, 'seconds'),
        DEFAULT_RESTART_GRACE_SECONDS,
        {
          about:
            'How long clients that were connected before a restart have to come back: buffers that were bound to their connections are kept until then.',
        },
      ),
      keeper: setting(socketPath, KEEPER_SOCKET, {
        about:
          'Where a process keeps the file descriptors that the service manager does not take. Where none is there, buffers beyond those do not outlive the daemon.',
      }),
    },
  }),
  pressure: section({
    about: 'When memory is short, so that buffers are recalled.',
    see: 'quotas.md#recall',
    settings: {
      psi_some_avg10: setting(number({ exclusiveMinimum: 0, maximum: 100 }, 'per cent'), 10, {
        about:
          'Of the last 10 s, in which some task waited for memory (`some avg10` of `/proc/pressure/memory`).',
      }),
      heap_budget: setting(number({ exclusiveMinimum: 0, maximum: 1 }, 'a part'), 0.9, {
        about: "Of a heap's budget, what may be used.",
      }),
      deadline_seconds: setting(integer({ minimum: 1, maximum: HOUR_SECONDS }, 'seconds'), 10, {
        about: 'How long owners have to give back what is recalled.',
      }),
    },
  }),
  policy,
  pool: section({
    about: 'Spare memory, allocated and zeroed ahead of time.',
    see: 'configuration.md#the-pool',
    live: true,
    settings: {
      bytes: setting(
        size,
        {
          of: ({ memory }) => Math.min(Math.floor(memory / POOL_PART), MAX_DEFAULT_POOL_BYTES),
          words: `1/${POOL_PART} of the machine's memory, at most ${size.write(MAX_DEFAULT_POOL_BYTES)}`,
        },
        { about: "Of all spares of the machine's memory together; 0: there are none." },
      ),
      device_bytes: optional(
        size,
        `1/${DEVICE_POOL_PART} of that memory, at least ${size.write(DEVICE_POOL_BYTES)}; none where \`bytes\` is 0`,
        { about: 'The same of the memory that a GPU has of its own, of each of them.' },
      ),
      // A swapchain's images.
      spares_per_spec: setting(integer({ minimum: 1, maximum: MAX_SPARES_PER_SPEC }), 3, {
        about: 'Spares of one spec, which was asked for three times within `idle_seconds`.',
      }),
      // From one video of a list to the next one.
      idle_seconds: setting(integer({ minimum: 1, maximum: DAY_SECONDS }, 'seconds'), 30, {
        about: 'After so long without a request the spares of a spec are freed.',
      }),
    },
  }),
  quotas,
} as const;
