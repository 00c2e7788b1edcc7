/**
 * Every limit of the broker, with its source. What the device limits (allocation size, image size)
 * comes from the device.
 */

/** Long enough for a sentence; REST and log lines stay readable. */
export const MAX_NAME_BYTES = 64;

/** ASCII characters: a model's name and a part's, say. */
export const MAX_LASTING_NAME = 64;

/**
 * Of all users together, of which one gets a half at most (fair-pool.ts). Each may have a document, which is an fd
 * of the daemon's and 64 KiB of its memory, 128 MiB in all; who has more tensors than that has many in one buffer.
 */
export const MAX_LASTING_NAMES = 2048;

/** Of a revision's document: a line for each of the thousand tensors that a large model has. */
export const MAX_METADATA_BYTES = 65_536;

/** Of the same: whoever reads it may do so by calling itself. */
export const MAX_METADATA_DEPTH = 64;

/** Of each user: to check the largest document takes the data plane half a millisecond. */
export const METADATA_PER_SECOND = 100;

/** A day, as of a lease: who waits for longer asks again. */
export const MAX_CLAIM_WAIT_MS = 86_400_000;

/** `dma-heap:` with the longest name of a CMA region (CMA_MAX_NAME, less its NUL); others are shorter. */
export const MAX_SOURCE_NAME_BYTES = 'dma-heap:'.length + 63;

/** Far above any driver's list for one format (Intel and AMD offer a few dozen). */
export const MAX_MODIFIERS = 256;

/** Sizes are doubles in JavaScript: exact to 2^53. */
export const MAX_BUFFER_SIZE = Number.MAX_SAFE_INTEGER;

/** Vulkan's and KMS's dimensions are 32 bit, but no device goes beyond 2^16 (most: 2^14). */
export const MAX_IMAGE_DIMENSION = 65_536;

/** cosmic-comp, the heaviest user seen in the wild, held 8,704 dma_bufs (cosmic-comp#1760). */
export const MAX_BUFFERS_PER_CLIENT = 16_384;

/** What one client may have of each kind that waits for the allocator; more is refused at once. */
export const MAX_PENDING_PER_CLIENT = 64;

/** The same for all connections of one user. What waits is a few KB of the heap; users take turns (turns.ts). */
export const MAX_PENDING_PER_USER = 256;

/** Of one request: all of them wait for the allocator together. Swapchains, codecs and rings ask for 3 to 32. */
export const MAX_BATCH = MAX_PENDING_PER_CLIENT;

/**
 * Of each user that has the buffer. It is shared with a handful of processes; tokens are made anew when
 * used up.
 */
export const MAX_TOKENS_PER_BUFFER = 64;

/** Of all buffers together, of which a user gets a half at most (fair-pool.ts). One is 1 KB of the heap. */
export const MAX_TOKENS = 131_072;

export const MAX_TOKEN_USES = 1000;

/**
 * Events of a buffer that are kept with it, 100 bytes each: what most buffers see in all their life, and
 * 50 MiB for one connection that has as many buffers as it may and renews them all the time.
 */
export const MAX_HISTORY = 32;

/**
 * Rows of events that main has not read yet, 24 bytes each in memory that both threads share: one an event, and two
 * for a buffer that is new to main. From half of it on no client is read, and the other half has room for what is
 * to happen all the same: the end of the heaviest client (MAX_BUFFERS_PER_CLIENT) is 32,769 events in one turn, and
 * 65,537 rows where main has to be told of its buffers again.
 */
export const MAX_UNREAD_EVENTS = 131_072;

/**
 * Of all buffers together, of which a user gets a half at most (fair-pool.ts): who was handed what, 150
 * bytes each. They stay with the buffer when the client destroys its object.
 */
export const MAX_RECIPIENTS = 1_048_576;

/** Recipients that have disconnected are forgotten beyond this, oldest first. */
export const MAX_PAST_RECIPIENTS = 256;

/** Sessions of connections that have ended and own nothing, of whom somebody may come back; 200 bytes each. */
export const MAX_PAST_SESSIONS = 4096;

/** Processes that are watched after they have disconnected, a pidfd each, on a machine of which nothing is known. */
export const DEFAULT_PAST_PROCESSES = 4096;

/** One check is 10 to 20 µs (docs/performance.md): a turn of the data plane spends 0.3 ms on them. */
export const LINGERING_CHECKS_PER_TURN = 16;

/** After a turn with so many checks: at most 3,200 a second, however many buffers linger; of memfds eight times as many. */
export const LINGERING_PAUSE_MS = 5;

/** How long memory is charged after its release where the kernel does not tell who holds it. */
export const DEFAULT_UNKNOWN_GRACE_SECONDS = 60;

/** Of each user, what is taken to be gone by its count alone: seven frames of 4K. */
export const DEFAULT_TRUSTED_BYTES = 256 * 1024 * 1024;

/**
 * Of all users together, of which one gets a half at most (fair-pool.ts): memories that are taken to be
 * gone and sought nevertheless, 300 bytes each.
 */
export const MAX_UNPROVEN = 8192;

/** By one sweep: its answer takes the data plane 2.5 µs each, in one turn. */
export const SOUGHT_AT_ONCE = 2048;

/** A day: who waits for longer is still there to ask again. */
export const MAX_WAIT_MS = 86_400_000;

/** Whoever waits for memory is looked at in one turn, a user at a time: 10 µs each where there is none. */
export const WAIT_CHECKS_PER_TURN = 16;

/** Memory that was not there is asked for so often, since nothing tells that another process has given some back. */
export const WAIT_RETRY_MS = 1000;

/** And no sooner again, however much is released: a driver may take milliseconds to say that there is none. */
export const WAIT_PAUSE_MS = 100;

/** For one that waits others are asked to give something back so often, at most. */
export const WAIT_RECALL_MS = 10_000;

/** New places in the queue are told together so much later: nobody reads more than some a second. */
export const WAIT_TOLD_MS = 250;

/** An allocation waits so long for two sweeps of a machine with very many processes. */
export const ROOM_WAIT_MS = 10_000;

/** libwayland's WL_MAP_MAX_OBJECTS is 2^24; ours bounds what one connection costs. */
export const MAX_OBJECTS_PER_CLIENT = 65_536;

/**
 * Of all connections together, of which a user gets a half at most (fair-pool.ts). One is 1 to 5 KB of
 * the data plane's heap beside what it carries, and V8 ends a process at 2 to 4 GB.
 */
export const MAX_OBJECTS = 131_072;

/**
 * Bytes of the heap for what all objects carry until they are used: modifiers, names of buffers and
 * sources. A user gets a half at most: 16,000 lists of 256 modifiers.
 */
export const MAX_CARRIED_BYTES = 256 * 1024 * 1024;

/** Of the heap, for one modifier in a list: a BigInt, and its place. */
export const MODIFIER_BYTES = 32;

/**
 * Bytes of events that wait for all clients together, of which a user gets a half at most (fair-pool.ts).
 * Beyond it a connection that does not read is dropped much earlier.
 */
export const MAX_QUEUED = 256 * 1024 * 1024;

/** Of answers that wait for one client: with so much its next request is heard when they have gone. */
export const MAX_ANSWER_BYTES = 64 * 1024;

/** Milliseconds of the data plane's turn for the requests of each user (fair-requests.ts): a hundred small ones. */
export const REQUESTS_TURN_MS = 1;

/** Holders who are told in one turn of a renewed lease or a revision: of all buffers, one after the other. */
export const MAX_TOLD_A_TURN = 256;

/** Commits, and what was asked for behind them, done in one turn when a document is kept: a digest of 20 µs each. */
export const BEHIND_COMMITS_PER_TURN = 32;

/** Claims that wait, and are looked at in one turn: of all names, one after the other. */
export const MAX_CLAIMS_A_TURN = 64;

/**
 * fds that a connection may have been sent without being asked whether it has received them (flight.ts): several
 * messages as long as they may be, and of a thousand connections a fraction of what a process may have in flight.
 */
export const FDS_IN_FLIGHT = 128;

/**
 * What the data plane allocates itself, in the turn that asks for it: to wake another thread costs more than some
 * pages do. More of it in one turn would hold up everybody else.
 */
export const SMALL_BYTES = 64 * 1024;
export const SMALL_PER_TURN = 16;

/** Threads that make much memory, of which each user has a part: more would only wait for each other's memory bus. */
export const MAX_ALLOCATING = 16;

/** fds that a connection may have brought for imports that it has not asked for yet: 64 of 4 planes. */
export const MAX_WAITING_PLANES = 256;

/**
 * Threads that close what clients gave, each with 64 KiB of stack. They are there for closes that wait
 * (a socket that lingers, a file whose server is slow); one user has a half of them at most (fair-pool.ts).
 */
export const MAX_CLOSERS = 64;

/** In one message: libwayland's MAX_FDS_OUT. */
export const MAX_FDS = 28;

/** A connection's socket and its process's pidfd. */
export const FDS_PER_CONNECTION = 2;

/**
 * Bytes of one text in a memfd. The longest is a refusal's detail: 256 modifiers twice, or a name of a
 * message's length in escapes, are 30 KB.
 */
export const MAX_LONG_TEXT = 1024 * 1024;

/** What a client reads back at once is memory of the daemon's until then: a frame of 8K in half floats. */
export const MAX_READ_SIZE = 256 * 1024 * 1024;

/**
 * Bytes that are copied, filled, read or cleared at once, before it is somebody else's turn: some
 * milliseconds of the CPU, and so much that a submission to a device does not count beside it.
 */
export const PIECE_BYTES = 16 * 1024 * 1024;

/** Runs of bytes, the rows of an image mostly, at once: on the CPU each is a call of 10 µs. */
export const PIECE_RUNS = 1024;

/**
 * How long work waits for others' work on the same memory. Kernel drivers end a job that hangs after
 * some seconds themselves (vgem and amdgpu after 10): by then its memory is not worth waiting for.
 */
export const FENCE_LIMIT_MS = 8_000;

/** A day: who needs a buffer for longer is still there to renew, or wants `until_released`. */
export const MAX_LEASE_SECONDS = 86_400;

/** Enough for a client that is alive to renew or to stop using the buffer. */
export const DEFAULT_LEASE_GRACE_SECONDS = 5;

/** A client that is alive is back within a second; one that is stopped or swapped out may take longer. */
export const DEFAULT_RESTART_GRACE_SECONDS = 30;

/**
 * fds that the service manager keeps: their names come back in one string of at most 128 KiB
 * (LISTEN_FDNAMES; execve(2)'s MAX_ARG_STRLEN), and it compares each new one with all that it has.
 */
export const MAX_STORED_FDS = 4096;

/** Of each user, that the manager is told of in a second: each is 20 µs to 2 ms of its time. */
export const STORED_FDS_PER_SECOND = 100;

/**
 * Slots of 512 bytes for what outlives the daemon: a buffer has four to six. Pages are taken as they are
 * written.
 */
export const KEPT_SLOTS = 262_144;

/** The third request of a spec in a short time is no coincidence: a swapchain has three images. */
export const POOL_HOT_REQUESTS = 3;

/** Spares that nobody has asked for in this time give way to others where the pool is full. */
export const POOL_STALE_MS = 10_000;

/** Specs that spares are kept of: with 64 spares of each, no more than 4,096 fds. */
export const MAX_POOL_SPECS = 64;

/** Specs whose requests are counted; one with as many modifiers as it may takes 5 KiB. */
export const MAX_POOL_CANDIDATES = 256;

/** The answer that took a spare leaves before the next one is asked for. */
export const POOL_REFILL_DELAY_MS = 1;
