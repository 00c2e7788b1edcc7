/* What the tests of the library have in common. Each check that fails ends the program, and says where. */
#ifndef CHECKS_H
#define CHECKS_H

#include <dmabroker.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(what)                                                                  \
	do {                                                                         \
		if (!(what)) {                                                       \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);   \
			exit(1);                                                     \
		}                                                                    \
	} while (0)
/* A call that has to be done; else what it says is printed. */
#define DONE(client, call)                                                           \
	do {                                                                         \
		if ((call) != DMABROKER_OK) {                                        \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, \
				dmabroker_last_error(client)->message);              \
			exit(1);                                                     \
		}                                                                    \
	} while (0)

/* How many fds this process has; each of them but the first three must be close-on-exec. */
unsigned count_fds(void);
struct dmabroker *connected(void);
/* Linear memory of a kind that the daemon has and that can be mapped. */
struct dmabroker_params linear(const struct dmabroker *client, uint64_t size);
struct dmabroker_buffer *allocated(struct dmabroker *client, uint64_t size);
/* Waits on the fd of the loop, five seconds at most, and dispatches; what that returns. */
int turn(struct dmabroker *client);

void check_loop(void);
void check_waiting(void);
void check_vanishing(void);
/* The daemon is killed, and another one is started: `outcome` of the buffers is adopted, imported or gone. */
void check_moving(const char *outcome);
void check_stalled(void);

#endif
