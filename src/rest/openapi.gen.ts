// Generated from openapi.yaml by scripts/generate-openapi.ts: do not edit.
export interface paths {
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the daemon works
         * @description Every thread of the daemon is asked; where one does not answer within seconds, 503 names it.
         */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As getHealth, without the body
         * @description The status and the headers of `getHealth`.
         */
        head: operations["headHealth"];
        patch?: never;
        trace?: never;
    };
    "/openapi.yaml": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * This description
         * @description The file that this daemon takes its routes and its validation from.
         */
        get: operations["getOpenapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As getOpenapi, without the body
         * @description The status and the headers of `getOpenapi`.
         */
        head: operations["headOpenapi"];
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * This description, for people
         * @description A page for a browser that shows this file. It loads nothing from elsewhere.
         */
        get: operations["getDocs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As getDocs, without the body
         * @description The status and the headers of `getDocs`.
         */
        head: operations["headDocs"];
        patch?: never;
        trace?: never;
    };
    "/docs/{file}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What the page of the description loads
         * @description Scripts and styles of `GET /docs`.
         */
        get: operations["getDocsFile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As getDocsFile, without the body
         * @description The status and the headers of `getDocsFile`.
         */
        head: operations["headDocsFile"];
        patch?: never;
        trace?: never;
    };
    "/v1/device": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The Vulkan device and the memory sources
         * @description What the daemon found out about the Vulkan device, and each memory source with the reason why
         *     it is or is not usable. Heap budgets are read when asked.
         */
        get: operations["getDevice"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As getDevice, without the body
         * @description The status and the headers of `getDevice`.
         */
        head: operations["headDevice"];
        patch?: never;
        trace?: never;
    };
    "/v1/devices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All Vulkan devices
         * @description The machine's Vulkan devices (1.1 and later), as they were at start, the main one first. The
         *     daemon opens another one when a request first names it. Heap budgets are read when asked.
         */
        get: operations["listDevices"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As listDevices, without the body
         * @description The status and the headers of `listDevices`.
         */
        head: operations["headListDevices"];
        patch?: never;
        trace?: never;
    };
    "/v1/device/formats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What images can be allocated
         * @description Every pair of format and modifier that a usable source allocates. Whether a certain size and
         *     usage can be had with it is known only when it is asked for.
         */
        get: operations["listFormats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As listFormats, without the body
         * @description The status and the headers of `listFormats`.
         */
        head: operations["headListFormats"];
        patch?: never;
        trace?: never;
    };
    "/v1/buffers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Buffers
         * @description The buffers that the daemon keeps, with their owners and their holders: those that every filter
         *     lets through, a page at a time. The header `Link` leads to the next page for as long as there is
         *     one. Buffers may come and go between two pages: what exists all the time is listed exactly once.
         *     Those that were released and whose memory somebody still has, or may have, are among them.
         */
        get: operations["listBuffers"];
        put?: never;
        /**
         * Allocate a buffer
         * @description Allocates a buffer that lives until it is released or its lease ends, and makes a token with which processes
         *     redeem it on the client socket. The token is shown only in this answer.
         *
         *     With `dry_run` nothing is allocated: the request goes through the same checks, up to the choice
         *     of the memory, and the answer is what it would become, or the same refusal.
         */
        post: operations["createBuffer"];
        delete?: never;
        options?: never;
        /**
         * As listBuffers, without the body
         * @description The status and the headers of `listBuffers`.
         */
        head: operations["headListBuffers"];
        patch?: never;
        trace?: never;
    };
    "/v1/buffers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        /**
         * One buffer
         * @description The buffer with its owner and everybody who was handed its file descriptors.
         */
        get: operations["getBuffer"];
        put?: never;
        post?: never;
        /**
         * Release a buffer
         * @description The daemon drops its own references and tells the buffer's owner. A dma_buf cannot be revoked:
         *     processes that hold its descriptors keep the memory alive until they close them, and for so long
         *     the buffer stays listed as `lingering`, is charged, and cannot be released again (`not_found`).
         */
        delete: operations["releaseBuffer"];
        options?: never;
        /**
         * As getBuffer, without the body
         * @description The status and the headers of `getBuffer`.
         */
        head: operations["headBuffer"];
        /**
         * Rename a buffer
         * @description Gives a buffer another name, or none. It is for people; nothing goes by it.
         */
        patch: operations["changeBuffer"];
        trace?: never;
    };
    "/v1/buffers/{id}/reissue": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give a lost buffer new memory
         * @description Allocates the memory of a buffer whose device was lost anew, zeroed, and tells everybody who has
         *     it; its id, owner and tokens stay, its generation grows. The old memory is listed under another id
         *     (`former_of`) for as long as somebody has it. A buffer that is not lost is answered as it is. An
         *     owner that is a client of the daemon does this itself (`reissue` of
         *     dmabroker-v1.xml).
         */
        post: operations["reissueBuffer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/buffers/{id}/extend": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Renew a lease
         * @description The lease ends so many seconds from now, or later where it would have; a recall because of its
         *     end is withdrawn. Everybody who has the buffer is told.
         */
        post: operations["extendLease"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/buffers/{id}/recall": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask for a buffer back
         * @description Asks the buffer's owner to release it within so many seconds, in place of a recall of it that
         *     is under way. Nothing is taken away; but after the deadline the owner's user gets no further
         *     allocation (`recalled`) until the buffer is released: over REST alone where the owner has no
         *     connection that could be told. `DELETE` makes the daemon let go of it without asking. What was released already cannot be recalled (`not_found`).
         */
        post: operations["recallBuffer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/buffers/{id}/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        /**
         * A buffer's tokens
         * @description Those that can still be redeemed, oldest first, whoever made them; never the secrets.
         */
        get: operations["listTokens"];
        put?: never;
        /**
         * Make a token
         * @description The secret is shown only in this answer.
         */
        post: operations["shareBuffer"];
        delete?: never;
        options?: never;
        /**
         * As listTokens, without the body
         * @description The status and the headers of `listTokens`.
         */
        head: operations["headListTokens"];
        patch?: never;
        trace?: never;
    };
    "/v1/buffers/{id}/tokens/{token_id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
                /** @description The token's id. */
                token_id: components["schemas"]["TokenId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke a token
         * @description It cannot be redeemed any more. Who has redeemed it keeps what was received: a dma_buf cannot be revoked.
         */
        delete: operations["revokeToken"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Metrics for Prometheus
         * @description In the text format of Prometheus; docs/metrics.md lists them.
         */
        get: operations["getMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As getMetrics, without the body
         * @description The status and the headers of `getMetrics`.
         */
        head: operations["headMetrics"];
        patch?: never;
        trace?: never;
    };
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What happens, as it happens
         * @description Server-sent events, from now on: `id`, `event` (an `EventType`) and `data` (an `Event`, as
         *     JSON in one line). A comment every 15 s is a sign of life. The daemon keeps the last 65,536
         *     events: who connects again with `Last-Event-ID` gets what was missed, each event once.
         *
         *     Two more events have a `reason` and a `detail` as data. `reset`: events are missing, because
         *     they were overwritten (`overrun`) or the daemon was started anew (`restarted`); ask for the
         *     lists again, the stream goes on as of now. `dropped`, the last one of a stream: the reader was
         *     too slow (`overrun`, `stalled`), may not read any more, because its token has expired or was
         *     removed or the policy has changed (`unauthorized`), or the daemon is stopping (`stopping`).
         *
         *     At most 16 streams at a time (`limit_exceeded`), of them 8 of owners and 2 of one owner.
         */
        get: operations["streamEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As streamEvents, without the body
         * @description The status and the headers of `streamEvents`.
         */
        head: operations["headStreamEvents"];
        patch?: never;
        trace?: never;
    };
    "/v1/buffers/{id}/preview.png": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        /**
         * A picture of an image
         * @description What is in the image now, as a PNG with 8 bits and alpha, scaled down by leaving pixels out.
         *     Components are shown as they are stored: no transfer function or gamut is applied; formats of one
         *     component are grey, half floats are cut to 0…1. Images that are not LINEAR are not shown.
         */
        get: operations["previewBuffer"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As previewBuffer, without the body
         * @description The status and the headers of `previewBuffer`.
         */
        head: operations["headPreviewBuffer"];
        patch?: never;
        trace?: never;
    };
    "/v1/buffers/{id}/history": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        /**
         * What has happened to a buffer
         * @description The last events about the buffer and who caused them, for as long as it is listed; an event of
         *     each is in `GET /v1/events`, too.
         */
        get: operations["getHistory"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As getHistory, without the body
         * @description The status and the headers of `getHistory`.
         */
        head: operations["headHistory"];
        patch?: never;
        trace?: never;
    };
    "/v1/buffers/{id}/holders": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        /**
         * Who has the buffer's memory
         * @description Every process with a file descriptor or a mapping of the buffer's memory, whether the daemon
         *     handed it out or somebody else passed it on: a sweep over all processes, at most a second old.
         *     Not seen are descriptors in messages that nobody has received, and what a driver keeps.
         */
        get: operations["listHolders"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As listHolders, without the body
         * @description The status and the headers of `listHolders`.
         */
        head: operations["headListHolders"];
        patch?: never;
        trace?: never;
    };
    "/v1/clients": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Connected clients
         * @description The connections of the client socket, with what they hold; in pages, as buffers.
         */
        get: operations["listClients"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As listClients, without the body
         * @description The status and the headers of `listClients`.
         */
        head: operations["headListClients"];
        patch?: never;
        trace?: never;
    };
    "/v1/clients/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The client's id. */
                id: components["schemas"]["ClientId"];
            };
            cookie?: never;
        };
        /**
         * One client
         * @description The connection with its process, its buffers and what it is charged.
         */
        get: operations["getClient"];
        put?: never;
        post?: never;
        /**
         * Disconnect a client
         * @description Tells the client that the connection was ended over REST (`wl_display.error`) and ends it;
         *     what is bound to it is released. The process may connect again.
         */
        delete: operations["disconnectClient"];
        options?: never;
        /**
         * As getClient, without the body
         * @description The status and the headers of `getClient`.
         */
        head: operations["headClient"];
        patch?: never;
        trace?: never;
    };
    "/v1/log-level": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How much is logged
         * @description The level that holds now.
         */
        get: operations["getLogLevel"];
        /**
         * Log more or less
         * @description For as long as the daemon runs; at its next start the configuration's level holds again.
         */
        put: operations["setLogLevel"];
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As getLogLevel, without the body
         * @description The status and the headers of `getLogLevel`.
         */
        head: operations["headLogLevel"];
        patch?: never;
        trace?: never;
    };
    "/v1/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The configuration in force
         * @description Every setting, by its name in the configuration file, with its value and where that comes from.
         *     The file is read again at SIGHUP; what of it takes a restart is shown beside what is in force.
         *     Neither tokens nor their digests are shown.
         */
        get: operations["getConfig"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As getConfig, without the body
         * @description The status and the headers of `getConfig`.
         */
        head: operations["headConfig"];
        patch?: never;
        trace?: never;
    };
    "/v1/quotas": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All quotas
         * @description Every quota with what it is set to, where that comes from, and what is charged.
         */
        get: operations["listQuotas"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As listQuotas, without the body
         * @description The status and the headers of `listQuotas`.
         */
        head: operations["headListQuotas"];
        patch?: never;
        trace?: never;
    };
    "/v1/quotas/{scope}/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Whose quota. */
                scope: components["schemas"]["QuotaScope"];
                /** @description `default` for the daemon, for connections and for users without a quota of their own; a user's number; a cgroup's path or pattern, its slashes as `%2F`; a source's name; for a memory heap of the main Vulkan device `vulkan:` and its index in `GET /v1/device`, for one of another device `vulkan:`, its `device_uuid`, `:` and the index. */
                key: components["schemas"]["QuotaKey"];
            };
            cookie?: never;
        };
        /**
         * One quota
         * @description What it is set to, where that comes from, and what is charged.
         */
        get: operations["getQuota"];
        /**
         * Set a quota
         * @description Replaces what REST has set for this quota; what is left out comes from the configuration. It is
         *     kept over a restart: answered when it is on the disk, or refused (`not_stored`). A limit below what is in use takes nothing away: `over_limit` is true, and
         *     further allocations are refused.
         */
        put: operations["setQuota"];
        post?: never;
        /**
         * Forget what REST has set
         * @description The configuration's values, or the built-in ones, hold again.
         */
        delete: operations["unsetQuota"];
        options?: never;
        /**
         * As getQuota, without the body
         * @description The status and the headers of `getQuota`.
         */
        head: operations["headQuota"];
        patch?: never;
        trace?: never;
    };
    "/v1/leaks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What looks like a leak
         * @description Buffers that nobody was handed for long, processes that only get more of them, and released
         *     memory that somebody still has, the longest first. None of this is proof: whether a buffer is
         *     in use, only its holders know. At most 100 of each are shown; the counts are of all.
         */
        get: operations["getLeaks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As getLeaks, without the body
         * @description The status and the headers of `getLeaks`.
         */
        head: operations["headLeaks"];
        patch?: never;
        trace?: never;
    };
    "/v1/pool": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The pool of spare memory
         * @description Memory that was allocated, zeroed and exported ahead of time for the specs that are asked for
         *     often. Nobody has had it, and nobody is charged for it; it is freed where it is in the way.
         */
        get: operations["getPool"];
        put?: never;
        post?: never;
        /**
         * Free all spares
         * @description Frees the spares and forgets what they were for: a spec gets new ones when it was asked for often
         *     again.
         */
        delete: operations["drainPool"];
        options?: never;
        /**
         * As getPool, without the body
         * @description The status and the headers of `getPool`.
         */
        head: operations["headPool"];
        patch?: never;
        trace?: never;
    };
    "/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Users
         * @description Users that are connected or hold something, with their share and what was recalled from them.
         */
        get: operations["listUsers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As listUsers, without the body
         * @description The status and the headers of `listUsers`.
         */
        head: operations["headListUsers"];
        patch?: never;
        trace?: never;
    };
    "/v1/cgroups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Control groups
         * @description Control groups of which some process is connected or holds something, and those above them, by user.
         */
        get: operations["listCgroups"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * As listCgroups, without the body
         * @description The status and the headers of `listCgroups`.
         */
        head: operations["headListCgroups"];
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @description Up to 13 characters of base32 in lower case, unique for as long as the daemon runs.
         * @example mfzgk5dfmjza
         */
        BufferId: string;
        /**
         * @description A token's name, no secret; unique for as long as the daemon runs.
         * @example t7
         */
        TokenId: string;
        /**
         * @description `device`: the Vulkan device imported it. `layout`: only the planes' places in the memory were checked.
         * @enum {string}
         */
        ImportCheck: "device" | "layout";
        /**
         * @description What buffers are sorted by.
         * @default created_at
         * @enum {string}
         */
        BufferSort: "created_at" | "-created_at" | "size" | "-size" | "id" | "-id";
        /**
         * @description `live`: its tokens can be redeemed. `lost`: its device was lost, and what the memory holds is
         *     undefined; it can be shared again when it has been re-issued. `lingering`: released, and somebody
         *     still has the memory. `unknown`: released, and the kernel does not tell whether somebody has it;
         *     it stops being listed when every process that was handed it has exited, or after the configured
         *     time. All of them are charged.
         * @example live
         * @enum {string}
         */
        BufferState: "live" | "lost" | "lingering" | "unknown";
        /**
         * @description A connection of the client socket; never given again while the daemon runs.
         * @example c7
         */
        ClientId: string;
        /**
         * @description How the memory leaves the daemon. `opaque_fd` is Vulkan's OPAQUE_FD: to be imported by Vulkan,
         *     OpenGL or CUDA on the same device and driver, never mapped. `memfd` is ordinary shared memory,
         *     never called a dma_buf.
         * @example dma_buf
         * @enum {string}
         */
        HandleType: "dma_buf" | "opaque_fd" | "memfd";
        /**
         * @description A memory source. A dma-heap carries the heap's name; without one it stands for all of them, where the machine has none.
         * @example vulkan
         */
        SourceName: string;
        /**
         * @description A DRM format (drm_fourcc.h), four ASCII characters.
         * @example XR24
         */
        Fourcc: string;
        /**
         * @description A DRM format modifier, `0x` and 16 hexadecimal digits; all zeros is LINEAR.
         * @example 0x0000000000000000
         */
        Modifier: string;
        /**
         * @description A user's or group's number; 2^32 - 1 is none.
         * @example 1000
         */
        Uid: number;
        /** @description Bytes. */
        Size: number;
        /** @description A number of things. */
        Count: number;
        /** @description Pixels, a uint of the client protocol; the device's own limit is in its report. */
        Pixels: number;
        /**
         * Format: date-time
         * @description A moment in RFC 3339, UTC.
         * @example 2026-11-20T08:15:30.123Z
         */
        Time: string;
        /**
         * @description A buffer that the daemon keeps.
         * @example {
         *       "id": "mfzgk5dfmjza",
         *       "generation": 1,
         *       "former_of": null,
         *       "state": "live",
         *       "name": "camera preview",
         *       "handle_type": "dma_buf",
         *       "source": "vulkan",
         *       "device": "6d657361323530303700000000000000",
         *       "import": null,
         *       "exporter": "udmabuf",
         *       "vulkan": null,
         *       "size": 8355840,
         *       "kind": "image",
         *       "format": "XR24",
         *       "modifier": "0x0000000000000000",
         *       "width": 1920,
         *       "height": 1080,
         *       "planes": [
         *         {
         *           "index": 0,
         *           "memory": 0,
         *           "offset": 0,
         *           "stride": 7680
         *         }
         *       ],
         *       "placement": [
         *         "device_local",
         *         "host_visible",
         *         "host_coherent",
         *         "host_cached"
         *       ],
         *       "unverified_usage": [],
         *       "lifetime": {
         *         "type": "until_released"
         *       },
         *       "owner": {
         *         "client": null,
         *         "uid": 1000,
         *         "gid": 1000,
         *         "groups": [
         *           44
         *         ],
         *         "pid": 4242,
         *         "executable": "curl",
         *         "cgroup": "/user.slice/user-1000.slice/session-3.scope",
         *         "unit": "session-3.scope",
         *         "slice": "user-1000.slice",
         *         "container": null
         *       },
         *       "recipients": [],
         *       "created_at": "2026-11-20T08:15:30.123Z",
         *       "last_used_at": "2026-11-20T08:15:30.123Z",
         *       "released_at": null,
         *       "recall": null,
         *       "tokens": 1
         *     }
         */
        Buffer: {
            id: components["schemas"]["BufferId"];
            /**
             * @description Counts the memories that it has had; it grows when it is re-issued.
             * @example 1
             */
            generation: number;
            /**
             * @description For the memory that a buffer had before it was re-issued, and that somebody still has or may have: that buffer. It is listed under an id of its own, released, with those who were handed it; `generation` says which of the buffer's memories it was. Null for all others.
             * @example null
             */
            former_of: components["schemas"]["BufferId"] | null;
            state: components["schemas"]["BufferState"];
            /**
             * @description The name that its owner gave it, for people; null for none. Text from a client, not to be trusted.
             * @example camera preview
             */
            name: string | null;
            handle_type: components["schemas"]["HandleType"];
            /**
             * @description Where the memory comes from; a source's name, or `import` where a client brought it.
             * @example vulkan
             */
            source: string;
            /**
             * @description The Vulkan device that made the memory or has imported it (`device_uuid` of `GET /v1/devices`); null where none did.
             * @example 6d657361323530303700000000000000
             */
            device: components["schemas"]["Uuid"] | null;
            /**
             * @description For memory that a client brought, how it was checked; null for what the daemon allocated.
             * @example null
             */
            import: components["schemas"]["ImportResult"] | null;
            /**
             * @description The kernel's exporter (`exp_name` of fdinfo), for a dma_buf; null for other handle types.
             * @example udmabuf
             */
            exporter: string | null;
            /**
             * @description For an `opaque_fd`, what its importer must tell Vulkan beside the size; null for other handle types.
             * @example null
             */
            vulkan: components["schemas"]["VulkanImport"] | null;
            /**
             * @description Bytes of memory, padding included; this is what is charged.
             * @example 8355840
             */
            size: components["schemas"]["Size"];
            kind: components["schemas"]["BufferKind"];
            /**
             * @description An image's format; null for linear memory.
             * @example XR24
             */
            format: components["schemas"]["Fourcc"] | null;
            /**
             * @description The modifier that the driver chose; null for linear memory.
             * @example 0x0000000000000000
             */
            modifier: components["schemas"]["Modifier"] | null;
            /**
             * @description An image's width in pixels; null for linear memory.
             * @example 1920
             */
            width: components["schemas"]["Pixels"] | null;
            /**
             * @description An image's height in pixels; null for linear memory.
             * @example 1080
             */
            height: components["schemas"]["Pixels"] | null;
            /**
             * @description Its memory planes, in the words of linux-dmabuf-v1.
             * @example [
             *       {
             *         "index": 0,
             *         "memory": 0,
             *         "offset": 0,
             *         "stride": 7680
             *       }
             *     ]
             */
            planes: components["schemas"]["Plane"][];
            /**
             * @description Where the memory is: the properties of its Vulkan memory type (VkMemoryPropertyFlagBits in lower case without prefix and suffix), or what is the same of the machine's own memory. Empty for an import.
             * @example [
             *       "device_local",
             *       "host_visible"
             *     ]
             */
            placement: string[];
            /**
             * @description The usages asked for that no device was asked about (`scanout`, `video_decode`, `video_encode`): whether the memory serves for them, its users find out.
             * @example [
             *       "scanout"
             *     ]
             */
            unverified_usage: components["schemas"]["UsageName"][];
            lifetime: components["schemas"]["Lifetime"];
            owner: components["schemas"]["Owner"];
            /**
             * @description Every process that was handed the file descriptors, its owner too, also those that have disconnected: they may still hold them.
             * @example []
             */
            recipients: components["schemas"]["Recipient"][];
            created_at: components["schemas"]["Time"];
            /** @description When it was made, or handed to somebody last. */
            last_used_at: components["schemas"]["Time"];
            /**
             * @description When the daemon let go of it; null before.
             * @example null
             */
            released_at: components["schemas"]["Time"] | null;
            /**
             * @description By when its owner is asked to release it, and why; null where it is not. The end of a lease is told in `lifetime`.
             * @example {
             *       "reason": "administrator",
             *       "deadline": "2026-11-20T08:16:30.123Z"
             *     }
             */
            recall: components["schemas"]["Recall"] | null;
            /**
             * @description How many tokens can still be redeemed.
             * @example 1
             */
            tokens: components["schemas"]["Count"];
        };
        /**
         * @description Those fields of a `Buffer` that `fields` asks for; all, where it is left out.
         * @example {
         *       "id": "mfzgk5dfmjza",
         *       "state": "live",
         *       "size": 8355840
         *     }
         */
        BufferFields: {
            id?: components["schemas"]["Buffer"]["id"];
            generation?: components["schemas"]["Buffer"]["generation"];
            former_of?: components["schemas"]["Buffer"]["former_of"];
            state?: components["schemas"]["Buffer"]["state"];
            name?: components["schemas"]["Buffer"]["name"];
            handle_type?: components["schemas"]["Buffer"]["handle_type"];
            source?: components["schemas"]["Buffer"]["source"];
            device?: components["schemas"]["Buffer"]["device"];
            import?: components["schemas"]["Buffer"]["import"];
            exporter?: components["schemas"]["Buffer"]["exporter"];
            vulkan?: components["schemas"]["Buffer"]["vulkan"];
            size?: components["schemas"]["Buffer"]["size"];
            kind?: components["schemas"]["Buffer"]["kind"];
            format?: components["schemas"]["Buffer"]["format"];
            modifier?: components["schemas"]["Buffer"]["modifier"];
            width?: components["schemas"]["Buffer"]["width"];
            height?: components["schemas"]["Buffer"]["height"];
            planes?: components["schemas"]["Buffer"]["planes"];
            placement?: components["schemas"]["Buffer"]["placement"];
            unverified_usage?: components["schemas"]["Buffer"]["unverified_usage"];
            lifetime?: components["schemas"]["Buffer"]["lifetime"];
            owner?: components["schemas"]["Buffer"]["owner"];
            recipients?: components["schemas"]["Buffer"]["recipients"];
            created_at?: components["schemas"]["Buffer"]["created_at"];
            last_used_at?: components["schemas"]["Buffer"]["last_used_at"];
            released_at?: components["schemas"]["Buffer"]["released_at"];
            recall?: components["schemas"]["Buffer"]["recall"];
            tokens?: components["schemas"]["Buffer"]["tokens"];
        };
        /**
         * @description The name of one of a `Buffer`'s fields.
         * @example size
         * @enum {string}
         */
        BufferField: "id" | "generation" | "former_of" | "state" | "name" | "handle_type" | "source" | "device" | "import" | "exporter" | "vulkan" | "size" | "kind" | "format" | "modifier" | "width" | "height" | "planes" | "placement" | "unverified_usage" | "lifetime" | "owner" | "recipients" | "created_at" | "last_used_at" | "released_at" | "recall" | "tokens";
        /**
         * @description `buffer`: linear memory. `image`: two-dimensional.
         * @example image
         * @enum {string}
         */
        BufferKind: "buffer" | "image";
        /**
         * @description How memory that a client brought was checked.
         * @example {
         *       "checked": "device",
         *       "reason": "llvmpipe (LLVM 19.1.7, 256 bits)"
         *     }
         */
        ImportResult: {
            checked: components["schemas"]["ImportCheck"];
            /** @description The device's name, or why it did not import. */
            reason: string;
        };
        /**
         * @description What the importer of an `opaque_fd` must tell Vulkan beside the size.
         * @example {
         *       "memory_type": 0,
         *       "dedicated": true
         *     }
         */
        VulkanImport: {
            /** @description memoryTypeIndex. */
            memory_type: number;
            /** @description Whether it is for one VkBuffer alone. */
            dedicated: boolean;
        };
        /**
         * @description What looks like a leak.
         * @example {
         *       "forgotten": {
         *         "after_seconds": 3600,
         *         "count": 1,
         *         "bytes": 8355840,
         *         "oldest_seconds": 7200,
         *         "buffers": [
         *           {
         *             "id": "mfzgk5dfmjza",
         *             "name": "camera preview",
         *             "state": "live",
         *             "size": 8355840,
         *             "since": "2026-11-20T08:15:30.123Z",
         *             "owner": {
         *               "client": "c7",
         *               "uid": 1000,
         *               "gid": 1000,
         *               "groups": [
         *                 44
         *               ],
         *               "pid": 4242,
         *               "executable": "weston",
         *               "cgroup": "/user.slice/user-1000.slice/session-3.scope",
         *               "unit": "session-3.scope",
         *               "slice": "user-1000.slice",
         *               "container": null
         *             }
         *           }
         *         ]
         *       },
         *       "growing": {
         *         "sample_seconds": 60,
         *         "window": 10,
         *         "rises": 5,
         *         "sampled_at": "2026-11-20T10:15:30.123Z",
         *         "missing": null,
         *         "count": 0,
         *         "processes": []
         *       },
         *       "lingering": {
         *         "count": 0,
         *         "bytes": 0,
         *         "oldest_seconds": 0,
         *         "buffers": []
         *       }
         *     }
         */
        LeakReport: {
            /** @description Buffers that nobody was handed for `after_seconds`, that are not recalled and have no lease. */
            forgotten: {
                after_seconds: components["schemas"]["Count"];
                count: components["schemas"]["Count"];
                bytes: components["schemas"]["Count"];
                /** @description The age of the first; 0 for none. */
                oldest_seconds: number;
                /** @description The first of them; `since` is their `last_used_at`. */
                buffers: components["schemas"]["LeakedBuffer"][];
            };
            /** @description Processes that had more of the daemon's memories than at the sample before at least `rises` times in their last `window` samples, and never fewer. */
            growing: {
                sample_seconds: components["schemas"]["Count"];
                window: components["schemas"]["Count"];
                rises: components["schemas"]["Count"];
                /** @description The last sample; null before the first. */
                sampled_at: components["schemas"]["Time"] | null;
                /** @description Why not all processes were seen; null where they were. */
                missing: string | null;
                count: components["schemas"]["Count"];
                /** @description The first of them, those with most memories first. */
                processes: components["schemas"]["GrowingProcess"][];
            };
            /** @description Buffers that were released and whose memory somebody has, or may have. */
            lingering: {
                count: components["schemas"]["Count"];
                bytes: components["schemas"]["Count"];
                /** @description The age of the first; 0 for none. */
                oldest_seconds: number;
                /** @description The first of them; `since` is their `released_at`. */
                buffers: components["schemas"]["LeakedBuffer"][];
            };
        };
        /** @description A buffer that may have leaked. */
        LeakedBuffer: {
            id: components["schemas"]["BufferId"];
            /** @description As of a buffer. */
            name: string | null;
            state: components["schemas"]["BufferState"];
            /** @description Bytes of memory; this is what is charged. */
            size: components["schemas"]["Size"];
            since: components["schemas"]["Time"];
            owner: components["schemas"]["Owner"];
        };
        /** @description A process that has more and more memories of the daemon. */
        GrowingProcess: {
            /** @description The process. */
            pid: number;
            uid: components["schemas"]["Uid"];
            executable: components["schemas"]["Executable"];
            cgroup: components["schemas"]["CgroupPath"];
            unit: components["schemas"]["Unit"];
            slice: components["schemas"]["Slice"];
            container: components["schemas"]["Container"];
            started_at: components["schemas"]["Time"];
            /** @description Memories that it had at the first sample. */
            from: components["schemas"]["Count"];
            /** @description Memories that it had at the last. */
            to: components["schemas"]["Count"];
            since: components["schemas"]["Time"];
        };
        /**
         * @description Another user is below its share, memory is short, or somebody asked over REST.
         * @enum {string}
         */
        RecallReason: "share" | "memory_pressure" | "administrator";
        /** @description A buffer's owner is asked to release it. */
        Recall: {
            reason: components["schemas"]["RecallReason"];
            /** @description Afterwards its user gets no further allocation until it is released. */
            deadline: components["schemas"]["Time"];
        };
        /**
         * @description How long the owner has.
         * @example {
         *       "seconds": 10
         *     }
         */
        RecallRequest: {
            /**
             * @description Seconds, a day at most.
             * @example 10
             */
            seconds: number;
        };
        /**
         * @description Names an event; it holds a number that is drawn at each start of the daemon. For an owner the rest cannot be read, and is another each time.
         * @example 5f0c1a2b-42
         */
        EventId: string;
        /**
         * @description The pool of spare memory.
         * @example {
         *       "limits": {
         *         "bytes": 268435456,
         *         "spares_per_spec": 3,
         *         "idle_seconds": 30
         *       },
         *       "bytes": 25067520,
         *       "spares": 3,
         *       "hits": 41,
         *       "misses": 9,
         *       "specs": [
         *         {
         *           "source": "vulkan",
         *           "handle_type": "dma_buf",
         *           "device": null,
         *           "kind": "image",
         *           "size": null,
         *           "width": 1920,
         *           "height": 1080,
         *           "format": "XR24",
         *           "modifiers": [
         *             "0x0000000000000000"
         *           ],
         *           "usage": [
         *             "sample",
         *             "transfer"
         *           ],
         *           "placement": "any",
         *           "spares": 3,
         *           "spare_bytes": 8355840,
         *           "hits": 41,
         *           "last_asked_at": "2026-11-20T08:15:30.123Z"
         *         }
         *       ]
         *     }
         */
        Pool: {
            /** @description As configured. */
            limits: {
                /** @description What all spares together may take; 0 where there is no pool. */
                bytes: components["schemas"]["Size"];
                spares_per_spec: components["schemas"]["Count"];
                idle_seconds: components["schemas"]["Count"];
            };
            /** @description What the spares take. */
            bytes: components["schemas"]["Size"];
            spares: components["schemas"]["Count"];
            /** @description Allocations that were answered from the pool. */
            hits: components["schemas"]["Count"];
            /** @description Allocations that were not, while there was a pool. */
            misses: components["schemas"]["Count"];
            /** @description What spares are kept of, the one asked for last first. */
            specs: components["schemas"]["PoolSpec"][];
        };
        /** @description What spares are kept of: memory of one source for one request. Layout constraints are part of it and not shown. */
        PoolSpec: {
            source: components["schemas"]["SourceName"];
            handle_type: components["schemas"]["HandleType"];
            /** @description The Vulkan device that was named; null where none was. */
            device: components["schemas"]["Uuid"] | null;
            kind: components["schemas"]["BufferKind"];
            /** @description The bytes that were asked for; null for images. */
            size: components["schemas"]["Size"] | null;
            width: components["schemas"]["Pixels"] | null;
            height: components["schemas"]["Pixels"] | null;
            format: components["schemas"]["Fourcc"] | null;
            /** @description Those that were asked for and that the source has. */
            modifiers: components["schemas"]["Modifier"][];
            usage: components["schemas"]["UsageName"][];
            placement: components["schemas"]["Placement"];
            spares: components["schemas"]["Count"];
            /** @description What one of them takes; an estimate until there was one. */
            spare_bytes: components["schemas"]["Size"];
            /** @description Allocations that were answered with one, since the spec is kept. */
            hits: components["schemas"]["Count"];
            last_asked_at: components["schemas"]["Time"];
        };
        /**
         * @description What was freed of the pool.
         * @example {
         *       "spares": 3,
         *       "bytes": 25067520
         *     }
         */
        PoolDrained: {
            spares: components["schemas"]["Count"];
            bytes: components["schemas"]["Size"];
        };
        /**
         * @description What happened. `buffer.lost`: its memory went with the device. `buffer.reissued`: it has memory
         *     again. `buffer.shared`, `buffer.unshared`: a token was made or revoked. `buffer.previewed`: somebody was shown
         *     what is in it. `buffer.renewed`: its lease
         *     was. `buffer.gone`: it was released, and nobody has its memory any more, as far as the kernel
         *     tells; it is listed no more. `buffer.recalled`: its owner is asked to release it, or with the reason `withdrawn` no
         *     longer. `quota.changed`: over REST; the reason names it. `pool.drained`: over REST; the reason says what was freed. `refusal`: somebody asked the data plane for something and was refused.
         * @enum {string}
         */
        EventType: "buffer.created" | "buffer.shared" | "buffer.unshared" | "buffer.previewed" | "buffer.redeemed" | "buffer.renamed" | "buffer.renewed" | "buffer.released" | "buffer.gone" | "buffer.lost" | "buffer.reissued" | "buffer.recalled" | "quota.changed" | "pool.drained" | "client.connected" | "client.disconnected" | "refusal" | "device.lost" | "device.restored";
        /**
         * @description The `EventType`s that are about a buffer.
         * @example buffer.created
         * @enum {string}
         */
        BufferEventType: "buffer.created" | "buffer.shared" | "buffer.unshared" | "buffer.previewed" | "buffer.redeemed" | "buffer.renamed" | "buffer.renewed" | "buffer.released" | "buffer.gone" | "buffer.lost" | "buffer.reissued" | "buffer.recalled";
        /**
         * @description Why a buffer was released or recalled or a device lost; a token's id and terms; a buffer's new name, its lease's seconds or its generation; which memory of a re-issued buffer is gone; the quota that changed; a refusal's sentence; `administrator` where a connection was ended over REST. Null where there is nothing to say.
         * @example owner
         */
        EventReason: string | null;
        /**
         * @description Something that happened. What does not apply is null; for a buffer's events the process is its owner's, for `buffer.redeemed` the one that redeemed it.
         * @example {
         *       "id": "5f0c1a2b-42",
         *       "type": "buffer.created",
         *       "time": "2026-11-20T08:15:30.123Z",
         *       "buffer": "mfzgk5dfmjza",
         *       "size": 8355840,
         *       "client": "c7",
         *       "uid": 1000,
         *       "pid": 4242,
         *       "executable": "weston",
         *       "owner": 1000,
         *       "code": null,
         *       "reason": null
         *     }
         */
        Event: {
            id: components["schemas"]["EventId"];
            type: components["schemas"]["EventType"];
            time: components["schemas"]["Time"];
            /** @description The buffer that it is about. */
            buffer: components["schemas"]["BufferId"] | null;
            /** @description The buffer's bytes. */
            size: components["schemas"]["Size"] | null;
            /** @description The client that it is about. */
            client: components["schemas"]["ClientId"] | null;
            /** @description That process's user, where it is known. */
            uid: components["schemas"]["Uid"] | null;
            pid: components["schemas"]["Pid"];
            executable: components["schemas"]["Executable"];
            /** @description The user whose buffer it is about, where that is known. */
            owner: components["schemas"]["Uid"] | null;
            /** @description A refusal's code. */
            code: components["schemas"]["ErrorCode"] | null;
            reason: components["schemas"]["EventReason"];
        };
        /**
         * @description What has happened to a buffer.
         * @example {
         *       "events": [
         *         {
         *           "time": "2026-11-20T08:15:30.123Z",
         *           "type": "buffer.created",
         *           "who": {
         *             "client": "c7",
         *             "uid": 1000,
         *             "pid": 4242,
         *             "executable": "weston",
         *             "unit": "session-3.scope",
         *             "token": null
         *           },
         *           "reason": null
         *         },
         *         {
         *           "time": "2026-11-20T08:15:31.456Z",
         *           "type": "buffer.shared",
         *           "who": {
         *             "client": "c7",
         *             "uid": 1000,
         *             "pid": 4242,
         *             "executable": "weston",
         *             "unit": "session-3.scope",
         *             "token": null
         *           },
         *           "reason": "t7: 1 use, any user"
         *         }
         *       ],
         *       "forgotten": 0
         *     }
         */
        History: {
            /** @description The last ones, oldest first. */
            events: components["schemas"]["HistoryEvent"][];
            /** @description How many there were before these. */
            forgotten: components["schemas"]["Count"];
        };
        /**
         * @description An event about a buffer, as the buffer keeps it: `type`, `time` and `reason` are those of the `Event`.
         * @example {
         *       "time": "2026-11-20T08:15:30.123Z",
         *       "type": "buffer.created",
         *       "who": {
         *         "client": "c7",
         *         "uid": 1000,
         *         "pid": 4242,
         *         "executable": "weston",
         *         "unit": "session-3.scope",
         *         "token": null
         *       },
         *       "reason": null
         *     }
         */
        HistoryEvent: {
            time: components["schemas"]["Time"];
            type: components["schemas"]["BufferEventType"];
            /** @description The process that did it; null for the daemon by itself. */
            who: components["schemas"]["HistoryActor"] | null;
            reason: components["schemas"]["EventReason"];
        };
        /** @description A process; null is what is not known of it. */
        HistoryActor: {
            /** @description Its connection; null where it spoke REST. */
            client: components["schemas"]["ClientId"] | null;
            /** @description Its user. */
            uid: components["schemas"]["Uid"] | null;
            pid: components["schemas"]["Pid"];
            executable: components["schemas"]["Executable"];
            unit: components["schemas"]["Unit"];
            /** @description The name of the token with which it spoke REST over TCP. */
            token: string | null;
        };
        /**
         * @description What a request would become.
         * @example {
         *       "handle_type": "dma_buf",
         *       "source": "vulkan",
         *       "device": "6d657361323530303700000000000000",
         *       "size": 8355840,
         *       "kind": "image",
         *       "modifier": "0x0000000000000000",
         *       "planes": [
         *         {
         *           "index": 0,
         *           "memory": 0,
         *           "offset": 0,
         *           "stride": 7680
         *         }
         *       ],
         *       "placement": [
         *         "device_local",
         *         "host_visible"
         *       ],
         *       "unverified_usage": []
         *     }
         */
        PlannedBuffer: {
            handle_type: components["schemas"]["HandleType"];
            source: components["schemas"]["SourceName"];
            /** @description As of a buffer. */
            device: components["schemas"]["Uuid"] | null;
            /** @description Bytes of memory; the kernel may round each memory up to whole pages. */
            size: components["schemas"]["Size"];
            kind: components["schemas"]["BufferKind"];
            /** @description The modifier that the driver would choose; null for linear memory. */
            modifier: components["schemas"]["Modifier"] | null;
            /** @description Its memory planes, in the words of linux-dmabuf-v1. */
            planes: components["schemas"]["Plane"][];
            /** @description As of a buffer. */
            placement: string[];
            /** @description As of a buffer. */
            unverified_usage: components["schemas"]["UsageName"][];
        };
        /** @description A memory plane. */
        Plane: {
            /** @description The plane's number. */
            index: number;
            /** @description The memory that it lies in: planes with the same number share one file description, others have one of their own. */
            memory: number;
            /** @description Bytes from the start of the memory. */
            offset: components["schemas"]["Size"];
            /** @description Bytes from one row to the next; 0 for linear memory. */
            stride: components["schemas"]["Size"];
        };
        /**
         * @description How long the daemon keeps the buffer.
         * @example {
         *       "type": "until_released"
         *     }
         */
        Lifetime: {
            /**
             * @description `connection`: until its owner disconnects. `until_released`: until its owner or an administrator releases it. `lease`: for so many seconds, unless it is renewed.
             * @enum {string}
             */
            type: "connection" | "until_released" | "lease";
            /** @description The length of the lease that was asked for last. */
            seconds?: components["schemas"]["LeaseSeconds"];
            /** @description When the lease ends. Its buffer is recalled then. */
            ends_at?: components["schemas"]["Time"];
            /** @description Where the lease has ended, when the daemon lets go of the buffer. Processes that hold its descriptors keep the memory. */
            released_at?: components["schemas"]["Time"] | null;
        };
        /**
         * @description Seconds, a day at most.
         * @example 600
         */
        LeaseSeconds: number;
        /** @description How long the daemon keeps the buffer. */
        NewLifetime: components["schemas"]["UntilReleased"] | components["schemas"]["NewLease"];
        /** @description Until it is released. */
        UntilReleased: {
            /**
             * @description Until it is released. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            type: "until_released";
        };
        /** @description For so many seconds, unless it is renewed. */
        NewLease: {
            /**
             * @description A lease. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            type: "lease";
            seconds: components["schemas"]["LeaseSeconds"];
        };
        /**
         * @description A longer lease.
         * @example {
         *       "seconds": 600
         *     }
         */
        LeaseExtension: {
            seconds: components["schemas"]["LeaseSeconds"];
        };
        /**
         * @description Who asked for the buffer.
         * @example {
         *       "client": "c7",
         *       "uid": 1000,
         *       "gid": 1000,
         *       "groups": [
         *         44
         *       ],
         *       "pid": 4242,
         *       "executable": "weston",
         *       "cgroup": "/user.slice/user-1000.slice/session-3.scope",
         *       "unit": "session-3.scope",
         *       "slice": "user-1000.slice",
         *       "container": null
         *     }
         */
        Owner: {
            /** @description The client's id; null for a buffer that was made over REST or whose owner left. */
            client: string | null;
            /** @description The owner's user, where it is known. */
            uid: components["schemas"]["Uid"] | null;
            /** @description The owner's group, where it is known. */
            gid: components["schemas"]["Uid"] | null;
            groups: components["schemas"]["Groups"];
            pid: components["schemas"]["Pid"];
            executable: components["schemas"]["Executable"];
            cgroup: components["schemas"]["CgroupPath"];
            unit: components["schemas"]["Unit"];
            slice: components["schemas"]["Slice"];
            container: components["schemas"]["Container"];
        };
        /**
         * @description The process when it connected; null where it is not known. A number may have been given to another process since.
         * @example 4242
         */
        Pid: number | null;
        /**
         * @description The name of the process's program when it connected (/proc/PID/comm, 15 bytes at most); null where it had ended before it could be read. For people: a process can choose it.
         * @example weston
         */
        Executable: string | null;
        /**
         * @description The process's supplementary groups when it connected (SO_PEERGROUPS).
         * @example [
         *       44,
         *       992
         *     ]
         */
        Groups: components["schemas"]["Uid"][] | null;
        /**
         * @description The process's control group when it connected (/proc/PID/cgroup); null where it is not known. It and what is read off it (`unit`, `slice`, `container`) are for people.
         * @example /user.slice/user-1000.slice/user@1000.service/app.slice/weston.service
         */
        CgroupPath: string | null;
        /**
         * @description The systemd service or scope that the process runs in, of the user's own manager where there is one.
         * @example weston.service
         */
        Unit: string | null;
        /**
         * @description The systemd slice that the unit is in.
         * @example app.slice
         */
        Slice: string | null;
        /**
         * @description The container that the process runs in: an id of 64 digits (docker, podman, containerd, CRI-O) or a name (LXC, systemd-nspawn).
         * @example null
         */
        Container: string | null;
        /** @description A process that was handed the buffer's file descriptors. */
        Recipient: {
            /** @description The client's id. */
            client: string;
            uid: components["schemas"]["Uid"];
            gid: components["schemas"]["Uid"];
            groups: components["schemas"]["Groups"];
            pid: components["schemas"]["Pid"];
            executable: components["schemas"]["Executable"];
            cgroup: components["schemas"]["CgroupPath"];
            unit: components["schemas"]["Unit"];
            slice: components["schemas"]["Slice"];
            container: components["schemas"]["Container"];
            /** @description Whether its connection is still open. */
            connected: boolean;
            received_at: components["schemas"]["Time"];
        };
        /**
         * @description Who has a buffer's memory.
         * @example {
         *       "holders": [
         *         {
         *           "pid": 4242,
         *           "uid": 1000,
         *           "executable": "weston",
         *           "cgroup": "/user.slice/user-1000.slice/session-3.scope",
         *           "unit": "session-3.scope",
         *           "slice": "user-1000.slice",
         *           "container": null,
         *           "fds": 1,
         *           "mappings": 1,
         *           "started_at": "2026-11-20T08:00:00.000Z",
         *           "clients": [
         *             "c7"
         *           ]
         *         }
         *       ],
         *       "daemon": {
         *         "fds": 1,
         *         "mappings": 0
         *       },
         *       "complete": true,
         *       "missing": null,
         *       "unreadable": 0,
         *       "scanned_at": "2026-11-20T08:15:31.456Z"
         *     }
         */
        Holders: {
            /** @description The processes, by number; the daemon itself is not among them. */
            holders: components["schemas"]["Holder"][];
            daemon: components["schemas"]["MemoryUse"];
            /** @description Whether every process could be read. */
            complete: boolean;
            /**
             * @description What the daemon may not see, where it is not complete.
             * @example without CAP_SYS_PTRACE, 41 processes of other users cannot be read
             */
            missing: string | null;
            /** @description Processes that could not be read. */
            unreadable: components["schemas"]["Count"];
            scanned_at: components["schemas"]["Time"];
        };
        /** @description What the daemon itself keeps. */
        MemoryUse: {
            /** @description File descriptors of the memory. */
            fds: components["schemas"]["Count"];
            /** @description Mappings of it. */
            mappings: components["schemas"]["Count"];
        };
        /** @description A process that has the memory now. */
        Holder: {
            /** @description The process. */
            pid: number;
            uid: components["schemas"]["Uid"];
            executable: components["schemas"]["Executable"];
            cgroup: components["schemas"]["CgroupPath"];
            unit: components["schemas"]["Unit"];
            slice: components["schemas"]["Slice"];
            container: components["schemas"]["Container"];
            /** @description Its file descriptors of the memory. */
            fds: components["schemas"]["Count"];
            /** @description Its mappings of the memory. */
            mappings: components["schemas"]["Count"];
            started_at: components["schemas"]["Time"];
            /** @description Its connections to the daemon; empty for a process that got the memory elsewhere. */
            clients: string[];
        };
        /**
         * @description A connection of the client socket.
         * @example {
         *       "id": "c7",
         *       "uid": 1000,
         *       "gid": 1000,
         *       "groups": [
         *         44
         *       ],
         *       "pid": 4242,
         *       "executable": "weston",
         *       "cgroup": "/user.slice/user-1000.slice/session-3.scope",
         *       "unit": "session-3.scope",
         *       "slice": "user-1000.slice",
         *       "container": null,
         *       "connected_at": "2026-11-20T08:15:30.123Z",
         *       "buffers": 1,
         *       "bytes": 8355840,
         *       "fds_sent": 1
         *     }
         */
        Client: {
            id: components["schemas"]["ClientId"];
            uid: components["schemas"]["Uid"];
            gid: components["schemas"]["Uid"];
            groups: components["schemas"]["Groups"];
            pid: components["schemas"]["Pid"];
            executable: components["schemas"]["Executable"];
            cgroup: components["schemas"]["CgroupPath"];
            unit: components["schemas"]["Unit"];
            slice: components["schemas"]["Slice"];
            container: components["schemas"]["Container"];
            connected_at: components["schemas"]["Time"];
            /** @description Buffers that it owns. */
            buffers: components["schemas"]["Count"];
            /** @description Bytes of the buffers that it owns. */
            bytes: components["schemas"]["Size"];
            /** @description File descriptors that it was handed since it connected. */
            fds_sent: components["schemas"]["Count"];
        };
        /**
         * @description A connection of the client socket, its buffers and its charge.
         * @example {
         *       "client": {
         *         "id": "c7",
         *         "uid": 1000,
         *         "gid": 1000,
         *         "groups": [
         *           44
         *         ],
         *         "pid": 4242,
         *         "executable": "weston",
         *         "cgroup": "/user.slice/user-1000.slice/session-3.scope",
         *         "unit": "session-3.scope",
         *         "slice": "user-1000.slice",
         *         "container": null,
         *         "connected_at": "2026-11-20T08:15:30.123Z",
         *         "buffers": 1,
         *         "bytes": 8355840,
         *         "fds_sent": 1
         *       },
         *       "buffers": [
         *         "mfzgk5dfmjza"
         *       ],
         *       "charge": {
         *         "bytes": 8355840,
         *         "buffers": 1,
         *         "fds": 1,
         *         "pending": 0
         *       }
         *     }
         */
        ClientDetail: {
            client: components["schemas"]["Client"];
            /** @description The buffers that it owns. */
            buffers: components["schemas"]["BufferId"][];
            /** @description What the connection is charged, released memory that somebody still has included. */
            charge: components["schemas"]["QuotaAmount"];
        };
        /**
         * @description How much is logged.
         * @example {
         *       "level": "debug"
         *     }
         */
        LogLevel: {
            /**
             * @description This and what is worse is logged.
             * @enum {string}
             */
            level: "debug" | "info" | "warn" | "error";
        };
        /**
         * @description The configuration in force.
         * @example {
         *       "file": "/etc/dmabroker.toml",
         *       "read_at": "2026-11-20T08:00:00.000Z",
         *       "error": null,
         *       "state_folder": "/var/lib/dmabroker",
         *       "settings": [
         *         {
         *           "key": "rest.rate_limit",
         *           "value": 10000,
         *           "from": "file",
         *           "line": 7,
         *           "after_restart": {
         *             "value": 20000,
         *             "from": "file",
         *             "line": 7
         *           }
         *         }
         *       ],
         *       "tokens": [
         *         {
         *           "name": "grafana",
         *           "role": "reader",
         *           "preview": false,
         *           "expires_at": "2027-11-20T08:00:00.000Z"
         *         }
         *       ]
         *     }
         */
        Config: {
            /** @description The configuration file; null where there is none. */
            file: string | null;
            read_at: components["schemas"]["Time"];
            /** @description Why the file was not taken when it was last read; null where it was. */
            error: string | null;
            /** @description Where the daemon keeps what was set over REST. */
            state_folder: string;
            /** @description All that have a value, in the order of the sections; quotas last. */
            settings: components["schemas"]["ConfigSetting"][];
            /** @description The tokens for TCP, without the secrets and their digests. */
            tokens: components["schemas"]["ConfigToken"][];
        };
        /** @description A setting in force. */
        ConfigSetting: {
            /**
             * @description Its name in the file.
             * @example rest.rate_limit
             */
            key: string;
            value: components["schemas"]["ConfigValue"];
            from: components["schemas"]["ConfigOrigin"];
            line: components["schemas"]["ConfigLine"];
            /** @description What a restart would put in force; null where that is the same. */
            after_restart: components["schemas"]["ConfigChange"] | null;
        };
        /** @description A setting as it would be after a restart. */
        ConfigChange: {
            value: components["schemas"]["ConfigValue"];
            from: components["schemas"]["ConfigOrigin"];
            line: components["schemas"]["ConfigLine"];
        };
        /** @description As the file would say it, sizes in bytes, users and groups as numbers; null where it has none. */
        ConfigValue: string | number | boolean | {
            [key: string]: unknown;
        }[] | {
            [key: string]: unknown;
        } | null;
        /**
         * @description Where a value comes from. What was set over REST comes before all others.
         * @enum {string}
         */
        ConfigOrigin: "default" | "file" | "command_line" | "rest";
        /** @description The line of the file that says so. */
        ConfigLine: number | null;
        /** @description A token for TCP. */
        ConfigToken: {
            /**
             * @description What the log calls it.
             * @example grafana
             */
            name: string;
            /**
             * @description What it may do.
             * @enum {string}
             */
            role: "reader" | "operator" | "admin";
            /** @description Whether it may see pixels. */
            preview: boolean;
            expires_at: components["schemas"]["Time"];
        };
        /**
         * @description The Vulkan device and the memory sources.
         * @example {
         *       "device": {
         *         "name": "llvmpipe (LLVM 19.1.7, 256 bits)",
         *         "type": "cpu",
         *         "vendor_id": 65541,
         *         "device_id": 0,
         *         "api_version": "1.4.305",
         *         "driver": {
         *           "name": "llvmpipe",
         *           "info": "Mesa 25.0.7-2 (LLVM 19.1.7)"
         *         },
         *         "device_uuid": "6d657361323530303700000000000000",
         *         "driver_uuid": "6c6c766d706970655555494400000000",
         *         "drm": null,
         *         "extensions": [
         *           {
         *             "name": "VK_EXT_external_memory_dma_buf",
         *             "enabled": true,
         *             "reason": null
         *           }
         *         ],
         *         "heaps": [
         *           {
         *             "index": 0,
         *             "size": 12638251008,
         *             "device_local": true,
         *             "budget": null,
         *             "usage": null
         *           }
         *         ],
         *         "memory_types": [
         *           {
         *             "index": 0,
         *             "heap": 0,
         *             "flags": [
         *               "device_local",
         *               "host_visible"
         *             ]
         *           }
         *         ],
         *         "limits": {
         *           "max_allocations": 4294967295,
         *           "max_allocation_size": 2147483648,
         *           "max_image_dimension_2d": 16384
         *         },
         *         "losses": 0,
         *         "last_lost_at": null
         *       },
         *       "reason": null,
         *       "sources": [
         *         {
         *           "name": "vulkan",
         *           "handle_type": "dma_buf",
         *           "usable": true,
         *           "reason": "llvmpipe (LLVM 19.1.7, 256 bits)",
         *           "limits": {
         *             "max_bytes": null
         *           }
         *         }
         *       ]
         *     }
         */
        DeviceReport: {
            /** @description The device; null where there is none that can be used. */
            device: components["schemas"]["Device"] | null;
            /**
             * @description Why there is no device.
             * @example libvulkan.so.1: no such file
             */
            reason: string | null;
            /** @description The memory sources, in order of preference. */
            sources: components["schemas"]["Source"][];
        };
        /** @description A memory source, as it was found at start or when its device was made anew. */
        Source: {
            name: components["schemas"]["SourceName"];
            handle_type: components["schemas"]["HandleType"];
            /** @description Whether it can be allocated from. */
            usable: boolean;
            /**
             * @description Why not, where it is not usable; otherwise what it is.
             * @example udmabuf: /dev/udmabuf is missing
             */
            reason: string;
            /** @description Limits of the source itself, as they were at start. */
            limits: {
                /** @description Bytes that one memory may have (udmabuf's size_limit_mb); null where the source has no limit of its own. */
                max_bytes: components["schemas"]["Size"] | null;
            };
        };
        /**
         * @description A Vulkan physical device and what the daemon enabled on it.
         * @example {
         *       "name": "llvmpipe (LLVM 19.1.7, 256 bits)",
         *       "type": "cpu",
         *       "vendor_id": 65541,
         *       "device_id": 0,
         *       "api_version": "1.4.305",
         *       "driver": {
         *         "name": "llvmpipe",
         *         "info": "Mesa 25.0.7-2 (LLVM 19.1.7)"
         *       },
         *       "device_uuid": "6d657361323530303700000000000000",
         *       "driver_uuid": "6c6c766d706970655555494400000000",
         *       "drm": null,
         *       "extensions": [
         *         {
         *           "name": "VK_EXT_external_memory_dma_buf",
         *           "enabled": true,
         *           "reason": null
         *         }
         *       ],
         *       "heaps": [
         *         {
         *           "index": 0,
         *           "size": 12638251008,
         *           "device_local": true,
         *           "budget": null,
         *           "usage": null
         *         }
         *       ],
         *       "memory_types": [
         *         {
         *           "index": 0,
         *           "heap": 0,
         *           "flags": [
         *             "device_local",
         *             "host_visible"
         *           ]
         *         }
         *       ],
         *       "limits": {
         *         "max_allocations": 4294967295,
         *         "max_allocation_size": 2147483648,
         *         "max_image_dimension_2d": 16384
         *       },
         *       "losses": 0,
         *       "last_lost_at": null
         *     }
         */
        Device: {
            /**
             * @description deviceName of VkPhysicalDeviceProperties.
             * @example llvmpipe (LLVM 19.1.7, 256 bits)
             */
            name: string;
            /**
             * @description deviceType of VkPhysicalDeviceProperties.
             * @enum {string}
             */
            type: "discrete_gpu" | "integrated_gpu" | "virtual_gpu" | "cpu" | "other";
            /** @description PCI vendor id. */
            vendor_id: number;
            /** @description PCI device id. */
            device_id: number;
            /**
             * @description The Vulkan version that the device supports.
             * @example 1.4.305
             */
            api_version: string;
            driver: components["schemas"]["Driver"];
            device_uuid: components["schemas"]["Uuid"];
            driver_uuid: components["schemas"]["Uuid"];
            /** @description Its DRM nodes; null where the driver does not tell (VK_EXT_physical_device_drm). */
            drm: components["schemas"]["DrmNodes"] | null;
            /** @description The device extensions that the daemon makes use of. */
            extensions: components["schemas"]["Extension"][];
            /** @description Memory heaps. */
            heaps: components["schemas"]["Heap"][];
            /** @description Memory types. */
            memory_types: components["schemas"]["MemoryType"][];
            limits: components["schemas"]["DeviceLimits"];
            /** @description How often the device was lost (VK_ERROR_DEVICE_LOST) since the daemon started. */
            losses: components["schemas"]["Count"];
            /** @description When it was lost last; null where it never was. */
            last_lost_at: components["schemas"]["Time"] | null;
        };
        /**
         * @description A Vulkan physical device. The daemon has opened it or not; what only an open device tells is null where it is not.
         * @example {
         *       "name": "llvmpipe (LLVM 19.1.7, 256 bits)",
         *       "type": "cpu",
         *       "vendor_id": 65541,
         *       "device_id": 0,
         *       "api_version": "1.4.305",
         *       "driver": {
         *         "name": "llvmpipe",
         *         "info": "Mesa 25.0.7-2 (LLVM 19.1.7)"
         *       },
         *       "device_uuid": "6d657361323530303700000000000000",
         *       "driver_uuid": "6c6c766d706970655555494400000000",
         *       "drm": null,
         *       "main": true,
         *       "open": true,
         *       "reason": null,
         *       "sources": [
         *         {
         *           "name": "vulkan",
         *           "handle_type": "dma_buf",
         *           "usable": true,
         *           "reason": "llvmpipe (LLVM 19.1.7, 256 bits)",
         *           "limits": {
         *             "max_bytes": null
         *           }
         *         }
         *       ],
         *       "extensions": [
         *         {
         *           "name": "VK_EXT_external_memory_dma_buf",
         *           "enabled": true,
         *           "reason": null
         *         }
         *       ],
         *       "heaps": [
         *         {
         *           "index": 0,
         *           "size": 12638251008,
         *           "device_local": true,
         *           "budget": null,
         *           "usage": null
         *         }
         *       ],
         *       "memory_types": [
         *         {
         *           "index": 0,
         *           "heap": 0,
         *           "flags": [
         *             "device_local",
         *             "host_visible"
         *           ]
         *         }
         *       ],
         *       "limits": {
         *         "max_allocations": 4294967295,
         *         "max_allocation_size": 2147483648,
         *         "max_image_dimension_2d": 16384
         *       },
         *       "losses": 0,
         *       "last_lost_at": null
         *     }
         */
        ListedDevice: {
            /**
             * @description deviceName.
             * @example llvmpipe (LLVM 19.1.7, 256 bits)
             */
            name: string;
            /**
             * @description deviceType.
             * @enum {string}
             */
            type: "discrete_gpu" | "integrated_gpu" | "virtual_gpu" | "cpu" | "other";
            /** @description PCI vendor id. */
            vendor_id: number;
            /** @description PCI device id. */
            device_id: number;
            /**
             * @description The Vulkan version that the device supports.
             * @example 1.4.305
             */
            api_version: string;
            driver: components["schemas"]["Driver"];
            device_uuid: components["schemas"]["Uuid"];
            driver_uuid: components["schemas"]["Uuid"];
            /** @description As of a Device. */
            drm: components["schemas"]["DrmNodes"] | null;
            /** @description Whether memory comes from it where a request names no device. */
            main: boolean;
            /** @description Whether the daemon has it open. */
            open: boolean;
            /** @description Why it cannot be opened; null where nothing is known against it. */
            reason: string | null;
            /** @description What it serves, by handle type; empty before it is opened. */
            sources: components["schemas"]["Source"][];
            /** @description The device extensions that the daemon makes use of. */
            extensions: components["schemas"]["Extension"][] | null;
            /** @description Memory heaps. */
            heaps: components["schemas"]["Heap"][] | null;
            /** @description Memory types. */
            memory_types: components["schemas"]["MemoryType"][] | null;
            /** @description As of a Device. */
            limits: components["schemas"]["DeviceLimits"] | null;
            /** @description How often it was lost since the daemon started. */
            losses: components["schemas"]["Count"];
            /** @description When it was lost last; null where it never was. */
            last_lost_at: components["schemas"]["Time"] | null;
        };
        /** @description VkPhysicalDeviceDriverProperties. */
        Driver: {
            /**
             * @description driverName.
             * @example llvmpipe
             */
            name: string;
            /**
             * @description driverInfo.
             * @example Mesa 25.0.7-2 (LLVM 19.1.7)
             */
            info: string;
        };
        /**
         * @description 16 bytes as 32 hexadecimal digits.
         * @example 6d657361323530303700000000000000
         */
        Uuid: string;
        /** @description VkPhysicalDeviceDrmPropertiesEXT. */
        DrmNodes: {
            /** @description The primary node (/dev/dri/cardN), if it has one. */
            primary: components["schemas"]["DrmNode"] | null;
            /** @description The render node (/dev/dri/renderDN), if it has one. */
            render: components["schemas"]["DrmNode"] | null;
        };
        /** @description A device number. */
        DrmNode: {
            /**
             * @description Major number.
             * @example 226
             */
            major: number;
            /**
             * @description Minor number.
             * @example 128
             */
            minor: number;
        };
        /** @description A device extension that the daemon makes use of where it is there. */
        Extension: {
            /**
             * @description Its name.
             * @example VK_EXT_external_memory_dma_buf
             */
            name: string;
            /** @description Whether it is in use. */
            enabled: boolean;
            /** @description Why it is not in use, or what for. */
            reason: string | null;
        };
        /** @description A memory heap. */
        Heap: {
            /** @description Its number. */
            index: number;
            size: components["schemas"]["Size"];
            /** @description Whether it is the device's own memory. */
            device_local: boolean;
            /** @description Bytes that this process may use now (VK_EXT_memory_budget). */
            budget: components["schemas"]["Size"] | null;
            /** @description Bytes that this process uses now (VK_EXT_memory_budget). */
            usage: components["schemas"]["Size"] | null;
        };
        /** @description A memory type. */
        MemoryType: {
            /** @description Its number. */
            index: number;
            /** @description The heap that it allocates from. */
            heap: number;
            /** @description VkMemoryPropertyFlagBits in lower case without prefix and suffix. */
            flags: string[];
        };
        /** @description VkPhysicalDeviceLimits and VkPhysicalDeviceMaintenance3Properties, as far as they matter here. */
        DeviceLimits: {
            /** @description maxMemoryAllocationCount. */
            max_allocations: components["schemas"]["Count"];
            /** @description maxMemoryAllocationSize; larger values are shown as 2^53 - 1. */
            max_allocation_size: components["schemas"]["Size"];
            /** @description maxImageDimension2D, in pixels. */
            max_image_dimension_2d: components["schemas"]["Count"];
        };
        /**
         * @description A format that a usable source allocates, with one modifier.
         * @example {
         *       "format": "XR24",
         *       "modifier": "0x0000000000000000",
         *       "modifier_name": "LINEAR",
         *       "planes": 1,
         *       "source": "vulkan",
         *       "handle_type": "dma_buf",
         *       "made": "image"
         *     }
         */
        Format: {
            format: components["schemas"]["Fourcc"];
            modifier: components["schemas"]["Modifier"];
            /**
             * @description The modifier's name, where the daemon knows one.
             * @example LINEAR
             */
            modifier_name: string | null;
            /** @description Memory planes. */
            planes: number;
            source: components["schemas"]["SourceName"];
            handle_type: components["schemas"]["HandleType"];
            /**
             * @description `image`: by the device, as an image, which it can use. `layout`: linear memory that the daemon lays out; whether a device takes it is for its importer to try.
             * @enum {string}
             */
            made: "image" | "layout";
        };
        /** @description What to allocate. */
        CreateBuffer: components["schemas"]["CreateLinearBuffer"] | components["schemas"]["CreateImage"];
        /** @description Linear memory (a VkBuffer). */
        CreateLinearBuffer: {
            /**
             * @description Linear memory. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            kind: "buffer";
            /**
             * @description Bytes.
             * @example 1048576
             */
            size: number;
            alignment?: components["schemas"]["SizeAlignment"];
            sources?: components["schemas"]["SourceList"];
            /** @description The one Vulkan device to allocate from; the main one, if it is left out. Sources without a device are not taken in its place. */
            device?: components["schemas"]["Uuid"];
            /**
             * @default [
             *       "transfer"
             *     ]
             */
            usage: components["schemas"]["UsageList"];
            /** @default any */
            placement: components["schemas"]["Placement"];
            /**
             * @default [
             *       "dma_buf"
             *     ]
             */
            handle_types: components["schemas"]["HandleTypeList"];
            name?: components["schemas"]["NewName"];
            /**
             * @default {
             *       "type": "until_released"
             *     }
             */
            lifetime: components["schemas"]["NewLifetime"];
            /** @default {} */
            token: components["schemas"]["TokenRequest"];
        };
        /** @description A two-dimensional image. */
        CreateImage: {
            /**
             * @description An image. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            kind: "image";
            width: components["schemas"]["Pixels"];
            height: components["schemas"]["Pixels"];
            format: components["schemas"]["Fourcc"];
            /**
             * @description The modifiers that every user of the image can take; the driver chooses among them. At most 256, as in the client protocol.
             * @default [
             *       "0x0000000000000000"
             *     ]
             */
            modifiers: components["schemas"]["Modifier"][];
            alignment?: components["schemas"]["Alignment"];
            /**
             * @description Each plane in a memory and with a file description of its own, as multi-planar V4L2 takes them.
             * @default false
             */
            separate_planes: boolean;
            /** @description Where each memory plane must lie, with exactly one modifier. The image gets this layout or is refused: `unsupported_layout` says which one the driver would choose. */
            layout?: components["schemas"]["PlanePlace"][];
            sources?: components["schemas"]["SourceList"];
            /** @description The one Vulkan device to allocate from; the main one, if it is left out. Sources without a device are not taken in its place. */
            device?: components["schemas"]["Uuid"];
            /**
             * @default [
             *       "transfer"
             *     ]
             */
            usage: components["schemas"]["UsageList"];
            /** @default any */
            placement: components["schemas"]["Placement"];
            /**
             * @default [
             *       "dma_buf"
             *     ]
             */
            handle_types: components["schemas"]["HandleTypeList"];
            name?: components["schemas"]["NewName"];
            /**
             * @default {
             *       "type": "until_released"
             *     }
             */
            lifetime: components["schemas"]["NewLifetime"];
            /** @default {} */
            token: components["schemas"]["TokenRequest"];
        };
        /** @description Where a memory plane lies in its memory, in bytes. */
        PlanePlace: {
            /** @description From the start of the memory. */
            offset: number;
            /** @description From one row to the next. */
            stride: number;
        };
        /** @description What the memory must be a multiple of, beyond whole pages. */
        SizeAlignment: {
            /**
             * @description Bytes of the memory; a power of two.
             * @default 1
             */
            size: number;
        };
        /** @description What the layout must be multiples of, powers of two. Linear layouts have strides and offsets in multiples of 64 bytes and whole pages at least. */
        Alignment: {
            /**
             * @description Bytes from one row to the next, of each plane.
             * @default 1
             * @example 256
             */
            stride: number;
            /**
             * @description Bytes from the start of the memory to each plane.
             * @default 1
             */
            offset: number;
            /**
             * @description Bytes of each memory.
             * @default 1
             */
            size: number;
            /**
             * @description Rows of the first plane, padding included; codecs write whole blocks.
             * @default 1
             * @example 16
             */
            height: number;
        };
        /** @description The memory sources that may be taken, by name; any, if it is left out. The daemon's order of preference decides among them. */
        SourceList: components["schemas"]["SourceName"][];
        /** @description What the memory is for. */
        UsageList: components["schemas"]["UsageName"][];
        /**
         * @description A use. `scanout`, `video_decode` and `video_encode` are not checked against any device; for
         *     `scanout` the client names the modifiers that its KMS plane takes, and a CMA heap is preferred
         *     where linear memory would be laid out.
         * @enum {string}
         */
        UsageName: "sample" | "render" | "transfer" | "storage" | "cpu_read" | "cpu_write" | "scanout" | "video_decode" | "video_encode";
        /**
         * @description Where the memory must be: `device_local`, the device's own; `host_visible`, memory that can be mapped; `host_cached`, mapped and read through the CPU's caches.
         * @enum {string}
         */
        Placement: "any" | "device_local" | "host_visible" | "host_cached";
        /** @description The kinds of file descriptor that every user of the buffer can take. Nothing else is ever substituted: on a machine without a dma_buf exporter, ask for `memfd`. */
        HandleTypeList: components["schemas"]["HandleType"][];
        /**
         * @description What is to be different of a buffer.
         * @example {
         *       "name": "camera preview"
         *     }
         */
        BufferChange: {
            /** @description Its new name; null for none. */
            name: components["schemas"]["NewName"] | null;
        };
        /**
         * @description A name for people, without control characters.
         * @example camera preview
         */
        NewName: string;
        /**
         * @description The token to be made.
         * @example {
         *       "uses": 2,
         *       "seconds": 60,
         *       "uid": 1000
         *     }
         */
        TokenRequest: {
            /**
             * @description How often it can be redeemed.
             * @default 1
             */
            uses: number;
            /**
             * @description How long it is good for, a year at most; null for as long as the buffer.
             * @default null
             */
            seconds: number | null;
            /**
             * @description The only user who may redeem it; null for any.
             * @default null
             */
            uid: number | null;
            /**
             * @description Whether who redeems it may renew the buffer's lease.
             * @default false
             */
            may_renew: boolean;
        };
        /**
         * @description A new buffer and the token with which processes get its file descriptors.
         * @example {
         *       "buffer": {
         *         "id": "mfzgk5dfmjza",
         *         "generation": 1,
         *         "former_of": null,
         *         "state": "live",
         *         "name": "camera preview",
         *         "handle_type": "dma_buf",
         *         "source": "vulkan",
         *         "device": "6d657361323530303700000000000000",
         *         "import": null,
         *         "exporter": "udmabuf",
         *         "vulkan": null,
         *         "size": 8355840,
         *         "kind": "image",
         *         "format": "XR24",
         *         "modifier": "0x0000000000000000",
         *         "width": 1920,
         *         "height": 1080,
         *         "planes": [
         *           {
         *             "index": 0,
         *             "memory": 0,
         *             "offset": 0,
         *             "stride": 7680
         *           }
         *         ],
         *         "placement": [
         *           "device_local",
         *           "host_visible",
         *           "host_coherent",
         *           "host_cached"
         *         ],
         *         "unverified_usage": [],
         *         "lifetime": {
         *           "type": "until_released"
         *         },
         *         "owner": {
         *           "client": null,
         *           "uid": 1000,
         *           "gid": 1000,
         *           "groups": [
         *             44
         *           ],
         *           "pid": 4242,
         *           "executable": "curl",
         *           "cgroup": "/user.slice/user-1000.slice/session-3.scope",
         *           "unit": "session-3.scope",
         *           "slice": "user-1000.slice",
         *           "container": null
         *         },
         *         "recipients": [],
         *         "created_at": "2026-11-20T08:15:30.123Z",
         *         "last_used_at": "2026-11-20T08:15:30.123Z",
         *         "released_at": null,
         *         "recall": null,
         *         "tokens": 1
         *       },
         *       "token": {
         *         "id": "t7",
         *         "token": "oer4dbmenis5xcdmlnghjr6wtq",
         *         "uses": 1,
         *         "expires_at": null
         *       }
         *     }
         */
        CreatedBuffer: {
            buffer: components["schemas"]["Buffer"];
            token: components["schemas"]["Token"];
        };
        /**
         * @description A secret; whoever has it may redeem the buffer on the client socket.
         * @example {
         *       "id": "t7",
         *       "token": "oer4dbmenis5xcdmlnghjr6wtq",
         *       "uses": 1,
         *       "expires_at": null
         *     }
         */
        Token: {
            id: components["schemas"]["TokenId"];
            /** @description The secret. */
            token: string;
            /** @description How often it can be redeemed. */
            uses: number;
            /** @description When it expires; null for as long as the buffer. */
            expires_at: components["schemas"]["Time"] | null;
        };
        /**
         * @description What may be shown of a token that can still be redeemed.
         * @example {
         *       "id": "t7",
         *       "uses_left": 1,
         *       "uid": null,
         *       "may_renew": false,
         *       "created_at": "2026-11-20T08:15:30.123Z",
         *       "expires_at": null
         *     }
         */
        TokenInfo: {
            id: components["schemas"]["TokenId"];
            /** @description How often it can still be redeemed. */
            uses_left: number;
            /** @description The only user who may redeem it; null for any. */
            uid: components["schemas"]["Uid"] | null;
            /** @description Whether who redeems it may renew the buffer's lease. */
            may_renew: boolean;
            created_at: components["schemas"]["Time"];
            /** @description When it expires; null for as long as the buffer. */
            expires_at: components["schemas"]["Time"] | null;
        };
        /**
         * @description The daemon's state.
         * @example {
         *       "status": "ok",
         *       "version": "0.1.0",
         *       "uptime_seconds": 86400,
         *       "sources_usable": [
         *         "vulkan/dma_buf",
         *         "udmabuf/dma_buf",
         *         "memfd/memfd"
         *       ],
         *       "warnings": []
         *     }
         */
        Health: {
            /**
             * @description It works.
             * @enum {string}
             */
            status: "ok";
            /**
             * @description The daemon's version.
             * @example 0.1.0
             */
            version: string;
            /** @description Seconds since it started. */
            uptime_seconds: number;
            /** @description Usable memory sources as name/handle type, in order of preference. */
            sources_usable: string[];
            /** @description What an administrator should know, one sentence each. */
            warnings: string[];
        };
        /**
         * @description Whose quota. Those of a connection, a cgroup, its user, the source and the daemon hold at once.
         * @enum {string}
         */
        QuotaScope: "daemon" | "user" | "cgroup" | "source" | "connection";
        /**
         * @description Which one of the scope.
         * @example 1000
         */
        QuotaKey: string;
        /**
         * @description A quota to be set. Null means no limit.
         * @example {
         *       "bytes": 536870912,
         *       "allocations_per_second": 10
         *     }
         */
        QuotaRule: {
            /** @description Bytes of memory. */
            bytes?: number | null;
            /** @description Buffers. */
            buffers?: number | null;
            /** @description File descriptors that the daemon keeps open for buffers. */
            fds?: number | null;
            /** @description Allocations that are not answered yet. */
            pending?: number | null;
            /** @description Allocations a second; a burst has one second's worth, at least one. */
            allocations_per_second?: number | null;
            /** @description Of a user, its part of what is shared out, in proportion to the others'. */
            weight?: number;
            /** @description Of a user or cgroup; buffers with less are recalled first. */
            priority?: number;
            /** @description Of the daemon, the part of each capacity that is for users below their share. */
            reserve?: number;
        };
        /** @description A value and where it comes from. */
        QuotaSetting: {
            /** @description The value; null for no limit. */
            value: number | null;
            /**
             * @description Who has set it.
             * @enum {string}
             */
            from: "default" | "configuration" | "rest";
        };
        /** @description What holds. Weight is of users, priority of users and cgroups, reserve of the daemon. */
        QuotaSettings: {
            bytes: components["schemas"]["QuotaSetting"];
            buffers: components["schemas"]["QuotaSetting"];
            fds: components["schemas"]["QuotaSetting"];
            pending: components["schemas"]["QuotaSetting"];
            allocations_per_second: components["schemas"]["QuotaSetting"];
            weight: components["schemas"]["QuotaSetting"];
            priority: components["schemas"]["QuotaSetting"];
            reserve: components["schemas"]["QuotaSetting"];
        };
        /** @description What is charged. */
        QuotaAmount: {
            bytes: components["schemas"]["Size"];
            buffers: components["schemas"]["Count"];
            fds: components["schemas"]["Count"];
            pending: components["schemas"]["Count"];
        };
        /** @description What a user may have of the daemon's capacities now; null where there is no limit. */
        QuotaShare: {
            /** @description Bytes of memory. */
            bytes: number | null;
            /** @description Buffers. */
            buffers: number | null;
            /** @description File descriptors. */
            fds: number | null;
        };
        /** @description Limits; null for none. */
        QuotaLimits: {
            /** @description Bytes of memory. */
            bytes: number | null;
            /** @description Buffers. */
            buffers: number | null;
            /** @description File descriptors. */
            fds: number | null;
            /** @description Allocations that are not answered yet. */
            pending: number | null;
            /** @description Allocations a second. */
            allocations_per_second: number | null;
        };
        /**
         * @description A quota.
         * @example {
         *       "scope": "user",
         *       "key": "1000",
         *       "settings": {
         *         "bytes": {
         *           "value": 536870912,
         *           "from": "rest"
         *         },
         *         "buffers": {
         *           "value": 16384,
         *           "from": "default"
         *         },
         *         "fds": {
         *           "value": null,
         *           "from": "default"
         *         },
         *         "pending": {
         *           "value": 256,
         *           "from": "default"
         *         },
         *         "allocations_per_second": {
         *           "value": 10,
         *           "from": "rest"
         *         },
         *         "weight": {
         *           "value": 1,
         *           "from": "default"
         *         },
         *         "priority": {
         *           "value": 0,
         *           "from": "default"
         *         },
         *         "reserve": {
         *           "value": 0.1,
         *           "from": "default"
         *         }
         *       },
         *       "charge": {
         *         "bytes": 8355840,
         *         "buffers": 1,
         *         "fds": 1,
         *         "pending": 0
         *       },
         *       "share": {
         *         "bytes": 536870912,
         *         "buffers": null,
         *         "fds": 13155
         *       },
         *       "over_limit": false
         *     }
         */
        Quota: {
            scope: components["schemas"]["QuotaScope"];
            key: components["schemas"]["QuotaKey"];
            settings: components["schemas"]["QuotaSettings"];
            /** @description What is charged; null for a quota of several. */
            charge: components["schemas"]["QuotaAmount"] | null;
            /** @description Of a user. */
            share: components["schemas"]["QuotaShare"] | null;
            /** @description Whether more is in use than may be, by one of those that it holds for. */
            over_limit: boolean;
        };
        /**
         * @description A user, its containers' users included.
         * @example {
         *       "uid": 1000,
         *       "name": "alice",
         *       "charge": {
         *         "bytes": 8355840,
         *         "buffers": 1,
         *         "fds": 1,
         *         "pending": 0
         *       },
         *       "limits": {
         *         "bytes": 536870912,
         *         "buffers": 16384,
         *         "fds": null,
         *         "pending": 256,
         *         "allocations_per_second": 10
         *       },
         *       "share": {
         *         "bytes": 536870912,
         *         "buffers": null,
         *         "fds": 13155
         *       },
         *       "over_limit": false,
         *       "recalled": [
         *         {
         *           "buffer": "mfzgk5dfmjza",
         *           "reason": "share",
         *           "deadline": "2026-11-20T08:16:30.123Z",
         *           "overdue": false
         *         }
         *       ]
         *     }
         */
        User: {
            /** @description Its number; 2^32 - 1 for users of REST that are not known. */
            uid: number;
            /** @description Its name in /etc/passwd. */
            name: string | null;
            charge: components["schemas"]["QuotaAmount"];
            limits: components["schemas"]["QuotaLimits"];
            share: components["schemas"]["QuotaShare"];
            /** @description Whether more is in use than may be. */
            over_limit: boolean;
            /** @description Buffers that were recalled and not given back yet. */
            recalled: components["schemas"]["RecalledBuffer"][];
        };
        /** @description A buffer that its owner is asked to release. */
        RecalledBuffer: {
            buffer: components["schemas"]["BufferId"];
            reason: components["schemas"]["RecallReason"];
            deadline: components["schemas"]["Time"];
            /** @description The deadline is over; the user gets no further allocation. */
            overdue: boolean;
        };
        /**
         * @description A control group, as far as one user's processes in it and below it go.
         * @example {
         *       "path": "/user.slice/user-1000.slice/session-3.scope",
         *       "uid": 1000,
         *       "charge": {
         *         "bytes": 8355840,
         *         "buffers": 1,
         *         "fds": 1,
         *         "pending": 0
         *       },
         *       "limits": {
         *         "bytes": null,
         *         "buffers": null,
         *         "fds": null,
         *         "pending": null,
         *         "allocations_per_second": null
         *       },
         *       "over_limit": false
         *     }
         */
        Cgroup: {
            /**
             * @description Its path.
             * @example /system.slice/foo.service
             */
            path: string;
            /** @description The user's number. */
            uid: number;
            charge: components["schemas"]["QuotaAmount"];
            limits: components["schemas"]["QuotaLimits"];
            /** @description Whether more is in use than may be. */
            over_limit: boolean;
        };
        /**
         * @description A stable code; docs/errors.md describes each.
         * @enum {string}
         */
        ErrorCode: "invalid_argument" | "unsupported_format" | "unsupported_modifier" | "unsupported_handle_type" | "unsupported_usage" | "too_large" | "out_of_memory" | "limit_exceeded" | "not_found" | "invalid_token" | "permission_denied" | "device_lost" | "internal" | "unsupported_source" | "unsupported_placement" | "recalled" | "unsupported_layout" | "unsupported_device" | "busy" | "malformed_request" | "origin_refused" | "method_not_allowed" | "body_too_large" | "unsupported_media_type" | "unavailable" | "request_timeout" | "headers_too_large" | "precondition_failed" | "idempotency_key_reused" | "idempotency_in_progress" | "rate_limited" | "unauthenticated" | "not_stored";
        /** @description An error (RFC 9457). */
        Problem: {
            /**
             * @description The code as a URN.
             * @example urn:dmabroker:error:too_large
             */
            type: string;
            /** @description The same sentence for every problem of this code. */
            title: string;
            /** @description The HTTP status. */
            status: number;
            /** @description What was wrong this time. */
            detail: string;
            /**
             * @description The path of the request.
             * @example /v1/buffers
             */
            instance?: string;
            request_id: components["schemas"]["RequestId"];
            code: components["schemas"]["ErrorCode"];
            refusal?: components["schemas"]["Refusal"];
        };
        /**
         * @description Names a request and its answer, by chance; the daemon's log has it with what it says of the request.
         * @example 5f0c1a2b9d3e4f60
         */
        RequestId: string;
        /** @description Both sides of a refusal, for programs. */
        Refusal: {
            /**
             * @description The field or the constraint that failed.
             * @example width
             */
            constraint?: string;
            /** @description What was asked for (any JSON). */
            requested?: unknown;
            /** @description What would have been possible (any JSON). */
            possible?: unknown;
            /** @description The nearest request that would succeed, without the name and the token; it passed a dry run. Null where none was found; absent where no other request would help. */
            nearest?: components["schemas"]["CreateBuffer"] | null;
            quota?: components["schemas"]["QuotaRefusal"];
        };
        /** @description The quota that refused. */
        QuotaRefusal: {
            /**
             * @description Whose quota it is.
             * @example user
             */
            scope: string;
            /** @description The user's number, the cgroup's path, and so on. */
            key: string;
            /**
             * @description What is counted.
             * @example bytes
             */
            dimension: string;
            /**
             * @description The limit.
             * @example 1073741824
             */
            limit: number;
            /**
             * @description What is charged already.
             * @example 1073000000
             */
            in_use: number;
            /**
             * @description How much of that was released, and stays charged because somebody has it, or may have it: it cannot be recalled.
             * @example 4096
             */
            lingering: number;
        };
    };
    responses: {
        /** @description `malformed_request`: the request is no JSON or a field is missing, unknown or of another type. `invalid_argument`: a value is out of range or not of the form that it must have. */
        BadRequest: {
            headers: {
                /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                "Request-Id": components["schemas"]["RequestId"];
                /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                "RateLimit-Policy"?: string;
                /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                RateLimit?: string;
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "urn:dmabroker:error:invalid_argument",
                 *       "title": "A value is missing, malformed or out of range",
                 *       "status": 400,
                 *       "detail": "size must be >= 1",
                 *       "instance": "/v1/buffers",
                 *       "code": "invalid_argument",
                 *       "request_id": "5f0c1a2b9d3e4f60",
                 *       "refusal": {
                 *         "constraint": "size",
                 *         "requested": 0,
                 *         "possible": {
                 *           "minimum": 1
                 *         }
                 *       }
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `unauthenticated`: over TCP, a token is missing, or not good. */
        Unauthenticated: {
            headers: {
                "Request-Id": components["headers"]["RequestId"];
                "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                RateLimit: components["headers"]["RateLimit"];
                "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "urn:dmabroker:error:unauthenticated",
                 *       "title": "The request needs a token that is good",
                 *       "status": 401,
                 *       "detail": "listBuffers needs a token that is known and not expired",
                 *       "instance": "/v1/buffers",
                 *       "code": "unauthenticated",
                 *       "request_id": "5f0c1a2b9d3e4f60"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `origin_refused`: the request comes from a browser or names another host. `permission_denied`: the caller may not do this. */
        Forbidden: {
            headers: {
                /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                "Request-Id": components["schemas"]["RequestId"];
                /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                "RateLimit-Policy"?: string;
                /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                RateLimit?: string;
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "urn:dmabroker:error:permission_denied",
                 *       "title": "The caller may not do this",
                 *       "status": 403,
                 *       "detail": "listBuffers needs the role reader",
                 *       "instance": "/v1/buffers",
                 *       "code": "permission_denied",
                 *       "request_id": "5f0c1a2b9d3e4f60",
                 *       "refusal": {
                 *         "constraint": "role",
                 *         "requested": {
                 *           "role": "none",
                 *           "preview": false,
                 *           "owner": false
                 *         },
                 *         "possible": {
                 *           "role": "reader",
                 *           "preview": false,
                 *           "owner": true
                 *         }
                 *       }
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `not_found`: there is no such thing (any more). */
        NotFound: {
            headers: {
                /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                "Request-Id": components["schemas"]["RequestId"];
                /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                "RateLimit-Policy"?: string;
                /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                RateLimit?: string;
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "urn:dmabroker:error:not_found",
                 *       "title": "There is no such object",
                 *       "status": 404,
                 *       "detail": "there is no buffer mfzgk5dfmjza",
                 *       "instance": "/v1/buffers/mfzgk5dfmjza",
                 *       "code": "not_found",
                 *       "request_id": "5f0c1a2b9d3e4f60"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `precondition_failed`: it has changed since the ETag in `If-Match` was answered. */
        PreconditionFailed: {
            headers: {
                /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                "Request-Id": components["schemas"]["RequestId"];
                /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                "RateLimit-Policy"?: string;
                /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                RateLimit?: string;
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "urn:dmabroker:error:precondition_failed",
                 *       "title": "The resource has changed since its ETag was answered",
                 *       "status": 412,
                 *       "detail": "the buffer mfzgk5dfmjza has changed since then",
                 *       "instance": "/v1/buffers/mfzgk5dfmjza",
                 *       "code": "precondition_failed",
                 *       "request_id": "5f0c1a2b9d3e4f60"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `idempotency_in_progress`: the first request with this Idempotency-Key is still under way. */
        Conflict: {
            headers: {
                /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                "Request-Id": components["schemas"]["RequestId"];
                /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                "RateLimit-Policy"?: string;
                /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                RateLimit?: string;
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "urn:dmabroker:error:idempotency_in_progress",
                 *       "title": "The first request with this Idempotency-Key is still under way",
                 *       "status": 409,
                 *       "detail": "the first request with this Idempotency-Key is still under way",
                 *       "instance": "/v1/buffers",
                 *       "code": "idempotency_in_progress",
                 *       "request_id": "5f0c1a2b9d3e4f60"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `not_stored`: the state folder cannot be written (`constraint`: why, as errno). Nothing has changed. */
        NotStored: {
            headers: {
                /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                "Request-Id": components["schemas"]["RequestId"];
                /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                "RateLimit-Policy"?: string;
                /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                RateLimit?: string;
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "urn:dmabroker:error:not_stored",
                 *       "title": "The change cannot be kept over a restart, and was not made",
                 *       "status": 507,
                 *       "detail": "the quotas cannot be written",
                 *       "instance": "/v1/quotas/user/1000",
                 *       "code": "not_stored",
                 *       "request_id": "5f0c1a2b9d3e4f60",
                 *       "refusal": {
                 *         "constraint": "ENOSPC"
                 *       }
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body_too_large`: the body is longer than the daemon reads. */
        BodyTooLarge: {
            headers: {
                /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                "Request-Id": components["schemas"]["RequestId"];
                /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                "RateLimit-Policy"?: string;
                /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                RateLimit?: string;
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "urn:dmabroker:error:body_too_large",
                 *       "title": "The request body is too large",
                 *       "status": 413,
                 *       "detail": "the body is longer than the daemon reads",
                 *       "instance": "/v1/buffers",
                 *       "code": "body_too_large",
                 *       "request_id": "5f0c1a2b9d3e4f60",
                 *       "refusal": {
                 *         "possible": {
                 *           "bytes": 16384
                 *         }
                 *       }
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `unsupported_media_type`: the body is not said to be `application/json`. */
        UnsupportedMediaType: {
            headers: {
                /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                "Request-Id": components["schemas"]["RequestId"];
                /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                "RateLimit-Policy"?: string;
                /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                RateLimit?: string;
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "urn:dmabroker:error:unsupported_media_type",
                 *       "title": "The request body must be application/json",
                 *       "status": 415,
                 *       "detail": "the content type is not application/json",
                 *       "instance": "/v1/buffers",
                 *       "code": "unsupported_media_type",
                 *       "request_id": "5f0c1a2b9d3e4f60",
                 *       "refusal": {
                 *         "constraint": "content-type",
                 *         "possible": "application/json"
                 *       }
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `unsupported_format`, `unsupported_modifier`, `unsupported_handle_type`, `unsupported_usage`, `unsupported_source`, `unsupported_placement`, `unsupported_layout`, `unsupported_device` or `too_large`: no source of this daemon can serve the request; `refusal` says what it could serve. `idempotency_key_reused`: this Idempotency-Key came with another request before. */
        Unprocessable: {
            headers: {
                /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                "Request-Id": components["schemas"]["RequestId"];
                /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                "RateLimit-Policy"?: string;
                /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                RateLimit?: string;
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "urn:dmabroker:error:unsupported_handle_type",
                 *       "title": "No usable source exports any of the accepted handle types",
                 *       "status": 422,
                 *       "detail": "this daemon exports memfd, not dma_buf",
                 *       "instance": "/v1/buffers",
                 *       "code": "unsupported_handle_type",
                 *       "request_id": "5f0c1a2b9d3e4f60",
                 *       "refusal": {
                 *         "constraint": "handle_types",
                 *         "requested": [
                 *           "dma_buf"
                 *         ],
                 *         "possible": [
                 *           "memfd"
                 *         ],
                 *         "nearest": {
                 *           "kind": "buffer",
                 *           "size": 1048576,
                 *           "handle_types": [
                 *             "memfd"
                 *           ]
                 *         }
                 *       }
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `limit_exceeded`: a quota is reached. `recalled`: recalled buffers are overdue. `rate_limited`: the user has sent too many requests in this second. */
        LimitExceeded: {
            headers: {
                "Request-Id": components["headers"]["RequestId"];
                "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                RateLimit: components["headers"]["RateLimit"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "urn:dmabroker:error:limit_exceeded",
                 *       "title": "A limit on held buffers or bytes is reached",
                 *       "status": 429,
                 *       "detail": "the user 1000 may have 1073741824 bytes",
                 *       "instance": "/v1/buffers",
                 *       "code": "limit_exceeded",
                 *       "request_id": "5f0c1a2b9d3e4f60",
                 *       "refusal": {
                 *         "constraint": "bytes",
                 *         "requested": 8355840,
                 *         "quota": {
                 *           "scope": "user",
                 *           "key": "1000",
                 *           "dimension": "bytes",
                 *           "limit": 1073741824,
                 *           "in_use": 1073000000,
                 *           "lingering": 4096
                 *         }
                 *       }
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `rate_limited`: the user has sent too many requests in this second. */
        RateLimited: {
            headers: {
                "Request-Id": components["headers"]["RequestId"];
                "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                RateLimit: components["headers"]["RateLimit"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "urn:dmabroker:error:rate_limited",
                 *       "title": "Too many requests in a second",
                 *       "status": 429,
                 *       "detail": "more than 10000 requests in a second",
                 *       "instance": "/v1/buffers",
                 *       "code": "rate_limited",
                 *       "request_id": "5f0c1a2b9d3e4f60",
                 *       "refusal": {
                 *         "constraint": "requests per second",
                 *         "possible": {
                 *           "max": 10000
                 *         }
                 *       }
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `out_of_memory`: the source has no memory for this request. */
        OutOfMemory: {
            headers: {
                /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                "Request-Id": components["schemas"]["RequestId"];
                /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                "RateLimit-Policy"?: string;
                /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                RateLimit?: string;
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "urn:dmabroker:error:out_of_memory",
                 *       "title": "The source has no memory for this request",
                 *       "status": 507,
                 *       "detail": "vulkan has no memory for 8355840 bytes",
                 *       "instance": "/v1/buffers",
                 *       "code": "out_of_memory",
                 *       "request_id": "5f0c1a2b9d3e4f60"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `internal`: a defect of the daemon; its log has the cause. */
        Internal: {
            headers: {
                /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                "Request-Id": components["schemas"]["RequestId"];
                /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                "RateLimit-Policy"?: string;
                /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                RateLimit?: string;
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "urn:dmabroker:error:internal",
                 *       "title": "The daemon failed; its log has the cause",
                 *       "status": 500,
                 *       "detail": "the daemon failed; its log has the cause",
                 *       "instance": "/v1/buffers/mfzgk5dfmjza",
                 *       "code": "internal",
                 *       "request_id": "5f0c1a2b9d3e4f60"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `device_lost`: the Vulkan device was lost. `busy`: what it has to wait for has not ended in time. `unavailable`: the daemon's data plane did not answer in time, or the daemon is stopping. */
        Unavailable: {
            headers: {
                /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                "Request-Id": components["schemas"]["RequestId"];
                /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                "RateLimit-Policy"?: string;
                /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                RateLimit?: string;
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "urn:dmabroker:error:unavailable",
                 *       "title": "The daemon did not answer in time",
                 *       "status": 503,
                 *       "detail": "the data plane did not answer in time",
                 *       "instance": "/v1/buffers/mfzgk5dfmjza",
                 *       "code": "unavailable",
                 *       "request_id": "5f0c1a2b9d3e4f60"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description The status and the headers of GET's problem document. */
        HeadRefused: {
            headers: {
                /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                "Request-Id": components["schemas"]["RequestId"];
                /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                "RateLimit-Policy"?: string;
                /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                RateLimit?: string;
                [name: string]: unknown;
            };
            content?: never;
        };
    };
    parameters: {
        /** @description How many to answer with at most. */
        Limit: number;
        /** @description Where to go on, from the `Link` of the page before; it belongs to that page's `sort`. */
        Cursor: string;
        /** @description A text that the caller makes up for this creation. A request that comes again with it within an hour, from the same user, gets the first one's answer and makes nothing; with another request it is refused (422), and so is one that comes while the first is under way. */
        IdempotencyKey: string;
        /** @description The ETag of the buffer or the quota that the caller has seen, or several; if it is no longer so, nothing is done. */
        IfMatch: string;
    };
    requestBodies: never;
    headers: {
        /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
        RequestId: components["schemas"]["RequestId"];
        /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
        RateLimitPolicy: string;
        /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
        RateLimit: string;
        /** @description Seconds after which a request that was refused as `rate_limited` may be sent again; absent with other codes. */
        RetryAfter: string;
        /** @description As RFC 6750 has it. */
        WwwAuthenticate: string;
        /** @description Changes with everything that is shown of it (RFC 9110). */
        ETag: string;
        /** @description Changes with the quota's settings, not with what is charged. */
        QuotaETag: string;
        /** @description Where the next page is, with `rel="next"` (RFC 8288); absent on the last. */
        NextPage: string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The daemon works. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            400: components["responses"]["BadRequest"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    getOpenapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The OpenAPI description. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    /** @example openapi: 3.1.0 */
                    "application/yaml": string;
                };
            };
            400: components["responses"]["BadRequest"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headOpenapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    getDocs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    /** @example <!doctype html> */
                    "text/html": string;
                };
            };
            400: components["responses"]["BadRequest"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headDocs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    getDocsFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The file's name. */
                file: "start.js" | "swagger-ui-bundle.js" | "swagger-ui.css";
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    /** @example body { margin: 0 } */
                    "text/css": string;
                    /** @example SwaggerUIBundle({ url: '/openapi.yaml' }); */
                    "text/javascript": string;
                };
            };
            400: components["responses"]["BadRequest"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headDocsFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The file's name. */
                file: "start.js" | "swagger-ui-bundle.js" | "swagger-ui.css";
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    getDevice: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The report; `device` is null on a daemon without a Vulkan device. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviceReport"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headDevice: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    listDevices: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The devices; empty without a Vulkan driver. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example [
                     *       {
                     *         "name": "llvmpipe (LLVM 19.1.7, 256 bits)",
                     *         "type": "cpu",
                     *         "vendor_id": 65541,
                     *         "device_id": 0,
                     *         "api_version": "1.4.305",
                     *         "driver": {
                     *           "name": "llvmpipe",
                     *           "info": "Mesa 25.0.7-2 (LLVM 19.1.7)"
                     *         },
                     *         "device_uuid": "6d657361323530303700000000000000",
                     *         "driver_uuid": "6c6c766d706970655555494400000000",
                     *         "drm": null,
                     *         "main": true,
                     *         "open": true,
                     *         "reason": null,
                     *         "sources": [
                     *           {
                     *             "name": "vulkan",
                     *             "handle_type": "dma_buf",
                     *             "usable": true,
                     *             "reason": "llvmpipe (LLVM 19.1.7, 256 bits)",
                     *             "limits": {
                     *               "max_bytes": null
                     *             }
                     *           }
                     *         ],
                     *         "extensions": [
                     *           {
                     *             "name": "VK_EXT_external_memory_dma_buf",
                     *             "enabled": true,
                     *             "reason": null
                     *           }
                     *         ],
                     *         "heaps": [
                     *           {
                     *             "index": 0,
                     *             "size": 12638251008,
                     *             "device_local": true,
                     *             "budget": null,
                     *             "usage": null
                     *           }
                     *         ],
                     *         "memory_types": [
                     *           {
                     *             "index": 0,
                     *             "heap": 0,
                     *             "flags": [
                     *               "device_local",
                     *               "host_visible"
                     *             ]
                     *           }
                     *         ],
                     *         "limits": {
                     *           "max_allocations": 4294967295,
                     *           "max_allocation_size": 2147483648,
                     *           "max_image_dimension_2d": 16384
                     *         },
                     *         "losses": 0,
                     *         "last_lost_at": null
                     *       }
                     *     ]
                     */
                    "application/json": components["schemas"]["ListedDevice"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headListDevices: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    listFormats: {
        parameters: {
            query?: {
                /** @description Only formats of this device, empty until it is opened. Without it, those of the main device and of the sources that have no device. */
                device?: components["schemas"]["Uuid"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The formats; empty where no usable source allocates images. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example [
                     *       {
                     *         "format": "XR24",
                     *         "modifier": "0x0000000000000000",
                     *         "modifier_name": "LINEAR",
                     *         "planes": 1,
                     *         "source": "vulkan",
                     *         "handle_type": "dma_buf",
                     *         "made": "image"
                     *       }
                     *     ]
                     */
                    "application/json": components["schemas"]["Format"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headListFormats: {
        parameters: {
            query?: {
                /** @description Only formats of this device, empty until it is opened. Without it, those of the main device and of the sources that have no device. */
                device?: components["schemas"]["Uuid"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    listBuffers: {
        parameters: {
            query?: {
                /** @description How many to answer with at most. */
                limit?: components["parameters"]["Limit"];
                /** @description Where to go on, from the `Link` of the page before; it belongs to that page's `sort`. */
                cursor?: components["parameters"]["Cursor"];
                /** @description What to sort by; with `-` before it, the largest or youngest first. */
                sort?: components["schemas"]["BufferSort"];
                /**
                 * @description Only these fields of each buffer, with commas between them; all, if it is left out.
                 * @example [
                 *       "id",
                 *       "size",
                 *       "state"
                 *     ]
                 */
                fields?: components["schemas"]["BufferField"][];
                /** @description Only buffers of this user. */
                owner_uid?: components["schemas"]["Uid"];
                /** @description Only buffers that this connection owns. */
                client?: components["schemas"]["ClientId"];
                /** @description Only buffers of owners in this systemd unit. */
                unit?: string;
                /** @description Only buffers in this state. */
                state?: components["schemas"]["BufferState"];
                /** @description Only images of this format. */
                format?: components["schemas"]["Fourcc"];
                /** @description Only memory of this source. */
                source?: string;
                /** @description Only buffers whose name has this in it. */
                name?: string;
                /** @description Only buffers of at least so many bytes. */
                min_size?: components["schemas"]["Size"];
                /** @description Only buffers of at most so many bytes. */
                max_size?: components["schemas"]["Size"];
                /** @description Only buffers that were made at least so many seconds ago. */
                older_than?: components["schemas"]["Count"];
                /** @description Only buffers that were made at most so many seconds ago. */
                newer_than?: components["schemas"]["Count"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The buffers of one page. */
            200: {
                headers: {
                    "Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    RateLimit: components["headers"]["RateLimit"];
                    Link: components["headers"]["NextPage"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example [
                     *       {
                     *         "id": "mfzgk5dfmjza",
                     *         "state": "live",
                     *         "size": 8355840
                     *       }
                     *     ]
                     */
                    "application/json": components["schemas"]["BufferFields"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    createBuffer: {
        parameters: {
            query?: {
                /** @description Whether only to say what would be allocated. */
                dry_run?: boolean;
            };
            header?: {
                /** @description A text that the caller makes up for this creation. A request that comes again with it within an hour, from the same user, gets the first one's answer and makes nothing; with another request it is refused (422), and so is one that comes while the first is under way. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateBuffer"];
            };
        };
        responses: {
            /** @description A dry run; this would be allocated. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PlannedBuffer"];
                };
            };
            /** @description Allocated. */
            201: {
                headers: {
                    "Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    RateLimit: components["headers"]["RateLimit"];
                    /** @description The buffer's path. */
                    Location: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedBuffer"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Unprocessable"];
            429: components["responses"]["LimitExceeded"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
            507: components["responses"]["OutOfMemory"];
        };
    };
    headListBuffers: {
        parameters: {
            query?: {
                /** @description How many to answer with at most. */
                limit?: components["parameters"]["Limit"];
                /** @description Where to go on, from the `Link` of the page before; it belongs to that page's `sort`. */
                cursor?: components["parameters"]["Cursor"];
                /** @description What to sort by; with `-` before it, the largest or youngest first. */
                sort?: components["schemas"]["BufferSort"];
                /**
                 * @description Only these fields of each buffer, with commas between them; all, if it is left out.
                 * @example [
                 *       "id",
                 *       "size",
                 *       "state"
                 *     ]
                 */
                fields?: components["schemas"]["BufferField"][];
                /** @description Only buffers of this user. */
                owner_uid?: components["schemas"]["Uid"];
                /** @description Only buffers that this connection owns. */
                client?: components["schemas"]["ClientId"];
                /** @description Only buffers of owners in this systemd unit. */
                unit?: string;
                /** @description Only buffers in this state. */
                state?: components["schemas"]["BufferState"];
                /** @description Only images of this format. */
                format?: components["schemas"]["Fourcc"];
                /** @description Only memory of this source. */
                source?: string;
                /** @description Only buffers whose name has this in it. */
                name?: string;
                /** @description Only buffers of at least so many bytes. */
                min_size?: components["schemas"]["Size"];
                /** @description Only buffers of at most so many bytes. */
                max_size?: components["schemas"]["Size"];
                /** @description Only buffers that were made at least so many seconds ago. */
                older_than?: components["schemas"]["Count"];
                /** @description Only buffers that were made at most so many seconds ago. */
                newer_than?: components["schemas"]["Count"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    "Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    RateLimit: components["headers"]["RateLimit"];
                    Link: components["headers"]["NextPage"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    getBuffer: {
        parameters: {
            query?: never;
            header?: {
                /** @description ETags of the buffer that the caller has; one of them is answered with 304. */
                "If-None-Match"?: string;
            };
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The buffer. */
            200: {
                headers: {
                    "Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Buffer"];
                };
            };
            /** @description It is still as the ETag says. */
            304: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    releaseBuffer: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the buffer or the quota that the caller has seen, or several; if it is no longer so, nothing is done. */
                "If-Match"?: components["parameters"]["IfMatch"];
            };
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Released. */
            204: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            412: components["responses"]["PreconditionFailed"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headBuffer: {
        parameters: {
            query?: never;
            header?: {
                /** @description ETags of the buffer that the caller has; one of them is answered with 304. */
                "If-None-Match"?: string;
            };
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    "Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description As GET. */
            304: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    changeBuffer: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the buffer or the quota that the caller has seen, or several; if it is no longer so, nothing is done. */
                "If-Match"?: components["parameters"]["IfMatch"];
            };
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BufferChange"];
            };
        };
        responses: {
            /** @description The buffer as it is now. */
            200: {
                headers: {
                    "Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Buffer"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            412: components["responses"]["PreconditionFailed"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    reissueBuffer: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the buffer or the quota that the caller has seen, or several; if it is no longer so, nothing is done. */
                "If-Match"?: components["parameters"]["IfMatch"];
            };
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The buffer with its new memory. */
            200: {
                headers: {
                    "Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Buffer"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            412: components["responses"]["PreconditionFailed"];
            422: components["responses"]["Unprocessable"];
            429: components["responses"]["LimitExceeded"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
            507: components["responses"]["OutOfMemory"];
        };
    };
    extendLease: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the buffer or the quota that the caller has seen, or several; if it is no longer so, nothing is done. */
                "If-Match"?: components["parameters"]["IfMatch"];
            };
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LeaseExtension"];
            };
        };
        responses: {
            /** @description The buffer with its new lease. */
            200: {
                headers: {
                    "Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Buffer"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            412: components["responses"]["PreconditionFailed"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    recallBuffer: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the buffer or the quota that the caller has seen, or several; if it is no longer so, nothing is done. */
                "If-Match"?: components["parameters"]["IfMatch"];
            };
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RecallRequest"];
            };
        };
        responses: {
            /** @description The buffer with its recall. */
            200: {
                headers: {
                    "Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Buffer"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            412: components["responses"]["PreconditionFailed"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listTokens: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The tokens. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example [
                     *       {
                     *         "id": "t7",
                     *         "uses_left": 1,
                     *         "uid": null,
                     *         "may_renew": false,
                     *         "created_at": "2026-11-20T08:15:30.123Z",
                     *         "expires_at": null
                     *       }
                     *     ]
                     */
                    "application/json": components["schemas"]["TokenInfo"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    shareBuffer: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the buffer or the quota that the caller has seen, or several; if it is no longer so, nothing is done. */
                "If-Match"?: components["parameters"]["IfMatch"];
                /** @description A text that the caller makes up for this creation. A request that comes again with it within an hour, from the same user, gets the first one's answer and makes nothing; with another request it is refused (422), and so is one that comes while the first is under way. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TokenRequest"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Token"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            412: components["responses"]["PreconditionFailed"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Unprocessable"];
            429: components["responses"]["LimitExceeded"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headListTokens: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    revokeToken: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the buffer or the quota that the caller has seen, or several; if it is no longer so, nothing is done. */
                "If-Match"?: components["parameters"]["IfMatch"];
            };
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
                /** @description The token's id. */
                token_id: components["schemas"]["TokenId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Revoked. */
            204: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            412: components["responses"]["PreconditionFailed"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The metrics. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example # HELP dmabroker_allocations_total Allocations and imports, by source and result (ok or the refusal code)
                     *     # TYPE dmabroker_allocations_total counter
                     *     dmabroker_allocations_total{source="memfd",result="ok"} 1
                     */
                    "text/plain": string;
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    streamEvents: {
        parameters: {
            query?: {
                /**
                 * @description Only events of these types, with commas between them.
                 * @example [
                 *       "buffer.created",
                 *       "buffer.released"
                 *     ]
                 */
                types?: components["schemas"]["EventType"][];
                /** @description Only events about this buffer. */
                buffer?: components["schemas"]["BufferId"];
                /** @description Only events about this client. */
                client?: components["schemas"]["ClientId"];
                /** @description Only events about processes of this user. */
                uid?: components["schemas"]["Uid"];
                /** @description As `Last-Event-ID`, for clients that cannot set headers; the header comes first. */
                last_event_id?: components["schemas"]["EventId"];
            };
            header?: {
                /** @description The id of the last event that was read. */
                "Last-Event-ID"?: components["schemas"]["EventId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The stream. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example id: 5f0c1a2b-42
                     *     event: buffer.created
                     *     data: {"id":"5f0c1a2b-42","type":"buffer.created","time":"2026-11-20T08:15:30.123Z","buffer":"mfzgk5dfmjza","size":8355840,"client":"c7","uid":1000,"pid":4242,"executable":"weston","owner":1000,"code":null,"reason":null}
                     */
                    "text/event-stream": string;
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["LimitExceeded"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headStreamEvents: {
        parameters: {
            query?: {
                /**
                 * @description Only events of these types, with commas between them.
                 * @example [
                 *       "buffer.created",
                 *       "buffer.released"
                 *     ]
                 */
                types?: components["schemas"]["EventType"][];
                /** @description Only events about this buffer. */
                buffer?: components["schemas"]["BufferId"];
                /** @description Only events about this client. */
                client?: components["schemas"]["ClientId"];
                /** @description Only events about processes of this user. */
                uid?: components["schemas"]["Uid"];
                /** @description As `Last-Event-ID`, for clients that cannot set headers; the header comes first. */
                last_event_id?: components["schemas"]["EventId"];
            };
            header?: {
                /** @description The id of the last event that was read. */
                "Last-Event-ID"?: components["schemas"]["EventId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    previewBuffer: {
        parameters: {
            query?: {
                /** @description Pixels of the longer side at most; an image is never made larger. */
                max?: number;
                /** @description How YCbCr becomes RGB: ITU-R BT.601, BT.709 or BT.2020; by default BT.709 from 720 rows on and BT.601 below. */
                matrix?: "bt601" | "bt709" | "bt2020";
                /** @description Of YCbCr samples; `limited` has black at 16 and white at 235 of 255. */
                range?: "limited" | "full";
            };
            header?: never;
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The picture. */
            200: {
                headers: {
                    "Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    RateLimit: components["headers"]["RateLimit"];
                    /** @description The matrix that was used, where the format is YCbCr. */
                    "X-YCbCr-Matrix": "bt601" | "bt709" | "bt2020";
                    /** @description The range that was assumed, where the format is YCbCr. */
                    "X-YCbCr-Range": "limited" | "full";
                    [name: string]: unknown;
                };
                content: {
                    "image/png": string;
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            422: components["responses"]["Unprocessable"];
            429: components["responses"]["LimitExceeded"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headPreviewBuffer: {
        parameters: {
            query?: {
                /** @description Pixels of the longer side at most; an image is never made larger. */
                max?: number;
                /** @description How YCbCr becomes RGB: ITU-R BT.601, BT.709 or BT.2020; by default BT.709 from 720 rows on and BT.601 below. */
                matrix?: "bt601" | "bt709" | "bt2020";
                /** @description Of YCbCr samples; `limited` has black at 16 and white at 235 of 255. */
                range?: "limited" | "full";
            };
            header?: never;
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    "Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    RateLimit: components["headers"]["RateLimit"];
                    /** @description The matrix that was used, where the format is YCbCr. */
                    "X-YCbCr-Matrix": "bt601" | "bt709" | "bt2020";
                    /** @description The range that was assumed, where the format is YCbCr. */
                    "X-YCbCr-Range": "limited" | "full";
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    getHistory: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The history. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["History"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headHistory: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    listHolders: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The holders, and whether they are all. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Holders"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headListHolders: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The buffer's id. */
                id: components["schemas"]["BufferId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    listClients: {
        parameters: {
            query?: {
                /** @description How many to answer with at most. */
                limit?: components["parameters"]["Limit"];
                /** @description Where to go on, from the `Link` of the page before; it belongs to that page's `sort`. */
                cursor?: components["parameters"]["Cursor"];
                /** @description What to sort by; with `-` before it, the largest or youngest first. */
                sort?: "connected_at" | "-connected_at" | "bytes" | "-bytes" | "id" | "-id";
                /** @description Only clients of this user. */
                uid?: components["schemas"]["Uid"];
                /** @description Only clients in this systemd unit. */
                unit?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The clients of one page. */
            200: {
                headers: {
                    "Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    RateLimit: components["headers"]["RateLimit"];
                    Link: components["headers"]["NextPage"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example [
                     *       {
                     *         "id": "c7",
                     *         "uid": 1000,
                     *         "gid": 1000,
                     *         "groups": [
                     *           44
                     *         ],
                     *         "pid": 4242,
                     *         "executable": "weston",
                     *         "cgroup": "/user.slice/user-1000.slice/session-3.scope",
                     *         "unit": "session-3.scope",
                     *         "slice": "user-1000.slice",
                     *         "container": null,
                     *         "connected_at": "2026-11-20T08:15:30.123Z",
                     *         "buffers": 1,
                     *         "bytes": 8355840,
                     *         "fds_sent": 1
                     *       }
                     *     ]
                     */
                    "application/json": components["schemas"]["Client"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headListClients: {
        parameters: {
            query?: {
                /** @description How many to answer with at most. */
                limit?: components["parameters"]["Limit"];
                /** @description Where to go on, from the `Link` of the page before; it belongs to that page's `sort`. */
                cursor?: components["parameters"]["Cursor"];
                /** @description What to sort by; with `-` before it, the largest or youngest first. */
                sort?: "connected_at" | "-connected_at" | "bytes" | "-bytes" | "id" | "-id";
                /** @description Only clients of this user. */
                uid?: components["schemas"]["Uid"];
                /** @description Only clients in this systemd unit. */
                unit?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    "Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    RateLimit: components["headers"]["RateLimit"];
                    Link: components["headers"]["NextPage"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    getClient: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The client's id. */
                id: components["schemas"]["ClientId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The client. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientDetail"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    disconnectClient: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The client's id. */
                id: components["schemas"]["ClientId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The connection ends, at the latest when the client has read why or takes too long. */
            204: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headClient: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The client's id. */
                id: components["schemas"]["ClientId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    getLogLevel: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The level. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogLevel"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    setLogLevel: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LogLevel"];
            };
        };
        responses: {
            /** @description The level that holds now. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogLevel"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headLogLevel: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    getConfig: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The configuration. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Config"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headConfig: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    listQuotas: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The quotas. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example [
                     *       {
                     *         "scope": "user",
                     *         "key": "1000",
                     *         "settings": {
                     *           "bytes": {
                     *             "value": 536870912,
                     *             "from": "rest"
                     *           },
                     *           "buffers": {
                     *             "value": 16384,
                     *             "from": "default"
                     *           },
                     *           "fds": {
                     *             "value": null,
                     *             "from": "default"
                     *           },
                     *           "pending": {
                     *             "value": 256,
                     *             "from": "default"
                     *           },
                     *           "allocations_per_second": {
                     *             "value": 10,
                     *             "from": "rest"
                     *           },
                     *           "weight": {
                     *             "value": 1,
                     *             "from": "default"
                     *           },
                     *           "priority": {
                     *             "value": 0,
                     *             "from": "default"
                     *           },
                     *           "reserve": {
                     *             "value": 0.1,
                     *             "from": "default"
                     *           }
                     *         },
                     *         "charge": {
                     *           "bytes": 8355840,
                     *           "buffers": 1,
                     *           "fds": 1,
                     *           "pending": 0
                     *         },
                     *         "share": {
                     *           "bytes": 536870912,
                     *           "buffers": null,
                     *           "fds": 13155
                     *         },
                     *         "over_limit": false
                     *       }
                     *     ]
                     */
                    "application/json": components["schemas"]["Quota"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headListQuotas: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    getQuota: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Whose quota. */
                scope: components["schemas"]["QuotaScope"];
                /** @description `default` for the daemon, for connections and for users without a quota of their own; a user's number; a cgroup's path or pattern, its slashes as `%2F`; a source's name; for a memory heap of the main Vulkan device `vulkan:` and its index in `GET /v1/device`, for one of another device `vulkan:`, its `device_uuid`, `:` and the index. */
                key: components["schemas"]["QuotaKey"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The quota. */
            200: {
                headers: {
                    "Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["QuotaETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Quota"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    setQuota: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the buffer or the quota that the caller has seen, or several; if it is no longer so, nothing is done. */
                "If-Match"?: components["parameters"]["IfMatch"];
            };
            path: {
                /** @description Whose quota. */
                scope: components["schemas"]["QuotaScope"];
                /** @description `default` for the daemon, for connections and for users without a quota of their own; a user's number; a cgroup's path or pattern, its slashes as `%2F`; a source's name; for a memory heap of the main Vulkan device `vulkan:` and its index in `GET /v1/device`, for one of another device `vulkan:`, its `device_uuid`, `:` and the index. */
                key: components["schemas"]["QuotaKey"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["QuotaRule"];
            };
        };
        responses: {
            /** @description The quota as it is now. */
            200: {
                headers: {
                    "Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["QuotaETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Quota"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            412: components["responses"]["PreconditionFailed"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
            507: components["responses"]["NotStored"];
        };
    };
    unsetQuota: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the buffer or the quota that the caller has seen, or several; if it is no longer so, nothing is done. */
                "If-Match"?: components["parameters"]["IfMatch"];
            };
            path: {
                /** @description Whose quota. */
                scope: components["schemas"]["QuotaScope"];
                /** @description `default` for the daemon, for connections and for users without a quota of their own; a user's number; a cgroup's path or pattern, its slashes as `%2F`; a source's name; for a memory heap of the main Vulkan device `vulkan:` and its index in `GET /v1/device`, for one of another device `vulkan:`, its `device_uuid`, `:` and the index. */
                key: components["schemas"]["QuotaKey"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The quota as it is now. */
            200: {
                headers: {
                    "Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["QuotaETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Quota"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            412: components["responses"]["PreconditionFailed"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
            507: components["responses"]["NotStored"];
        };
    };
    headQuota: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Whose quota. */
                scope: components["schemas"]["QuotaScope"];
                /** @description `default` for the daemon, for connections and for users without a quota of their own; a user's number; a cgroup's path or pattern, its slashes as `%2F`; a source's name; for a memory heap of the main Vulkan device `vulkan:` and its index in `GET /v1/device`, for one of another device `vulkan:`, its `device_uuid`, `:` and the index. */
                key: components["schemas"]["QuotaKey"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    "Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["QuotaETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    getLeaks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The report. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LeakReport"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headLeaks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    getPool: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The pool. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Pool"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    drainPool: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was freed. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PoolDrained"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headPool: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    listUsers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The users. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example [
                     *       {
                     *         "uid": 1000,
                     *         "name": "alice",
                     *         "charge": {
                     *           "bytes": 8355840,
                     *           "buffers": 1,
                     *           "fds": 1,
                     *           "pending": 0
                     *         },
                     *         "limits": {
                     *           "bytes": 536870912,
                     *           "buffers": 16384,
                     *           "fds": null,
                     *           "pending": 256,
                     *           "allocations_per_second": 10
                     *         },
                     *         "share": {
                     *           "bytes": 536870912,
                     *           "buffers": null,
                     *           "fds": 13155
                     *         },
                     *         "over_limit": false,
                     *         "recalled": [
                     *           {
                     *             "buffer": "mfzgk5dfmjza",
                     *             "reason": "share",
                     *             "deadline": "2026-11-20T08:16:30.123Z",
                     *             "overdue": false
                     *           }
                     *         ]
                     *       }
                     *     ]
                     */
                    "application/json": components["schemas"]["User"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headListUsers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
    listCgroups: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The control groups. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example [
                     *       {
                     *         "path": "/user.slice/user-1000.slice/session-3.scope",
                     *         "uid": 1000,
                     *         "charge": {
                     *           "bytes": 8355840,
                     *           "buffers": 1,
                     *           "fds": 1,
                     *           "pending": 0
                     *         },
                     *         "limits": {
                     *           "bytes": null,
                     *           "buffers": null,
                     *           "fds": null,
                     *           "pending": null,
                     *           "allocations_per_second": null
                     *         },
                     *         "over_limit": false
                     *       }
                     *     ]
                     */
                    "application/json": components["schemas"]["Cgroup"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    headListCgroups: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As GET. */
            200: {
                headers: {
                    /** @description The request's name, made by the daemon; one that the caller sends is not looked at. */
                    "Request-Id": components["schemas"]["RequestId"];
                    /** @description How many requests (`q`) one user may send in so many seconds (`w`), as in draft-ietf-httpapi-ratelimit-headers-10; absent where the daemon has no such limit. */
                    "RateLimit-Policy"?: string;
                    /** @description How many are left (`r`) for so many seconds (`t`), as in the same draft. */
                    RateLimit?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["HeadRefused"];
            "5XX": components["responses"]["HeadRefused"];
        };
    };
}
type FlattenedDeepRequired<T> = {
    [K in keyof T]-?: FlattenedDeepRequired<T[K] extends unknown[] | undefined | null ? Extract<T[K], unknown[]>[number] : T[K]>;
};
type ReadonlyArray<T> = [
    Exclude<T, undefined>
] extends [
    unknown[]
] ? Readonly<Exclude<T, undefined>> : Readonly<Exclude<T, undefined>[]>;
export const pathsDocsFileGetParametersPathFileValues: ReadonlyArray<FlattenedDeepRequired<paths>["/docs/{file}"]["get"]["parameters"]["path"]["file"]> = ["start.js", "swagger-ui-bundle.js", "swagger-ui.css"];
export const pathsDocsFileHeadParametersPathFileValues: ReadonlyArray<FlattenedDeepRequired<paths>["/docs/{file}"]["head"]["parameters"]["path"]["file"]> = ["start.js", "swagger-ui-bundle.js", "swagger-ui.css"];
export const pathsV1BuffersIdPreviewPngGetParametersQueryMatrixValues: ReadonlyArray<FlattenedDeepRequired<paths>["/v1/buffers/{id}/preview.png"]["get"]["parameters"]["query"]["matrix"]> = ["bt601", "bt709", "bt2020"];
export const pathsV1BuffersIdPreviewPngGetParametersQueryRangeValues: ReadonlyArray<FlattenedDeepRequired<paths>["/v1/buffers/{id}/preview.png"]["get"]["parameters"]["query"]["range"]> = ["limited", "full"];
export const pathsV1BuffersIdPreviewPngGetResponses200HeadersXYCbCrMatrixValues: ReadonlyArray<FlattenedDeepRequired<paths>["/v1/buffers/{id}/preview.png"]["get"]["responses"]["200"]["headers"]["X-YCbCr-Matrix"]> = ["bt601", "bt709", "bt2020"];
export const pathsV1BuffersIdPreviewPngGetResponses200HeadersXYCbCrRangeValues: ReadonlyArray<FlattenedDeepRequired<paths>["/v1/buffers/{id}/preview.png"]["get"]["responses"]["200"]["headers"]["X-YCbCr-Range"]> = ["limited", "full"];
export const pathsV1BuffersIdPreviewPngHeadParametersQueryMatrixValues: ReadonlyArray<FlattenedDeepRequired<paths>["/v1/buffers/{id}/preview.png"]["head"]["parameters"]["query"]["matrix"]> = ["bt601", "bt709", "bt2020"];
export const pathsV1BuffersIdPreviewPngHeadParametersQueryRangeValues: ReadonlyArray<FlattenedDeepRequired<paths>["/v1/buffers/{id}/preview.png"]["head"]["parameters"]["query"]["range"]> = ["limited", "full"];
export const pathsV1BuffersIdPreviewPngHeadResponses200HeadersXYCbCrMatrixValues: ReadonlyArray<FlattenedDeepRequired<paths>["/v1/buffers/{id}/preview.png"]["head"]["responses"]["200"]["headers"]["X-YCbCr-Matrix"]> = ["bt601", "bt709", "bt2020"];
export const pathsV1BuffersIdPreviewPngHeadResponses200HeadersXYCbCrRangeValues: ReadonlyArray<FlattenedDeepRequired<paths>["/v1/buffers/{id}/preview.png"]["head"]["responses"]["200"]["headers"]["X-YCbCr-Range"]> = ["limited", "full"];
export const pathsV1ClientsGetParametersQuerySortValues: ReadonlyArray<FlattenedDeepRequired<paths>["/v1/clients"]["get"]["parameters"]["query"]["sort"]> = ["connected_at", "-connected_at", "bytes", "-bytes", "id", "-id"];
export const pathsV1ClientsHeadParametersQuerySortValues: ReadonlyArray<FlattenedDeepRequired<paths>["/v1/clients"]["head"]["parameters"]["query"]["sort"]> = ["connected_at", "-connected_at", "bytes", "-bytes", "id", "-id"];
export const importCheckValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["ImportCheck"]> = ["device", "layout"];
export const bufferSortValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["BufferSort"]> = ["created_at", "-created_at", "size", "-size", "id", "-id"];
export const bufferStateValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["BufferState"]> = ["live", "lost", "lingering", "unknown"];
export const handleTypeValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["HandleType"]> = ["dma_buf", "opaque_fd", "memfd"];
export const bufferFieldValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["BufferField"]> = ["id", "generation", "former_of", "state", "name", "handle_type", "source", "device", "import", "exporter", "vulkan", "size", "kind", "format", "modifier", "width", "height", "planes", "placement", "unverified_usage", "lifetime", "owner", "recipients", "created_at", "last_used_at", "released_at", "recall", "tokens"];
export const bufferKindValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["BufferKind"]> = ["buffer", "image"];
export const recallReasonValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["RecallReason"]> = ["share", "memory_pressure", "administrator"];
export const eventTypeValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["EventType"]> = ["buffer.created", "buffer.shared", "buffer.unshared", "buffer.previewed", "buffer.redeemed", "buffer.renamed", "buffer.renewed", "buffer.released", "buffer.gone", "buffer.lost", "buffer.reissued", "buffer.recalled", "quota.changed", "pool.drained", "client.connected", "client.disconnected", "refusal", "device.lost", "device.restored"];
export const bufferEventTypeValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["BufferEventType"]> = ["buffer.created", "buffer.shared", "buffer.unshared", "buffer.previewed", "buffer.redeemed", "buffer.renamed", "buffer.renewed", "buffer.released", "buffer.gone", "buffer.lost", "buffer.reissued", "buffer.recalled"];
export const lifetimeTypeValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["Lifetime"]["type"]> = ["connection", "until_released", "lease"];
export const untilReleasedTypeValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["UntilReleased"]["type"]> = ["until_released"];
export const newLeaseTypeValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["NewLease"]["type"]> = ["lease"];
export const logLevelLevelValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["LogLevel"]["level"]> = ["debug", "info", "warn", "error"];
export const configOriginValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["ConfigOrigin"]> = ["default", "file", "command_line", "rest"];
export const configTokenRoleValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["ConfigToken"]["role"]> = ["reader", "operator", "admin"];
export const deviceTypeValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["Device"]["type"]> = ["discrete_gpu", "integrated_gpu", "virtual_gpu", "cpu", "other"];
export const listedDeviceTypeValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["ListedDevice"]["type"]> = ["discrete_gpu", "integrated_gpu", "virtual_gpu", "cpu", "other"];
export const formatMadeValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["Format"]["made"]> = ["image", "layout"];
export const createLinearBufferKindValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["CreateLinearBuffer"]["kind"]> = ["buffer"];
export const createImageKindValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["CreateImage"]["kind"]> = ["image"];
export const usageNameValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["UsageName"]> = ["sample", "render", "transfer", "storage", "cpu_read", "cpu_write", "scanout", "video_decode", "video_encode"];
export const placementValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["Placement"]> = ["any", "device_local", "host_visible", "host_cached"];
export const healthStatusValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["Health"]["status"]> = ["ok"];
export const quotaScopeValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["QuotaScope"]> = ["daemon", "user", "cgroup", "source", "connection"];
export const quotaSettingFromValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["QuotaSetting"]["from"]> = ["default", "configuration", "rest"];
export const errorCodeValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["ErrorCode"]> = ["invalid_argument", "unsupported_format", "unsupported_modifier", "unsupported_handle_type", "unsupported_usage", "too_large", "out_of_memory", "limit_exceeded", "not_found", "invalid_token", "permission_denied", "device_lost", "internal", "unsupported_source", "unsupported_placement", "recalled", "unsupported_layout", "unsupported_device", "busy", "malformed_request", "origin_refused", "method_not_allowed", "body_too_large", "unsupported_media_type", "unavailable", "request_timeout", "headers_too_large", "precondition_failed", "idempotency_key_reused", "idempotency_in_progress", "rate_limited", "unauthenticated", "not_stored"];
