#include "order.h"

#include "../../shared/ceilings.h"

/* An event that is kept; its texts follow it. */
struct kept {
	enum event_kind kind;
	unsigned call;
	bool custom;
	size_t id, name, text;		/* bytes */
	struct json_object *json;	/* owned */
};

void order_init(struct order *o, event_fn fn, void *ctx)
{
	*o = (struct order){ .fn = fn, .ctx = ctx };
	buf_init(&o->kept, MAX_OUT);
}

static struct kept head_at(const struct buf *b, size_t at)
{
	struct kept k;

	memcpy(&k, b->ptr + at, sizeof(k));
	return k;
}

static size_t size_of(const struct kept *k)
{
	return sizeof(*k) + k->id + k->name + k->text;
}

/* Events from at on go, and what they own. */
static void drop_from(struct buf *b, size_t at)
{
	while (at < b->len) {
		struct kept k = head_at(b, at);

		json_object_put(k.json);
		at += size_of(&k);
	}
	buf_free(b);
}

void order_free(struct order *o)
{
	if (o->fn)
		drop_from(&o->kept, 0);
	o->fn = NULL;
}

static enum err keep(struct order *o, const struct event *ev)
{
	struct kept k = { .kind = ev->kind, .call = ev->call, .custom = ev->custom,
			  .id = ev->id.len, .name = ev->name.len,
			  .text = ev->text.len };
	size_t begin = o->kept.len;

	/* the event's tree goes when the event has been told */
	if (ev->json && json_object_deep_copy(ev->json, &k.json, NULL) != 0)
		return ERR_NO_MEMORY;
	buf_add(&o->kept, &k, sizeof(k));
	buf_span_add(&o->kept, ev->id);
	buf_span_add(&o->kept, ev->name);
	buf_span_add(&o->kept, ev->text);
	if (!buf_err(&o->kept))
		return ERR_NONE;
	json_object_put(k.json);
	buf_cut(&o->kept, begin);
	return buf_err(&o->kept) == ERR_TOO_LARGE ? ERR_UPSTREAM_GARBLED :
						    ERR_NO_MEMORY;
}

/* Told now, or kept. *ended: the call that was open has ended. */
static enum err one(struct order *o, const struct event *ev, bool *ended)
{
	bool part = ev->kind == EVENT_CALL_ARGS || ev->kind == EVENT_CALL_END;

	if (o->open && !(part && ev->call == o->call))
		return keep(o, ev);
	if (ev->kind == EVENT_CALL) {
		o->open = true;
		o->call = ev->call;
	} else if (ev->kind == EVENT_CALL_END && o->open) {
		o->open = false;
		*ended = true;
	}
	return o->fn(o->ctx, ev);
}

static enum err again(struct order *o, const struct buf *from, size_t at,
		      bool *ended)
{
	struct kept k = head_at(from, at);
	const char *text = from->ptr + at + sizeof(k);
	struct event ev = { .kind = k.kind, .call = k.call, .custom = k.custom,
			    .json = k.json };
	enum err err;

	ev.id = (struct span){ text, k.id };
	ev.name = (struct span){ text + k.id, k.name };
	ev.text = (struct span){ text + k.id + k.name, k.text };
	err = one(o, &ev, ended);
	json_object_put(k.json);
	return err;
}

/* A call has ended: what was kept is told as far as it can be. When another
 * call ends by that, what was kept before counts first again. */
static enum err release(struct order *o, bool all)
{
	enum err err = ERR_NONE;
	bool ended = true;

	while (ended && o->kept.len && !err) {
		struct buf from = o->kept;
		size_t at = 0;

		buf_init(&o->kept, MAX_OUT);
		for (ended = false; at < from.len && !ended && !err;) {
			struct kept k = head_at(&from, at);

			o->open = o->open && !all;
			err = again(o, &from, at, &ended);
			at += size_of(&k);
		}
		if (err) {
			drop_from(&from, at);
			break;
		}
		buf_add(&o->kept, from.ptr + at, from.len - at);
		if (buf_err(&o->kept)) {
			drop_from(&from, at);
			return ERR_NO_MEMORY;
		}
		buf_free(&from);
	}
	return err;
}

enum err order_event(void *ctx, const struct event *ev)
{
	struct order *o = ctx;
	bool ended = false;
	enum err err;

	if (!o->open && ev->kind != EVENT_CALL)
		return o->fn(o->ctx, ev);
	if (!event_is_semantic(ev))
		return o->fn(o->ctx, ev);
	if (ev->kind == EVENT_DONE) {
		/* the end is the end, whatever is open */
		o->open = false;
		err = release(o, true);
		o->open = false;
		return err ? err : o->fn(o->ctx, ev);
	}
	err = one(o, ev, &ended);
	return err || !ended ? err : release(o, false);
}
