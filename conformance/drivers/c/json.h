/* JSON as far as the driver needs it: what the runner sends is read, what is answered is written. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_kind { JSON_NULL, JSON_BOOLEAN, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_kind kind;
	double number; /* of a boolean: 0 or 1 */
	char *string;
	struct json *items; /* an array's, an object's */
	char **names;	    /* an object's */
	size_t count;
};

/* Ends the program where the text is no JSON: then the runner is broken. */
struct json *json_read(const char *text);
void json_free(struct json *value);

/* NULL where there is none. */
const struct json *json_get(const struct json *object, const char *name);
const char *json_string(const struct json *object, const char *name);
/* `otherwise` where there is none. */
double json_number(const struct json *object, const char *name, double otherwise);

/* Text that grows; an answer is one. */
struct text {
	char *bytes;
	size_t length, room;
};

void text_free(struct text *text);
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* In quotes. */
void text_string(struct text *text, const char *string);
/* A value that was read. */
void text_json(struct text *text, const struct json *value);
void text_hex(struct text *text, const void *bytes, size_t length);

#endif
