/*
 * sse.c - see sse.h.
 *
 * What lies wholly in one push is never copied: `held` is the data of the
 * event being read, in place, be it in the push or in p->line. It moves into
 * p->data only when a second data line comes or the push ends first.
 */
#include "sse.h"

/* One push: where reading is, and the next line ends, found once each. */
struct scan {
	const char *at, *end;
	const char *lf, *cr;	/* at or behind `at`; end: none. NULL: look */
	struct span held;
	bool holds;		/* held is valid */
	bool in_line;		/* ... and lies in p->line */
	bool joins;		/* the first line began in an earlier push */
};

/* A line may be longer than its data: "data: ", a mark of byte order. */
#define LINE_EXTRA 16

void sse_init(struct sse *p, size_t max, sse_fn fn, void *ctx)
{
	*p = (struct sse){ .fn = fn, .ctx = ctx, .max = max };
	buf_init(&p->line, max + LINE_EXTRA);
	buf_init(&p->data, max + LINE_EXTRA);	/* they may change places */
}

void sse_free(struct sse *p)
{
	buf_free(&p->line);
	buf_free(&p->data);
	p->has_data = false;
	p->name_len = 0;
}

bool sse_rest(const struct sse *p)
{
	return p->has_data || p->name_len > 0 ||
	       (p->line.len > 0 && p->line.ptr[0] != ':');
}

static enum err fail(struct sse *p, enum err err)
{
	p->err = err;
	sse_free(p);
	return err;
}

/* A buf that failed: its ceiling is the event's. */
static enum err buf_verdict(const struct buf *b)
{
	return buf_err(b) == ERR_TOO_LARGE ? ERR_UPSTREAM_GARBLED : buf_err(b);
}

/* Moves data that must outlive its place. What is in p->line was copied once
 * already: the two buffers change places then. */
static enum err keep_held(struct sse *p, struct scan *s)
{
	struct buf swap;

	if (!s->holds)
		return ERR_NONE;
	s->holds = false;
	if (s->in_line) {
		s->in_line = false;
		swap = p->data;
		p->data = p->line;
		p->line = swap;
		buf_drop(&p->data, (size_t)(s->held.ptr - p->data.ptr));
	} else {
		buf_span_add(&p->data, s->held);
	}
	return buf_verdict(&p->data);
}

static enum err data_line(struct sse *p, struct scan *s, struct span value)
{
	enum err err;

	if (!p->has_data) {
		p->has_data = true;
		s->held = value;
		s->holds = true;
		return value.len > p->max ? ERR_UPSTREAM_GARBLED : ERR_NONE;
	}
	err = keep_held(p, s);
	if (err)
		return err;
	if (p->data.len + 1 + value.len > p->max)
		return ERR_UPSTREAM_GARBLED;
	buf_char(&p->data, '\n');
	buf_span_add(&p->data, value);
	return buf_verdict(&p->data);
}

static enum err field(struct sse *p, struct scan *s, struct span line)
{
	const char *colon = memchr(line.ptr, ':', line.len);
	struct span name = line, value = { "", 0 };

	if (colon) {
		name.len = (size_t)(colon - line.ptr);
		value.ptr = colon + 1;
		value.len = line.len - name.len - 1;
		if (value.len > 0 && value.ptr[0] == ' ') {
			value.ptr++;
			value.len--;
		}
	}
	if (span_eq(name, "data"))
		return data_line(p, s, value);
	if (span_eq(name, "event")) {
		p->name_len = value.len < sizeof(p->name) ? value.len :
			      sizeof(p->name);
		memcpy(p->name, value.ptr, p->name_len);
	}
	return ERR_NONE;
}

/* The blank line: what was gathered is called out. */
static enum err dispatch(struct sse *p, struct scan *s)
{
	struct span name = { p->name, p->name_len };
	enum err err = ERR_NONE;

	if (p->has_data) {
		if (!name.len)
			name = SPAN("message");
		err = p->fn(p->ctx, name, s->holds ? s->held : buf_span(&p->data));
	}
	s->holds = s->in_line = false;
	sse_free(p);		/* nothing is held between events */
	return err;
}

static enum err whole_line(struct sse *p, struct scan *s, struct span line)
{
	/* also for a comment: a cut line could not be kept either */
	if (line.len > p->max + LINE_EXTRA)
		return ERR_UPSTREAM_GARBLED;
	if (!p->begun) {
		p->begun = true;
		if (span_starts(line, "\xef\xbb\xbf")) {
			line.ptr += 3;
			line.len -= 3;
		}
	}
	if (!line.len)
		return dispatch(p, s);
	return field(p, s, line);
}

static const char *find(const char *at, const char *end, char c)
{
	const char *hit = memchr(at, c, (size_t)(end - at));

	return hit ? hit : end;
}

/* The end of the line at s->at, or s->end. Each byte is looked at once for
 * either mark, however the marks are mixed. */
static const char *line_end(struct scan *s)
{
	if (!s->lf || s->lf < s->at)
		s->lf = find(s->at, s->end, '\n');
	if (!s->cr || s->cr < s->at)
		s->cr = find(s->at, s->end, '\r');
	return s->lf < s->cr ? s->lf : s->cr;
}

/* The line up to end, which an earlier push began when p->line has bytes. */
static enum err end_line(struct sse *p, struct scan *s, const char *end)
{
	struct span line = { s->at, (size_t)(end - s->at) };
	enum err err;

	if (s->joins) {
		s->joins = false;
		s->in_line = true;
		buf_span_add(&p->line, line);
		err = buf_verdict(&p->line);
		if (!err)
			err = whole_line(p, s, buf_span(&p->line));
		/* held data stays there until the push or the event ends */
		if (!s->holds) {
			s->in_line = false;
			buf_free(&p->line);
		}
	} else {
		err = whole_line(p, s, line);
	}
	s->at = end + 1;
	if (*end == '\r') {
		if (s->at == s->end)
			p->after_cr = true;
		else if (*s->at == '\n')
			s->at++;
	}
	return err;
}

/* The last bytes of a push, which end no line. */
static enum err keep_rest(struct sse *p, struct scan *s)
{
	enum err err = keep_held(p, s);

	if (err)
		return err;
	buf_add(&p->line, s->at, (size_t)(s->end - s->at));
	return buf_verdict(&p->line);
}

enum err sse_push(struct sse *p, struct span bytes)
{
	struct scan s = { .at = bytes.ptr, .end = bytes.ptr + bytes.len };
	const char *end;
	enum err err;

	if (p->err || !bytes.len)
		return p->err;
	if (p->after_cr && *s.at == '\n')
		s.at++;
	p->after_cr = false;
	s.joins = p->line.len > 0;
	while (s.at < s.end && (end = line_end(&s)) < s.end) {
		err = end_line(p, &s, end);
		if (err)
			return fail(p, err);
	}
	err = keep_rest(p, &s);
	return err ? fail(p, err) : ERR_NONE;
}
