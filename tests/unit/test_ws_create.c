/*
 * test_ws_create.c - what a message asks for, and how a conversation goes on.
 * ' stands for ".
 */
#include "../../fcgi/wire/ws_create.h"
#include "test.h"

static void put(struct buf *b, const char *text)
{
	for (; *text; text++)
		buf_char(b, *text == '\'' ? '"' : *text);
}

static void given(struct ws_create *c, const char *text)
{
	ws_create_free(c);
	ws_create_init(c);
	put(&c->text, text);
}

static void body_is(struct ws_create *c, const char *body, const char *input)
{
	struct buf want;

	ws_create_read(c);
	buf_init(&want, 1 << 16);
	check_int(c->wants, WS_WANTS_RESPONSE);
	put(&want, body);
	check_str(buf_span(&c->body), want.ptr);
	buf_reset(&want);
	put(&want, input);
	check_str(buf_span(&c->input), want.ptr);
	buf_free(&want);
}

static void remembered(struct ws_create *c)
{
	memcpy(c->memory.id, "resp_1", 7);
	put(&c->memory.input, "{'role':'user'}");
	put(&c->memory.end, "{'type':'response.completed','response':{'id':'resp_1',"
			    "'output':[{'a':1},{'b':2}]}}");
}

static void requests(struct ws_create *c)
{
	given(c, "{'type':'response.create','model':'m','input':[ {'a':1} , 2 ],"
		 "'stream':false}");
	body_is(c, "{'model':'m','input':[ {'a':1} , 2 ],'stream':true}",
		"{'a':1} , 2");
	check(!c->chained);
	given(c, "{'model':'m','input':'Hi','type':'response.create'}");
	body_is(c, "{'model':'m','input':'Hi','stream':true}",
		"{'type':'message','role':'user','content':'Hi'}");
	given(c, "{'type':'response.create'}");
	body_is(c, "{'stream':true}", "");
	given(c, "{'type':'response.create','input':{'x':1},'generate':false,"
		 "'previous_response_id':null}");
	body_is(c, "{'input':{'x':1},'generate':false,'previous_response_id':null,"
		   "'stream':true}", "{'x':1}");
	check(!c->chained);
	/* escapes in a name: it is read all the same */
	given(c, "{'\\u0074ype':'response.create','model':'m'}");
	body_is(c, "{'model':'m','stream':true}", "");
}

static void chains(struct ws_create *c)
{
	given(c, "{'type':'response.create','model':'m','input':[{'c':3}],"
		 "'previous_response_id':'resp_1'}");
	remembered(c);
	body_is(c, "{'model':'m','input':[{'role':'user'},{'a':1},{'b':2},{'c':3}],"
		   "'stream':true}", "{'role':'user'},{'a':1},{'b':2},{'c':3}");
	check(!c->chained);
	/* without an input of its own */
	given(c, "{'type':'response.create','previous_response_id':'resp_1'}");
	remembered(c);
	body_is(c, "{'input':[{'role':'user'},{'a':1},{'b':2}],'stream':true}",
		"{'role':'user'},{'a':1},{'b':2}");
	/* nothing before, nothing said: as after a preparation */
	given(c, "{'type':'response.create','input':[{'c':3}],"
		 "'previous_response_id':'resp_1'}");
	memcpy(c->memory.id, "resp_1", 7);
	put(&c->memory.end, "{'response':{'output':[ ]}}");
	body_is(c, "{'input':[{'c':3}],'stream':true}", "{'c':3}");
	/* another's */
	given(c, "{'type':'response.create','input':[{'c':3}],"
		 "'previous_response_id':'resp_2'}");
	remembered(c);
	body_is(c, "{'input':[{'c':3}],'previous_response_id':'resp_2','stream':true}",
		"{'c':3}");
	check(c->chained);
	given(c, "{'type':'response.create','previous_response_id':''}");
	body_is(c, "{'previous_response_id':'','stream':true}", "");
	check(c->chained);
	/* what a conversation puts before it is not known here */
	given(c, "{'type':'response.create','conversation':'conv_1'}");
	body_is(c, "{'conversation':'conv_1','stream':true}", "");
	check(c->chained);
}

static void wrong_is(struct ws_create *c, const char *text, enum err code,
		     const char *words)
{
	struct buf out;

	given(c, text);
	ws_create_read(c);
	check_int(c->wants, WS_IS_WRONG);
	check_int(c->note.code, code);
	buf_init(&out, 1 << 16);
	ws_put_wrong(&out, &c->note);
	if (!check(strstr(out.ptr, words) != NULL))
		printf("  %s\n", out.ptr);
	buf_free(&out);
}

static void wrongs(struct ws_create *c)
{
	wrong_is(c, "nonsense", ERR_BAD_JSON, "\"code\":\"bad_json\"");
	wrong_is(c, "[1]", ERR_BAD_JSON, "must be a JSON object");
	wrong_is(c, "", ERR_BAD_JSON, "{\"type\":\"error\",\"status\":400,\"error\":{");
	wrong_is(c, "{'type':'response.create'", ERR_BAD_JSON, "bad_json");
	wrong_is(c, "{'type':'response.create','a\\'b':1}", ERR_BAD_JSON, "escapes");
	wrong_is(c, "{'type':'session.update'}", ERR_BAD_REQUEST,
		 "not 'session.update'.\",\"param\":\"type\"}}");
	wrong_is(c, "{'type':7}", ERR_BAD_REQUEST, "not ''.");
	wrong_is(c, "{}", ERR_BAD_REQUEST, "\"code\":\"invalid_value\"");
	given(c, "{'type':'response.create','input':'");
	buf_str(&c->text, "\xff\"}");
	ws_create_read(c);
	check_int(c->wants, WS_IS_NO_TEXT);
	given(c, "{'type':'response.processed','response_id':'resp_1'}");
	check(ws_is_processed(buf_span(&c->text)));
	ws_create_read(c);
	check_int(c->wants, WS_WANTS_NOTHING);
	check(!ws_is_processed(SPAN("{\"type\":\"response.create\"}")));
	check(!ws_is_processed(SPAN("no")));
}

static void metadata(struct ws_create *c)
{
	struct span rest, want;

	given(c, "{'type':'response.create','client_metadata':{'x-codex-turn-state':'abc',"
		 "'ws_request_header_x_openai_internal_codex_responses_lite':'true',"
		 "'ws_request_header_authorization':'no','authorization':'no',"
		 "'x-codex-a_b':'no','x-codex-n':5,'x-codex-q':'a\\n','x-codex-':'',"
		 "'x-codex-ws-stream-request-start-ms':'5','x-codex-c=d':'no',"
		 "'x-codex-turn-metadata':'{\\'id\\':1}'}}");
	ws_create_read(c);
	check_int(c->wants, WS_WANTS_RESPONSE);
	want = SPAN("HTTP_X_CODEX_TURN_STATE=abc\0"
		    "HTTP_X_OPENAI_INTERNAL_CODEX_RESPONSES_LITE=true\0"
		    "HTTP_X_CODEX_TURN_METADATA={\"id\":1}\0");
	rest = buf_span(&c->further);
	check(rest.len == want.len && !memcmp(rest.ptr, want.ptr, want.len));
}

static void ids(void)
{
	char id[WS_ID_MAX];
	struct buf b;

	ws_response_id(SPAN("{\"response\":{\"id\":\"resp_9\"}}"), id);
	check_str(span_of(id), "resp_9");
	ws_response_id(SPAN("{\"response\":{}}"), id);
	check_str(span_of(id), "");
	buf_init(&b, 1024);
	buf_str(&b, "{\"response\":{\"id\":\"");
	for (int i = 0; i < WS_ID_MAX; i++)
		buf_char(&b, 'x');
	buf_str(&b, "\"}}");
	ws_response_id(buf_span(&b), id);
	check_str(span_of(id), "");
	buf_free(&b);
}

int main(void)
{
	struct ws_create c;

	ws_create_init(&c);
	requests(&c);
	chains(&c);
	wrongs(&c);
	metadata(&c);
	ids();
	ws_create_free(&c);
	ws_create_free(&c);
	return test_end("test_ws_create");
}
