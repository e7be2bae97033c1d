/*
 * prompts.h - the system prompts that may be put into requests: where they
 * are kept, and how they are got.
 *
 * Two texts, in $CHATMOCK_HOME/prompt_cache, with metadata.json beside them:
 * for each its cached_at, content_hash (SHA-256), size, etag and source. The
 * fetcher writes, everybody reads. A text counts only when its hash is the one
 * that metadata.json tells, so half of a pair is never used; while a text is
 * replaced metadata.json tells of the old and the new one, so that whenever
 * the writer dies one whole pair is there.
 *
 * A reader takes the first there is of: the cache (also when its time,
 * CHATMOCK_PROMPT_TTL, is over: it is the fetcher's to get a fresh one), a
 * local file of the same name in $CHATMOCK_HOME, a built-in text.
 */
#ifndef CHATMOCK_PROMPTS_H
#define CHATMOCK_PROMPTS_H

#include "config.h"
#include "http.h"
#include "metrics.h"

enum prompt_id {
	PROMPT_BASE,		/* base_instructions */
	PROMPT_CODEX,		/* gpt5_codex_instructions */
	PROMPT__COUNT
};

/* "base_instructions"; the file has ".md" behind it. */
const char *prompt_name(enum prompt_id id);

/* The one for this model: PROMPT_CODEX where its name contains "codex". */
enum prompt_id prompt_for(struct span model);

/* True when some setting puts prompts into requests. */
bool prompts_in_use(const struct config *c);

enum prompt_origin { PROMPT_CACHED, PROMPT_EXPIRED, PROMPT_LOCAL, PROMPT_BUILT_IN };
const char *prompt_origin_word(enum prompt_origin o);	/* "cache" ... */

struct prompt {
	char *text;			/* NUL-terminated */
	size_t len;
	enum prompt_origin origin;	/* when it was read */
	int64_t cached_at;		/* Unix seconds, 0: not of the cache */
	bool broken;			/* the cache has it, but not as it should */
};

/* All of them as they were at one moment; never changed once made. refs is
 * one thread's. */
struct prompts {
	unsigned refs;
	struct prompt of[PROMPT__COUNT];
	char why[200];		/* what is wrong with files that are there, or "" */
};

/* Blocking. One reference is the caller's. NULL: no memory. */
struct prompts *prompts_read(const struct config *c);
struct prompts *prompts_ref(struct prompts *p);		/* NULL is fine */
void prompts_unref(struct prompts *p);			/* NULL is fine */

/* What a person asks of one. Blocking. */
struct prompt_about {
	enum prompt_origin origin;
	bool broken;			/* as struct prompt has it */
	size_t size;
	int64_t cached_at;		/* Unix seconds, 0: not of the cache */
	int64_t fresh_s;		/* so long it is fresh; 0: it is not */
	char hash[65], etag[200], source[300];	/* or "" */
};
void prompt_about(const struct config *c, enum prompt_id id,
		  struct prompt_about *out);

/* False: it is no prompt's name. */
bool prompt_parse(const char *name, enum prompt_id *id);

/*
 * Forgetting, blocking, under the fetcher's lock, for which they wait
 * (ERR_BUSY). An invalid text counts as run out and is got whole by the next
 * run, and used until then; cleared ones are gone.
 */
MUST_USE enum err prompt_invalidate(const struct config *c, enum prompt_id id,
				    int wait_ms, struct err_note *note);
MUST_USE enum err prompts_clear(const struct config *c, int wait_ms,
				struct err_note *note);

/*
 * --- as a worker holds them: looked at once a second, in a thread. Where the
 * cache is broken what was read of it before goes on being used.
 */

struct prompts_keeper;

/* On the loop, when other texts are there than before. */
typedef void (*prompts_told_fn)(void *ctx, const struct prompts *p);

/* Reads them at once. NULL: no memory. c must outlive the loop's threads. */
struct prompts_keeper *prompts_keeper_new(const struct config *c, struct loop *l,
					  prompts_told_fn told, void *ctx);
void prompts_keeper_free(struct prompts_keeper *k);	/* NULL is fine */

/* What is held now, with a reference for the caller; NULL gives NULL. */
struct prompts *prompts_now(struct prompts_keeper *k);

/* --- getting them: for one writer at a time, who holds the fetcher's lock */

struct prompt_patience {
	int tries;		/* for a source, when it may go well later */
	int try_ms;		/* all of one call */
	int pause_ms;		/* after the first; doubled, and jittered */
};
#define PROMPT_PATIENCE ((struct prompt_patience){ 3, 10000, 1000 })

/* True when it is not there, or its time will be over at at_s. left_s: how
 * long it is fresh from now_s on. */
bool prompt_due(const struct config *c, enum prompt_id id, int64_t now_s,
		int64_t at_s, int64_t *left_s);

struct prompt_news {
	bool changed;			/* another text than before */
	bool confirmed;			/* the source said that ours is current */
	size_t size;
	char source[256];		/* cut to fit */
};

/*
 * Blocking. Asks the sources in their order, conditionally where we have its
 * text, until one gives a text that counts: valid UTF-8, no HTML, not empty,
 * at most MAX_PROMPT, with the pinned hash where one is pinned. Then the files
 * are replaced. ERR_SYSTEM: they could not be; else the last source's fault,
 * with a word on each in why. What was there stays then. A source that failed
 * again and again is left alone for a while: its breaker is in m, which may be
 * NULL.
 */
MUST_USE enum err prompt_fetch(const struct config *c,
			       const struct http_settings *http,
			       struct metrics *m, enum prompt_id id,
			       const struct prompt_patience *patience,
			       struct prompt_news *news, struct err_note *note);

#endif
