/*
 * login_refused.c - what the issuer refused for good, remembered beside the
 * login: {"refresh_token_sha256", "issuer", "client_id", "code", "at"}.
 *
 * It holds for that very token at that issuer only: a new login, or another
 * setting, needs nobody to clear it.
 */
#include <unistd.h>

#include "clock.h"
#include "login_file.h"
#include "text.h"

#define MAX_REFUSED	4096

static bool refused_path(const char *real, char out[PATH_MAX])
{
	return snprintf(out, PATH_MAX, "%s.refused", real) < PATH_MAX;
}

static bool says(struct json_object *v, const char *key, const char *want)
{
	return span_eq(json_get_str(v, key), want ? want : "");
}

bool login_refused(const struct config *c, const char *real,
		   const char *hash, char *code)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct json_object *v = NULL;
	char path[PATH_MAX];
	struct span word;
	struct buf text;
	bool found = false;

	buf_init(&text, MAX_REFUSED);
	if (!refused_path(real, path) ||
	    file_read(path, &text, NULL, &ignored))
		goto out;
	v = json_parse(buf_span(&text), &ignored);
	found = says(v, "refresh_token_sha256", hash) &&
		says(v, "issuer", c->auth_issuer) &&
		says(v, "client_id", c->oauth_client_id);
	word = json_get_str(v, "code");
	if (!login_word_ok(word, 63))
		word = SPAN("refused");
	text_copy(code, 64, word);
out:
	json_object_put(v);
	buf_free(&text);
	return found;
}

void login_refused_set(const struct config *c, const char *real,
		       const char *hash, const char *code)
{
	char path[PATH_MAX], at[32];
	struct buf text;

	if (!refused_path(real, path))
		return;
	clock_rfc3339(at, clock_wall_us());
	buf_init(&text, MAX_REFUSED);
	buf_str(&text, "{\"refresh_token_sha256\":");
	buf_json(&text, span_of(hash));
	buf_str(&text, ",\"issuer\":");
	buf_json(&text, span_of(c->auth_issuer));
	buf_str(&text, ",\"client_id\":");
	buf_json(&text, span_of(c->oauth_client_id));
	buf_str(&text, ",\"code\":");
	buf_json(&text, span_of(code));
	buf_str(&text, ",\"at\":");
	buf_json(&text, span_of(at));
	buf_str(&text, "}\n");
	/* Not written: the next one hears it from the issuer again. */
	if (!buf_err(&text) &&
	    file_replace(path, 0600, buf_span(&text), NULL))
		(void)unlink(path);
	buf_free(&text);
}

void login_refused_forget(const char *real)
{
	char path[PATH_MAX];

	if (refused_path(real, path))
		(void)unlink(path);
}
