/*
 * prompts_file.h - metadata.json and the texts beside it, for prompts*.c and
 * their tests alone.
 */
#ifndef CHATMOCK_PROMPTS_FILE_H
#define CHATMOCK_PROMPTS_FILE_H

#include <limits.h>

#include "json.h"
#include "prompts.h"

#define MAX_PROMPT_META	(64u << 10)

/* What metadata.json tells of one text. Spans borrow from the tree. */
struct prompt_meta {
	int64_t cached_at;		/* Unix seconds, 0: not there */
	int64_t size;
	struct span hash, etag, source;
};

/* PATH_MAX bytes each. False: too long. */
bool prompt_meta_path(const struct config *c, char *out);
bool prompt_cache_path(const struct config *c, enum prompt_id id, char *out);
bool prompt_local_path(const struct config *c, enum prompt_id id, char *out);

/* The tree of metadata.json, to be put; NULL: it is not there, or (with the
 * note set) can not be read. */
struct json_object *prompt_meta_read(const struct config *c,
				     struct err_note *note);

/*
 * The text in the cache, appended to text, and what is told of it: true only
 * when it is one whole pair, and the pinned one where a hash is pinned. note
 * says what is wrong with what is there.
 */
bool prompt_cache_read(const struct config *c, enum prompt_id id,
		       struct json_object *tree, struct buf *text,
		       struct prompt_meta *meta, struct err_note *note);

/* Puts both in the place of what is there. text.ptr NULL: only what is told
 * of it has changed. */
MUST_USE enum err prompt_cache_write(const struct config *c, enum prompt_id id,
				     struct span text,
				     const struct prompt_meta *meta,
				     struct err_note *note);

/* What keeps this from being a prompt, or NULL. */
const char *prompt_fault(struct span text);

/* The settings of this one. */
const char *prompt_urls(const struct config *c, enum prompt_id id);
const char *prompt_pin(const struct config *c, enum prompt_id id);	/* or NULL */

#endif
