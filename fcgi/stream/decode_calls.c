/*
 * decode_calls.c - calls: begun once they have a name, ended with all of their
 * arguments.
 */
#include "../../shared/ceilings.h"
#include "decode_state.h"

enum err item_begin_call(struct decoder *d, struct item *it,
			 struct json_object *item)
{
	struct event ev = { .kind = EVENT_CALL };
	char made[32];

	if (it->begun)
		return ERR_NONE;
	it->begun = true;
	it->call = d->calls++;
	ev.call = it->call;
	ev.custom = it->custom;
	ev.name = json_get_str(item, "name");
	ev.id = json_get_str(item, "call_id");
	if (!ev.id.len)
		ev.id = json_get_str(item, "id");
	if (!ev.id.len) {
		snprintf(made, sizeof(made), "call_%u", it->call);
		ev.id = span_of(made);
	}
	return decode_tell(d, &ev);
}

enum err item_end_call(struct decoder *d, struct item *it, struct span args)
{
	struct event ev = { .kind = EVENT_CALL_END, .call = it->call,
			    .custom = it->custom, .text = args };
	struct part *p = part_get(d, it, PART_ARGS, 0);
	enum err err = ERR_NONE;

	if (!p)
		return d->note->code;
	if (it->call_ended)
		return ERR_NONE;
	it->call_ended = true;
	if (!it->custom && !p->told) {
		ev.text = SPAN("{}");	/* "" is no JSON */
		err = part_tell(d, it, p, ev.text);
	}
	return err ? err : decode_tell(d, &ev);
}

enum err item_finish_call(struct decoder *d, struct item *it,
			  struct json_object *item)
{
	struct json_object *v = json_get(item, it->custom ? "input" : "arguments");
	struct span args = json_str(v);
	struct part *p;
	struct buf text;
	enum err err;

	buf_init(&text, MAX_SSE_EVENT);
	if (json_is_object(v)) {	/* not a string, as it should be */
		json_write(&text, v);
		args = buf_span(&text);
	}
	err = buf_err(&text);
	if (!err)
		err = item_begin_call(d, it, item);
	p = err ? NULL : part_get(d, it, PART_ARGS, 0);
	if (!err)
		err = p ? part_rest(d, it, p, args) : d->note->code;
	if (!err)
		err = item_end_call(d, it, args);
	buf_free(&text);
	return err;
}
