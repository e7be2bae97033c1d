/* prompts.c - which texts there are, and the chain that a reader goes. */
#include "prompts_file.h"

#include <errno.h>

#include "ceilings.h"
#include "clock.h"
#include "file.h"
#include "text.h"

static const struct { const char *name, *built_in; } table[PROMPT__COUNT] = {
	[PROMPT_BASE] = {
		"base_instructions",
		"You are a careful and capable assistant. Follow the user's "
		"instructions, be precise, and say what you are not sure of.",
	},
	[PROMPT_CODEX] = {
		"gpt5_codex_instructions",
		"You are a careful and capable coding agent. Follow the user's "
		"instructions, keep changes small, and say what you are not sure "
		"of.",
	},
};

const char *prompt_name(enum prompt_id id)
{
	return table[id].name;
}

const char *prompt_origin_word(enum prompt_origin o)
{
	static const char *const words[] = {
		"cache", "expired cache", "local file", "built in"
	};

	return words[o];
}

enum prompt_id prompt_for(struct span model)
{
	for (; model.len >= 5; model.ptr++, model.len--)
		if (text_starts_nocase(model, "codex"))
			return PROMPT_CODEX;
	return PROMPT_BASE;
}

bool prompts_in_use(const struct config *c)
{
	return c->injection != INJECT_DISABLED || !c->no_base_instructions;
}

const char *prompt_urls(const struct config *c, enum prompt_id id)
{
	return id == PROMPT_CODEX ? c->prompt_codex_urls : c->prompt_base_urls;
}

const char *prompt_pin(const struct config *c, enum prompt_id id)
{
	return id == PROMPT_CODEX ? c->prompt_codex_sha256 : c->prompt_base_sha256;
}

const char *prompt_fault(struct span text)
{
	struct span trimmed = text_trim(text);

	if (span_starts(trimmed, "\xef\xbb\xbf")) {
		trimmed.ptr += 3;
		trimmed.len -= 3;
		trimmed = text_trim(trimmed);
	}
	if (!trimmed.len)
		return "it is empty";
	if (text.len > MAX_PROMPT)
		return "it is over its size";
	if (memchr(text.ptr, '\0', text.len) || !utf8_valid(text))
		return "it is not text in UTF-8";
	if (text_starts_nocase(trimmed, "<!doctype") ||
	    text_starts_nocase(trimmed, "<html"))
		return "it is HTML";
	return NULL;
}

/* --- reading --- */

static bool is_missing(const char *path)
{
	struct file_stamp stamp;

	return !file_stat(path, &stamp) && errno == ENOENT;
}

static bool read_local(const struct config *c, enum prompt_id id,
		       struct buf *text, struct err_note *note)
{
	char path[PATH_MAX];
	const char *fault;

	buf_reset(text);
	if (!prompt_local_path(c, id, path) || is_missing(path) ||
	    file_read(path, text, NULL, note))
		return false;
	fault = prompt_fault(buf_span(text));
	if (fault)
		err_set(note, ERR_SYSTEM, "%s: %s", path, fault);
	return !fault;
}

static bool is_fresh(const struct config *c, int64_t cached_at, int64_t at_s)
{
	return cached_at <= at_s + 300 &&
	       cached_at + c->prompt_ttl_ms / 1000 > at_s;
}

static bool read_one(const struct config *c, enum prompt_id id,
		     struct json_object *tree, struct prompt *p,
		     struct err_note *note)
{
	struct err_note why = ERR_NOTE_INIT;
	struct prompt_meta meta;
	struct buf text;

	buf_init(&text, MAX_PROMPT);
	if (prompt_cache_read(c, id, tree, &text, &meta, &why)) {
		p->cached_at = meta.cached_at;
		p->origin = is_fresh(c, meta.cached_at, clock_wall_us() / 1000000) ?
			    PROMPT_CACHED : PROMPT_EXPIRED;
		goto out;
	}
	p->broken = why.code != ERR_NONE;
	if (why.code)
		err_set(note, why.code, "%s", why.why);
	if (read_local(c, id, &text, note)) {
		p->origin = PROMPT_LOCAL;
	} else {
		buf_reset(&text);
		buf_str(&text, table[id].built_in);
		p->origin = PROMPT_BUILT_IN;
	}
out:
	p->len = text.len;
	p->text = buf_take(&text);
	buf_free(&text);
	return p->text != NULL;
}

/* A writer may have been between its two files: then the metadata's stamp
 * tells that it is worth another look. */
struct prompts *prompts_read(const struct config *c)
{
	struct file_stamp before, after;
	struct prompts *p = NULL;
	char path[PATH_MAX];

	if (!prompt_meta_path(c, path))
		return NULL;
	for (int look = 0; look < 4; look++) {
		struct err_note note = ERR_NOTE_INIT;
		struct json_object *tree;
		bool ok = true;

		prompts_unref(p);
		p = calloc(1, sizeof(*p));
		if (!p)
			return NULL;
		p->refs = 1;
		file_stat(path, &before);
		tree = prompt_meta_read(c, &note);
		for (int id = 0; id < PROMPT__COUNT; id++)
			ok = ok && read_one(c, (enum prompt_id)id, tree,
					    &p->of[id], &note);
		json_object_put(tree);
		if (!ok) {
			prompts_unref(p);
			return NULL;
		}
		text_copy(p->why, sizeof(p->why), span_of(note.why));
		file_stat(path, &after);
		if (!note.code || file_stamp_eq(&before, &after))
			break;
	}
	return p;
}

struct prompts *prompts_ref(struct prompts *p)
{
	if (p)
		p->refs++;
	return p;
}

void prompts_unref(struct prompts *p)
{
	if (!p || --p->refs)
		return;
	for (int id = 0; id < PROMPT__COUNT; id++)
		free(p->of[id].text);
	free(p);
}

bool prompt_due(const struct config *c, enum prompt_id id, int64_t now_s,
		int64_t at_s, int64_t *left_s)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct json_object *tree = prompt_meta_read(c, &ignored);
	struct prompt_meta meta = { 0 };
	struct buf text;
	bool there;

	buf_init(&text, MAX_PROMPT);
	there = prompt_cache_read(c, id, tree, &text, &meta, &ignored);
	buf_free(&text);
	json_object_put(tree);
	*left_s = there ? meta.cached_at + c->prompt_ttl_ms / 1000 - now_s : 0;
	return !there || !is_fresh(c, meta.cached_at, now_s) ||
	       !is_fresh(c, meta.cached_at, at_s);
}
