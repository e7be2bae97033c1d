/*
 * prompts_file.c - metadata.json and the texts beside it.
 *
 * A text is replaced in three steps, each of which is a whole file or none:
 * metadata.json gets the new one's lines beside the old one's ("next"), the
 * text is replaced, metadata.json is left with the new one's lines. Whoever
 * reads in between finds the text that is there described.
 */
#include "prompts_file.h"

#include <errno.h>

#include "ceilings.h"
#include "clock.h"
#include "file.h"
#include "text.h"

static bool path_of(const struct config *c, const char *sub, const char *name,
		    const char *end, char *out)
{
	return snprintf(out, PATH_MAX, "%s/%s%s%s", c->home, sub, name, end) <
	       PATH_MAX;
}

bool prompt_meta_path(const struct config *c, char *out)
{
	return path_of(c, "prompt_cache/", "metadata", ".json", out);
}

bool prompt_cache_path(const struct config *c, enum prompt_id id, char *out)
{
	return path_of(c, "prompt_cache/", prompt_name(id), ".md", out);
}

bool prompt_local_path(const struct config *c, enum prompt_id id, char *out)
{
	return path_of(c, "", prompt_name(id), ".md", out);
}

struct json_object *prompt_meta_read(const struct config *c,
				     struct err_note *note)
{
	struct err_note why = ERR_NOTE_INIT;
	struct json_object *tree = NULL;
	char path[PATH_MAX];
	struct buf text;

	if (!prompt_meta_path(c, path)) {
		err_set(note, ERR_SYSTEM, "the path of metadata.json is too long");
		return NULL;
	}
	buf_init(&text, MAX_PROMPT_META);
	errno = 0;
	if (file_read(path, &text, NULL, &why)) {
		if (errno != ENOENT)
			err_set(note, ERR_SYSTEM, "%s", why.why);
		goto out;
	}
	tree = json_parse(buf_span(&text), &why);
	if (!tree || !json_is_object(tree)) {
		err_set(note, ERR_SYSTEM, "%s is not a JSON object", path);
		json_object_put(tree);
		tree = NULL;
	}
out:
	buf_free(&text);
	return tree;
}

static void take_meta(struct json_object *o, struct prompt_meta *m)
{
	*m = (struct prompt_meta){
		.cached_at = clock_parse(json_get_str(o, "cached_at")),
		.size = json_get_int(o, "size", -1),
		.hash = json_get_str(o, "content_hash"),
		.etag = json_get_str(o, "etag"),
		.source = json_get_str(o, "source"),
	};
}

static bool describes(struct json_object *o, const char *hash, size_t size,
		      struct prompt_meta *m)
{
	take_meta(o, m);
	return o && span_eq(m->hash, hash) && m->size == (int64_t)size &&
	       m->cached_at > 0;
}

bool prompt_cache_read(const struct config *c, enum prompt_id id,
		       struct json_object *tree, struct buf *text,
		       struct prompt_meta *meta, struct err_note *note)
{
	struct json_object *entry = json_get_object(tree, prompt_name(id));
	struct err_note why = ERR_NOTE_INIT;
	const char *pin = prompt_pin(c, id);
	char path[PATH_MAX], hash[65];

	*meta = (struct prompt_meta){ 0 };
	if (!prompt_cache_path(c, id, path))
		return false;
	errno = 0;
	if (file_read(path, text, NULL, &why)) {
		if (errno != ENOENT || entry)
			err_set(note, ERR_SYSTEM, "%s", why.why);
		return false;
	}
	sha256_hex(buf_span(text), hash);
	if (!describes(entry, hash, text->len, meta) &&
	    !describes(json_get_object(entry, "next"), hash, text->len, meta)) {
		err_set(note, ERR_SYSTEM, "%s is not what metadata.json tells of",
			path);
		return false;
	}
	if (pin && !text_eq_nocase(span_of(pin), hash)) {
		err_set(note, ERR_SYSTEM, "%s has not the pinned SHA-256", path);
		return false;
	}
	return !prompt_fault(buf_span(text));
}

/* --- writing --- */

static struct json_object *meta_json(const struct prompt_meta *m)
{
	struct json_object *o = json_object_new_object();
	char at[32];

	clock_rfc3339(at, m->cached_at * 1000000);
	if (o && json_set_cstr(o, "cached_at", at) &&
	    json_set_str(o, "content_hash", m->hash) &&
	    json_set_int(o, "size", m->size) &&
	    json_set_str(o, "etag", m->etag) &&
	    json_set_str(o, "source", m->source))
		return o;
	json_object_put(o);
	return NULL;
}

static enum err write_tree(const char *path, struct json_object *tree,
			   struct err_note *note)
{
	struct buf text;
	enum err err;

	buf_init(&text, MAX_PROMPT_META);
	json_write(&text, tree);
	buf_char(&text, '\n');
	err = buf_err(&text);
	if (err)
		err_set(note, err, "metadata.json");
	else
		err = file_replace(path, 0600, buf_span(&text), note);
	buf_free(&text);
	return err;
}

/* The old one's lines stay where they are; the new one's come beside them. */
static enum err announce(const char *path, struct json_object *tree,
			 const char *name, const struct prompt_meta *m,
			 struct err_note *note)
{
	struct json_object *entry = json_get_object(tree, name);

	if (!entry) {
		entry = json_object_new_object();
		if (!entry || !json_set(tree, name, entry))
			return err_set(note, ERR_NO_MEMORY, "metadata.json");
	}
	if (!json_set(entry, "next", meta_json(m)))
		return err_set(note, ERR_NO_MEMORY, "metadata.json");
	return write_tree(path, tree, note);
}

/* Where a writer died between its steps the text may be the announced one:
 * then its lines become the old ones, before others are announced. */
static bool settle(const struct config *c, enum prompt_id id,
		   struct json_object *tree)
{
	struct json_object *entry = json_get_object(tree, prompt_name(id));
	struct json_object *next = json_get_object(entry, "next");
	struct prompt_meta there, announced;
	struct err_note ignored = ERR_NOTE_INIT;
	struct buf text;
	bool ok = true;

	if (!next)
		return true;
	buf_init(&text, MAX_PROMPT);
	take_meta(next, &announced);
	if (prompt_cache_read(c, id, tree, &text, &there, &ignored) &&
	    there.hash.ptr == announced.hash.ptr)
		ok = json_set(tree, prompt_name(id), json_ref(next));
	buf_free(&text);
	return ok;
}

enum err prompt_cache_write(const struct config *c, enum prompt_id id,
			    struct span text, const struct prompt_meta *meta,
			    struct err_note *note)
{
	struct json_object *tree, *entry;
	struct err_note ignored = ERR_NOTE_INIT;
	char path[PATH_MAX], meta_path[PATH_MAX], *slash;
	enum err err;

	if (!prompt_cache_path(c, id, path) || !prompt_meta_path(c, meta_path))
		return err_set(note, ERR_SYSTEM, "the path is too long");
	slash = strrchr(path, '/');
	*slash = '\0';
	err = file_make_dir(path, note);
	*slash = '/';
	if (err)
		return err;
	tree = prompt_meta_read(c, &ignored);
	if (!tree)
		tree = json_object_new_object();
	entry = meta_json(meta);
	if (!tree || !entry || !settle(c, id, tree)) {
		err = err_set(note, ERR_NO_MEMORY, "metadata.json");
		json_object_put(entry);
		goto out;
	}
	if (text.ptr)
		err = announce(meta_path, tree, prompt_name(id), meta, note);
	if (text.ptr && !err)
		err = file_replace(path, 0600, text, note);
	if (err) {
		json_object_put(entry);
		goto out;
	}
	err = json_set(tree, prompt_name(id), entry) ?
	      write_tree(meta_path, tree, note) :
	      err_set(note, ERR_NO_MEMORY, "metadata.json");
out:
	json_object_put(tree);
	return err;
}
