/* plan_json.c - the document of the limits, read and written. */
#include "plan.h"

#include "text.h"

/* --- written */

static void write_number(struct buf *out, double n, bool whole)
{
	if (whole || n == (double)(int64_t)n)
		buf_fmt(out, "%lld", (long long)(n + 0.5));
	else
		buf_fmt(out, "%.3f", n);
}

static void write_window(const struct plan_window *w, int64_t now_s,
			 struct plan_style style, struct buf *out)
{
	int64_t after = w->reset_at > now_s ? w->reset_at - now_s : 0;

	if (!w->known) {
		buf_str(out, "null");
		return;
	}
	buf_str(out, "{\"used_percent\":");
	write_number(out, w->used_percent, style.whole);
	buf_fmt(out, ",\"limit_window_seconds\":%lld", (long long)w->window_s);
	if (style.age)
		buf_fmt(out, ",\"reset_after_seconds\":%lld", (long long)after);
	buf_fmt(out, ",\"reset_at\":%lld}", (long long)w->reset_at);
}

static const char *word(signed char flag, bool dflt)
{
	return (flag == PLAN_UNSAID ? dflt : flag == PLAN_YES) ? "true" : "false";
}

static void write_windows(const struct plan_family *f, int64_t now_s,
			  struct plan_style style, struct buf *out)
{
	buf_str(out, "\"primary_window\":");
	write_window(&f->primary, now_s, style, out);
	buf_str(out, ",\"secondary_window\":");
	write_window(&f->secondary, now_s, style, out);
}

/* What upstream did not say of these two follows from what is used. */
static void write_rate_limit(const struct plan *l, int64_t now_s,
			     struct plan_style style, struct buf *out)
{
	bool full = l->own.primary.used_percent >= 100 ||
		    l->own.secondary.used_percent >= 100;
	bool reached = l->reached == PLAN_UNSAID ? full : l->reached == PLAN_YES;

	buf_fmt(out, "\"rate_limit\":{\"allowed\":%s,\"limit_reached\":%s,",
		word(l->allowed, !reached), reached ? "true" : "false");
	write_windows(&l->own, now_s, style, out);
	buf_char(out, '}');
}

static void write_others(const struct plan *l, int64_t now_s,
			 struct plan_style style, struct buf *out)
{
	buf_str(out, ",\"additional_rate_limits\":[");
	for (size_t i = 0; i < l->other_count; i++) {
		const struct plan_family *f = &l->others[i];
		bool full = f->primary.used_percent >= 100 ||
			    f->secondary.used_percent >= 100;

		buf_str(out, i ? ",{\"limit_name\":" : "{\"limit_name\":");
		buf_json(out, span_of(f->name[0] ? f->name : f->id));
		buf_str(out, ",\"metered_feature\":");
		buf_json(out, span_of(f->id));
		buf_fmt(out, ",\"rate_limit\":{\"allowed\":%s,\"limit_reached\":%s,",
			full ? "false" : "true", full ? "true" : "false");
		write_windows(f, now_s, style, out);
		buf_str(out, "}}");
	}
	buf_char(out, ']');
}

static void write_credits(const struct plan *l, struct buf *out)
{
	if (l->has_credits == PLAN_UNSAID && l->unlimited == PLAN_UNSAID &&
	    !l->balance[0]) {
		buf_str(out, ",\"credits\":null");
		return;
	}
	buf_fmt(out, ",\"credits\":{\"has_credits\":%s,\"unlimited\":%s,\"balance\":",
		word(l->has_credits, false), word(l->unlimited, false));
	if (l->balance[0])
		buf_json(out, span_of(l->balance));
	else
		buf_str(out, "null");
	buf_char(out, '}');
}

void plan_json(const struct plan *l, int64_t now_s,
		 struct plan_style style, struct buf *out)
{
	int64_t age = now_s > l->captured_s ? now_s - l->captured_s : 0;

	buf_str(out, "{\"plan_type\":");
	buf_json(out, span_of(l->plan[0] ? l->plan : "unknown"));
	buf_char(out, ',');
	write_rate_limit(l, now_s, style, out);
	write_others(l, now_s, style, out);
	write_credits(l, out);
	if (l->active[0]) {
		buf_str(out, ",\"active_limit\":");
		buf_json(out, span_of(l->active));
	}
	if (l->reached_type[0]) {
		buf_str(out, ",\"rate_limit_reached_type\":");
		buf_json(out, span_of(l->reached_type));
	}
	buf_fmt(out, ",\"captured_at\":%lld", (long long)l->captured_s);
	if (style.age)
		buf_fmt(out, ",\"age_seconds\":%lld", (long long)age);
	buf_str(out, "}\n");
}

/* --- read */

static signed char read_flag(struct json_object *o, const char *key)
{
	if (!json_object_is_type(json_get(o, key), json_type_boolean))
		return PLAN_UNSAID;
	return json_get_bool(o, key, false) ? PLAN_YES : PLAN_NO;
}

static void read_word(char *dst, size_t size, struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < 0x20 || s.ptr[i] > 0x7e)
			return;
	if (s.len < size)
		(void)text_copy(dst, size, s);
}

static int64_t sane(int64_t seconds)
{
	return seconds > 0 && seconds < 100000000000 ? seconds : 0;
}

static void read_window(struct plan_window *w, struct json_object *o,
			int64_t now_s)
{
	struct json_object *used = json_get(o, "used_percent");
	int64_t after;
	double n;

	if (!o)
		return;
	n = json_object_is_type(used, json_type_double) ||
	    json_object_is_type(used, json_type_int) ?
		    json_object_get_double(used) : 0;
	w->used_percent = n > 0 && n < 1e6 ? n : 0;
	w->window_s = sane(json_get_int(o, "limit_window_seconds", 0));
	w->reset_at = sane(json_get_int(o, "reset_at", 0));
	after = sane(json_get_int(o, "reset_after_seconds", 0));
	if (!w->reset_at && after)
		w->reset_at = now_s + after;
	w->known = w->used_percent > 0 || w->window_s;
}

static void read_windows(struct plan_family *f, struct json_object *rate,
			 int64_t now_s)
{
	read_window(&f->primary, json_get_object(rate, "primary_window"), now_s);
	read_window(&f->secondary, json_get_object(rate, "secondary_window"),
		    now_s);
}

static void read_others(struct plan *l, struct json_object *list,
			int64_t now_s)
{
	size_t count = list ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < count && l->other_count < MAX_LIMIT_FAMILIES; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		struct plan_family *f = &l->others[l->other_count];

		*f = (struct plan_family){ 0 };
		read_word(f->id, sizeof(f->id), json_get_str(o, "metered_feature"));
		read_word(f->name, sizeof(f->name), json_get_str(o, "limit_name"));
		if (!f->id[0])
			memcpy(f->id, f->name, sizeof(f->id) - 1);
		if (strcmp(f->id, f->name) == 0)
			f->name[0] = '\0';	/* it has none of its own */
		read_windows(f, json_get_object(o, "rate_limit"), now_s);
		if (f->id[0])
			l->other_count++;
	}
}

static void read_credits(struct plan *l, struct json_object *o)
{
	struct json_object *balance = json_get(o, "balance");

	l->has_credits = read_flag(o, "has_credits");
	l->unlimited = read_flag(o, "unlimited");
	if (json_is_str(balance))
		read_word(l->balance, sizeof(l->balance), json_str(balance));
	else if (json_object_is_type(balance, json_type_int) ||
		 json_object_is_type(balance, json_type_double))
		read_word(l->balance, sizeof(l->balance),
			  span_of(json_object_get_string(balance)));
}

bool plan_from_json(struct plan *l, struct json_object *document,
		      int64_t now_s)
{
	struct json_object *rate = json_get_object(document, "rate_limit");
	struct json_object *credits = json_get_object(document, "credits");

	plan_init(l);
	if (!rate && !credits && !json_get_str(document, "plan_type").len)
		return false;
	l->captured_s = sane(json_get_int(document, "captured_at", now_s));
	read_word(l->plan, sizeof(l->plan), json_get_str(document, "plan_type"));
	read_word(l->active, sizeof(l->active),
		  json_get_str(document, "active_limit"));
	read_word(l->reached_type, sizeof(l->reached_type),
		  json_get_str(document, "rate_limit_reached_type"));
	l->allowed = read_flag(rate, "allowed");
	l->reached = read_flag(rate, "limit_reached");
	read_windows(&l->own, rate, l->captured_s);
	read_others(l, json_get_array(document, "additional_rate_limits"),
		    l->captured_s);
	read_credits(l, credits);
	return l->captured_s != 0;
}
