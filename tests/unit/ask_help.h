/*
 * ask_help.h - for the tests of the request side: settings, a catalogue, and
 * JSON written with ' for " so that tables stay readable.
 */
#ifndef CHATMOCK_ASK_HELP_H
#define CHATMOCK_ASK_HELP_H

#include "../../fcgi/stream/payload.h"
#include "../../fcgi/tongues/ask.h"
#include "../../shared/ceilings.h"
#include "test.h"

#define SESSION "5e5510a0-0000-5000-8000-000000000001"
#define CHATGPT "CHATMOCK_UPSTREAM_KIND=chatgpt"
#define RESPONSES "CHATMOCK_UPSTREAM_KIND=responses"

struct bench {
	struct config config;
	struct catalog *catalog;
	struct ask ask;
	struct err_note note;
	struct json_object *body;
	struct buf out;
};

/* sets: "NAME=VALUE", blanks between. */
static inline bool bench_open(struct bench *b, const char *sets)
{
	static char *const none[] = { NULL };
	const char *list[8];
	char text[512], *save = NULL;
	size_t count = 0;

	*b = (struct bench){ .note = ERR_NOTE_INIT };
	buf_init(&b->out, SIZE_MAX);
	snprintf(text, sizeof(text), "%s", sets);
	for (char *p = strtok_r(text, " ", &save); p && count < 8;
	     p = strtok_r(NULL, " ", &save))
		list[count++] = p;
	if (config_read(&b->config, none, list, count, &b->note)) {
		printf("settings: %s\n", b->note.tell);
		return false;
	}
	b->catalog = catalog_new(&b->config);
	ask_init(&b->ask, &b->config, b->catalog);
	return b->catalog != NULL;
}

/* Frees in the order in which the program does: the body first. */
static inline void bench_close(struct bench *b)
{
	json_object_put(b->body);
	b->body = NULL;
	ask_free(&b->ask);
	ask_free(&b->ask);
	catalog_free(b->catalog);
	config_free(&b->config);
	buf_free(&b->out);
}

/* The body from text with ' for ". */
static inline bool bench_body(struct bench *b, const char *text)
{
	char *copy = strdup(text);

	for (char *p = copy; p && *p; p++)
		if (*p == '\'')
			*p = '"';
	b->body = json_parse(span_of(copy), &b->note);
	free(copy);
	return b->body != NULL;
}

/* The body may go before the request: what is shared is counted. And the body
 * is the same afterwards. */
static inline void body_untouched(const char *sets, const char *body,
				  enum err (*ask)(struct ask *a,
						  struct json_object *body,
						  struct err_note *note))
{
	struct buf before, after;
	struct bench b;

	buf_init(&before, SIZE_MAX);
	buf_init(&after, SIZE_MAX);
	bench_open(&b, sets);
	check(bench_body(&b, body));
	json_write(&before, b.body);
	check_int(ask(&b.ask, b.body, &b.note), ERR_NONE);
	check_int(payload_build(&b.ask, SESSION, &b.out, &b.note), ERR_NONE);
	json_write(&after, b.body);
	check_str(buf_span(&after), before.ptr);
	buf_free(&before);
	buf_free(&after);
	bench_close(&b);
}

/* What out holds, with ' for ", to compare with a table. */
static inline struct span bench_out(struct bench *b)
{
	for (size_t i = 0; i < b->out.len; i++)
		if (b->out.ptr[i] == '"')
			b->out.ptr[i] = '\'';
	return buf_span(&b->out);
}

#endif
