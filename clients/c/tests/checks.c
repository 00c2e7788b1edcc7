/*
 * Checks of the library with the daemon that $DMABROKER_SOCKET names: `checks all`. `checks vanishing` says `ready`, and
 * goes on when a line comes, by which the daemon has to be gone; `checks moving OUTCOME` goes on when another one is there.
 * `checks waiting` has room for two buffers of 8192 bytes, and no more.
 * `checks stalled` says `ready`, and goes on when the daemon stands still; says `full`, and goes on when it works again.
 */
#include "checks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

unsigned count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	CHECK(folder);
	for (struct dirent *entry; (entry = readdir(folder));) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] == '.' || fd == dirfd(folder))
			continue;
		count++;
		CHECK(fd < 3 || fcntl(fd, F_GETFD) & FD_CLOEXEC);
	}
	closedir(folder);
	return count;
}

struct dmabroker *connected(void)
{
	struct dmabroker *client = dmabroker_new();

	CHECK(client);
	DONE(client, dmabroker_connect(client, NULL));
	return client;
}

struct dmabroker_params linear(const struct dmabroker *client, uint64_t size)
{
	struct dmabroker_params params = dmabroker_linear(size);
	uint32_t had = dmabroker_get_handle_types(client);

	params.handle_types = had & DMABROKER_HANDLE_TYPE_DMA_BUF ? DMABROKER_HANDLE_TYPE_DMA_BUF :
								     DMABROKER_HANDLE_TYPE_MEMFD;
	params.usage = DMABROKER_USAGE_TRANSFER | DMABROKER_USAGE_CPU_READ | DMABROKER_USAGE_CPU_WRITE;
	return params;
}

struct dmabroker_buffer *allocated(struct dmabroker *client, uint64_t size)
{
	struct dmabroker_params params = linear(client, size);
	struct dmabroker_buffer *buffer;

	DONE(client, dmabroker_allocate(client, &params, &buffer));
	return buffer;
}

int turn(struct dmabroker *client)
{
	struct pollfd loop = { .fd = dmabroker_get_fd(client), .events = POLLIN };

	CHECK(poll(&loop, 1, 5000) == 1);
	return dmabroker_dispatch(client);
}

static void check_memory(void)
{
	struct dmabroker *owner = connected(), *other = connected();
	struct dmabroker_params params = dmabroker_image(64, 32, DMABROKER_FOURCC('X', 'R', '2', '4'));
	struct dmabroker_terms terms = { .struct_size = sizeof terms, .uses = 2, .seconds = 60 };
	struct dmabroker_buffer *mine, *theirs;
	struct dmabroker_mapping *writing, *reading;
	struct dmabroker_share *share;
	struct stat one, two;

	CHECK(dmabroker_get_limit(owner, DMABROKER_LIMIT_BATCH) == 64);
	CHECK(strcmp(dmabroker_get_session(owner), dmabroker_get_session(other)) != 0);
	params.handle_types = linear(owner, 1).handle_types;
	params.usage = DMABROKER_USAGE_CPU_READ | DMABROKER_USAGE_CPU_WRITE;
	params.name = "checks";
	DONE(owner, dmabroker_allocate(owner, &params, &mine));
	const struct dmabroker_buffer_info *info = dmabroker_buffer_info(mine);

	CHECK(info->width == 64 && info->height == 32 && info->modifier == 0 && info->plane_count == 1);
	CHECK(info->handle_type == params.handle_types && info->generation == 1);
	CHECK(dmabroker_buffer_plane(mine, 1) == NULL && dmabroker_buffer_memory_size(mine, 1) == 0);
	DONE(owner, dmabroker_buffer_map(mine, 0, DMABROKER_READ_WRITE, &writing));
	CHECK(dmabroker_mapping_size(writing) == dmabroker_buffer_memory_size(mine, 0));
	CHECK(dmabroker_mapping_begin(writing, DMABROKER_WRITE) == DMABROKER_OK);
	memset(dmabroker_mapping_data(writing), 0x5a, dmabroker_mapping_size(writing));
	CHECK(dmabroker_mapping_end(writing, DMABROKER_WRITE) == DMABROKER_OK);

	DONE(owner, dmabroker_buffer_share(mine, &terms, &share));
	terms.struct_size = 4;
	dmabroker_share_destroy(share);
	CHECK(dmabroker_buffer_share(mine, &terms, &share) == DMABROKER_INVALID && !share);
	terms.struct_size = sizeof terms;
	DONE(owner, dmabroker_buffer_share(mine, &terms, &share));
	CHECK(strlen(dmabroker_share_token(share)) == 26 && *dmabroker_share_token_id(share));
	DONE(other, dmabroker_redeem(other, dmabroker_share_token(share), &theirs));
	CHECK(strcmp(dmabroker_buffer_info(theirs)->id, info->id) == 0);
	/* Taken: the same file, and the program's to close. */
	int fd = dmabroker_buffer_take_fd(theirs, 0);

	CHECK(fd >= 0 && dmabroker_buffer_take_fd(theirs, 0) == -1);
	CHECK(dmabroker_buffer_plane(theirs, 0)->fd == -1);
	CHECK(dmabroker_buffer_map(theirs, 0, DMABROKER_READ, &reading) == DMABROKER_INVALID);
	CHECK(fstat(fd, &one) == 0 && fstat(dmabroker_buffer_plane(mine, 0)->fd, &two) == 0);
	CHECK(one.st_ino == two.st_ino);
	dmabroker_buffer_destroy(theirs);
	close(fd);

	DONE(other, dmabroker_redeem(other, dmabroker_share_token(share), &theirs));
	DONE(other, dmabroker_buffer_map(theirs, 0, DMABROKER_READ, &reading));
	dmabroker_buffer_release(theirs);
	CHECK(dmabroker_redeem(other, dmabroker_share_token(share), &theirs) == DMABROKER_REFUSED);
	CHECK(theirs == NULL && dmabroker_last_error(other)->code == DMABROKER_CODE_INVALID_TOKEN);
	dmabroker_share_revoke(share);
	dmabroker_buffer_destroy(mine);
	dmabroker_destroy(owner);
	dmabroker_destroy(other);
	/* Mappings outlive buffers and connections. */
	CHECK(dmabroker_mapping_begin(reading, DMABROKER_READ) == DMABROKER_OK);
	CHECK(((uint8_t *)dmabroker_mapping_data(reading))[dmabroker_mapping_size(reading) - 1] == 0x5a);
	CHECK(dmabroker_mapping_end(reading, DMABROKER_READ) == DMABROKER_OK);
	dmabroker_unmap(reading);
	dmabroker_unmap(writing);
}

static void check_work(void)
{
	struct dmabroker *client = connected();
	struct dmabroker_buffer *from = allocated(client, 4096), *to = allocated(client, 4096);
	struct dmabroker_share *share;
	uint32_t path, word;
	uint64_t size;
	int content;

	DONE(client, dmabroker_buffer_fill(from, 0x01020304, 0, 0, &path));
	CHECK(path == DMABROKER_PATH_CPU || path == DMABROKER_PATH_DEVICE);
	DONE(client, dmabroker_buffer_copy(to, 8, from, 0, 4, NULL));
	DONE(client, dmabroker_buffer_read(to, 4, 8, &content, &size, NULL));
	CHECK(size == 8 && pread(content, &word, 4, 0) == 4 && word == 0);
	CHECK(pread(content, &word, 4, 4) == 4 && word == 0x01020304);
	close(content);
	CHECK(dmabroker_buffer_fill(to, 0, 1, 4, NULL) == DMABROKER_REFUSED);
	CHECK(dmabroker_last_error(client)->code == DMABROKER_CODE_INVALID_ARGUMENT);
	CHECK(dmabroker_buffer_read(to, 0, 1 << 20, &content, &size, NULL) == DMABROKER_REFUSED && content == -1);

	CHECK(dmabroker_buffer_renew(to, 60) == DMABROKER_REFUSED);
	DONE(client, dmabroker_buffer_park(to, 60));
	CHECK(dmabroker_buffer_state(to)->leased && dmabroker_buffer_state(to)->lease_seconds > 50);
	DONE(client, dmabroker_buffer_renew(to, 600));
	CHECK(dmabroker_buffer_state(to)->lease_seconds > 500);
	DONE(client, dmabroker_buffer_reissue(to)); /* not lost: the same memory again */
	CHECK(dmabroker_buffer_info(to)->generation == 1 && dmabroker_buffer_plane(to, 0)->fd >= 0);
	dmabroker_buffer_release(to);

	/* The client goes first: what is left of its buffers is fds. */
	DONE(client, dmabroker_buffer_share(from, NULL, &share));
	dmabroker_destroy(client);
	CHECK(lseek(dmabroker_buffer_plane(from, 0)->fd, 0, SEEK_END) == 4096);
	CHECK(dmabroker_buffer_fill(from, 0, 0, 0, NULL) == DMABROKER_ENDED);
	CHECK(dmabroker_buffer_begin_park(from, 1, NULL, NULL) == NULL);
	dmabroker_share_revoke(share);
	dmabroker_buffer_release(from);
}

/* The fds of memory of several kinds, each taken once; whoever redeems it says which it wants. */
static void check_kinds(void)
{
	struct dmabroker *owner = connected(), *other = connected();
	struct dmabroker_params params = linear(owner, 8192);
	const uint32_t one = params.handle_types, memfd = DMABROKER_HANDLE_TYPE_MEMFD;
	struct dmabroker_terms terms = { .struct_size = sizeof terms, .uses = 9 };
	struct dmabroker_buffer *mine, *theirs;
	struct dmabroker_share *share;

	/* Where there is no udmabuf, it has one. */
	params.handle_types = one | memfd;
	params.all_handle_types = true;
	if (dmabroker_allocate(owner, &params, &mine) == DMABROKER_REFUSED) {
		params.handle_types = one;
		DONE(owner, dmabroker_allocate(owner, &params, &mine));
	}
	const bool both = params.handle_types != one;

	CHECK(dmabroker_buffer_info(mine)->handle_types == params.handle_types);
	CHECK(dmabroker_buffer_info(mine)->handle_type == one);
	DONE(owner, dmabroker_buffer_share(mine, &terms, &share));
	const char *token = dmabroker_share_token(share);

	DONE(other, dmabroker_redeem(other, token, &theirs));
	CHECK(dmabroker_buffer_info(theirs)->handle_types == params.handle_types);
	CHECK(dmabroker_buffer_take_fd_as(theirs, 0, 0) == -1);
	CHECK(dmabroker_buffer_take_fd_as(theirs, 0, DMABROKER_HANDLE_TYPE_OPAQUE_FD) == -1);
	CHECK(dmabroker_buffer_take_fd_as(theirs, 1, one) == -1);
	if (both) {
		int fd = dmabroker_buffer_take_fd_as(theirs, 0, memfd);

		/* The memfd of a udmabuf is for reading. */
		CHECK(fd >= 0 && fcntl(fd, F_GETFD) & FD_CLOEXEC && write(fd, "x", 1) == -1);
		CHECK(lseek(fd, 0, SEEK_END) >= 8192);
		CHECK(dmabroker_buffer_take_fd_as(theirs, 0, memfd) == -1);
		close(fd);
	}
	int fd = dmabroker_buffer_take_fd_as(theirs, 0, one);

	CHECK(fd >= 0 && dmabroker_buffer_take_fd(theirs, 0) == -1);
	CHECK(dmabroker_buffer_take_fd_as(theirs, 0, one) == -1);
	close(fd);
	dmabroker_buffer_destroy(theirs);

	for (uint32_t kind = both ? 1 : one; kind <= memfd; kind <<= 1) {
		if (!(params.handle_types & kind))
			continue;
		unsigned before = count_fds();

		DONE(other, dmabroker_redeem_as(other, token, kind, &theirs));
		CHECK(count_fds() == before + 1);
		CHECK(dmabroker_buffer_info(theirs)->handle_types == kind);
		CHECK(dmabroker_buffer_info(theirs)->handle_type == kind);
		DONE(other, dmabroker_buffer_reissue(theirs)); /* not lost: the same again */
		CHECK(dmabroker_buffer_info(theirs)->handle_types == kind && count_fds() == before + 1);
		dmabroker_buffer_destroy(theirs);
	}
	const uint32_t wrong = one | DMABROKER_HANDLE_TYPE_OPAQUE_FD;

	CHECK(dmabroker_redeem_as(other, token, wrong, &theirs) == DMABROKER_REFUSED && !theirs);
	CHECK(dmabroker_last_error(other)->code == DMABROKER_CODE_UNSUPPORTED_HANDLE_TYPE);
	CHECK(strstr(dmabroker_last_error(other)->detail, "\"possible\":["));
	CHECK(dmabroker_redeem_as(other, token, 0, &theirs) == DMABROKER_INVALID);
	CHECK(dmabroker_redeem_as(other, token, 8, &theirs) == DMABROKER_INVALID);
	DONE(other, dmabroker_sync(other));
	dmabroker_share_destroy(share);
	dmabroker_buffer_release(mine);
	dmabroker_destroy(owner);
	dmabroker_destroy(other);
}

static void check_batch(void)
{
	struct dmabroker *client = connected();
	struct dmabroker_params params = linear(client, 8192);
	struct dmabroker_buffer *ring[64];

	DONE(client, dmabroker_allocate_many(client, &params, 64, ring));
	CHECK(strcmp(dmabroker_buffer_info(ring[0])->id, dmabroker_buffer_info(ring[63])->id) != 0);
	for (unsigned i = 0; i < 64; i++) {
		CHECK(dmabroker_buffer_memory_size(ring[i], 0) == 8192);
		dmabroker_buffer_destroy(ring[i]);
	}
	CHECK(dmabroker_allocate_many(client, &params, 0, ring) == DMABROKER_INVALID);
	CHECK(dmabroker_allocate_many(client, &params, 65, ring) == DMABROKER_INVALID);
	struct dmabroker_own_memory own = { .fd = 0 };

	params.memory = &own;
	CHECK(dmabroker_allocate_many(client, &params, 2, ring) == DMABROKER_INVALID);
	params.memory = NULL;
	params.size = (uint64_t)1 << 50;
	CHECK(dmabroker_allocate_many(client, &params, 3, ring) == DMABROKER_REFUSED);
	CHECK(!ring[0] && !ring[1] && !ring[2]);
	dmabroker_destroy(client);
}

static void check_import(void)
{
	struct dmabroker *client = connected();
	struct dmabroker_buffer *buffer = allocated(client, 65536), *again, *plan;
	struct dmabroker_params params = linear(client, 65536);
	struct dmabroker_plane_layout plane = { .fd = dmabroker_buffer_plane(buffer, 0)->fd };

	DONE(client, dmabroker_test(client, &params, &plan));
	CHECK(dmabroker_buffer_info(plan)->size == 65536 && *dmabroker_buffer_info(plan)->id == '\0');
	CHECK(dmabroker_buffer_plane(plan, 0)->fd == -1);
	CHECK(dmabroker_buffer_fill(plan, 0, 0, 0, NULL) == DMABROKER_INVALID);
	dmabroker_buffer_destroy(plan);

	CHECK(dmabroker_import(client, &params, &again) == DMABROKER_INVALID); /* no planes */
	params.planes = &plane;
	params.plane_count = 1;
	if (params.handle_types == DMABROKER_HANDLE_TYPE_DMA_BUF) {
		DONE(client, dmabroker_import(client, &params, &again));
		CHECK(dmabroker_buffer_info(again)->checked != 0);
		dmabroker_buffer_destroy(again);
	} else {
		CHECK(dmabroker_import(client, &params, &again) == DMABROKER_REFUSED);
	}
	CHECK(fcntl(plane.fd, F_GETFD) == FD_CLOEXEC); /* it is still ours */
	plane.fd = 12345;
	CHECK(dmabroker_import(client, &params, &again) == DMABROKER_INVALID);
	DONE(client, dmabroker_sync(client)); /* and the connection is what it was */
	dmabroker_buffer_destroy(buffer);
	dmabroker_destroy(client);
}

/* What is said of the memory comes back in what is nearest to it, and can be asked for. */
static void check_nearest_image(struct dmabroker *client)
{
	struct dmabroker_params params = dmabroker_image(640, 480, DMABROKER_FOURCC('N', 'V', '1', '2'));
	const struct dmabroker_error *error = dmabroker_last_error(client);
	const struct dmabroker_params *nearest;
	struct dmabroker_params again;
	struct dmabroker_buffer *buffer;
	uint64_t linear_alone = 0;

	params.handle_types = linear(client, 1).handle_types;
	params.usage = DMABROKER_USAGE_CPU_READ | DMABROKER_USAGE_TRANSFER;
	params.modifiers = &linear_alone;
	params.modifier_count = 1;
	params.alignment.stride = 256;
	params.separate_planes = true;
	params.source = "nowhere";
	CHECK(dmabroker_allocate(client, &params, &buffer) == DMABROKER_REFUSED && error->nearest_params);
	nearest = error->nearest_params;
	CHECK(nearest->kind == DMABROKER_KIND_IMAGE && nearest->width == 640 && nearest->height == 480);
	CHECK(nearest->format == params.format && nearest->usage == params.usage);
	CHECK(nearest->modifier_count == 1 && nearest->modifiers[0] == 0);
	CHECK(nearest->alignment.stride == 256 && nearest->separate_planes);
	again = *nearest;
	again.lease_seconds = 60;
	DONE(client, dmabroker_allocate(client, &again, &buffer));
	CHECK(dmabroker_buffer_info(buffer)->memory_count == 2 && dmabroker_buffer_state(buffer)->leased);
	dmabroker_buffer_release(buffer);
}

static void check_errors(void)
{
	struct dmabroker *client = connected();
	struct dmabroker_params params = linear(client, 4096);
	const struct dmabroker_error *error = dmabroker_last_error(client);
	struct dmabroker_buffer *buffer;
	char text[2000];

	params.source = "nowhere";
	CHECK(dmabroker_allocate(client, &params, &buffer) == DMABROKER_REFUSED && buffer == NULL);
	CHECK(error->result == DMABROKER_REFUSED && error->code == DMABROKER_CODE_UNSUPPORTED_SOURCE);
	CHECK(strcmp(error->name, "unsupported_source") == 0 && strstr(error->message, "nowhere"));
	CHECK(error->detail[0] == '{' && strstr(error->detail, "\"constraint\":\"sources\""));
	CHECK(error->nearest && error->nearest[0] == '{' && strstr(error->nearest, "4096"));
	CHECK(error->nearest[strlen(error->nearest) - 1] == '}');
	CHECK(error->nearest_params->size == 4096 && error->nearest_params->usage == params.usage);
	CHECK(error->nearest_params->handle_types == params.handle_types);
	DONE(client, dmabroker_allocate(client, error->nearest_params, &buffer));
	dmabroker_buffer_destroy(buffer);
	check_nearest_image(client);
	params.source = NULL;

	/* What is larger is a later header's; what it adds must not be said. */
	struct {
		struct dmabroker_params known;
		uint64_t later;
	} larger = { .known = params };

	larger.known.struct_size = sizeof larger;
	DONE(client, dmabroker_allocate(client, &larger.known, &buffer));
	dmabroker_buffer_destroy(buffer);
	larger.later = 1;
	CHECK(dmabroker_allocate(client, &larger.known, &buffer) == DMABROKER_INVALID);

	struct dmabroker_own_memory closed = { .fd = 12345 };

	for (unsigned i = 0; i < 8; i++) {
		struct dmabroker_params wrong = params;

		if (i == 0)
			wrong.struct_size = 8;
		else if (i == 1)
			wrong.kind = 0;
		else if (i == 2)
			wrong.usage = 1u << 31;
		else if (i == 3)
			wrong.device = "GPU";
		else if (i == 4)
			wrong.modifier_count = 1;
		else if (i == 5)
			wrong.lifetime = 99;
		else if (i == 6)
			wrong.memory = &closed;
		else
			wrong.handle_types = 64;
		CHECK(dmabroker_allocate(client, &wrong, &buffer) == DMABROKER_INVALID);
		CHECK(error->result == DMABROKER_INVALID && error->message[0] != '\0' && !error->name);
	}
	memset(text, 'a', sizeof text);
	text[sizeof text - 1] = '\0';
	CHECK(dmabroker_redeem(client, text, &buffer) == DMABROKER_INVALID);
	CHECK(dmabroker_redeem(client, NULL, &buffer) == DMABROKER_INVALID);
	CHECK(dmabroker_connect(client, NULL) == DMABROKER_INVALID);
	CHECK(strcmp(dmabroker_code_name(DMABROKER_CODE_BUSY), "busy") == 0);
	CHECK(strcmp(dmabroker_code_name(4711), "internal") == 0);
	DONE(client, dmabroker_sync(client));
	dmabroker_destroy(client);
}

static volatile sig_atomic_t interruptions;

static void interrupted(int number)
{
	(void)number;
	interruptions++;
}

/* Where too many wait at the socket it is waited until the timeout, whatever signals come. */
static void check_full(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct itimerval often = { { 0, 5000 }, { 0, 5000 } };
	struct sigaction action = { .sa_handler = interrupted }, before;
	struct dmabroker *client = dmabroker_new();
	char folder[] = "/tmp/dmabroker-checks-XXXXXX";
	int fds[8], count = 0;

	CHECK(mkdtemp(folder));
	snprintf(address.sun_path, sizeof address.sun_path, "%s/full", folder);
	fds[count++] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(bind(fds[0], (struct sockaddr *)&address, sizeof address) == 0 && listen(fds[0], 0) == 0);
	do
		fds[count++] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	while (count < 8 && connect(fds[count - 1], (struct sockaddr *)&address, sizeof address) == 0);
	CHECK(errno == EAGAIN);
	CHECK(sigaction(SIGALRM, &action, &before) == 0);
	CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
	dmabroker_set_timeout(client, 100);
	CHECK(dmabroker_connect(client, address.sun_path) == DMABROKER_SYSTEM);
	CHECK(setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL) == 0);
	CHECK(sigaction(SIGALRM, &before, NULL) == 0);
	CHECK(dmabroker_last_error(client)->system_error == EAGAIN);
	CHECK(interruptions > 0);
	dmabroker_destroy(client);
	while (count > 0)
		close(fds[--count]);
	unlink(address.sun_path);
	rmdir(folder);
}

static void check_connecting(void)
{
	struct dmabroker *client = dmabroker_new();
	struct dmabroker_buffer *buffer;
	struct dmabroker_params params = dmabroker_linear(4096);
	int ends[2];

	CHECK(dmabroker_allocate(client, &params, &buffer) == DMABROKER_INVALID);
	CHECK(dmabroker_dispatch(client) == DMABROKER_INVALID);
	CHECK(dmabroker_connect(client, "/nowhere") == DMABROKER_SYSTEM);
	CHECK(dmabroker_last_error(client)->system_error == ENOENT);
	CHECK(strstr(dmabroker_last_error(client)->message, "nobody answers at /nowhere: "));
	DONE(client, dmabroker_connect(client, NULL)); /* that was no connection yet */
	dmabroker_destroy(client);

	/* Somebody who says nothing, and somebody who has gone. */
	for (int gone = 0; gone < 2; gone++) {
		CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
		client = dmabroker_new();
		dmabroker_set_timeout(client, 20);
		if (gone)
			close(ends[1]);
		CHECK(dmabroker_connect_fd(client, ends[0]) ==
		      (gone ? DMABROKER_ENDED : DMABROKER_TIMED_OUT));
		if (!gone)
			close(ends[1]);
		dmabroker_destroy(client);
	}
	client = dmabroker_new();
	CHECK(dmabroker_connect_fd(client, 12345) == DMABROKER_INVALID);
	dmabroker_destroy(client);
	dmabroker_destroy(NULL);

	/* A compositor's children have it: it is no daemon's. */
	setenv("WAYLAND_SOCKET", "0", 1);
	dmabroker_destroy(connected());
	CHECK(strcmp(getenv("WAYLAND_SOCKET"), "0") == 0);
	unsetenv("WAYLAND_SOCKET");
}

static void run(const char *name, void (*check)(void))
{
	unsigned before = count_fds();
	struct sigaction pipe;

	check();
	CHECK(count_fds() == before);
	CHECK(sigaction(SIGPIPE, NULL, &pipe) == 0 && pipe.sa_handler == SIG_DFL);
	printf("%s\n", name);
	fflush(stdout);
}

/* What was inherited is not ours to be judged by. */
static void mark_inherited(void)
{
	for (int fd = 3; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int main(int argc, char **argv)
{
	mark_inherited();
	if (argc == 3 && strcmp(argv[1], "moving") == 0) {
		check_moving(argv[2]);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "vanishing") == 0) {
		run("vanishing", check_vanishing);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "stalled") == 0) {
		run("stalled", check_stalled);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "waiting") == 0) {
		run("waiting", check_waiting);
		return 0;
	}
	run("memory", check_memory);
	run("work", check_work);
	run("kinds", check_kinds);
	run("batch", check_batch);
	run("import", check_import);
	run("errors", check_errors);
	run("connecting", check_connecting);
	run("full", check_full);
	run("loop", check_loop);
	return 0;
}
