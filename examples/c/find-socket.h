/*
 * Where clients of the broker find it, the one rule of docs/protocol.md: $DMABROKER_SOCKET, an absolute
 * path; else $XDG_RUNTIME_DIR/dmabroker/client.sock where it exists; else the system's.
 */
#ifndef FIND_SOCKET_H
#define FIND_SOCKET_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SYSTEM_SOCKET "/run/dmabroker/client.sock"

static inline const char *find_socket(void)
{
	static char own[108]; /* sun_path has no more: unix(7) */
	const char *named = getenv("DMABROKER_SOCKET"), *folder = getenv("XDG_RUNTIME_DIR");

	if (named && *named)
		return named;
	/* A relative folder is to be ignored (XDG base directories). */
	if (folder && *folder == '/' &&
	    snprintf(own, sizeof own, "%s/dmabroker/client.sock", folder) < (int)sizeof own &&
	    access(own, F_OK) == 0)
		return own;
	return SYSTEM_SOCKET;
}

#endif
