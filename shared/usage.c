/* usage.c - see usage.h. */
#include "usage.h"

#include "ceilings.h"
#include "clock.h"
#include "guard.h"

#define USAGE_MS	5000
#define MAX_URL		8192

/* Beside the upstream's own path: .../backend-api/wham/usage. */
static bool usage_url(const struct config *c, char out[MAX_URL])
{
	static const char last[] = "/codex";
	size_t len = strlen(c->upstream_base), end = sizeof(last) - 1;

	if (len > end && strcmp(c->upstream_base + len - end, last) == 0)
		len -= end;
	return snprintf(out, MAX_URL, "%.*s/wham/usage", (int)len,
			c->upstream_base) < MAX_URL;
}

static bool add_header(const char **lines, size_t *count, struct buf *text,
		       const char *name, const char *value)
{
	if (!value || !*value)
		return true;
	buf_init(text, MAX_REQUEST_HEAD * 2);
	buf_fmt(text, "%s: %s", name, value);
	lines[(*count)++] = text->ptr;
	return !buf_err(text);
}

static enum err ask(const struct config *c, const struct http_settings *s,
		    struct metrics *m, const struct login *l, const char *url,
		    struct http_reply *reply, struct err_note *note)
{
	const char *lines[5] = { "Accept: application/json",
				 "originator: chatmock" };
	struct http_request r = { .method = "GET", .url = url, .headers = lines,
				  .header_count = 2 };
	struct buf text[2] = { { 0 }, { 0 } };
	struct guard guard;
	char bearer[MAX_REQUEST_HEAD + 16];
	enum err err;

	buf_init(&text[0], 1);
	buf_init(&text[1], 1);
	if (l->fedramp)
		lines[r.header_count++] = "X-OpenAI-Fedramp: true";
	snprintf(bearer, sizeof(bearer), "Bearer %s", l->access_token);
	if (!add_header(lines, &r.header_count, &text[0], "Authorization", bearer) ||
	    !add_header(lines, &r.header_count, &text[1], "chatgpt-account-id",
			l->account_id)) {
		err = err_set(note, ERR_NO_MEMORY, "limits");
	} else {
		guard_init(&guard, m, c, "limits", url);
		err = guard_fetch(&guard, s, &r, USAGE_MS, MAX_CACHE_FILE,
				  reply, note);
	}
	explicit_bzero(bearer, sizeof(bearer));
	buf_wipe_free(&text[0]);
	buf_wipe_free(&text[1]);
	return err;
}

/* The answer into the gauges and the file. */
static enum err keep(const struct config *c, struct metrics *m,
		     const struct http_reply *reply, struct plan *plan,
		     int *again_ms, struct err_note *note)
{
	struct json_object *document;
	enum err err;

	if (reply->status != 200)
		return err_set(note, reply->status == 401 ? ERR_LOGIN_RENEWAL :
			       ERR_UPSTREAM_ERROR, "%s: status %d", "wham/usage",
			       reply->status);
	document = json_parse(buf_span(&reply->body), note);
	if (!document)
		return note ? note->code : ERR_UPSTREAM_GARBLED;
	if (!plan_from_json(plan, document, clock_wall_us() / 1000000)) {
		err = err_set(note, ERR_UPSTREAM_GARBLED,
			      "wham/usage tells of no limits");
	} else {
		plan_gauges(plan, m);
		err = plan_write(c->home, plan, again_ms, note);
	}
	json_object_put(document);
	return err;
}

bool usage_known(const struct config *c)
{
	return c->kind == KIND_CHATGPT && !c->upstream_key &&
	       !c->upstream_key_file;
}

enum err usage_ask(const struct config *c, const struct http_settings *s,
		   struct metrics *m, const struct login *l, struct plan *plan,
		   int *again_ms, struct err_note *note)
{
	struct http_reply reply = { 0 };
	char url[MAX_URL];
	enum err err;

	plan_init(plan);
	*again_ms = 0;
	if (!usage_url(c, url))
		return err_set(note, ERR_CONFIG, "the upstream's URL is too long");
	err = ask(c, s, m, l, url, &reply, note);
	if (!err)
		err = keep(c, m, &reply, plan, again_ms, note);
	http_reply_free(&reply);
	return err;
}
