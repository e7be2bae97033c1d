/* Upstream's events to ours: every event type, and every gap in a stream. */
#include "answer_fixture.h"

#define EV(type, more) "{\"type\":\"" type "\"" more "}\n"
#define AT(i, id) ",\"output_index\":" #i ",\"item_id\":\"" id "\""
#define CREATED EV("response.created", \
	",\"response\":{\"id\":\"resp_1\",\"model\":\"gpt-x\",\"output\":[]}")
#define USAGE "\"usage\":{\"input_tokens\":9,\"input_tokens_details\":" \
	"{\"cached_tokens\":4},\"output_tokens\":5,\"output_tokens_details\":" \
	"{\"reasoning_tokens\":2},\"total_tokens\":14}"
#define COMPLETED_WITH(output) EV("response.completed", \
	",\"response\":{\"status\":\"completed\",\"output\":[" output "]," USAGE "}")
#define COMPLETED COMPLETED_WITH("")
#define START "START id=resp_1 model=gpt-x\n"
#define DONE "DONE stop usage=9/4+5/2=14\n"
#define DELTA(text) EV("response.output_text.delta", \
	AT(0, "msg_1") ",\"content_index\":0,\"delta\":\"" text "\",\"logprobs\":[]")
#define MSG(id, text) "{\"type\":\"message\",\"id\":\"" id "\",\"role\":\"assistant\"," \
	"\"content\":[{\"type\":\"output_text\",\"text\":\"" text "\",\"annotations\":[]}]}"
#define ITEM(event, i, item) EV("response.output_item." event, \
	",\"output_index\":" #i ",\"item\":" item)
#define CALL(id, call, name, args) "{\"type\":\"function_call\",\"id\":\"" id "\"," \
	"\"call_id\":\"" call "\",\"name\":\"" name "\",\"arguments\":\"" args "\"}"
#define CUSTOM(id, call, name, input) "{\"type\":\"custom_tool_call\",\"id\":\"" id "\"," \
	"\"call_id\":\"" call "\",\"name\":\"" name "\",\"input\":\"" input "\"}"

struct sequence {
	const char *title, *script, *want;
};

static const struct sequence sequences[] = {
	{ "a full text answer, told once",
	  CREATED EV("response.in_progress", ",\"response\":{\"id\":\"resp_1\"}")
	  ITEM("added", 0, "{\"type\":\"message\",\"id\":\"msg_1\",\"content\":[]}")
	  EV("response.content_part.added", AT(0, "msg_1")
	     ",\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"\"}")
	  DELTA("Hel") DELTA("lo")
	  EV("response.output_text.done", AT(0, "msg_1") ",\"content_index\":0,\"text\":\"Hello\"")
	  EV("response.content_part.done", AT(0, "msg_1")
	     ",\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"Hello\"}")
	  ITEM("done", 0, MSG("msg_1", "Hello")) COMPLETED,
	  START "OTHER\nOTHER\nOTHER\nTEXT text=Hel\nTEXT text=lo\nOTHER\nTEXT_END\n"
	  "OTHER\n" DONE },
	{ "no deltas: the text of output_text.done",
	  CREATED EV("response.output_text.done", AT(0, "msg_1") ",\"content_index\":0,\"text\":\"Hello\"")
	  ITEM("done", 0, MSG("msg_1", "Hello")) COMPLETED,
	  START "TEXT text=Hello\nTEXT_END\n" DONE },
	{ "no deltas: the text of content_part.done",
	  CREATED EV("response.content_part.done", AT(0, "msg_1")
	     ",\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"Hello\"}")
	  ITEM("done", 0, MSG("msg_1", "Hello")) COMPLETED,
	  START "TEXT text=Hello\nTEXT_END\nOTHER\n" DONE },
	{ "nothing but output_item.done",
	  CREATED ITEM("done", 0, MSG("msg_1", "Hello")) COMPLETED,
	  START "TEXT text=Hello\nTEXT_END\n" DONE },
	{ "nothing but response.completed",
	  COMPLETED_WITH(MSG("msg_1", "Hello")),
	  "START\nTEXT text=Hello\nTEXT_END\n" DONE },
	{ "the tail of the text comes with the item's end",
	  CREATED DELTA("Hel") ITEM("done", 0, MSG("msg_1", "Hello")) COMPLETED,
	  START "TEXT text=Hel\nTEXT text=lo\nTEXT_END\n" DONE },
	{ "a text that is no continuation is not spliced on",
	  CREATED DELTA("Hel") ITEM("done", 0, MSG("msg_1", "Jello!")) COMPLETED,
	  START "TEXT text=Hel\nTEXT_END\n" DONE },
	{ "completed repeats what was told, under other ids",
	  CREATED DELTA("Hello") ITEM("done", 0, MSG("msg_1", "Hello"))
	  COMPLETED_WITH(MSG("msg_other", "Hello")),
	  START "TEXT text=Hello\nTEXT_END\n" DONE },
	{ "completed finishes what deltas began",
	  CREATED DELTA("Hel") COMPLETED_WITH(MSG("msg_1", "Hello")),
	  START "TEXT text=Hel\nTEXT text=lo\nTEXT_END\n" DONE },
	{ "completed has one item more than was told",
	  CREATED ITEM("done", 0, MSG("msg_1", "A"))
	  COMPLETED_WITH(MSG("msg_1", "A") "," CALL("fc_1", "c1", "f", "{}")),
	  START "TEXT text=A\nTEXT_END\nCALL 0 id=c1 name=f\nARGS 0 text={}\n"
	  "CALL_END 0 text={}\n" DONE },
	{ "completed leaves an item out that was told",
	  CREATED ITEM("done", 0, CALL("fc_1", "c1", "f", "{}"))
	  ITEM("done", 1, CALL("fc_2", "c2", "g", "{}"))
	  COMPLETED_WITH(CALL("fc_2", "c2", "g", "{}")),
	  START "CALL 0 id=c1 name=f\nARGS 0 text={}\nCALL_END 0 text={}\n"
	  "CALL 1 id=c2 name=g\nARGS 1 text={}\nCALL_END 1 text={}\n" DONE },
	{ "deltas without any key, as small servers send them",
	  EV("response.output_text.delta", ",\"delta\":\"Hel\"")
	  EV("response.output_text.delta", ",\"delta\":\"lo\"")
	  EV("response.output_item.done", ",\"item\":" MSG("", "Hello"))
	  EV("response.output_item.done", ",\"item\":" MSG("", "More")) COMPLETED,
	  "START\nTEXT text=Hel\nTEXT text=lo\nTEXT_END\nTEXT text=More\nTEXT_END\n" DONE },
	{ "item ids that change with each event: output_index decides",
	  CREATED EV("response.output_text.delta", AT(0, "a") ",\"delta\":\"Hel\"")
	  EV("response.output_text.delta", AT(0, "b") ",\"delta\":\"lo\"")
	  ITEM("done", 0, MSG("c", "Hello")) COMPLETED,
	  START "TEXT text=Hel\nTEXT text=lo\nTEXT_END\n" DONE },
	{ "every item numbered 0: ids tell them apart",
	  CREATED ITEM("done", 0, MSG("m1", "A")) ITEM("done", 0, MSG("m2", "A"))
	  ITEM("done", 0, CALL("f1", "c1", "f", "{}"))
	  ITEM("done", 0, CALL("f2", "c2", "f", "{}")) COMPLETED,
	  START "TEXT text=A\nTEXT_END\nTEXT text=A\nTEXT_END\n"
	  "CALL 0 id=c1 name=f\nARGS 0 text={}\nCALL_END 0 text={}\n"
	  "CALL 1 id=c2 name=f\nARGS 1 text={}\nCALL_END 1 text={}\n" DONE },
	{ "output_item.done twice",
	  CREATED ITEM("done", 0, MSG("m1", "A")) ITEM("done", 0, MSG("m1", "A"))
	  ITEM("done", 1, CALL("f1", "c1", "f", "{}"))
	  ITEM("done", 1, CALL("f1", "c1", "f", "{}")) COMPLETED,
	  START "TEXT text=A\nTEXT_END\nOTHER\n"
	  "CALL 0 id=c1 name=f\nARGS 0 text={}\nCALL_END 0 text={}\nOTHER\n" DONE },
	{ "two text parts, each ended",
	  CREATED EV("response.output_text.delta", AT(0, "m") ",\"content_index\":0,\"delta\":\"A\"")
	  EV("response.output_text.delta", AT(0, "m") ",\"content_index\":1,\"delta\":\"B\"")
	  COMPLETED,
	  START "TEXT text=A\nTEXT_END\nTEXT text=B\nTEXT_END\n" DONE },
	{ "a call with deltas",
	  CREATED ITEM("added", 0, CALL("fc_1", "c1", "f", ""))
	  EV("response.function_call_arguments.delta", AT(0, "fc_1") ",\"delta\":\"{\\\"a\\\":\"")
	  EV("response.function_call_arguments.delta", AT(0, "fc_1") ",\"delta\":\"1}\"")
	  EV("response.function_call_arguments.done", AT(0, "fc_1") ",\"arguments\":\"{\\\"a\\\":1}\"")
	  ITEM("done", 0, CALL("fc_1", "c1", "f", "{\\\"a\\\":1}")) COMPLETED,
	  START "CALL 0 id=c1 name=f\nARGS 0 text={\\\"a\\\":\nARGS 0 text=1}\nOTHER\n"
	  "CALL_END 0 text={\\\"a\\\":1}\n" DONE },
	{ "a call without .added: deltas wait for the end",
	  CREATED EV("response.function_call_arguments.delta", AT(0, "fc_1") ",\"delta\":\"{\"")
	  EV("response.function_call_arguments.done", AT(0, "fc_1") ",\"arguments\":\"{}\",\"name\":\"f\"")
	  ITEM("done", 0, CALL("fc_1", "c1", "f", "{}")) COMPLETED,
	  START "OTHER\nOTHER\nCALL 0 id=c1 name=f\nARGS 0 text={}\nCALL_END 0 text={}\n" DONE },
	{ "a call without its deltas",
	  CREATED ITEM("added", 0, CALL("fc_1", "c1", "f", ""))
	  ITEM("done", 0, CALL("fc_1", "c1", "f", "{\\\"a\\\":1}")) COMPLETED,
	  START "CALL 0 id=c1 name=f\nARGS 0 text={\\\"a\\\":1}\n"
	  "CALL_END 0 text={\\\"a\\\":1}\n" DONE },
	{ "a call with half of its deltas",
	  CREATED ITEM("added", 0, CALL("fc_1", "c1", "f", ""))
	  EV("response.function_call_arguments.delta", AT(0, "fc_1") ",\"delta\":\"{\"")
	  ITEM("done", 0, CALL("fc_1", "c1", "f", "{}")) COMPLETED,
	  START "CALL 0 id=c1 name=f\nARGS 0 text={\nARGS 0 text=}\nCALL_END 0 text={}\n" DONE },
	{ "a call that never ends is ended with the answer",
	  CREATED ITEM("added", 0, CALL("fc_1", "c1", "f", "")) COMPLETED,
	  START "CALL 0 id=c1 name=f\nARGS 0 text={}\nCALL_END 0 text={}\n" DONE },
	{ "a call without arguments has an empty object",
	  CREATED ITEM("done", 0, CALL("fc_1", "c1", "f", "")) COMPLETED,
	  START "CALL 0 id=c1 name=f\nARGS 0 text={}\nCALL_END 0 text={}\n" DONE },
	{ "arguments that are an object",
	  CREATED ITEM("done", 0, "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\","
		       "\"arguments\":{\"a\":[1]}}") COMPLETED,
	  START "CALL 0 id=c name=f\nARGS 0 text={\\\"a\\\":[1]}\nCALL_END 0 text={\\\"a\\\":[1]}\n" DONE },
	{ "a call without a call id takes the item's, or one of ours",
	  CREATED ITEM("done", 0, CALL("fc_1", "", "f", "{}"))
	  ITEM("done", 1, CALL("", "", "g", "{}")) COMPLETED,
	  START "CALL 0 id=fc_1 name=f\nARGS 0 text={}\nCALL_END 0 text={}\n"
	  "CALL 1 id=call_1 name=g\nARGS 1 text={}\nCALL_END 1 text={}\n" DONE },
	{ "two calls, interleaved",
	  CREATED ITEM("added", 0, CALL("f1", "c1", "f", "")) ITEM("added", 1, CALL("f2", "c2", "g", ""))
	  EV("response.function_call_arguments.delta", AT(1, "f2") ",\"delta\":\"[2]\"")
	  EV("response.function_call_arguments.delta", AT(0, "f1") ",\"delta\":\"[1]\"")
	  ITEM("done", 1, CALL("f2", "c2", "g", "[2]")) ITEM("done", 0, CALL("f1", "c1", "f", "[1]"))
	  COMPLETED,
	  START "CALL 0 id=c1 name=f\nCALL 1 id=c2 name=g\nARGS 1 text=[2]\nARGS 0 text=[1]\n"
	  "CALL_END 1 text=[2]\nCALL_END 0 text=[1]\n" DONE },
	{ "a custom tool's call",
	  CREATED ITEM("added", 0, CUSTOM("ctc_1", "c1", "patch", ""))
	  EV("response.custom_tool_call_input.delta", AT(0, "ctc_1") ",\"delta\":\"*** \"")
	  EV("response.custom_tool_call_input.done", AT(0, "ctc_1") ",\"input\":\"*** Begin\"")
	  ITEM("done", 0, CUSTOM("ctc_1", "c1", "patch", "*** Begin")) COMPLETED,
	  START "CALL 0 custom id=c1 name=patch\nARGS 0 custom text=*** \nARGS 0 custom text=Begin\n"
	  "CALL_END 0 custom text=*** Begin\n" DONE },
	{ "a refusal, whole and in pieces",
	  CREATED EV("response.refusal.delta", AT(0, "m") ",\"content_index\":0,\"delta\":\"No\"")
	  EV("response.refusal.done", AT(0, "m") ",\"content_index\":0,\"refusal\":\"No.\"")
	  ITEM("done", 0, "{\"type\":\"message\",\"content\":[{\"type\":\"refusal\",\"refusal\":\"No.\"}]}")
	  COMPLETED,
	  START "REFUSAL text=No\nREFUSAL text=.\nOTHER\n" DONE },
	{ "summary parts are told apart",
	  CREATED ITEM("added", 0, "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[]}")
	  EV("response.reasoning_summary_part.added", AT(0, "rs_1") ",\"summary_index\":0,\"part\":{}")
	  EV("response.reasoning_summary_text.delta", AT(0, "rs_1") ",\"summary_index\":0,\"delta\":\"One\"")
	  EV("response.reasoning_summary_text.done", AT(0, "rs_1") ",\"summary_index\":0,\"text\":\"One\"")
	  EV("response.reasoning_summary_part.done", AT(0, "rs_1") ",\"summary_index\":0,\"part\":{}")
	  EV("response.reasoning_summary_text.delta", AT(0, "rs_1") ",\"summary_index\":1,\"delta\":\"Two\"")
	  ITEM("done", 0, "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":["
	       "{\"type\":\"summary_text\",\"text\":\"One\"},{\"type\":\"summary_text\",\"text\":\"Two!\"},"
	       "{\"type\":\"summary_text\",\"text\":\"Three\"}],\"encrypted_content\":\"gAAA\"}")
	  COMPLETED,
	  START "OTHER\nOTHER\nTHOUGHT text=One\nOTHER\nOTHER\nBREAK\nTHOUGHT text=Two\n"
	  "THOUGHT text=!\nBREAK\nTHOUGHT text=Three\nTHOUGHT_END id=rs_1 text=gAAA\n" DONE },
	{ "raw reasoning text; the summary of the same is left out",
	  CREATED EV("response.reasoning_text.delta", AT(0, "rs_1") ",\"content_index\":0,\"delta\":\"Hm\"")
	  EV("response.reasoning_text.done", AT(0, "rs_1") ",\"content_index\":0,\"text\":\"Hmm\"")
	  ITEM("done", 0, "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":["
	       "{\"type\":\"summary_text\",\"text\":\"Sum\"}],\"content\":["
	       "{\"type\":\"reasoning_text\",\"text\":\"Hmm\"}]}") COMPLETED,
	  START "THOUGHT text=Hm\nTHOUGHT text=m\nTHOUGHT_END id=rs_1\n" DONE },
	{ "two reasoning items",
	  CREATED ITEM("done", 0, "{\"type\":\"reasoning\",\"id\":\"r1\",\"summary\":[{\"text\":\"A\"}]}")
	  ITEM("done", 1, "{\"type\":\"reasoning\",\"id\":\"r2\",\"summary\":[{\"text\":\"B\"}]}") COMPLETED,
	  START "THOUGHT text=A\nTHOUGHT_END id=r1\nBREAK\nTHOUGHT text=B\nTHOUGHT_END id=r2\n" DONE },
	{ "citations, as events and only in the item",
	  CREATED DELTA("See")
	  EV("response.output_text.annotation.added", AT(0, "msg_1")
	     ",\"content_index\":0,\"annotation_index\":0,\"annotation\":{\"type\":\"url_citation\"}")
	  ITEM("done", 0, "{\"type\":\"message\",\"id\":\"msg_1\",\"content\":[{\"type\":\"output_text\","
	       "\"text\":\"See\",\"annotations\":[{\"type\":\"url_citation\"},{\"type\":\"file_citation\"}]}]}")
	  COMPLETED,
	  START "TEXT text=See\nNOTE json=url_citation\nNOTE json=file_citation\nTEXT_END\n" DONE },
	{ "hosted tools and their progress",
	  CREATED ITEM("added", 0, "{\"type\":\"web_search_call\",\"id\":\"ws_1\"}")
	  EV("response.web_search_call.in_progress", AT(0, "ws_1"))
	  EV("response.web_search_call.searching", AT(0, "ws_1"))
	  EV("response.web_search_call.completed", AT(0, "ws_1"))
	  EV("response.file_search_call.searching", AT(0, "fs")) EV("response.code_interpreter_call.interpreting", AT(0, "ci"))
	  EV("response.code_interpreter_call_code.delta", AT(0, "ci") ",\"delta\":\"print()\"")
	  EV("response.image_generation_call.partial_image", AT(0, "ig") ",\"partial_image_b64\":\"AAAA\"")
	  EV("response.mcp_call_arguments.delta", AT(0, "mcp") ",\"delta\":\"{}\"")
	  EV("response.mcp_list_tools.completed", AT(0, "mcp"))
	  EV("response.audio.delta", ",\"delta\":\"AAAA\"") EV("response.audio.transcript.delta", ",\"delta\":\"A\"")
	  ITEM("done", 0, "{\"type\":\"web_search_call\",\"id\":\"ws_1\"}")
	  ITEM("done", 1, "{\"type\":\"compaction\",\"encrypted_content\":\"x\"}")
	  COMPLETED_WITH("{\"type\":\"web_search_call\",\"id\":\"ws_1\"}"),
	  START "OTHER\nOTHER\nOTHER\nOTHER\nOTHER\nOTHER\nOTHER\nOTHER\nOTHER\nOTHER\nOTHER\nOTHER\n"
	  "HOSTED json=web_search_call\nOTHER\n" DONE },
	{ "private events and limits reached do not end a stream",
	  CREATED EV("codex.rate_limits", ",\"rate_limits\":{\"allowed\":false,\"limit_reached\":true}")
	  EV("codex.response.metadata", "") EV("response.metadata", "") EV("responsesapi.websocket_timing", "")
	  EV("keepalive", ",\"sequence_number\":3") EV("something.new", ",\"a\":[{}]") DELTA("A") COMPLETED,
	  START "OTHER\nOTHER\nOTHER\nOTHER\nKEEPALIVE\nOTHER\nTEXT text=A\nTEXT_END\n" DONE },
	{ "no figures", CREATED EV("response.completed", ",\"response\":{\"id\":\"resp_1\",\"usage\":null}"),
	  START "DONE stop id=resp_1\n" },
	{ "a completed event without its response", EV("response.completed", ""), "START\nDONE stop\n" },
	{ "response.done is completed", CREATED EV("response.done", ",\"response\":{" USAGE "}"), START DONE },
	{ "nothing counts behind the end", COMPLETED DELTA("late") COMPLETED EV("error", ""), "START\n" DONE },
	{ "[DONE] is nothing", DELTA("A") "[DONE]\n" COMPLETED, "START\nTEXT text=A\nTEXT_END\n" DONE },
	{ "out of tokens", EV("response.incomplete", ",\"response\":{\"status\":\"incomplete\","
	  "\"incomplete_details\":{\"reason\":\"max_output_tokens\"}," USAGE "}"),
	  "START\nDONE length usage=9/4+5/2=14\n" },
	{ "filtered", EV("response.incomplete", ",\"response\":{\"incomplete_details\":{\"reason\":\"content_filter\"}}"),
	  "START\nDONE filter\n" },
	{ "incomplete without a reason", EV("response.incomplete", ",\"response\":{}"), "START\nDONE length\n" },
	{ "a completed response that says it is not",
	  EV("response.completed", ",\"response\":{\"status\":\"incomplete\",\"incomplete_details\":"
	  "{\"reason\":\"max_output_tokens\"}}"), "START\nDONE length\n" },
	{ "a completed response that failed",
	  EV("response.completed", ",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"Oh\"}}"),
	  "FAILED upstream_failed 502 server_error: Oh\n" },
	{ "failed", CREATED EV("response.failed", ",\"response\":{\"status\":\"failed\",\"error\":"
	  "{\"code\":\"rate_limit_exceeded\",\"message\":\"Slow. Please try again in 1.5s.\"}}"),
	  START "FAILED upstream_limit 429 rate_limit_exceeded: Slow. Please try again in 1.5s.\n" },
	{ "failed without words", EV("response.failed", ",\"response\":{\"error\":null}"),
	  "FAILED upstream_failed 502 : Upstream said that the answer failed.\n" },
	{ "cancelled", EV("response.cancelled", ",\"response\":{\"status\":\"cancelled\"}"),
	  "FAILED upstream_failed 502 : Upstream cancelled the answer.\n" },
	{ "a flat error event", EV("error", ",\"code\":\"context_length_exceeded\",\"message\":\"Too long\",\"param\":null"),
	  "FAILED upstream_refused 400 context_length_exceeded: Too long\n" },
	{ "a nested error event", EV("error", ",\"status\":400,\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Bad\"}"),
	  "FAILED upstream_refused 400 : Bad\n" },
	{ "a bare error", "{\"error\":{\"message\":\"Oops\",\"code\":500}}\n",
	  "FAILED upstream_failed 502 : Oops\n" },
	{ "types of every wrong kind", CREATED
	  EV("response.output_text.delta", ",\"output_index\":\"0\",\"item_id\":7,\"delta\":[]")
	  EV("response.output_text.delta", ",\"delta\":null")
	  EV("response.output_item.done", ",\"item\":[]") EV("response.output_item.done", "")
	  EV("response.output_item.added", ",\"output_index\":-5,\"item\":{\"type\":\"function_call\",\"name\":{}}")
	  EV("response.content_part.done", ",\"part\":7") EV("response.output_text.annotation.added", ",\"annotation\":1")
	  EV("response.output_item.done", ",\"item\":{\"type\":\"message\",\"content\":{\"a\":1}}")
	  EV("response.output_item.done", ",\"item\":{\"type\":\"message\",\"content\":[1,null,{\"type\":\"output_text\"}]}")
	  EV("response.output_item.done", ",\"item\":{\"type\":\"reasoning\",\"summary\":\"x\",\"content\":[[]]}")
	  EV("response.completed", ",\"response\":{\"output\":[1,null,[]],\"usage\":[],\"incomplete_details\":1}"),
	  START "OTHER\nOTHER\nOTHER\nOTHER\nOTHER\nOTHER\nOTHER\nOTHER\nOTHER\nTHOUGHT_END\nDONE stop\n" },
};

static void test_sequences(void)
{
	for (size_t i = 0; i < ARRAY_LEN(sequences); i++) {
		const struct sequence *s = &sequences[i];
		struct err_note note = ERR_NOTE_INIT;
		struct buf out;

		buf_init(&out, 1u << 20);
		if (!check_int(trace_run(s->script, &out, &note), ERR_NONE) ||
		    !check_str(buf_span(&out), s->want))
			printf("  in: %s (%s)\n", s->title, note.why);
		buf_free(&out);
	}
}

int main(void)
{
	test_sequences();
	return test_end("test_decode");
}
