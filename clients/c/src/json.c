/* One member of a refusal's JSON, as it stands there: all of JSON that this library reads. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static const char *skip_space(const char *at)
{
	while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')
		at++;
	return at;
}

/* Behind the string that begins here; NULL: it does not end. */
static const char *skip_string(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && !*++at)
			return NULL;
	return *at ? at + 1 : NULL;
}

/* Behind the value that begins here, to whatever depth; NULL: it does not end. */
static const char *skip_value(const char *at)
{
	int depth = 0;

	for (;;) {
		at = skip_space(at);
		if (*at == '"') {
			if (!(at = skip_string(at)))
				return NULL;
		} else if (*at == '{' || *at == '[') {
			depth++;
			at++;
		} else if (*at == '}' || *at == ']') {
			if (depth-- == 0)
				return NULL;
			at++;
		} else if (*at == ',' || *at == ':') {
			if (depth == 0)
				return NULL;
			at++;
			continue;
		} else {
			size_t length = strcspn(at, " \t\r\n,:\"{}[]");

			if (length == 0)
				return NULL;
			at += length;
		}
		if (depth == 0)
			return at;
	}
}

char *json_member(const char *text, const char *name)
{
	const char *at = skip_space(text);
	size_t length = strlen(name);

	if (*at != '{')
		return NULL;
	for (at = skip_space(at + 1); *at == '"'; at = skip_space(at + 1)) {
		const char *key = at + 1, *end = skip_string(at);

		if (!end)
			return NULL;
		at = skip_space(end);
		if (*at != ':')
			return NULL;
		const char *value = skip_space(at + 1), *behind = skip_value(value);

		if (!behind)
			return NULL;
		if ((size_t)(end - 1 - key) == length && strncmp(key, name, length) == 0)
			return strncmp(value, "null", 4) == 0 ? NULL :
								strndup(value, (size_t)(behind - value));
		at = skip_space(behind);
		if (*at != ',')
			return NULL;
	}
	return NULL;
}
