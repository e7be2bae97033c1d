/* A whole answer out of events. */
#include "answer_fixture.h"

static void give(struct answer *a, struct event ev)
{
	check_int(collect_event(a, &ev), ERR_NONE);
}

static void test_everything(void)
{
	struct json_object *note = json_object_new_object();
	struct answer a;

	json_set_cstr(note, "type", "url_citation");
	answer_init(&a);
	give(&a, (struct event){ .kind = EVENT_START, .id = SPAN("resp_1"), .model = SPAN("gpt") });
	give(&a, (struct event){ .kind = EVENT_THOUGHT, .text = SPAN("one") });
	give(&a, (struct event){ .kind = EVENT_THOUGHT_BREAK });
	give(&a, (struct event){ .kind = EVENT_THOUGHT, .text = SPAN("two") });
	give(&a, (struct event){ .kind = EVENT_THOUGHT_END, .text = SPAN("enc") });
	give(&a, (struct event){ .kind = EVENT_TEXT, .text = SPAN("Hel") });
	give(&a, (struct event){ .kind = EVENT_TEXT, .text = SPAN("lo") });
	give(&a, (struct event){ .kind = EVENT_ANNOTATION, .json = note });
	give(&a, (struct event){ .kind = EVENT_HOSTED, .json = note });
	give(&a, (struct event){ .kind = EVENT_REFUSAL, .text = SPAN("No") });
	for (unsigned i = 0; i < 5; i++) {
		give(&a, (struct event){ .kind = EVENT_CALL, .call = i, .custom = i == 1,
					 .id = SPAN("c"), .name = SPAN("f") });
		give(&a, (struct event){ .kind = EVENT_CALL_ARGS, .call = i, .text = SPAN("{}") });
		give(&a, (struct event){ .kind = EVENT_CALL_END, .call = i, .text = SPAN("{}") });
	}
	give(&a, (struct event){ .kind = EVENT_CALL_ARGS, .call = 9, .text = SPAN("lost") });
	give(&a, (struct event){ .kind = EVENT_KEEPALIVE });
	check(!a.done);
	give(&a, (struct event){ .kind = EVENT_DONE, .finish = FINISH_LENGTH,
				 .usage = { .known = true, .input = 3 } });
	json_object_put(note);		/* the answer has a copy of its own */
	check_str(span_of(a.id), "resp_1");
	check_str(span_of(a.model), "gpt");
	check_str(buf_span(&a.thought), "one\n\ntwo");
	check_str(buf_span(&a.text), "Hello");
	check_str(buf_span(&a.refusal), "No");
	check(a.has_refusal && a.done);
	check_int((int64_t)a.call_count, 5);
	check(a.calls[1].custom && !a.calls[2].custom);
	check_str(buf_span(&a.calls[4].args), "{}");
	check_str(span_of(a.calls[4].name), "f");
	check_int(a.finish, FINISH_LENGTH);
	check_int(a.usage.input, 3);
	check_str(json_get_str(json_object_array_get_idx(a.annotations, 0), "type"),
		  "url_citation");
	check_int((int64_t)json_object_array_length(a.hosted), 1);
	answer_free(&a);
	answer_free(&a);
	check(!a.call_count && !a.annotations);
}

static void test_long_names(void)
{
	char name[400];
	struct answer a;

	memset(name, 'x', sizeof(name));
	answer_init(&a);
	give(&a, (struct event){ .kind = EVENT_DONE, .id = { name, 400 }, .model = { name, 400 } });
	check(strlen(a.id) < sizeof(a.id));
	check(strlen(a.model) < sizeof(a.model));
	answer_free(&a);
}

int main(void)
{
	test_everything();
	test_long_names();
	return test_end("test_collect");
}
