/*
 * models_anthropic.c - the list of models as Anthropic's clients read it, a
 * page at a time.
 *
 * When a model was made is not known: the same day for all.
 */
#include "../../shared/ceilings.h"
#include "../../shared/text.h"
#include "models.h"

#define CREATED "2025-01-01T00:00:00Z"
#define PAGE 20			/* where the client names no limit */
#define MAX_PAGE 1000

static void write_entry(const struct config *c, const struct model_entry *e,
			struct buf *out)
{
	const struct model *m = e->known;
	int64_t limit = m && m->max_output_tokens ? m->max_output_tokens :
						    c->max_output_fallback;

	buf_str(out, "{\"type\":\"model\",\"id\":");
	buf_json(out, e->id);
	buf_str(out, ",\"display_name\":\"");
	buf_json_part(out, m && !e->stands ? span_of(m->name) : e->id);
	if (m && !e->stands && e->effort != EFFORT_UNSET)
		buf_fmt(out, " (%s)", effort_name(e->effort));
	buf_str(out, "\",\"created_at\":\"" CREATED "\"");
	if (m)
		buf_fmt(out, ",\"max_input_tokens\":%lld,\"max_tokens\":%lld",
			(long long)m->context_window, (long long)limit);
	buf_char(out, '}');
}

/* --- a page --- */

struct page {
	const struct config *config;
	int64_t limit;
	struct span after, before;	/* ids, or empty */
	size_t count;			/* of the whole list */
	size_t from, to;		/* entries of the page */
	size_t cursor;			/* where the id was met, SIZE_MAX: nowhere */
	struct buf *out;
	struct buf first, last;		/* ids as JSON */
};

static bool same(struct span a, struct span b)
{
	return a.len == b.len && !memcmp(a.ptr, b.ptr, a.len);
}

static void find_entry(void *ctx, const struct model_entry *e)
{
	struct page *p = ctx;
	struct span wanted = p->after.len ? p->after : p->before;

	if (wanted.len && p->cursor == SIZE_MAX && same(e->id, wanted))
		p->cursor = p->count;
	p->count++;
}

static void say_entry(void *ctx, const struct model_entry *e)
{
	struct page *p = ctx;
	size_t at = p->count++;

	if (at < p->from || at >= p->to)
		return;
	if (at == p->from)
		buf_json(&p->first, e->id);
	else
		buf_char(p->out, ',');
	if (at + 1 == p->to)
		buf_json(&p->last, e->id);
	write_entry(p->config, e, p->out);
}

/* The entries between which the page lies; false: there is no such id. */
static bool place(struct page *p)
{
	bool back = !p->after.len && p->before.len;
	size_t limit = (size_t)p->limit;

	if ((p->after.len || back) && p->cursor == SIZE_MAX)
		return false;
	if (back) {
		p->to = p->cursor;
		p->from = p->to > limit ? p->to - limit : 0;
	} else {
		p->from = p->after.len ? p->cursor + 1 : 0;
		p->to = p->count - p->from > limit ? p->from + limit : p->count;
	}
	return true;
}

/* The query's three words; others are none of ours. Ids are compared as they
 * stand, or with %XX undone. */
static enum err read_query(struct page *p, struct span query, char ids[2][320],
			   struct err_note *note)
{
	struct span piece;

	while (text_next(&query, '&', &piece)) {
		bool after = span_starts(piece, "after_id=");
		struct span v = { piece.ptr, piece.len };
		size_t n = 0;

		if (span_starts(piece, "limit=")) {
			v.ptr += 6, v.len -= 6;
			if (!text_int(v, &p->limit) || p->limit < 1 || p->limit > MAX_PAGE)
				return err_at(note, ERR_BAD_REQUEST, "limit", "Invalid value "
					      "for 'limit': it must lie between 1 and %d.",
					      MAX_PAGE);
			continue;
		}
		if (!after && !span_starts(piece, "before_id="))
			continue;
		v.ptr += after ? 9 : 10, v.len -= after ? 9 : 10;
		for (size_t i = 0; i < v.len && n + 1 < 320; i++) {
			unsigned hex;

			if (v.ptr[i] == '%' && i + 2 < v.len &&
			    sscanf(v.ptr + i + 1, "%2x", &hex) == 1) {
				ids[after][n++] = (char)hex;
				i += 2;
			} else {
				ids[after][n++] = v.ptr[i];
			}
		}
		*(after ? &p->after : &p->before) = (struct span){ ids[after], n };
	}
	return ERR_NONE;
}

/* Finds the page that the query means. */
static enum err find_page(const struct models_ask *ask, struct page *p,
			  char ids[2][320], struct err_note *note)
{
	*p = (struct page){ .config = ask->config, .limit = PAGE,
			    .cursor = SIZE_MAX, .after = SPAN(""),
			    .before = SPAN("") };
	if (read_query(p, span_of(ask->query), ids, note))
		return note->code;
	models_each(ask->config, ask->catalog, find_entry, p);
	if (place(p))
		return ERR_NONE;
	return err_at(note, ERR_BAD_REQUEST, p->after.len ? "after_id" : "before_id",
		      "There is no model with this id.");
}

static enum err page_check(const struct models_ask *ask, struct err_note *note)
{
	char ids[2][320];
	struct page p;

	return find_page(ask, &p, ids, note);
}

static void page_list(const struct models_ask *ask, struct buf *out)
{
	struct err_note checked = ERR_NOTE_INIT;
	char ids[2][320];
	struct page p;
	size_t count;
	bool more;

	if (find_page(ask, &p, ids, &checked))
		return;
	count = p.count;
	more = !p.after.len && p.before.len ? p.from > 0 : p.to < count;
	p.out = out;
	p.count = 0;
	buf_init(&p.first, 4096);
	buf_init(&p.last, 4096);
	buf_str(out, "{\"data\":[");
	models_each(ask->config, ask->catalog, say_entry, &p);
	buf_fmt(out, "],\"has_more\":%s,\"first_id\":%s,\"last_id\":%s}",
		more ? "true" : "false", p.first.len ? p.first.ptr : "null",
		p.last.len ? p.last.ptr : "null");
	buf_free(&p.first);
	buf_free(&p.last);
}

/* The rule of the other shapes decides whether there is such a model. */
static enum err page_one(const struct models_ask *ask, struct span id,
			 struct buf *out, struct err_note *note)
{
	struct model_entry entry = { .id = id, .stands = NULL };
	struct model_choice choice;
	struct buf other;
	enum err err;

	buf_init(&other, MAX_CACHE_FILE);
	err = models_openai.one(ask, id, &other, note);
	buf_free(&other);
	if (err || (err = catalog_choose(ask->catalog, id, &choice, note)))
		return err;
	entry.known = choice.known;
	entry.effort = choice.effort;
	/* under a name that is not its own it is called by that */
	if (!choice.known || !span_starts(id, choice.known->slug))
		entry.stands = choice.slug;
	write_entry(ask->config, &entry, out);
	return ERR_NONE;
}

const struct models_shape models_anthropic = {
	.name = "anthropic",
	.check = page_check,
	.list = page_list,
	.one = page_one,
};
