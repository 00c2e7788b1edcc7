/* Errors: their sentences, and what a refusal's JSON says. An error that finds no memory still says what it is. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "internal.h"

static const char *const names[] = {
	[DMABROKER_CODE_INVALID_ARGUMENT] = "invalid_argument",
	[DMABROKER_CODE_UNSUPPORTED_FORMAT] = "unsupported_format",
	[DMABROKER_CODE_UNSUPPORTED_MODIFIER] = "unsupported_modifier",
	[DMABROKER_CODE_UNSUPPORTED_HANDLE_TYPE] = "unsupported_handle_type",
	[DMABROKER_CODE_UNSUPPORTED_USAGE] = "unsupported_usage",
	[DMABROKER_CODE_TOO_LARGE] = "too_large",
	[DMABROKER_CODE_OUT_OF_MEMORY] = "out_of_memory",
	[DMABROKER_CODE_LIMIT_EXCEEDED] = "limit_exceeded",
	[DMABROKER_CODE_NOT_FOUND] = "not_found",
	[DMABROKER_CODE_INVALID_TOKEN] = "invalid_token",
	[DMABROKER_CODE_PERMISSION_DENIED] = "permission_denied",
	[DMABROKER_CODE_DEVICE_LOST] = "device_lost",
	[DMABROKER_CODE_INTERNAL] = "internal",
	[DMABROKER_CODE_UNSUPPORTED_SOURCE] = "unsupported_source",
	[DMABROKER_CODE_UNSUPPORTED_PLACEMENT] = "unsupported_placement",
	[DMABROKER_CODE_RECALLED] = "recalled",
	[DMABROKER_CODE_UNSUPPORTED_LAYOUT] = "unsupported_layout",
	[DMABROKER_CODE_UNSUPPORTED_DEVICE] = "unsupported_device",
	[DMABROKER_CODE_BUSY] = "busy",
	[DMABROKER_CODE_NAME_TAKEN] = "name_taken",
};

const char *dmabroker_code_name(uint32_t code)
{
	const char *name = code < sizeof names / sizeof *names ? names[code] : NULL;

	return name ? name : names[DMABROKER_CODE_INTERNAL];
}

void error_clear(struct error *error)
{
	free(error->message);
	free(error->detail);
	free(error->nearest);
	free(error->params);
	*error = (struct error){ .told.message = "" };
}

static void take_message(struct error *error, char *message)
{
	error->message = message;
	error->told.message = message ? message : "there is no memory to say what it is";
}

int error_say(struct error *error, enum dmabroker_result result, const char *format, ...)
{
	char message[512];
	va_list args;

	/* First: an argument may be this error's own. */
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	error_clear(error);
	error->told.result = result;
	take_message(error, strdup(message));
	return result;
}

int error_system(struct error *error, int number, const char *what)
{
	char reason[128];

	/* strerror's text may be another thread's by now. */
	if (strerror_r(number, reason, sizeof reason) != 0)
		snprintf(reason, sizeof reason, "error %d", number);
	error_say(error, DMABROKER_SYSTEM, "%s: %s", what, reason);
	error->told.system_error = number;
	return DMABROKER_SYSTEM;
}

static void take_detail(struct error *error, char *detail)
{
	error->detail = detail;
	error->told.detail = detail;
	error->nearest = detail ? json_member(detail, "nearest") : NULL;
	error->told.nearest = error->nearest;
	error->params = error->nearest ? nearest_read(error->nearest) : NULL;
	error->told.nearest_params = nearest_params(error->params);
}

void error_refused(struct error *error, uint32_t code, const char *message, char *detail)
{
	error_clear(error);
	error->told.result = DMABROKER_REFUSED;
	error->told.code = code;
	error->told.name = dmabroker_code_name(code);
	take_message(error, strdup(message));
	take_detail(error, detail);
}

void error_copy(struct error *to, const struct error *from)
{
	char *message = strdup(from->told.message);
	char *detail = from->detail ? strdup(from->detail) : NULL;

	error_clear(to);
	to->told = from->told;
	take_message(to, message);
	take_detail(to, detail);
}

char *read_detail(int fd, uint32_t size)
{
	/* The protocol's own bound. */
	char *text = size <= 1u << 20 ? malloc((size_t)size + 1) : NULL;
	uint32_t length = 0;

	while (text && length < size) {
		ssize_t got = pread(fd, text + length, size - length, length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		length += (uint32_t)got;
	}
	close(fd);
	if (text && length < size) {
		free(text);
		return NULL;
	}
	if (text)
		text[size] = '\0';
	return text;
}
