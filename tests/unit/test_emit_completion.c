/* Text completions, said: byte for byte. */
#include "answer_fixture.h"
#include "script.h"

#define HEAD "\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":7,\"model\":\"m\""
#define CHUNK(text) "data: {" HEAD ",\"choices\":[{\"index\":0,\"text\":\"" text "\",\"logprobs\":null,\"finish_reason\":null}]}\n\n"
#define FINISH(why) "data: {" HEAD ",\"choices\":[{\"index\":0,\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"" why "\"}]}\n\n"
#define FIGURES "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":5,\"total_tokens\":14," \
	"\"prompt_tokens_details\":{\"cached_tokens\":4},\"completion_tokens_details\":{\"reasoning_tokens\":2}}"
#define UNKNOWN "\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0," \
	"\"prompt_tokens_details\":{\"cached_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0},\"partial\":true}"
#define USAGE(figures) "data: {" HEAD ",\"choices\":[]," figures "}\n\n"
#define END "data: [DONE]\n\n"
#define WHOLE(text, why, figures) "{" HEAD ",\"choices\":[{\"index\":0,\"text\":\"" text "\",\"logprobs\":null,\"finish_reason\":\"" why "\"}]," figures "}"

static const struct {
	const char *title;
	bool usage;
	enum reasoning_compat reasoning;
	const char *stop, *script, *stream, *whole;
} sayings[] = {
	{ "text", false, 0, NULL, S_CREATED S_KEEPALIVE S_TEXT("Hel") S_TEXT("lo\\n") S_SEARCH S_DONE,
	  CHUNK("Hel") CHUNK("lo\\n") FINISH("stop") END, WHOLE("Hello\\n", "stop", FIGURES) },
	{ "usage", true, 0, NULL, S_TEXT("x") S_DONE,
	  CHUNK("x") FINISH("stop") USAGE(FIGURES) END, WHOLE("x", "stop", FIGURES) },
	{ "empty", false, 0, NULL, S_CREATED S_DONE, FINISH("stop") END, WHOLE("", "stop", FIGURES) },
	{ "length", false, 0, NULL, S_TEXT("x") S_INCOMPLETE("max_output_tokens"),
	  CHUNK("x") FINISH("length") END, WHOLE("x", "length", UNKNOWN) },
	{ "filter", false, 0, NULL, S_TEXT("x") S_INCOMPLETE("content_filter"),
	  CHUNK("x") FINISH("content_filter") END, WHOLE("x", "content_filter", UNKNOWN) },
	{ "a stop string", true, 0, "\n", S_TEXT("one\\ntwo") S_DONE,
	  CHUNK("one") FINISH("stop") USAGE(UNKNOWN) END, WHOLE("one", "stop", UNKNOWN) },
	{ "a refusal is text here", false, 0, NULL, S_REFUSAL("No.") S_DONE,
	  CHUNK("No.") FINISH("stop") END, WHOLE("No.", "stop", FIGURES) },
	{ "reasoning is not shown", false, COMPAT_CONTENT, NULL, S_THOUGHT(0, "Hm") S_THOUGHT(1, "So") S_TEXT("x") S_DONE,
	  CHUNK("x") FINISH("stop") END, WHOLE("x", "stop", FIGURES) },
	{ "unless by think tags", false, COMPAT_THINK, NULL, S_THOUGHT(0, "Hm") S_TEXT("x") S_DONE,
	  CHUNK("<think>") CHUNK("Hm") CHUNK("</think>") CHUNK("x") FINISH("stop") END,
	  WHOLE("<think>Hm</think>x", "stop", FIGURES) },
	{ "citations and calls have no place", false, 0, NULL, S_TEXT("x") S_NOTE(S_URL)
	  S_CALL(6, "function_call", "c", "f") S_ARGS(6, "{}") S_DONE,
	  CHUNK("x") FINISH("stop") END, WHOLE("x", "stop", FIGURES) },
};

int main(void)
{
	struct fault f = { .message = "m", .type = "t" };
	struct emitter e = { .begun = false };
	struct buf out;

	for (size_t i = 0; i < ARRAY_LEN(sayings) * 2; i++) {
		size_t n = i / 2;
		struct way w;

		way_init(&w, &tongue_completion);
		w.whole = i % 2;
		w.terms.include_usage = sayings[n].usage;
		w.terms.reasoning = sayings[n].reasoning;
		if (sayings[n].stop)
			w.terms.stops[w.terms.stop_count++] = strdup(sayings[n].stop);
		check_int(way_run(&w, sayings[n].script), ERR_NONE);
		if (!check_str(buf_span(&w.out), w.whole ? sayings[n].whole :
							   sayings[n].stream))
			printf("  in: %s\n", sayings[n].title);
		way_free(&w);
	}
	buf_init(&out, 4096);
	tongue_completion.error_event(&e, &out, &f);
	tongue_completion.emit(&e, &out, &(struct event){ .kind = EVENT_TEXT, .text = SPAN("x") });
	check_str(buf_span(&out), "data: {\"error\":{\"message\":\"m\",\"type\":\"t\","
		  "\"param\":null,\"code\":null}}\n\n");
	buf_free(&out);
	return test_end("test_emit_completion");
}
