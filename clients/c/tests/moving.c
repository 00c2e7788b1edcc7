/* Buffers go on where the daemon is started again, by what it knows of them then. */
#include <string.h>

#include "checks.h"

/* Moved to the new connection, and what it was; or refused, and its memory is good. */
static void move(struct dmabroker_buffer *buffer, struct dmabroker *to, const char *outcome)
{
	char before[32];

	snprintf(before, sizeof before, "%s", dmabroker_buffer_info(buffer)->id);
	int fd = dmabroker_buffer_plane(buffer, 0)->fd, result = dmabroker_buffer_move(buffer, to);

	CHECK(dmabroker_buffer_plane(buffer, 0)->fd == fd);
	if (strcmp(outcome, "gone") == 0) {
		CHECK(result == DMABROKER_REFUSED);
		CHECK(dmabroker_last_error(to)->code == DMABROKER_CODE_INVALID_TOKEN);
		return;
	}
	DONE(to, result);
	bool same = strcmp(before, dmabroker_buffer_info(buffer)->id) == 0;

	CHECK(same == (strcmp(outcome, "adopted") == 0));
}

void check_moving(const char *outcome)
{
	unsigned before = count_fds();
	struct dmabroker *first = connected(), *second;
	struct dmabroker_buffer *one = allocated(first, 4096), *two, *theirs;
	struct dmabroker_params params = dmabroker_image(64, 32, DMABROKER_FOURCC('N', 'V', '1', '2'));
	struct dmabroker_mapping *mine, *other;
	struct dmabroker_share *share;
	char line[16];

	params.handle_types = linear(first, 1).handle_types;
	params.lease_seconds = 60;
	DONE(first, dmabroker_allocate(first, &params, &two));
	DONE(first, dmabroker_buffer_map(one, 0, DMABROKER_READ_WRITE, &mine));
	memcpy(dmabroker_mapping_data(mine), "hello", 5);
	CHECK(dmabroker_buffer_move(one, first) == DMABROKER_INVALID); /* it has not ended */
	printf("ready\n");
	fflush(stdout);
	CHECK(fgets(line, sizeof line, stdin));

	CHECK(dmabroker_sync(first) == DMABROKER_ENDED);
	second = connected();
	move(one, second, outcome);
	move(two, second, outcome);
	dmabroker_destroy(first);
	CHECK(memcmp(dmabroker_mapping_data(mine), "hello", 5) == 0);
	if (strcmp(outcome, "gone") != 0) {
		CHECK(dmabroker_buffer_info(two)->plane_count == 2 && dmabroker_buffer_state(two)->leased);
		DONE(second, dmabroker_buffer_share(one, NULL, &share));
		DONE(second, dmabroker_redeem(second, dmabroker_share_token(share), &theirs));
		DONE(second, dmabroker_buffer_map(theirs, 0, DMABROKER_READ, &other));
		CHECK(memcmp(dmabroker_mapping_data(other), "hello", 5) == 0);
		dmabroker_unmap(other);
		dmabroker_buffer_destroy(theirs);
		dmabroker_share_destroy(share);
	}
	dmabroker_unmap(mine);
	dmabroker_buffer_release(one);
	dmabroker_buffer_release(two);
	if (strcmp(outcome, "gone") != 0)
		DONE(second, dmabroker_sync(second));
	dmabroker_destroy(second);
	CHECK(count_fds() == before);
	printf("moved\n");
}
