#include "logs.h"

#include <inttypes.h>

#include "../../shared/clock.h"

#define MAX_SHOWN 65536

int show_level(struct span word)
{
	static const char *const words[] = { "debug", "info", "warn", "error" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (span_eq(word, words[i]))
			return (int)i + 1;
	return 0;
}

bool show_wants(const struct show *s, struct span line)
{
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *v;
	bool wanted;

	if (!s->id && !s->level)
		return true;
	v = json_parse(line, &note);
	wanted = v && (!s->id || span_eq(json_get_str(v, "request_id"), s->id)) &&
		 show_level(json_get_str(v, "level")) >= s->level;
	json_object_put(v);
	return wanted;
}

/* The hour of the day here. */
static void put_hour(struct buf *out, struct span ts)
{
	time_t s = (time_t)clock_parse(ts);
	struct tm tm;
	char text[16];

	if (!s || !localtime_r(&s, &tm) ||
	    !strftime(text, sizeof(text), "%H:%M:%S", &tm))
		cli_safe(out, ts);
	else
		buf_str(out, text);
}

static void put_value(struct buf *out, struct json_object *v)
{
	struct buf text;

	if (json_is_str(v)) {
		cli_safe(out, json_str(v));
		return;
	}
	buf_init(&text, MAX_SHOWN);
	json_write(&text, v);
	cli_safe(out, buf_span(&text));
	buf_free(&text);
}

/* "POST /v1/chat/completions 200 8213 ms": what one looks for first. */
static bool put_request(const struct cli *cli, struct json_object *v,
			struct buf *out)
{
	int64_t status = json_get_int(v, "status", 0);

	if (!json_get_str(v, "path").len)
		return false;
	cli_safe(out, json_get_str(v, "method"));
	buf_char(out, ' ');
	cli_safe(out, json_get_str(v, "path"));
	buf_fmt(out, " %s%" PRId64 "%s %" PRId64 " ms",
		cli_ink(cli, status >= 500 ? INK_BAD : status >= 400 ? INK_WARN :
			     INK_GOOD), status, cli_ink(cli, INK_PLAIN),
		json_get_int(v, "ms", 0));
	return true;
}

static bool is_shown(const char *key, bool request)
{
	static const char *const head[] = { "ts", "level", "event", "msg" };
	static const char *const of_request[] = { "method", "path", "status", "ms" };

	for (size_t i = 0; i < ARRAY_LEN(head); i++)
		if (strcmp(key, head[i]) == 0 ||
		    (request && strcmp(key, of_request[i]) == 0))
			return true;
	return false;
}

static void put_line(const struct cli *cli, struct json_object *v,
		     struct buf *out)
{
	struct span level = json_get_str(v, "level");
	struct span event = json_get_str(v, "event");
	int height = show_level(level);
	bool request;

	buf_str(out, cli_ink(cli, INK_DIM));
	put_hour(out, json_get_str(v, "ts"));
	buf_str(out, cli_ink(cli, INK_PLAIN));
	buf_fmt(out, " %s%-5.*s%s ", cli_ink(cli, height >= 4 ? INK_BAD :
		height == 3 ? INK_WARN : INK_DIM), (int)level.len, level.ptr,
		cli_ink(cli, INK_PLAIN));
	request = put_request(cli, v, out);
	if (!request) {
		buf_str(out, cli_ink(cli, INK_BOLD));
		cli_safe(out, event);
		buf_str(out, cli_ink(cli, INK_PLAIN));
	}
	if (json_get_str(v, "msg").len) {
		buf_char(out, ' ');
		cli_safe(out, json_get_str(v, "msg"));
	}
	json_object_object_foreach(v, key, value) {
		if (is_shown(key, request))
			continue;
		buf_fmt(out, " %s%s=%s", cli_ink(cli, INK_DIM), key,
			cli_ink(cli, INK_PLAIN));
		put_value(out, value);
	}
	buf_char(out, '\n');
}

void show_line(struct show *s, struct span line)
{
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *v = NULL;
	struct buf out;

	buf_init(&out, 1u << 22);
	if (s->pretty)
		v = json_parse(line, &note);
	if (json_is_object(v)) {
		put_line(s->cli, v, &out);
	} else {
		if (s->pretty)
			cli_safe(&out, line);
		else
			buf_span_add(&out, line);
		buf_char(&out, '\n');
	}
	cli_put(s->cli, &out);
	json_object_put(v);
	buf_free(&out);
}
