/*
 * prompts_about.c - the prompts as a person asks for them: what is there and
 * how old, and how it is forgotten.
 */
#include <errno.h>
#include <unistd.h>

#include "ceilings.h"
#include "clock.h"
#include "file.h"
#include "prompts_file.h"
#include "text.h"

void prompt_about(const struct config *c, enum prompt_id id,
		  struct prompt_about *out)
{
	struct err_note ignored = ERR_NOTE_INIT;
	int64_t now_s = clock_wall_us() / 1000000, left_s;
	struct json_object *tree;
	struct prompt_meta meta;
	struct prompts *all;
	struct buf text;

	*out = (struct prompt_about){ .origin = PROMPT_BUILT_IN };
	all = prompts_read(c);
	if (all) {
		out->origin = all->of[id].origin;
		out->broken = all->of[id].broken;
		out->size = all->of[id].len;
		out->cached_at = all->of[id].cached_at;
		sha256_hex((struct span){ all->of[id].text, all->of[id].len },
			   out->hash);
	}
	if (!prompt_due(c, id, now_s, now_s, &left_s))
		out->fresh_s = left_s;
	prompts_unref(all);
	buf_init(&text, MAX_PROMPT);
	tree = prompt_meta_read(c, &ignored);
	if (prompt_cache_read(c, id, tree, &text, &meta, &ignored)) {
		text_copy(out->etag, sizeof(out->etag), meta.etag);
		text_copy(out->source, sizeof(out->source), meta.source);
	}
	json_object_put(tree);
	buf_free(&text);
}

/* The fetcher's own lock: who is writing a text is not disturbed. */
static enum err take_lock(const struct config *c, int wait_ms, int *lock,
			  struct err_note *note)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/fetch.lock", c->home) >=
	    (int)sizeof(path))
		return err_set(note, ERR_SYSTEM, "CHATMOCK_HOME is too long a path");
	return file_make_dir(c->home, note) ? note->code :
		file_lock(path, wait_ms, lock, note);
}

/* As old as can be, and of no ETag: it is got whole, and used until then. */
enum err prompt_invalidate(const struct config *c, enum prompt_id id,
			   int wait_ms, struct err_note *note)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct json_object *tree = NULL;
	struct prompt_meta meta;
	struct buf text;
	int lock;

	if (take_lock(c, wait_ms, &lock, note))
		return note->code;
	buf_init(&text, MAX_PROMPT);
	tree = prompt_meta_read(c, note);
	if (!note->code && prompt_cache_read(c, id, tree, &text, &meta, &ignored)) {
		meta.cached_at = 1;
		meta.etag = SPAN("");
		if (prompt_cache_write(c, id, (struct span){ NULL, 0 }, &meta, note))
			err_set(note, ERR_SYSTEM, "metadata.json");
	}
	json_object_put(tree);
	buf_free(&text);
	close(lock);
	return note->code;
}

static enum err remove_file(const char *path, struct err_note *note)
{
	if (unlink(path) == 0 || errno == ENOENT)
		return 0;
	return err_set(note, ERR_SYSTEM, "removing %.150s: %s", path,
		       strerror(errno));
}

/* metadata.json first: a text that it does not tell of is none. */
enum err prompts_clear(const struct config *c, int wait_ms,
		       struct err_note *note)
{
	char path[PATH_MAX];
	int lock;

	if (take_lock(c, wait_ms, &lock, note))
		return note->code;
	if (prompt_meta_path(c, path) && !remove_file(path, note))
		for (int id = 0; id < PROMPT__COUNT; id++)
			if (prompt_cache_path(c, (enum prompt_id)id, path) &&
			    remove_file(path, note))
				break;
	close(lock);
	return note->code;
}

bool prompt_parse(const char *name, enum prompt_id *id)
{
	for (int i = 0; i < PROMPT__COUNT; i++) {
		*id = (enum prompt_id)i;
		if (strcmp(prompt_name(*id), name) == 0)
			return true;
	}
	return false;
}
