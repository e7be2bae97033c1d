/* Calls that overlap, told one behind the other; all else in its order. */
#include "../../fcgi/stream/order.h"
#include "answer_fixture.h"

static void play(struct order *o, const char *script)
{
	struct json_object *json = json_object_new_object();
	struct span rest = span_of(script), line;

	json_set_cstr(json, "type", "note");
	while (text_next(&rest, '|', &line)) {
		struct event ev = { .kind = EVENT_OTHER };
		struct span arg = { line.ptr + 2, line.len > 2 ? line.len - 2 : 0 };

		if (line.len > 1)
			ev.call = (unsigned)(line.ptr[1] - '0');
		switch (line.ptr[0]) {
		case 'C': ev.kind = EVENT_CALL; ev.id = arg; ev.name = arg; break;
		case 'A': ev.kind = EVENT_CALL_ARGS; ev.text = arg; break;
		case 'E': ev.kind = EVENT_CALL_END; ev.text = arg; break;
		case 'T': ev.kind = EVENT_TEXT; ev.text = arg; ev.call = 0; break;
		case 'N': ev.kind = EVENT_ANNOTATION; ev.json = json; ev.call = 0; break;
		case 'K': ev.kind = EVENT_KEEPALIVE; ev.call = 0; break;
		case 'D': ev.kind = EVENT_DONE; ev.call = 0; break;
		}
		check_int(order_event(o, &ev), ERR_NONE);
	}
	json_object_put(json);
}

static const struct { const char *script, *want; } cases[] = {
	{ "T a|C0x|A0{|A0}|E0|C1y|A1{}|E1|T b|D",
	  "TEXT text=a\nCALL 0 id=x name=x\nARGS 0 text={\nARGS 0 text=}\nCALL_END 0\n"
	  "CALL 1 id=y name=y\nARGS 1 text={}\nCALL_END 1\nTEXT text=b\nDONE stop\n" },
	/* two at once, the second ends last, and first */
	{ "C0x|C1y|A0{|A1[|A0}|A1]|E0|A1!|E1|D",
	  "CALL 0 id=x name=x\nARGS 0 text={\nARGS 0 text=}\nCALL_END 0\n"
	  "CALL 1 id=y name=y\nARGS 1 text=[\nARGS 1 text=]\nARGS 1 text=!\nCALL_END 1\nDONE stop\n" },
	{ "C0x|C1y|A1[|E1|A0{|E0|D",
	  "CALL 0 id=x name=x\nARGS 0 text={\nCALL_END 0\nCALL 1 id=y name=y\nARGS 1 text=[\nCALL_END 1\nDONE stop\n" },
	/* three, with other things between them */
	{ "C0x|T a|C1y|N|C2z|A2c|A1b|A0a|K|E2|E1|T b|E0|D",
	  "CALL 0 id=x name=x\nARGS 0 text=a\nKEEPALIVE\nCALL_END 0\nTEXT text=a\n"
	  "CALL 1 id=y name=y\nARGS 1 text=b\nCALL_END 1\nNOTE json=note\n"
	  "CALL 2 id=z name=z\nARGS 2 text=c\nCALL_END 2\nTEXT text=b\nDONE stop\n" },
	/* one that never ends does not hold up the end */
	{ "C0x|T a|C1y|A1b|D",
	  "CALL 0 id=x name=x\nTEXT text=a\nCALL 1 id=y name=y\nARGS 1 text=b\nDONE stop\n" },
	/* parts of a call that nobody began */
	{ "A0x|E0|T a|D", "ARGS 0 text=x\nCALL_END 0\nTEXT text=a\nDONE stop\n" },
};

static enum err fail_at_text(void *ctx, const struct event *ev)
{
	(void)ctx;
	return ev->kind == EVENT_TEXT ? ERR_UPSTREAM_GARBLED : ERR_NONE;
}

int main(void)
{
	struct order o = { 0 };

	order_free(&o);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out;

		buf_init(&out, 1u << 20);
		order_init(&o, trace_event, &out);
		play(&o, cases[i].script);
		if (!check_str(buf_span(&out), cases[i].want))
			printf("  in: %s\n", cases[i].script);
		order_free(&o);
		order_free(&o);
		buf_free(&out);
	}
	/* a failure in the middle, and what is kept at the end, leak nothing */
	order_init(&o, fail_at_text, NULL);
	play(&o, "C0x|T a|N|T b");
	check_int(order_event(&o, &(struct event){ .kind = EVENT_CALL_END }), ERR_UPSTREAM_GARBLED);
	order_free(&o);
	order_init(&o, fail_at_text, NULL);
	play(&o, "C0x|N|N");
	order_free(&o);
	return test_end("test_order");
}
