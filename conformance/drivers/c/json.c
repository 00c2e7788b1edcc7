#include "json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void broken(const char *at)
{
	fprintf(stderr, "driver: no JSON: %s\n", at);
	exit(2);
}

static void *more(void *old, size_t bytes)
{
	void *memory = realloc(old, bytes);

	if (!memory)
		abort();
	return memory;
}

static const char *blank(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

/* UTF-8 of a character of the basic plane; surrogates are put through as they are. */
static char *utf8(char *to, unsigned code)
{
	if (code < 0x80)
		*to++ = (char)code;
	else if (code < 0x800) {
		*to++ = (char)(0xc0 | code >> 6);
		*to++ = (char)(0x80 | (code & 0x3f));
	} else {
		*to++ = (char)(0xe0 | code >> 12);
		*to++ = (char)(0x80 | (code >> 6 & 0x3f));
		*to++ = (char)(0x80 | (code & 0x3f));
	}
	return to;
}

static const char *read_string(const char *at, char **string)
{
	if (*at++ != '"')
		broken(at - 1);
	/* No character is longer than its escape. */
	char *to = more(NULL, strlen(at) + 1);

	*string = to;
	while (*at != '"') {
		if (*at == '\0')
			broken("a string without an end");
		if (*at != '\\') {
			*to++ = *at++;
			continue;
		}
		const char *plain = strchr("\"\"\\\\//b\bf\fn\nr\rt\t", at[1]);
		unsigned code;

		if (at[1] == 'u' && sscanf(at + 2, "%4x", &code) == 1) {
			to = utf8(to, code);
			at += 6;
		} else if (plain) {
			*to++ = plain[1];
			at += 2;
		} else
			broken(at);
	}
	*to = '\0';
	return at + 1;
}

static const char *read_value(const char *at, struct json *value);

static const char *read_items(const char *at, struct json *value, char end)
{
	at = blank(at + 1);
	while (*at != end) {
		value->items = more(value->items, (value->count + 1) * sizeof *value->items);
		value->names = more(value->names, (value->count + 1) * sizeof *value->names);
		value->names[value->count] = NULL;
		if (end == '}') {
			at = blank(read_string(at, &value->names[value->count]));
			if (*at++ != ':')
				broken(at - 1);
		}
		at = blank(read_value(blank(at), &value->items[value->count++]));
		if (*at == ',')
			at = blank(at + 1);
		else if (*at != end)
			broken(at);
	}
	return at + 1;
}

static const char *read_value(const char *at, struct json *value)
{
	static const struct {
		const char *text;
		enum json_kind kind;
		double number;
	} words[] = { { "null", JSON_NULL, 0 }, { "true", JSON_BOOLEAN, 1 }, { "false", JSON_BOOLEAN, 0 } };
	char *end;

	memset(value, 0, sizeof *value);
	if (*at == '{' || *at == '[') {
		value->kind = *at == '{' ? JSON_OBJECT : JSON_ARRAY;
		return read_items(at, value, *at == '{' ? '}' : ']');
	}
	if (*at == '"') {
		value->kind = JSON_STRING;
		return read_string(at, &value->string);
	}
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strncmp(at, words[i].text, strlen(words[i].text)) == 0) {
			value->kind = words[i].kind;
			value->number = words[i].number;
			return at + strlen(words[i].text);
		}
	value->kind = JSON_NUMBER;
	value->number = strtod(at, &end);
	if (end == at)
		broken(at);
	return end;
}

struct json *json_read(const char *text)
{
	struct json *value = more(NULL, sizeof *value);

	if (*blank(read_value(blank(text), value)) != '\0')
		broken(text);
	return value;
}

static void drop(struct json *value)
{
	for (size_t i = 0; i < value->count; i++) {
		drop(&value->items[i]);
		free(value->names[i]);
	}
	free(value->items);
	free(value->names);
	free(value->string);
}

void json_free(struct json *value)
{
	drop(value);
	free(value);
}

const struct json *json_get(const struct json *object, const char *name)
{
	if (!object || object->kind != JSON_OBJECT)
		return NULL;
	for (size_t i = 0; i < object->count; i++)
		if (strcmp(object->names[i], name) == 0)
			return &object->items[i];
	return NULL;
}

const char *json_string(const struct json *object, const char *name)
{
	const struct json *value = json_get(object, name);

	return value && value->kind == JSON_STRING ? value->string : NULL;
}

double json_number(const struct json *object, const char *name, double otherwise)
{
	const struct json *value = json_get(object, name);

	return value && (value->kind == JSON_NUMBER || value->kind == JSON_BOOLEAN) ? value->number :
										      otherwise;
}

void text_free(struct text *text)
{
	free(text->bytes);
	*text = (struct text){ 0 };
}

static void room_for(struct text *text, size_t bytes)
{
	if (text->length + bytes + 1 <= text->room)
		return;
	text->room = 2 * (text->length + bytes + 1);
	text->bytes = more(text->bytes, text->room);
}

void text_add(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	room_for(text, (size_t)length);
	va_start(args, format);
	vsnprintf(text->bytes + text->length, (size_t)length + 1, format, args);
	va_end(args);
	text->length += (size_t)length;
}

void text_string(struct text *text, const char *string)
{
	text_add(text, "\"");
	for (; *string; string++) {
		unsigned char byte = (unsigned char)*string;

		if (byte == '"' || byte == '\\')
			text_add(text, "\\%c", byte);
		else if (byte < 0x20)
			text_add(text, "\\u%04x", byte);
		else
			text_add(text, "%c", byte);
	}
	text_add(text, "\"");
}

void text_json(struct text *text, const struct json *value)
{
	bool is_object = value->kind == JSON_OBJECT;

	switch (value->kind) {
	case JSON_NULL:
		text_add(text, "null");
		break;
	case JSON_BOOLEAN:
		text_add(text, value->number != 0 ? "true" : "false");
		break;
	case JSON_NUMBER:
		text_add(text, "%.17g", value->number);
		break;
	case JSON_STRING:
		text_string(text, value->string);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		text_add(text, is_object ? "{" : "[");
		for (size_t i = 0; i < value->count; i++) {
			text_add(text, i == 0 ? "" : ",");
			if (is_object) {
				text_string(text, value->names[i]);
				text_add(text, ":");
			}
			text_json(text, &value->items[i]);
		}
		text_add(text, is_object ? "}" : "]");
	}
}

void text_hex(struct text *text, const void *bytes, size_t length)
{
	room_for(text, 2 * length);
	for (size_t i = 0; i < length; i++)
		text_add(text, "%02x", ((const unsigned char *)bytes)[i]);
}
