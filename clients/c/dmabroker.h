/*
 * dmabroker.h: memory that processes share as dma_bufs, from the daemon dmabroker. README.md begins with a
 * program; this is the reference.
 *
 * What holds for all of it:
 *
 * - A call that returns an int returns DMABROKER_OK (0) or a negative enum dmabroker_result;
 *   dmabroker_last_error() then has the whole of it. Nothing here aborts, handles a signal or keeps anything
 *   beside what is in its objects. It prints nothing; libwayland does where the protocol was violated.
 * - An fd that this library opens is close-on-exec. Who owns one is said with each call.
 * - A connection and what comes from it are for one thread at a time. Different connections may be used
 *   by different threads at once.
 * - Structs that the caller fills in begin with their size, and 0 is everywhere what the daemon does by
 *   default: a program that was compiled with an older header goes on. Structs that the library gives
 *   may grow at their end: use them by the pointer alone.
 * - A pointer that an object gives (a text, a description) is good for as long as the object is there and
 *   nothing else is said.
 * - A later daemon may say a value of an enum that is not here: it is passed on as the number that it is.
 */
#ifndef DMABROKER_H
#define DMABROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define DMABROKER_API __attribute__((visibility("default")))
#define DMABROKER_CHECKED __attribute__((visibility("default"), warn_unused_result))
#else
#define DMABROKER_API
#define DMABROKER_CHECKED
#endif

struct dmabroker;	  /* a connection */
struct dmabroker_call;	  /* something that was asked for, and is answered by a callback */
struct dmabroker_buffer;  /* a buffer, with its fds */
struct dmabroker_share;	  /* a token for a buffer */
struct dmabroker_mapping; /* mapped memory of a buffer */
struct dmabroker_params;  /* a request: see there */

/* ---- errors ------------------------------------------------------------------------------------- */

enum dmabroker_result {
	DMABROKER_OK = 0,
	DMABROKER_REFUSED = -1,	  /* by the daemon: code, message, detail; the connection is what it was */
	DMABROKER_ENDED = -2,	  /* the connection is over; fds and mappings stay good */
	DMABROKER_INVALID = -3,	  /* what was given is no request; nothing was sent */
	DMABROKER_TIMED_OUT = -4, /* given up: what comes of it all the same is let go */
	DMABROKER_SYSTEM = -5,	  /* system_error is errno's */
};

/* docs/errors.md has what each means. */
enum dmabroker_code {
	DMABROKER_CODE_INVALID_ARGUMENT = 1,
	DMABROKER_CODE_UNSUPPORTED_FORMAT = 2,
	DMABROKER_CODE_UNSUPPORTED_MODIFIER = 3,
	DMABROKER_CODE_UNSUPPORTED_HANDLE_TYPE = 4,
	DMABROKER_CODE_UNSUPPORTED_USAGE = 5,
	DMABROKER_CODE_TOO_LARGE = 6,
	DMABROKER_CODE_OUT_OF_MEMORY = 7,
	DMABROKER_CODE_LIMIT_EXCEEDED = 8,
	DMABROKER_CODE_NOT_FOUND = 9,
	DMABROKER_CODE_INVALID_TOKEN = 10,
	DMABROKER_CODE_PERMISSION_DENIED = 11,
	DMABROKER_CODE_DEVICE_LOST = 12,
	DMABROKER_CODE_INTERNAL = 13,
	DMABROKER_CODE_UNSUPPORTED_SOURCE = 14,
	DMABROKER_CODE_UNSUPPORTED_PLACEMENT = 15,
	DMABROKER_CODE_RECALLED = 16,
	DMABROKER_CODE_UNSUPPORTED_LAYOUT = 17,
	DMABROKER_CODE_UNSUPPORTED_DEVICE = 18,
	DMABROKER_CODE_BUSY = 19,
	DMABROKER_CODE_NAME_TAKEN = 20,
};

struct dmabroker_error {
	enum dmabroker_result result;
	uint32_t code;		/* of REFUSED: an enum dmabroker_code */
	const char *name;	/* of REFUSED: the code's, "too_large"; NULL otherwise */
	const char *message;	/* a sentence for people, never NULL */
	const char *detail;	/* of REFUSED: a JSON object (docs/errors.md); NULL otherwise */
	const char *nearest;	/* of it: the nearest request that would succeed, JSON in the words of
				   CreateBuffer (openapi.yaml); NULL where there is none */
	const struct dmabroker_params *nearest_params; /* the same, as allocate takes it; without name,
						       lifetime and lease */
	int system_error;	/* of SYSTEM */
	const char *interface;	/* of ENDED by a violation of the protocol: whose; NULL otherwise */
	uint32_t protocol_code; /* and its code */
};

/* The name of a code: "invalid_argument"; "internal" where it is none of those above. */
DMABROKER_API const char *dmabroker_code_name(uint32_t code);

/* ---- connecting --------------------------------------------------------------------------------- */

/* NULL where there is no memory or no fd (errno). It has no connection yet. */
DMABROKER_API struct dmabroker *dmabroker_new(void);

/*
 * Ends the connection. What was asked for and is not answered ends without its callback. Buffers and shares
 * that the program has are still to be destroyed, each by its own call; their fds and mappings are good
 * until then. May be called from a callback.
 */
DMABROKER_API void dmabroker_destroy(struct dmabroker *client);

/* How long a call may wait for its answer; -1: for ever. 30,000 unless it is said. */
DMABROKER_API void dmabroker_set_timeout(struct dmabroker *client, int milliseconds);

/* What the last call that failed has to say; good until the next one fails. */
DMABROKER_API const struct dmabroker_error *dmabroker_last_error(const struct dmabroker *client);

/*
 * Connects, and hears what the daemon has. NULL: where every client looks, $DMABROKER_SOCKET, else
 * $XDG_RUNTIME_DIR/dmabroker/client.sock if it is there, else /run/dmabroker/client.sock. Once for each client.
 */
DMABROKER_CHECKED int dmabroker_connect(struct dmabroker *client, const char *path);

/* By a socket that is connected already. The fd is the library's from here on, whatever comes of it. */
DMABROKER_CHECKED int dmabroker_connect_fd(struct dmabroker *client, int fd);

/* Returns when the daemon has taken what came before. What it has said by then was heard. */
DMABROKER_CHECKED int dmabroker_sync(struct dmabroker *client);

/* ---- what the daemon has ------------------------------------------------------------------------ */

enum dmabroker_handle_type {
	DMABROKER_HANDLE_TYPE_DMA_BUF = 1,
	DMABROKER_HANDLE_TYPE_OPAQUE_FD = 2, /* for Vulkan or CUDA on the same device; never to be mapped */
	DMABROKER_HANDLE_TYPE_MEMFD = 4,     /* ordinary shared memory, for developing */
};

enum dmabroker_limit {
	DMABROKER_LIMIT_BUFFER_SIZE = 1,
	DMABROKER_LIMIT_IMAGE_DIMENSION = 2,
	DMABROKER_LIMIT_BUFFERS = 3,
	DMABROKER_LIMIT_OBJECTS = 4,
	DMABROKER_LIMIT_FDS = 5,
	DMABROKER_LIMIT_BATCH = 6,
};

struct dmabroker_device {
	const char *name, *device_uuid, *driver_uuid; /* UUIDs: 32 hexadecimal digits */
	uint64_t main_device;			      /* dev_t of its DRM node; 0: it has none */
};

struct dmabroker_source {
	const char *name; /* "vulkan", "dma-heap:system", "udmabuf", "memfd" */
	uint32_t handle_type;
	bool usable;
	const char *reason; /* why it is not usable, or what it is */
};

/* By their places from 0 on, the main device first; NULL: there are no more. */
DMABROKER_API const struct dmabroker_device *dmabroker_get_device(const struct dmabroker *client,
								  unsigned index);
DMABROKER_API const struct dmabroker_source *dmabroker_get_source(const struct dmabroker *client,
								  unsigned index);
/* 0: the daemon has said nothing of it. */
DMABROKER_API uint64_t dmabroker_get_limit(const struct dmabroker *client, uint32_t what);
/* With it what this connection had is adopted after its end: a secret. */
DMABROKER_API const char *dmabroker_get_session(const struct dmabroker *client);
/* The kinds of fd that usable sources have: bits of enum dmabroker_handle_type. */
DMABROKER_API uint32_t dmabroker_get_handle_types(const struct dmabroker *client);

/* ---- a request ---------------------------------------------------------------------------------- */

enum dmabroker_kind {
	DMABROKER_KIND_LINEAR = 1, /* so many bytes */
	DMABROKER_KIND_IMAGE = 2,  /* width, height and format */
};

enum dmabroker_usage {
	DMABROKER_USAGE_SAMPLE = 1,
	DMABROKER_USAGE_RENDER = 2,
	DMABROKER_USAGE_TRANSFER = 4,
	DMABROKER_USAGE_STORAGE = 8,
	DMABROKER_USAGE_CPU_READ = 16,
	DMABROKER_USAGE_CPU_WRITE = 32,
	DMABROKER_USAGE_SCANOUT = 64,
	DMABROKER_USAGE_VIDEO_DECODE = 128,
	DMABROKER_USAGE_VIDEO_ENCODE = 256,
};

enum dmabroker_placement {
	DMABROKER_PLACEMENT_ANY = 0,
	DMABROKER_PLACEMENT_DEVICE_LOCAL = 1,
	DMABROKER_PLACEMENT_HOST_VISIBLE = 2,
	DMABROKER_PLACEMENT_HOST_CACHED = 3,
};

/* Whether the memory must be physically contiguous, as devices without an IOMMU want it. */
enum dmabroker_contiguous {
	DMABROKER_CONTIGUOUS_ANY = 0,
	DMABROKER_CONTIGUOUS_PREFERRED = 1,
	DMABROKER_CONTIGUOUS_REQUIRED = 2,
};

enum dmabroker_lifetime {
	DMABROKER_LIFETIME_CONNECTION = 0,     /* released when its owner disconnects */
	DMABROKER_LIFETIME_UNTIL_RELEASED = 1, /* kept until it is released */
};

/* A plane of an image whose layout is dictated, or of memory that is brought along. */
struct dmabroker_plane_layout {
	uint32_t offset, stride;
	int fd; /* of an import: a dma_buf, which stays the caller's; else it is not looked at */
};

/* A part of a memfd, in place of memory that the daemon has: docs/protocol.md, "Its own memory". */
struct dmabroker_own_memory {
	int fd;		 /* stays the caller's */
	uint64_t offset; /* bytes, a multiple of a page */
};

struct dmabroker_params {
	size_t struct_size; /* sizeof(struct dmabroker_params) */
	uint32_t kind;	    /* an enum dmabroker_kind */
	uint64_t size;	    /* linear memory: bytes */
	uint32_t width, height, format; /* an image: pixels, and a DRM fourcc */
	uint32_t usage;			/* bits; 0: transfer */
	uint32_t handle_types;		/* bits, which are accepted; 0: dma_buf alone */
	const uint64_t *modifiers;	/* those that can be taken; none: linear */
	size_t modifier_count;
	uint32_t placement;
	uint32_t lifetime;
	uint32_t lease_seconds; /* 0: no lease; else in place of lifetime */
	bool separate_planes;	/* each plane in a memory of its own */
	struct {
		uint32_t stride, offset, size, height; /* multiples, powers of two; 0: any */
	} alignment;
	const char *name;   /* for people, at most 64 bytes */
	const char *source; /* the one to allocate from */
	const char *device; /* the UUID of the one Vulkan device to allocate from or to import into */
	/* A dictated layout, with one modifier; of dmabroker_import the planes that there are, with fds. */
	const struct dmabroker_plane_layout *planes;
	size_t plane_count;
	/* Of dmabroker_allocate and dmabroker_test. Pages of linear memory that are missing are taken here (fallocate(2)), so that
	   the kernel charges them to this process. */
	const struct dmabroker_own_memory *memory;
	const char *lasting_name; /* by which others claim it, unique among the user's; not of lifetime connection */
	bool all_handle_types; /* the same memory as all of handle_types, in place of any of them */
	uint32_t wait_ms; /* how long to wait for memory, in place of a refusal; 0: not at all */
	uint32_t contiguous;
};

#define DMABROKER_FOURCC(a, b, c, d) \
	((uint32_t)(a) | ((uint32_t)(b) << 8) | ((uint32_t)(c) << 16) | ((uint32_t)(d) << 24))

/* To begin with: the rest is 0, and may be set. */
static inline struct dmabroker_params dmabroker_linear(uint64_t size)
{
	struct dmabroker_params params = {
#ifndef __cplusplus
		0
#endif
	};

	params.struct_size = sizeof params;
	params.kind = DMABROKER_KIND_LINEAR;
	params.size = size;
	return params;
}

static inline struct dmabroker_params dmabroker_image(uint32_t width, uint32_t height, uint32_t format)
{
	struct dmabroker_params params = dmabroker_linear(0);

	params.kind = DMABROKER_KIND_IMAGE;
	params.width = width;
	params.height = height;
	params.format = format;
	return params;
}

/* ---- getting buffers ---------------------------------------------------------------------------- */

/*
 * A buffer that a call gives is the caller's, to destroy or to release. Where the call fails, what it would have
 * given is NULL.
 */
DMABROKER_CHECKED int dmabroker_allocate(struct dmabroker *client, const struct dmabroker_params *params,
					 struct dmabroker_buffer **buffer);
/* Several equal ones into an array of that many: all of them, or none. */
DMABROKER_CHECKED int dmabroker_allocate_many(struct dmabroker *client,
					      const struct dmabroker_params *params, unsigned count,
					      struct dmabroker_buffer **buffers);
/* What allocate would give: a description without an id, memory and fds. Calls with it are INVALID. */
DMABROKER_CHECKED int dmabroker_test(struct dmabroker *client, const struct dmabroker_params *params,
				     struct dmabroker_buffer **plan);
/* Memory that was made elsewhere: params with planes and their fds, which stay the caller's. */
DMABROKER_CHECKED int dmabroker_import(struct dmabroker *client, const struct dmabroker_params *params,
				       struct dmabroker_buffer **buffer);
/* What somebody has shared. */
DMABROKER_CHECKED int dmabroker_redeem(struct dmabroker *client, const char *token,
				       struct dmabroker_buffer **buffer);
/*
 * The same of memory that is had as several kinds of fd, as these (bits of enum dmabroker_handle_type) and no others, all
 * of them: REFUSED with unsupported_handle_type where it has not all, and the token is not used.
 */
DMABROKER_CHECKED int dmabroker_redeem_as(struct dmabroker *client, const char *token, uint32_t handle_types,
					  struct dmabroker_buffer **buffer);

enum dmabroker_claim_how {
	DMABROKER_CLAIM_WRITER = 1,    /* as its writer, of whom there is one: who commits */
	DMABROKER_CLAIM_COMMITTED = 2, /* when something was committed */
};

/*
 * A buffer by its lasting name, NAME, or NAME@UID of another user: now, or when there is one within so many milliseconds,
 * for which this waits beyond the client's timeout. `how`: bits of enum dmabroker_claim_how. REFUSED with not_found, with
 * busy (constraint writer or committed) or with permission_denied.
 */
DMABROKER_CHECKED int dmabroker_claim(struct dmabroker *client, const char *name, uint32_t milliseconds,
				      uint32_t how, struct dmabroker_buffer **buffer);
/*
 * A buffer of an earlier connection of the same user, by its id and that connection's session; with the memory that
 * there is of it as for import, or NULL.
 */
DMABROKER_CHECKED int dmabroker_adopt(struct dmabroker *client, const char *id, const char *session,
				      const struct dmabroker_params *memory,
				      struct dmabroker_buffer **buffer);

/* ---- a buffer ----------------------------------------------------------------------------------- */

enum dmabroker_import_check {
	DMABROKER_IMPORT_CHECK_DEVICE = 1, /* the Vulkan device imported it */
	DMABROKER_IMPORT_CHECK_LAYOUT = 2, /* only the planes' places in the memory were checked */
};

/* Why memory is not of the source that was wanted first. */
enum dmabroker_fall_back {
	DMABROKER_FALL_BACK_OUT_OF_MEMORY = 1,	/* that had no more */
	DMABROKER_FALL_BACK_NOT_CONTIGUOUS = 2, /* contiguous was preferred, and it is not known to be */
	DMABROKER_FALL_BACK_DISPLAY_REFUSED = 3, /* a display refused memory of the source that was chosen */
};

struct dmabroker_buffer_info {
	const char *id;
	uint32_t generation; /* grows with each reissue */
	uint32_t handle_type; /* of the planes' fds */
	const char *source;
	uint64_t size; /* of all memories together: not what can be mapped of one */
	uint32_t format, width, height; /* 0 for linear memory */
	uint64_t modifier;
	unsigned memory_count, plane_count;
	const char *device;	   /* the Vulkan device's UUID; NULL: it has none */
	uint32_t unverified_usage; /* taken on trust: bits of enum dmabroker_usage */
	uint32_t checked;	   /* of an import: an enum dmabroker_import_check; else 0 */
	const char *checked_reason;
	bool has_vulkan_memory; /* of an opaque_fd: how Vulkan and CUDA must import it */
	uint32_t vulkan_memory_type;
	bool vulkan_dedicated;
	uint32_t handle_types; /* bits: all that its memory is; dmabroker_buffer_take_fd_as has the others */
	uint32_t fell_back;    /* an enum dmabroker_fall_back; 0: it is of the source that was wanted first */
	const char *fell_back_source; /* which had no more, or was refused; NULL: another reason */
	const char *fell_back_message;
};

struct dmabroker_plane {
	int fd; /* the buffer's, until it is taken; -1 then, and of a plan */
	uint32_t memory, offset, stride;
};

/* All three are good until the buffer is destroyed or issued anew. NULL and 0: there is none of that number. */
DMABROKER_API const struct dmabroker_buffer_info *
dmabroker_buffer_info(const struct dmabroker_buffer *buffer);
DMABROKER_API const struct dmabroker_plane *
dmabroker_buffer_plane(const struct dmabroker_buffer *buffer, unsigned plane);
/* Bytes: so much of it can be mapped, and no more. */
DMABROKER_API uint64_t dmabroker_buffer_memory_size(const struct dmabroker_buffer *buffer,
						    unsigned memory);
/* Hands a plane's fd over: it is the caller's to close. -1: there is none (any more). */
DMABROKER_CHECKED int dmabroker_buffer_take_fd(struct dmabroker_buffer *buffer, unsigned plane);
/* The same of one of info's handle_types. */
DMABROKER_CHECKED int dmabroker_buffer_take_fd_as(struct dmabroker_buffer *buffer, unsigned plane,
						  uint32_t handle_type);

/* Whatever the program wants to keep with it. */
DMABROKER_API void dmabroker_buffer_set_data(struct dmabroker_buffer *buffer, void *data);
DMABROKER_API void *dmabroker_buffer_get_data(const struct dmabroker_buffer *buffer);

/*
 * Closes its fds and lets go of it: one of lifetime connection that is this connection's own is released. Mappings
 * stay good. NULL is nothing.
 */
DMABROKER_API void dmabroker_buffer_destroy(struct dmabroker_buffer *buffer);
/*
 * The same, and the daemon lets go of it, whatever its lifetime: its owner's alone. Neither waits: dmabroker_sync() returns
 * when the daemon has heard it, which a program that ends at once should know.
 */
DMABROKER_API void dmabroker_buffer_release(struct dmabroker_buffer *buffer);

enum dmabroker_release_reason {
	DMABROKER_RELEASE_REASON_OWNER = 1,
	DMABROKER_RELEASE_REASON_ADMINISTRATOR = 2,
	DMABROKER_RELEASE_REASON_LEASE_EXPIRED = 3,
};

enum dmabroker_recall_reason {
	DMABROKER_RECALL_REASON_WITHDRAWN = 0,
	DMABROKER_RECALL_REASON_SHARE = 1,
	DMABROKER_RECALL_REASON_MEMORY_PRESSURE = 2,
	DMABROKER_RECALL_REASON_LEASE_EXPIRED = 3, /* renew it now, or it is released */
	DMABROKER_RECALL_REASON_ADMINISTRATOR = 4,
};

/* What the daemon has said of it until now: while a call waited, or in dmabroker_dispatch. */
struct dmabroker_state {
	uint32_t released; /* an enum dmabroker_release_reason; 0: it is not */
	uint32_t recalled; /* an enum dmabroker_recall_reason; 0: it is not */
	bool lost;	   /* with its device, and not issued anew */
	bool leased;
	double lease_seconds; /* of the lease that are left; 0: none */
};

/* Good until the next call of it for the same buffer. */
DMABROKER_API const struct dmabroker_state *dmabroker_buffer_state(struct dmabroker_buffer *buffer);

/* The lease ends so many seconds from now, 1 to 86400, or later where it would have. */
DMABROKER_CHECKED int dmabroker_buffer_renew(struct dmabroker_buffer *buffer, uint32_t seconds);
/* A lease in place of its lifetime: it outlives the connection, and is adopted. */
DMABROKER_CHECKED int dmabroker_buffer_park(struct dmabroker_buffer *buffer, uint32_t seconds);

struct dmabroker_committed {
	uint64_t revision;
	const char *digest;   /* SHA-256 of the layout, 64 hexadecimal digits */
	const char *metadata; /* JSON: what is where. From who wrote it, and to be checked as such. NULL: none */
};

/*
 * Tells everybody who has the buffer that there is new content: of a revision above the last one, 0: the next one, with a
 * JSON object of at most 65536 bytes (NULL: the one of before stays). For its writer: who has allocated it with a
 * lasting name, or claimed it as such.
 */
DMABROKER_CHECKED int dmabroker_buffer_commit(struct dmabroker_buffer *buffer, uint64_t revision,
					      const char *metadata);
/* What was published last, as far as it was heard; good until the next is heard. NULL: nothing. */
DMABROKER_API const struct dmabroker_committed *
dmabroker_buffer_committed(const struct dmabroker_buffer *buffer);
/* What a revision's digest has to be, made of the layout that was told. INVALID: there is none. */
DMABROKER_API int dmabroker_buffer_layout_digest(const struct dmabroker_buffer *buffer, char digest[65]);

/*
 * New memory in place of what was lost: the description is another then, and fds that were not taken are closed.
 * Mappings of the old memory stay what they are.
 */
DMABROKER_CHECKED int dmabroker_buffer_reissue(struct dmabroker_buffer *buffer);

/*
 * When the connection of a buffer has ended, which is still to be destroyed: takes the buffer to another one of the same
 * user, after the daemon was started again. It stays the same object with the same fds and mappings. Where its id is the same
 * as before, all is as it was: tokens, lease, charge. Where it is another, the daemon knew nothing of it, and has registered
 * the memory anew: tokens are to be made anew. REFUSED: it cannot be had any more, and the fds stay good.
 */
DMABROKER_CHECKED int dmabroker_buffer_move(struct dmabroker_buffer *buffer, struct dmabroker *client);

/* ---- sharing ------------------------------------------------------------------------------------ */

struct dmabroker_terms {
	size_t struct_size; /* sizeof(struct dmabroker_terms) */
	uint32_t uses;	    /* how often the token can be redeemed; 0: once */
	uint32_t seconds;   /* how long it is good for; 0: as long as the buffer */
	bool one_user;	    /* uid alone may redeem it */
	uint32_t uid;
	bool may_renew; /* who redeems it may renew the lease */
};

/* Terms may be NULL: once, by anybody, as long as there is the buffer. */
DMABROKER_CHECKED int dmabroker_buffer_share(struct dmabroker_buffer *buffer,
					     const struct dmabroker_terms *terms,
					     struct dmabroker_share **share);
/* The secret for the other process, and its name in lists, which is none. */
DMABROKER_API const char *dmabroker_share_token(const struct dmabroker_share *share);
DMABROKER_API const char *dmabroker_share_token_id(const struct dmabroker_share *share);
/* The token stays good; NULL is nothing. */
DMABROKER_API void dmabroker_share_destroy(struct dmabroker_share *share);
/* Ends the token, and destroys the share: who has redeemed it keeps what was received. */
DMABROKER_API void dmabroker_share_revoke(struct dmabroker_share *share);

/* ---- mapping ------------------------------------------------------------------------------------ */

enum dmabroker_access {
	DMABROKER_READ = 1,
	DMABROKER_WRITE = 2,
	DMABROKER_READ_WRITE = 3,
};

/*
 * Maps all of a memory, one of whose planes' fds was not taken. The mapping has an fd of its own: it outlives buffer,
 * connection and daemon.
 */
DMABROKER_CHECKED int dmabroker_buffer_map(struct dmabroker_buffer *buffer, unsigned memory,
					   uint32_t access, struct dmabroker_mapping **mapping);
DMABROKER_API void *dmabroker_mapping_data(const struct dmabroker_mapping *mapping);
DMABROKER_API size_t dmabroker_mapping_size(const struct dmabroker_mapping *mapping);
/*
 * Around what the CPU does to it: DMA_BUF_IOCTL_SYNC's start and end, where it is a dma_buf. DMABROKER_SYSTEM: errno
 * says why.
 */
DMABROKER_CHECKED int dmabroker_mapping_begin(struct dmabroker_mapping *mapping, uint32_t access);
DMABROKER_API int dmabroker_mapping_end(struct dmabroker_mapping *mapping, uint32_t access);
/* NULL is nothing. */
DMABROKER_API void dmabroker_unmap(struct dmabroker_mapping *mapping);

/* ---- having bytes moved ------------------------------------------------------------------------- */

enum dmabroker_path {
	DMABROKER_PATH_DEVICE = 1,
	DMABROKER_PATH_CPU = 2, /* since the device cannot take the memory */
};

/*
 * By the daemon, with the device where that can: what cannot be mapped, too. Size 0: to the end; images are filled and
 * copied whole, with 0 for offsets and size. Where path is not NULL it gets an enum dmabroker_path.
 */
DMABROKER_CHECKED int dmabroker_buffer_fill(struct dmabroker_buffer *buffer, uint32_t value,
					    uint64_t offset, uint64_t size, uint32_t *path);
DMABROKER_CHECKED int dmabroker_buffer_copy(struct dmabroker_buffer *buffer, uint64_t offset,
					    struct dmabroker_buffer *source, uint64_t source_offset,
					    uint64_t size, uint32_t *path);
/* A copy of the content in a sealed memfd of content_size bytes: the caller's to close. */
DMABROKER_CHECKED int dmabroker_buffer_read(struct dmabroker_buffer *buffer, uint64_t offset,
					    uint64_t size, int *content, uint64_t *content_size,
					    uint32_t *path);

/* ---- in an event loop --------------------------------------------------------------------------- */

/*
 * Readable when there is something to do for dmabroker_dispatch: for poll(2), epoll(7), a GSource, libuv. The client's,
 * not to be closed, and the same for as long as there is the client; nothing is to be read from it.
 */
DMABROKER_API int dmabroker_get_fd(const struct dmabroker *client);

/*
 * Takes what is there, without waiting, and calls back. Callbacks are called by this alone: not while another call of
 * this library waits. ENDED: the connection is over, and all was answered. A callback may call whatever it wants, also
 * what waits.
 */
DMABROKER_API int dmabroker_dispatch(struct dmabroker *client);

enum dmabroker_event_type {
	DMABROKER_EVENT_ENDED = 1, /* the connection; buffer is NULL */
	DMABROKER_EVENT_RELEASED,  /* reason; fds stay good */
	DMABROKER_EVENT_RECALLED,  /* reason, seconds: release it, or, of LEASE_EXPIRED, renew it */
	DMABROKER_EVENT_WITHDRAWN, /* it may be kept after all */
	DMABROKER_EVENT_LOST,	   /* what the memory holds is undefined: its owner reissues */
	DMABROKER_EVENT_REISSUED,  /* its owner has: reissue gives the new memory */
	DMABROKER_EVENT_LEASE,	   /* somebody has renewed it: seconds */
	DMABROKER_EVENT_COMMITTED, /* its writer has published a revision: dmabroker_buffer_committed */
};

struct dmabroker_event {
	enum dmabroker_event_type type;
	struct dmabroker_buffer *buffer;
	uint32_t reason, seconds, generation;
};

/* One for each client; NULL: none. */
typedef void (*dmabroker_event_handler)(void *data, const struct dmabroker_event *event);
DMABROKER_API void dmabroker_set_event_handler(struct dmabroker *client, dmabroker_event_handler handler,
					       void *data);

/*
 * The calls above without waiting: what they ask for is sent by the next dmabroker_dispatch, all together, or by the next
 * call that waits; the fd of the loop says so. Each is answered by its callback, once, in a dmabroker_dispatch to come.
 * NULL: it was not asked for, and is not called back; dmabroker_last_error() says why, TIMED_OUT where the daemon has not
 * read what was sent before. What the callback does not take is let go; the call is gone when it returns. A NULL callback is
 * allowed.
 */
typedef void (*dmabroker_callback)(void *data, struct dmabroker_call *call);

/* No callback any more; what comes of it is let go. */
DMABROKER_API void dmabroker_call_cancel(struct dmabroker_call *call);
/* For the callback: NULL where all is well. */
DMABROKER_API const struct dmabroker_error *dmabroker_call_error(const struct dmabroker_call *call);
/* Each of these once, and the caller's from then on; NULL or -1 where there is none. */
DMABROKER_API struct dmabroker_buffer *dmabroker_call_take_buffer(struct dmabroker_call *call,
								  unsigned index);
DMABROKER_API struct dmabroker_share *dmabroker_call_take_share(struct dmabroker_call *call);
DMABROKER_API int dmabroker_call_take_content(struct dmabroker_call *call, uint64_t *size);
/* Of work that is done. */
DMABROKER_API uint32_t dmabroker_call_path(const struct dmabroker_call *call);
/* The place in the queue of an allocation that waits for memory (wait_ms), from 1 on; 0: it does not wait. */
DMABROKER_API uint32_t dmabroker_call_place(const struct dmabroker_call *call);

DMABROKER_API struct dmabroker_call *dmabroker_begin_connect(struct dmabroker *client, const char *path,
							     dmabroker_callback callback, void *data);
DMABROKER_API struct dmabroker_call *dmabroker_begin_connect_fd(struct dmabroker *client, int fd,
								dmabroker_callback callback, void *data);
DMABROKER_API struct dmabroker_call *dmabroker_begin_sync(struct dmabroker *client,
							  dmabroker_callback callback, void *data);
DMABROKER_API struct dmabroker_call *
dmabroker_begin_allocate(struct dmabroker *client, const struct dmabroker_params *params,
			 dmabroker_callback callback, void *data);
DMABROKER_API struct dmabroker_call *
dmabroker_begin_allocate_many(struct dmabroker *client, const struct dmabroker_params *params,
			      unsigned count, dmabroker_callback callback, void *data);
DMABROKER_API struct dmabroker_call *
dmabroker_begin_test(struct dmabroker *client, const struct dmabroker_params *params,
		     dmabroker_callback callback, void *data);
DMABROKER_API struct dmabroker_call *
dmabroker_begin_import(struct dmabroker *client, const struct dmabroker_params *params,
		       dmabroker_callback callback, void *data);
DMABROKER_API struct dmabroker_call *dmabroker_begin_redeem(struct dmabroker *client, const char *token,
							    dmabroker_callback callback, void *data);
DMABROKER_API struct dmabroker_call *dmabroker_begin_redeem_as(struct dmabroker *client, const char *token,
							       uint32_t handle_types,
							       dmabroker_callback callback, void *data);
DMABROKER_API struct dmabroker_call *dmabroker_begin_claim(struct dmabroker *client, const char *name,
							   uint32_t milliseconds, uint32_t how,
							   dmabroker_callback callback, void *data);
DMABROKER_API struct dmabroker_call *
dmabroker_begin_adopt(struct dmabroker *client, const char *id, const char *session,
		      const struct dmabroker_params *memory, dmabroker_callback callback, void *data);
DMABROKER_API struct dmabroker_call *dmabroker_buffer_begin_renew(struct dmabroker_buffer *buffer,
								  uint32_t seconds,
								  dmabroker_callback callback,
								  void *data);
DMABROKER_API struct dmabroker_call *dmabroker_buffer_begin_park(struct dmabroker_buffer *buffer,
								 uint32_t seconds,
								 dmabroker_callback callback, void *data);
DMABROKER_API struct dmabroker_call *
dmabroker_buffer_begin_commit(struct dmabroker_buffer *buffer, uint64_t revision, const char *metadata,
			      dmabroker_callback callback, void *data);
DMABROKER_API struct dmabroker_call *
dmabroker_buffer_begin_reissue(struct dmabroker_buffer *buffer, dmabroker_callback callback, void *data);
DMABROKER_API struct dmabroker_call *
dmabroker_buffer_begin_share(struct dmabroker_buffer *buffer, const struct dmabroker_terms *terms,
			     dmabroker_callback callback, void *data);
DMABROKER_API struct dmabroker_call *
dmabroker_buffer_begin_fill(struct dmabroker_buffer *buffer, uint32_t value, uint64_t offset,
			    uint64_t size, dmabroker_callback callback, void *data);
DMABROKER_API struct dmabroker_call *
dmabroker_buffer_begin_copy(struct dmabroker_buffer *buffer, uint64_t offset,
			    struct dmabroker_buffer *source, uint64_t source_offset, uint64_t size,
			    dmabroker_callback callback, void *data);
DMABROKER_API struct dmabroker_call *
dmabroker_buffer_begin_read(struct dmabroker_buffer *buffer, uint64_t offset, uint64_t size,
			    dmabroker_callback callback, void *data);

#ifdef __cplusplus
}
#endif

#endif
