/*
 * decode_calls.c - calls: begun once they have a name, ended with all of their
 * arguments.
 */
#include "decode_state.h"

enum err item_begin_call(struct decoder *d, struct item *it,
			 const struct item_words *words)
{
	struct event ev = { .kind = EVENT_CALL };
	char made[32];

	if (it->begun)
		return ERR_NONE;
	it->begun = true;
	it->call = d->calls++;
	ev.call = it->call;
	ev.custom = it->custom;
	ev.name = words->name;
	ev.id = words->call_id.len ? words->call_id : words->id;
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
			  const struct item_words *words, struct span args)
{
	struct part *p;
	enum err err = item_begin_call(d, it, words);

	p = err ? NULL : part_get(d, it, PART_ARGS, 0);
	if (!err)
		err = p ? part_rest(d, it, p, args) : d->note->code;
	return err ? err : item_end_call(d, it, args);
}
