/*
 * catalog.h - which models there are and what each can do.
 *
 * Immutable once made; any thread may read it while who gave it the thread
 * holds a reference. Names that it does not know are passed upstream
 * unchanged: a new model must never wait for us.
 *
 * A catalogue is the built-in table, or upstream's list (catalog_file.h) with
 * the rest of the table behind it: known, but not listed.
 */
#ifndef CHATMOCK_CATALOG_H
#define CHATMOCK_CATALOG_H

#include "config.h"

enum effort { EFFORT_NONE, EFFORT_MINIMAL, EFFORT_LOW, EFFORT_MEDIUM,
	      EFFORT_HIGH, EFFORT_XHIGH, EFFORT_MAX, EFFORT_ULTRA,
	      EFFORT__COUNT, EFFORT_UNSET = -1 };

struct model {
	const char *slug, *name;
	int priority;			/* ascending = order of the list */
	bool visible;
	bool detailed;			/* false: what it can do is not known */
	int64_t context_window;		/* tokens; 0: not known */
	int64_t max_output_tokens;	/* 0: not known */
	unsigned efforts;		/* bit 1 << enum effort */
	enum effort default_effort;
	bool has_priority_tier, vision, tools, verbosity;
};

struct catalog;
struct catalog *catalog_new(const struct config *c);	/* NULL: no memory */

/* References are counted on one thread, that of the loop. A catalogue is
 * born with one; catalog_free() drops one. NULL is fine in both. */
struct catalog *catalog_ref(const struct catalog *c);
void catalog_free(struct catalog *c);

/* Where upstream's list came from; all empty for the built-in table. Strings
 * and spans are the catalogue's. */
struct catalog_origin {
	const char *upstream, *account, *client_version, *etag, *announced;
	int64_t fetched_at;		/* Unix seconds; 0: the built-in table */
	struct span native;		/* upstream's own JSON array of Codex'
					 * shape, to the letter; or empty */
};
const struct catalog_origin *catalog_origin(const struct catalog *c);

size_t catalog_count(const struct catalog *c);		/* in order of priority */
const struct model *catalog_at(const struct catalog *c, size_t i);
const struct model *catalog_find(const struct catalog *c, struct span slug);
const struct model *catalog_default(const struct catalog *c);

/*
 * What a client's model name stands for: CHATMOCK_DEBUG_MODEL, then aliases
 * and patterns of [models], then an effort suffix (-high, :high, _high; taken
 * off only when what is left is a known model and the whole is not), then
 * the name unchanged. effort is EFFORT_UNSET where the name carried none.
 * known is NULL for a name the catalogue does not have, or has no more of
 * than the name. It is good while the catalogue is.
 * ERR_BAD_REQUEST for an empty or over-long name or one with control bytes.
 */
struct model_choice {
	char slug[257];
	enum effort effort;
	const struct model *known;
};
MUST_USE enum err catalog_choose(const struct catalog *c, struct span asked,
				 struct model_choice *out, struct err_note *note);

/* Up to three names nearest to asked, ", " between; nothing when none is near.
 * The model that asked already stands for is not among them. */
void catalog_suggest(const struct catalog *c, struct span asked, struct buf *out);

/* EFFORT_UNSET when the word is none. */
enum effort effort_parse(struct span word);
const char *effort_name(enum effort e);

/* The nearest effort that the model lists, ultra never (max or below); known
 * may be NULL: e unchanged but ultra, which becomes max. */
enum effort effort_clamp(const struct model *known, enum effort e);

#endif
