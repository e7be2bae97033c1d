/* Reasoning as the client wants it; stop strings at every cut of the text. */
#include "answer_fixture.h"

struct run {
	struct terms terms;
	struct filter filter;
	struct buf trace;	/* every event */
	struct buf text;	/* of the text events, joined */
};

static enum err on_event(void *ctx, const struct event *ev)
{
	struct run *r = ctx;

	if (ev->kind == EVENT_TEXT)
		buf_span_add(&r->text, ev->text);
	return trace_event(&r->trace, ev);
}

static void run_init(struct run *r, enum reasoning_compat how)
{
	terms_init(&r->terms);
	r->terms.reasoning = how;
	filter_init(&r->filter, &r->terms, on_event, r);
	buf_init(&r->trace, 1u << 20);
	buf_init(&r->text, 1u << 20);
}

static void run_free(struct run *r)
{
	filter_free(&r->filter);
	filter_free(&r->filter);
	buf_free(&r->trace);
	buf_free(&r->text);
	terms_free(&r->terms);
}

static void send(struct run *r, enum event_kind kind, struct span text)
{
	struct event ev = { .kind = kind, .text = text };

	check_int(filter_event(&r->filter, &ev), ERR_NONE);
}

/* A script: T text, R reasoning, B break, E end of reasoning, e end of text,
 * C call, F refusal, K keepalive, D done; "T:abc|D" */
static void play(struct run *r, const char *script)
{
	static const char letters[] = "TRBEeCFKD";
	static const enum event_kind kinds[] = {
		EVENT_TEXT, EVENT_THOUGHT, EVENT_THOUGHT_BREAK,
		EVENT_THOUGHT_END, EVENT_TEXT_END, EVENT_CALL, EVENT_REFUSAL,
		EVENT_KEEPALIVE, EVENT_DONE,
	};
	struct span rest = span_of(script), part;

	while (text_next(&rest, '|', &part)) {
		const char *at = strchr(letters, part.ptr[0]);
		size_t skip = part.len > 1 ? 2 : 1;

		send(r, kinds[at - letters],
		     (struct span){ part.ptr + skip, part.len - skip });
	}
}

static void test_think(void)
{
	static const struct {
		enum reasoning_compat how;
		bool structured;
		const char *script, *want;
	} cases[] = {
		{ COMPAT_THINK, false, "R:a|R:b|E|T:x|e|D", "TEXT text=<think>\nTEXT text=a\nTEXT text=b\n"
		  "TEXT text=</think>\nTEXT text=x\nTEXT_END\nDONE stop\n" },
		{ COMPAT_THINK, false, "R:a|B|R:b|T:x|D", "TEXT text=<think>\nTEXT text=a\nTEXT text=\\n\\n\n"
		  "TEXT text=b\nTEXT text=</think>\nTEXT text=x\nDONE stop\n" },
		{ COMPAT_THINK, false, "T:x|e|B|R:late|E|T:y|D", "TEXT text=x\nTEXT_END\nTEXT text=y\nDONE stop\n" },
		{ COMPAT_THINK, false, "R:a|C|D", "TEXT text=<think>\nTEXT text=a\nTEXT text=</think>\nCALL 0\nDONE stop\n" },
		{ COMPAT_THINK, false, "R:a|K|D", "TEXT text=<think>\nTEXT text=a\nKEEPALIVE\nTEXT text=</think>\nDONE stop\n" },
		{ COMPAT_THINK, false, "R:a|F:no|D", "TEXT text=<think>\nTEXT text=a\nTEXT text=</think>\nREFUSAL text=no\nDONE stop\n" },
		{ COMPAT_THINK, false, "B|E|T:x|D", "TEXT text=x\nDONE stop\n" },
		{ COMPAT_THINK, true, "R:a|B|R:b|E|T:{}|D", "TEXT text={}\nDONE stop\n" },
		{ COMPAT_NONE, false, "R:a|B|R:b|E|T:x|D", "TEXT text=x\nDONE stop\n" },
		{ COMPAT_CONTENT, false, "R:a|B|R:b|E|T:x|D", "THOUGHT text=a\nBREAK\nTHOUGHT text=b\nTHOUGHT_END\nTEXT text=x\nDONE stop\n" },
		{ COMPAT_O3, true, "R:a|T:x|D", "THOUGHT text=a\nTEXT text=x\nDONE stop\n" },
		{ COMPAT_CONTENT, false, "T:x|D|T:late|D", "TEXT text=x\nDONE stop\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct run r;

		run_init(&r, cases[i].how);
		r.terms.structured = cases[i].structured;
		play(&r, cases[i].script);
		if (!check_str(buf_span(&r.trace), cases[i].want))
			printf("  in: %s\n", cases[i].script);
		run_free(&r);
	}
}

struct stop_case {
	const char *stops[4];
	const char *text, *want;
	bool stopped;
};

/* The text in pieces, a bit of cuts for each place between two bytes. */
static void one_cut(const struct stop_case *c, unsigned cuts)
{
	struct run r;
	size_t len = strlen(c->text), from = 0;

	run_init(&r, COMPAT_CONTENT);
	for (size_t i = 0; i < 4 && c->stops[i]; i++)
		r.terms.stops[r.terms.stop_count++] = strdup(c->stops[i]);
	for (size_t i = 1; i <= len; i++) {
		if (i < len && !(cuts >> (i - 1) & 1))
			continue;
		send(&r, EVENT_TEXT, (struct span){ c->text + from, i - from });
		send(&r, EVENT_KEEPALIVE, span_of(""));
		from = i;
	}
	send(&r, EVENT_TEXT_END, span_of(""));
	send(&r, EVENT_DONE, span_of(""));
	if (!check_str(buf_span(&r.text), c->want) ||
	    !check_int(r.filter.stopped, c->stopped))
		printf("  in: %s cut %x\n", c->text, cuts);
	check((strstr(r.trace.ptr, "DONE stop_string partial text=") != NULL) ==
	      c->stopped);
	check((strstr(r.trace.ptr, "DONE stop\n") != NULL) == !c->stopped);
	run_free(&r);
}

static void test_stops(void)
{
	static const struct stop_case cases[] = {
		{ { "END" }, "oneENDtwo", "one", true },
		{ { "END" }, "oneENEND", "oneEN", true },
		{ { "END" }, "oneEN", "oneEN", false },
		{ { "END" }, "ENDx", "", true },
		{ { "aab" }, "aaaaab", "aaa", true },
		{ { "aab", "aaaac" }, "aaaaacb", "a", true },
		{ { "abcd", "bc" }, "abcd", "a", true },
		{ { "bcd", "abcd" }, "xabcd", "x", true },
		{ { "abcd", "bcd" }, "xabcd", "x", true },
		{ { "zz", "yy", "\n\n", "b" }, "a\nb\n\n", "a\n", true },
		{ { "x" }, "nothing", "nothing", false },
		{ { "" }, "empty", "empty", false },
		{ { "\xc3\xa9" }, "caf\xc3\xa9!", "caf", true },
		{ { "longer than the text" }, "longer", "longer", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t len = strlen(cases[i].text);

		for (unsigned cuts = 0; cuts < 1u << (len - 1); cuts++)
			one_cut(&cases[i], cuts);
	}
}

/* What is held comes before anything else that says something; a stop string
 * is not searched in calls, and not across the end of a part. */
static void test_held(void)
{
	static const struct { const char *script, *want; } cases[] = {
		{ "T:aEN|C|D", "TEXT text=a\nTEXT text=EN\nCALL 0\nDONE stop\n" },
		{ "T:EN|e|T:D|D", "TEXT text=EN\nTEXT_END\nTEXT text=D\nDONE stop\n" },
		{ "T:EN|R:END|T:x|D", "TEXT text=EN\nTHOUGHT text=END\nTEXT text=x\nDONE stop\n" },
		{ "T:EN|K|T:D|D", "KEEPALIVE\nDONE stop_string partial text=END\n" },
		{ "T:EN|F:x|D", "TEXT text=EN\nREFUSAL text=x\nDONE stop\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct run r;

		run_init(&r, COMPAT_CONTENT);
		r.terms.stops[r.terms.stop_count++] = strdup("END");
		play(&r, cases[i].script);
		if (!check_str(buf_span(&r.trace), cases[i].want))
			printf("  in: %s\n", cases[i].script);
		run_free(&r);
	}
}

/* Of two that are complete at once the longer one was met. */
static void test_met(void)
{
	static const char *const orders[][2] = { { "bcd", "abcd" }, { "abcd", "bcd" } };

	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		struct run r;

		run_init(&r, COMPAT_CONTENT);
		r.terms.stops[r.terms.stop_count++] = strdup(orders[i][0]);
		r.terms.stops[r.terms.stop_count++] = strdup(orders[i][1]);
		play(&r, "T:xab|T:cd|D");
		check_str(buf_span(&r.trace), "TEXT text=x\n"
			  "DONE stop_string partial text=abcd\n");
		run_free(&r);
	}
}

/* Citations count from the begin of all text the client gets. */
static struct { int64_t from, to; } cited;

static enum err on_citation(void *ctx, const struct event *ev)
{
	(void)ctx;
	if (ev->kind == EVENT_ANNOTATION) {
		cited.from = json_get_int(ev->json, "start_index", -1);
		cited.to = json_get_int(ev->json, "end_index", -1);
	}
	return ERR_NONE;
}

static void test_citations(void)
{
	struct json_object *json = json_object_new_object();
	struct event note = { .kind = EVENT_ANNOTATION, .json = json };
	struct run r;

	json_set_int(json, "start_index", 1);
	json_set_int(json, "end_index", 3);
	run_init(&r, COMPAT_THINK);
	r.filter.fn = on_citation;
	play(&r, "R:\xc3\xa9t|E|T:a\xc3\xa9|T:c");	/* 7 + 2 + 8 before */
	check_int(filter_event(&r.filter, &note), 0);
	check_int(cited.from, 18);
	check_int(cited.to, 20);
	play(&r, "e|T:next");				/* and 3 more */
	check_int(filter_event(&r.filter, &note), 0);
	check_int(cited.from, 21);
	check_int(json_get_int(json, "start_index", -1), 1);
	json_object_put(json);
	run_free(&r);
}

/* With whole_calls a call is told when it begins and when it is complete,
 * then with its name; what comes between is kept, whichever call's it is. */
static void test_whole_calls(void)
{
	struct event call = { .kind = EVENT_CALL, .id = SPAN("c0"), .name = SPAN("f") };
	struct event args = { .kind = EVENT_CALL_ARGS };
	struct event end = { .kind = EVENT_CALL_END };
	struct run r;

	run_init(&r, COMPAT_CONTENT);
	r.terms.whole_calls = true;
	check_int(filter_event(&r.filter, &call), ERR_NONE);
	args.text = SPAN("{\"a\"");
	check_int(filter_event(&r.filter, &args), ERR_NONE);
	call.call = 1;
	call.id = SPAN("c1");
	call.name = SPAN("g");
	check_int(filter_event(&r.filter, &call), ERR_NONE);
	args.call = 1;
	args.text = SPAN("{}");
	check_int(filter_event(&r.filter, &args), ERR_NONE);
	args.call = 0;
	args.text = SPAN(":1}");
	check_int(filter_event(&r.filter, &args), ERR_NONE);
	send(&r, EVENT_TEXT, SPAN("x"));
	end.call = 1;
	check_int(filter_event(&r.filter, &end), ERR_NONE);
	end.call = 0;
	check_int(filter_event(&r.filter, &end), ERR_NONE);
	end.call = 7;		/* of a call that never began */
	check_int(filter_event(&r.filter, &end), ERR_NONE);
	check_str(buf_span(&r.trace), "CALL 0 id=c0 name=f\nCALL 1 id=c1 name=g\n"
		  "TEXT text=x\nCALL_END 1 id=c1 name=g text={}\n"
		  "CALL_END 0 id=c0 name=f text={\\\"a\\\":1}\n");
	run_free(&r);
}

int main(void)
{
	test_think();
	test_stops();
	test_held();
	test_met();
	test_citations();
	test_whole_calls();
	return test_end("test_filter");
}
