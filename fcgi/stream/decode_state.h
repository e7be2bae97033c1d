/*
 * decode_state.h - what a decoder remembers; between decode*.c alone.
 *
 * An item is one output item of the answer, a part one text inside it: a
 * text or refusal part of a message, a summary or text of a reasoning item, a
 * call's arguments. What was told of a part is known by length and hash, so
 * that a later copy of the whole (".done") adds what is missing, and nothing
 * when it is not a continuation of what was told.
 */
#ifndef CHATMOCK_DECODE_STATE_H
#define CHATMOCK_DECODE_STATE_H

#include "decode.h"

enum item_kind { ITEM_OTHER, ITEM_MESSAGE, ITEM_REASONING, ITEM_CALL };
enum part_kind { PART_TEXT, PART_REFUSAL, PART_SUMMARY, PART_THOUGHT, PART_ARGS };

struct item {
	int64_t index;			/* output_index, -1: never said */
	uint64_t id, call_id;		/* hashes, 0: never said */
	enum item_kind kind;
	unsigned call;
	bool custom;			/* a call with free text */
	bool begun;			/* EVENT_CALL was told */
	bool call_ended;		/* EVENT_CALL_END was told */
	bool done;			/* output_item.done was seen */
	bool seen;			/* met in response.completed.output */
};

struct part {
	size_t item;
	int64_t index;			/* content_index or summary_index */
	enum part_kind kind;
	bool ended;			/* EVENT_TEXT_END was told */
	size_t told;			/* bytes */
	uint64_t hash;			/* of the bytes told */
	size_t notes;			/* annotations told */
};

struct decoder {
	event_fn fn;
	void *ctx;
	struct item *items;
	size_t item_count, item_size;
	struct part *parts;
	size_t part_count, part_size;
	size_t last;			/* the part found last: a guess */
	size_t open_text;		/* part + 1 whose text is open, 0: none */
	unsigned calls;
	bool started, ended;
	bool thought;			/* some reasoning was told */
	struct buf scratch;		/* a delta without its escapes */
	struct pass *pass;		/* or NULL: see decode_pass.c */
	/* during a call */
	struct span raw;		/* not yet told */
	const struct event_source *source;
	struct err_note *note;
};

/* What an event of a type means (decode.c); field: where its matter is. */
struct rule {
	struct span type;
	enum err (*act)(struct decoder *d, const struct rule *rule,
			struct json_object *root);
	enum part_kind part;
	const char *field;
};

/* Where a delta or a text belongs, as the event says it. */
struct place {
	int64_t output_index;		/* -1: not said */
	int64_t index;			/* of the part */
	struct span item_id;
};

/* Sends one event on, with what is left of raw. */
enum err decode_tell(struct decoder *d, struct event *ev);

/* More of a part. Text that belongs to a call nobody named yet is left for
 * the item's end. */
enum err decode_delta(struct decoder *d, enum part_kind kind,
		      const struct place *at, struct span text);

/* All of a part; what was not told yet is told. */
enum err decode_rest(struct decoder *d, enum part_kind kind,
		     const struct place *at, struct span text);

enum err decode_annotation(struct decoder *d, const struct place *at,
			   struct json_object *annotation);

/* content_part.done: rest, annotations and the end of a text. */
enum err decode_part_done(struct decoder *d, const struct place *at,
			  struct json_object *part);

/* What an item is called, wherever it was read. */
struct item_words {
	struct span type, id, call_id, name;
};
struct item_words item_words_of(struct json_object *item);

enum err decode_item_added(struct decoder *d, int64_t output_index,
			   const struct item_words *words);
enum err decode_item_done(struct decoder *d, int64_t output_index,
			  struct json_object *item);

/* Tells text as more of the part; or what is missing of the whole of it. */
enum err part_tell(struct decoder *d, const struct item *it, struct part *p,
		   struct span text);
enum err part_rest(struct decoder *d, const struct item *it, struct part *p,
		   struct span text);

/* For what ends an item: its rest, from the whole of it; a text that is open;
 * a call whose arguments are all told (args may be empty). */
enum err item_finish(struct decoder *d, struct item *it,
		     struct json_object *item);
enum err item_end_text(struct decoder *d, struct part *p);
enum err item_begin_call(struct decoder *d, struct item *it,
			 const struct item_words *words);
enum err item_finish_call(struct decoder *d, struct item *it,
			  const struct item_words *words, struct span args);
enum err item_end_call(struct decoder *d, struct item *it, struct span args);
enum item_kind item_kind_of(struct span type);

/* The item an output_item event speaks of; anew says that a done one of the
 * same place is another. */
struct item *item_at(struct decoder *d, int64_t output_index,
		     const struct item_words *words, bool anew);

/* One part of a message at its end; notes: its annotations. */
struct part_words {
	bool refusal;
	struct span text;
	struct json_object *notes;
};
enum err item_finish_part(struct decoder *d, struct item *it, int64_t index,
			  const struct part_words *words);

/* The item not accounted for yet that is meant in response.completed's
 * output; marked so. NULL: none. */
struct item *item_take_told(struct decoder *d, const struct item_words *words,
			    bool by_id);

/* response.completed's output: only what no event told. Then the open
 * ends (decode_output.c). */
enum err decode_output(struct decoder *d, struct json_object *output);

/* items and parts by their keys (decode_find.c). NULL: d->note says why. */
struct item *item_find(struct decoder *d, enum item_kind kind,
		       int64_t output_index, struct span id);
struct item *item_new(struct decoder *d, enum item_kind kind,
		      int64_t output_index, struct span id);
struct part *part_get(struct decoder *d, struct item *it, enum part_kind kind,
		      int64_t index);
uint64_t decode_hash(uint64_t h, struct span s);
#define DECODE_HASH_SEED 0xcbf29ce484222325u
uint64_t decode_id(struct span s);	/* 0 for the empty one */

/* --- how it ends (decode_end.c) */

/* Any end that speaks of a response: its status decides, else the event. */
enum err decode_end(struct decoder *d, const struct rule *rule,
		    struct json_object *root);
enum err decode_error(struct decoder *d, const struct rule *rule,
		      struct json_object *root);

/* ev has all but its kind. */
enum err decode_done(struct decoder *d, struct event *ev,
		     struct json_object *output);

/* Sums up where upstream did not; total: INT64_MIN when it did not. */
void decode_usage(struct usage *u, int64_t total);

/* --- events read without a JSON tree. False: unusual in any way, nothing was
 * told, use the parser. */

/* A delta (decode_fast.c). text may lie in scratch. */
struct fast_delta {
	struct span type, text;
	struct place at;
};
bool decode_fast(struct span data, struct buf *scratch, struct fast_delta *out);

/* Others, that come a few times in each answer (decode_quick.c). */
struct quick_response {
	bool there;			/* it is an object, and what it says plain */
	bool finished;			/* nothing says that it is incomplete */
	struct span id, model, status, usage, output;
	struct span text;		/* all of it, whatever it is */
};
struct quick_item {
	bool there;
	struct item_words words;
	struct span content, args, input;
	struct span text;
};
struct quick {
	struct span data;		/* all of it */
	struct span type;
	struct span sequence;
	struct place at;
	struct quick_response response;
	struct quick_item item;
};
bool quick_read(struct span data, struct quick *q);
bool quick_begin(struct decoder *d, const struct quick *q, enum err *err);
bool quick_rest(struct decoder *d, const struct quick *q, enum part_kind part,
		const char *field, enum err *err);
bool quick_item_added(struct decoder *d, const struct quick *q, enum err *err);
bool quick_item_done(struct decoder *d, const struct quick *q, enum err *err);
bool quick_completed(struct decoder *d, const struct quick *q, enum err *err);

/* What an event's tree says; name stands in for a type that is missing. */
enum err decode_root(struct decoder *d, struct json_object *root,
		     struct span name);

/* An event of a decoder that passes (decode_pass.c). */
enum err decode_pass(struct decoder *d, struct json_reader *r, struct span name,
		     struct span data);
void decode_pass_free(struct pass *p);		/* NULL is fine */

/* What it keeps, and what it changes in an end's text (decode_pass_end.c);
 * q moves along with that. The place for a text that was changed. */
enum err pass_keep_item(struct decoder *d, const struct quick *q);
enum err pass_mend_end(struct decoder *d, struct quick *q);
struct buf *pass_made(struct pass *p);

#endif
