/*
 * test_ask_anthropic.c - what a Messages request becomes, and what it is told.
 *
 * A case's request is {"model":"gpt-5.5","max_tokens":99,"messages":[messages]
 * rest}, and the Responses request made of it {"model":"gpt-5.5",
 * "input":[input] others}; max_output_tokens is not written where it is 99.
 * ' stands for ".
 */
#include "../../fcgi/tongues/anthropic.h"
#include "ask_help.h"

#define USER "{'role':'user','content':'hi'}"
#define IN_MESSAGE(role, type, text) "{'type':'message','role':'" role "','content':[{'type':'" type "','text':'" text "'}]}"
#define IN_USER IN_MESSAGE("user", "input_text", "hi")
#define IN_SYSTEM(text) IN_MESSAGE("developer", "input_text", text)
#define IN_SAID(text) IN_MESSAGE("assistant", "output_text", text)
#define BLOCKS(list) "{'role':'user','content':[" list "]}"
#define SAID(list) "{'role':'assistant','content':[" list "]}"
#define TEXT(text) "{'type':'text','text':'" text "'}"
#define IN_TEXT(text) "{'type':'input_text','text':'" text "'}"
#define USE(id, name, input) "{'type':'tool_use','id':'" id "','name':'" name "','input':" input "}"
#define RESULT(id, rest) "{'type':'tool_result','tool_use_id':'" id "'" rest "}"
#define IN_CALL(id, name, args) "{'type':'function_call','call_id':'" id "','name':'" name "','arguments':'" args "'}"
#define IN_OUT(id, output) "{'type':'function_call_output','call_id':'" id "','output':" output "}"
#define IN_PARTS(list) "{'type':'message','role':'user','content':[" list "]}"
#define GO_ON "Continue your last message exactly where it stops. Do not repeat any of it and do not comment on it."
#define SOURCES ",'include':['web_search_call.action.sources']"
#define SEAL_A "cm1.5a96eddccd4c5bac.rs_1.QUJD"

struct good { const char *messages, *rest, *input, *others, *dropped; };

static const struct good goods[] = {
	{ USER, "", IN_USER, "", "" },

	/* system: a string, blocks, in the middle; without billing lines */
	{ USER, ",'system':'S'", IN_SYSTEM("S") "," IN_USER, "", "" },
	{ USER ",{'role':'system','content':'M'}," USER, ",'system':["
	  "{'type':'text','text':'x-anthropic-billing-header: cc_version=2.1; cch=1;'},"
	  "{'type':'text','text':'A','cache_control':{'type':'ephemeral','ttl':'1h'}},{'type':'text','text':'B'}]",
	  "{'type':'message','role':'developer','content':[" IN_TEXT("A") "," IN_TEXT("B") "]},"
	  IN_USER "," IN_SYSTEM("M") "," IN_USER, "", "" },
	{ USER ",{'role':'system','content':[{'type':'text','text':'M'}]}",
	  ",'system':'x-anthropic-billing-header: a\\nKeep\\nnot x-anthropic-billing-header: b\\n"
	  "x-anthropic-billing-header: c\\nthis'",
	  IN_SYSTEM("Keep\\nnot x-anthropic-billing-header: b\\nthis") "," IN_USER "," IN_SYSTEM("M"), "", "" },
	{ USER, ",'system':'x-anthropic-billing-header: only'", IN_USER, "", "" },
	{ USER, ",'system':[]", IN_USER, "", "" },

	/* blocks of a user */
	{ BLOCKS(TEXT("a") "," TEXT("") ",{'type':'image','source':{'type':'base64','media_type':'image/png','data':'-_-'}},"
	  "{'type':'image','source':{'type':'url','url':'https://x/y.png'},'cache_control':{'type':'ephemeral'}}"), "",
	  IN_PARTS(IN_TEXT("a") ",{'type':'input_image','image_url':'data:image/png;base64,+/+=','detail':'auto'},"
	  "{'type':'input_image','image_url':'https://x/y.png','detail':'auto'}"), "", "" },
	{ BLOCKS("{'type':'document','title':'T.pdf','context':'C','source':{'type':'base64','media_type':'application/pdf','data':'AA=='}},"
	  "{'type':'document','source':{'type':'base64','media_type':'application/pdf','data':'AA=='}},"
	  "{'type':'document','source':{'type':'url','url':'https://x/d.pdf'}},"
	  "{'type':'document','title':'T','context':'C','source':{'type':'text','media_type':'text/plain','data':'words'},'citations':{'enabled':true}},"
	  "{'type':'document','source':{'type':'content','content':'flat'}},"
	  "{'type':'document','source':{'type':'content','content':[" TEXT("in") "]}}"), "",
	  IN_PARTS(IN_TEXT("C") ",{'type':'input_file','filename':'T.pdf','file_data':'data:application/pdf;base64,AA=='},"
	  "{'type':'input_file','filename':'document.pdf','file_data':'data:application/pdf;base64,AA=='},"
	  "{'type':'input_file','file_url':'https://x/d.pdf'},"
	  IN_TEXT("T") "," IN_TEXT("C") "," IN_TEXT("words") "," IN_TEXT("flat") "," IN_TEXT("in")), "",
	  "messages.content.citations" },
	{ BLOCKS("{'type':'search_result','source':'https://s','title':'T','content':[" TEXT("found") "]}"), "",
	  IN_PARTS(IN_TEXT("T") "," IN_TEXT("https://s") "," IN_TEXT("found")), "", "" },

	/* the assistant's past */
	{ USER "," SAID(TEXT("a") "," TEXT("b")) "," USER, "",
	  IN_USER ",{'type':'message','role':'assistant','content':[{'type':'output_text','text':'a'},"
	  "{'type':'output_text','text':'b'}]}," IN_USER, "", "" },
	{ USER ",{'role':'assistant','content':''}," SAID("") "," SAID(TEXT("")) "," USER, "",
	  IN_USER "," IN_USER, "", "" },
	{ USER "," SAID("{'type':'server_tool_use','id':'srvtoolu_ws','name':'web_search','input':{'query':'q'}},"
	  "{'type':'web_search_tool_result','tool_use_id':'srvtoolu_ws','content':[]},"
	  "{'type':'text','text':'a','citations':[{'type':'web_search_result_location','url':'u'}]}") "," USER, "",
	  IN_USER "," IN_SAID("a") "," IN_USER, "", "" },

	/* reasoning: ours goes back, another's is left out, and so is what nothing
	 * came of */
	{ USER "," SAID("{'type':'thinking','thinking':'Hm','signature':'" SEAL_A "'}," TEXT("a")) "," USER, "",
	  IN_USER ",{'type':'reasoning','summary':[{'type':'summary_text','text':'Hm'}],'id':'rs_1','encrypted_content':'QUJD'},"
	  IN_SAID("a") "," IN_USER, "", "" },
	{ USER "," SAID("{'type':'redacted_thinking','data':'" SEAL_A "'}," USE("toolu_1", "f", "{}")) ","
	  BLOCKS(RESULT("toolu_1", "")), "",
	  IN_USER ",{'type':'reasoning','summary':[],'id':'rs_1','encrypted_content':'QUJD'},"
	  IN_CALL("call_1", "f", "{}") "," IN_OUT("call_1", "''"), "", "" },
	{ USER "," SAID("{'type':'thinking','thinking':'Hm','signature':'EqQBCgIYAhIM'},"
	  "{'type':'thinking','thinking':'Hm','signature':'cm1.5a96eddccd4c5bad.rs_1.QUJD'},"
	  "{'type':'thinking','thinking':'Hm','signature':''},"
	  "{'type':'redacted_thinking','data':'cm2.'}," TEXT("a")) "," USER, "",
	  IN_USER "," IN_SAID("a") "," IN_USER, "", "" },
	{ USER "," SAID("{'type':'thinking','thinking':'Hm','signature':'" SEAL_A "'}") "," USER, "",
	  IN_USER "," IN_USER, "", "" },

	/* calls and results */
	{ USER "," SAID(USE("toolu_1", "f", "{'a':[1,'x']}") "," USE("toolu__z", "g", "{}") "," USE("own", "a.b", "{}")) ","
	  BLOCKS(RESULT("own", ",'content':'c'") "," TEXT("mid") "," RESULT("toolu_1", ",'content':[" TEXT("1") "," TEXT("2") "]")
	  "," RESULT("toolu__z", ",'content':[],'is_error':false") "," TEXT("end")), "",
	  IN_USER "," IN_CALL("call_1", "f", "{\\'a\\':[1,\\'x\\']}") "," IN_CALL("z", "g", "{}") ","
	  IN_CALL("own", "a_b_2e7336dc8eba87ef", "{}") ","
	  IN_OUT("own", "'c'") "," IN_PARTS(IN_TEXT("mid")) "," IN_OUT("call_1", "'1\\n2'") "," IN_OUT("z", "''") ","
	  IN_PARTS(IN_TEXT("end")), "", "" },
	{ USER "," SAID(USE("toolu_1", "f", "{}") "," USE("toolu_2", "f", "{}") "," USE("toolu_3", "f", "{}") "," USE("toolu_4", "f", "{}")) ","
	  BLOCKS(RESULT("toolu_1", ",'is_error':true,'content':'no'") "," RESULT("toolu_2", ",'is_error':true,'content':'ERROR: no'") ","
	  RESULT("toolu_3", ",'is_error':true,'content':'<tool_use_error>x'") ","
	  RESULT("toolu_4", ",'is_error':true,'content':[{'type':'image','source':{'type':'url','url':'https://i'}}]")), "",
	  IN_USER "," IN_CALL("call_1", "f", "{}") "," IN_CALL("call_2", "f", "{}") "," IN_CALL("call_3", "f", "{}") ","
	  IN_CALL("call_4", "f", "{}") ","
	  IN_OUT("call_1", "'Error: no'") "," IN_OUT("call_2", "'ERROR: no'") "," IN_OUT("call_3", "'<tool_use_error>x'") ","
	  IN_OUT("call_4", "[" IN_TEXT("The tool failed:") ",{'type':'input_image','image_url':'https://i','detail':'auto'}]"), "", "" },
	/* broken off */
	{ USER "," SAID(USE("toolu_1", "f", "{}")), "",
	  IN_USER "," IN_CALL("call_1", "f", "{}") "," IN_OUT("call_1", "'aborted'"), "", "" },

	/* the assistant's words are to be gone on with */
	{ USER ",{'role':'assistant','content':'{'}", "",
	  IN_USER "," IN_SAID("{") "," IN_SYSTEM(GO_ON), "", "" },

	/* tools */
	{ USER, ",'tools':[{'name':'f','description':'D','input_schema':{'type':'object','properties':{'a':{}}},"
	  "'cache_control':{'type':'ephemeral'},'defer_loading':true,'eager_input_streaming':true},"
	  "{'type':'web_search_20250305','name':'web_search','max_uses':5,'allowed_domains':['a.org'],"
	  "'user_location':{'type':'approximate','city':'Rome','country':'IT'}},"
	  "{'type':'tool_search_tool_regex_20251119','name':'tool_search_tool_regex'}]",
	  IN_USER, SOURCES ",'tools':[{'type':'function','name':'f','description':'D','parameters':{'type':'object','properties':{'a':{}}},'strict':false},"
	  "{'type':'web_search','filters':{'allowed_domains':['a.org']},'user_location':{'type':'approximate','city':'Rome','country':'IT'}}]",
	  "tools.max_uses, tools.tool_search" },
	{ USER, ",'tools':[{'name':'f','strict':true,'input_schema':{'type':'object','properties':{'a':{}},'required':['a'],'additionalProperties':false}},"
	  "{'name':'g','strict':true,'input_schema':{'type':'object','properties':{'a':{}},'additionalProperties':false}}],"
	  "'tool_choice':{'type':'auto','disable_parallel_tool_use':true}",
	  IN_USER, ",'tools':[{'type':'function','name':'f','parameters':{'type':'object','properties':{'a':{}},'required':['a'],'additionalProperties':false},'strict':true},"
	  "{'type':'function','name':'g','parameters':{'type':'object','properties':{'a':{}},'additionalProperties':false},'strict':false}],"
	  "'tool_choice':'auto','parallel_tool_calls':false", "tools.strict" },
	{ USER, ",'tools':[{'name':'f','input_schema':{}}],'tool_choice':{'type':'tool','name':'f'}",
	  IN_USER, ",'tools':[{'type':'function','name':'f','parameters':{'type':'object','properties':{}},'strict':false}],"
	  "'tool_choice':{'type':'function','name':'f'}", "" },
	{ USER, ",'tools':[{'type':'web_search_20260209','name':'web_search'}],'tool_choice':{'type':'tool','name':'web_search'}",
	  IN_USER, SOURCES ",'tools':[{'type':'web_search'}],'tool_choice':{'type':'web_search'}", "" },
	{ USER, ",'tools':[{'name':'f','input_schema':{}}],'tool_choice':{'type':'none'}",
	  IN_USER, ",'tools':[{'type':'function','name':'f','parameters':{'type':'object','properties':{}},'strict':false}],"
	  "'tool_choice':'none'", "" },

	/* how hard to think */
	{ USER, ",'thinking':{'type':'enabled','budget_tokens':1024}", IN_USER,
	  ",'reasoning':{'effort':'low'},'include':['reasoning.encrypted_content']", "" },
	{ USER, ",'thinking':{'type':'enabled','budget_tokens':4096}", IN_USER,
	  ",'reasoning':{'effort':'medium'},'include':['reasoning.encrypted_content']", "" },
	{ USER, ",'thinking':{'type':'enabled','budget_tokens':31999}", IN_USER,
	  ",'reasoning':{'effort':'high'},'include':['reasoning.encrypted_content']", "" },
	{ USER, ",'thinking':{'type':'enabled','budget_tokens':32768}", IN_USER,
	  ",'reasoning':{'effort':'xhigh'},'include':['reasoning.encrypted_content']", "" },
	{ USER, ",'thinking':{'type':'adaptive'},'context_management':{'edits':[]}", IN_USER,
	  ",'include':['reasoning.encrypted_content']", "context_management" },
	{ USER, ",'thinking':{'type':'adaptive','display':'omitted'},'output_config':{'effort':'max'}", IN_USER,
	  ",'reasoning':{'summary':'none','effort':'max'},'include':['reasoning.encrypted_content']", "" },
	{ USER, ",'thinking':{'type':'disabled'}", IN_USER, ",'reasoning':{'effort':'none'}", "" },
	{ USER, ",'thinking':{'type':'disabled'},'output_config':{'effort':'high','task_budget':{}}", IN_USER,
	  ",'reasoning':{'effort':'high'}", "output_config.task_budget" },

	/* the answer's shape */
	{ USER, ",'output_config':{'format':{'type':'json_schema','schema':{'type':'object','properties':{'a':{'type':'string'}},"
	  "'required':['a'],'additionalProperties':false}}}", IN_USER,
	  ",'text':{'format':{'type':'json_schema','name':'answer','schema':{'type':'object','properties':{'a':{'type':'string'}},"
	  "'required':['a'],'additionalProperties':false},'strict':true}}", "" },
	{ USER, ",'output_format':{'type':'json_schema','schema':{'type':'object','properties':{'a':{'type':'object'}}}}", IN_USER,
	  ",'text':{'format':{'type':'json_schema','name':'answer','schema':{'type':'object','properties':{'a':{'type':'object'}}},'strict':false}}", "" },

	/* the rest */
	{ USER, ",'temperature':1,'top_p':0.5,'top_k':40,'service_tier':'auto','betas':['x'],"
	  "'cache_control':{'type':'ephemeral'},'container':'c','mcp_servers':[],'metadata':{'user_id':'me'}", IN_USER,
	  ",'temperature':1,'top_p':0.5,'safety_identifier':'me'", "container" },
	{ USER, ",'service_tier':'standard_only','metadata':{'user_id':null}", IN_USER, ",'service_tier':'default'", "" },
	{ USER, ",'speed':'fast','metadata':{'user_id':'0123456789012345678901234567890123456789012345678901234567890123456789'}",
	  IN_USER, ",'service_tier':'priority','safety_identifier':'57445fa40b08c60cdcba7ca39c756de614d11482e3f15a925f548688c19e58f4'", "" },
};

static void run(const struct good *g)
{
	struct bench b;
	struct json_object *limit;
	char body[8192], want[8192];

	snprintf(body, sizeof(body), "{'model':'gpt-5.5','max_tokens':99,'messages':[%s]%s}",
		 g->messages, g->rest);
	snprintf(want, sizeof(want), "{'model':'gpt-5.5','input':[%s]%s}",
		 g->input, g->others);
	if (!check(bench_open(&b, RESPONSES)) || !check(bench_body(&b, body))) {
		printf("  %s\n", body);
		return;
	}
	if (!check_int(ask_anthropic(&b.ask, b.body, &b.note), ERR_NONE))
		printf("  %s\n  %s\n", body, b.note.tell);
	limit = json_get(b.ask.request, "max_output_tokens");
	check_int(json_object_get_int64(limit), 99);
	json_object_object_del(b.ask.request, "max_output_tokens");
	json_write(&b.out, b.ask.request);
	if (!check_str(bench_out(&b), want))
		printf("  in: %s\n", body);
	check_str(buf_span(&b.ask.terms.dropped), g->dropped);
	bench_close(&b);
}

struct bad { const char *messages, *rest, *param, *tell; };

static const struct bad bads[] = {
	{ "", "", "messages", "it has no messages." },
	{ "{'role':'tool','content':'x'}", "", "messages[0].role", "'tool' is none of user, assistant, system." },
	{ "{'role':'user'}", "", "messages[0].content", "Missing" },
	{ "{'role':'user','content':3}", "", "messages[0].content", "expected a string or an array of blocks" },
	{ BLOCKS(""), "", "messages[0].content", "it has no blocks." },
	{ BLOCKS("{'type':'hologram'}"), "", "messages[0].content[0].type", "'hologram' cannot stand here" },
	{ BLOCKS("{'type':'container_upload','file_id':'f'}"), "", "messages[0].content[0].type", "cannot stand here" },
	{ BLOCKS("{'text':'x'}"), "", "messages[0].content[0].type", "Missing" },
	{ BLOCKS("'x'"), "", "messages[0].content[0]", "expected an object" },
	{ BLOCKS("{'type':'image','source':{'type':'file','file_id':'f'}}"), "", "messages[0].content[0].source.type", "Files are not kept here" },
	{ BLOCKS("{'type':'image','source':{'type':'base64','media_type':'image/tiff','data':'x'}}"), "",
	  "messages[0].content[0].source.media_type", "'image/tiff' is none of" },
	{ BLOCKS("{'type':'image','source':{'type':'base64','media_type':'image/png'}}"), "",
	  "messages[0].content[0].source.data", "Missing" },
	{ BLOCKS("{'type':'image','source':{'type':'url','url':'file:///etc/passwd'}}"), "",
	  "messages[0].content[0].source.url", "http, https or data URL" },
	{ BLOCKS("{'type':'document','source':{'type':'base64','media_type':'text/csv','data':'x'}}"), "",
	  "messages[0].content[0].source.media_type", "none of application/pdf" },
	{ BLOCKS("{'type':'document','source':{'type':'content','content':[{'type':'video'}]}}"), "",
	  "messages[0].content[0].source.content[0].type", "none of text, image" },
	{ BLOCKS(RESULT("toolu_1", "")), "", "messages[0].content[0].tool_use_id", "no tool_use with the id 'toolu_1'" },
	{ USER "," SAID(USE("toolu_1", "f", "'x'")), "", "messages[1].content[0].input", "expected an object" },
	{ USER "," SAID(USE("", "f", "{}")), "", "messages[1].content[0].id", "must not be empty" },
	{ USER "," SAID("{'type':'image','source':{}}"), "", "messages[1].content[0].type", "cannot stand here" },
	{ USER "," SAID(USE("toolu_1", "f", "{}")) "," BLOCKS(RESULT("toolu_1", ",'content':[{'type':'x'}]")), "",
	  "messages[2].content[0].content[0].type", "cannot stand here" },
	{ USER, ",'system':3", "system", "expected a string or an array of text blocks" },
	{ USER, ",'system':[{'type':'image'}]", "system[0].type", "none of text" },
	{ USER, ",'max_tokens':0", "max_tokens", "at least 1" },
	{ USER, ",'max_tokens':-5", "max_tokens", "at least 1" },
	{ USER, ",'max_tokens':null", "max_tokens", "Missing" },
	{ USER, ",'max_tokens':1.5", "max_tokens", "expected an integer" },
	{ USER, ",'tools':[{'type':'code_execution_20250825','name':'c'}]", "tools[0].type", "cannot be had here" },
	{ USER, ",'tools':[{'name':'','input_schema':{}}]", "tools[0].name", "must be a name" },
	{ USER, ",'tools':[{'name':'f','input_schema':3}]", "tools[0].input_schema", "expected an object" },
	{ USER, ",'tool_choice':{'type':'any'}", "tool_choice", "needs tools" },
	{ USER, ",'tool_choice':{'type':'tool','name':'f'}", "tool_choice", "no function named 'f'" },
	{ USER, ",'tool_choice':{'type':'some'}", "tool_choice.type", "none of auto, any, tool, none" },
	{ USER, ",'tool_choice':'auto'", "tool_choice", "expected an object" },
	{ USER, ",'thinking':{'type':'enabled'}", "thinking.budget_tokens", "Missing" },
	{ USER, ",'thinking':{'type':'enabled','budget_tokens':1023}", "thinking.budget_tokens", "at least 1024" },
	{ USER, ",'thinking':{'type':'on'}", "thinking.type", "none of enabled, adaptive, between_tools, disabled" },
	{ USER, ",'thinking':{'type':'adaptive','display':'loud'}", "thinking.display", "none of summarized, updates, omitted" },
	{ USER, ",'output_config':{'effort':'heroic'}", "output_config.effort", "'heroic' is none of" },
	{ USER, ",'output_format':{'type':'xml'}", "output_format.type", "none of json_schema" },
	{ USER, ",'output_config':{'format':{'type':'json_schema'}}", "output_config.format.schema", "Missing" },
	{ USER, ",'stop_sequences':'x'", "stop_sequences", "expected an array" },
	{ USER, ",'stop_sequences':['']", "stop_sequences[0]", "1 to 256 bytes" },
	{ USER, ",'stop_sequences':['1','2','3','4','5','6','7','8','9','10','11','12','13','14','15','16','17','18','19','20','21','22','23','24','25','26','27','28','29','30','31','32','33']", "stop_sequences", "at most 32" },
	{ USER, ",'mcp_servers':[{'url':'https://x'}]", "mcp_servers", "not called from here" },
	{ USER, ",'temperature':1.5", "temperature", "between 0 and 1" },
	{ USER, ",'service_tier':'fast'", "service_tier", "none of auto, standard_only" },
	{ USER, ",'stream':'yes'", "stream", "expected a boolean" },
	{ USER, ",'metadata':{'user_id':7}", "metadata.user_id", "expected a string" },
};

static void run_bad(const struct bad *c)
{
	struct bench b;
	char body[4096];

	snprintf(body, sizeof(body), "{'model':'gpt-5.5'%s,'messages':[%s]%s}",
		 strstr(c->rest, "max_tokens") ? "" : ",'max_tokens':9", c->messages,
		 c->rest);
	check(bench_open(&b, CHATGPT));
	if (!check(bench_body(&b, body))) {
		printf("  %s\n", body);
		return;
	}
	ask_anthropic(&b.ask, b.body, &b.note);
	if (!check(b.note.code == ERR_BAD_REQUEST || b.note.code == ERR_UNSUPPORTED_PARAM) ||
	    !check_str(span_of(b.note.param), c->param) ||
	    !check(strstr(b.note.tell, c->tell) != NULL))
		printf("  %s\n  %s: %s\n", body, b.note.param, b.note.tell);
	bench_close(&b);
}

/* What the ChatGPT backend does not take is dropped and named. */
static void test_chatgpt(void)
{
	struct bench b;

	bench_open(&b, CHATGPT);
	check(bench_body(&b, "{'model':'claude-opus-4-8[1m]','max_tokens':9,'temperature':0.5,'top_k':1,"
			 "'metadata':{'user_id':'x'},'stop_sequences':['a','b','c','d','e'],'stream':true,"
			 "'messages':[" USER "]}"));
	check_int(ask_anthropic(&b.ask, b.body, &b.note), ERR_NONE);
	check_str(buf_span(&b.ask.terms.dropped), "max_tokens, temperature, metadata.user_id");
	check_int((int64_t)b.ask.terms.stop_count, 5);
	check(b.ask.terms.stream);
	check_str(span_of(b.ask.terms.model), "claude-opus-4-8[1m]");
	check_str(span_of(b.ask.model.slug), catalog_default(b.catalog)->slug);
	check_int(payload_build(&b.ask, SESSION, &b.out, &b.note), ERR_NONE);
	check_str(buf_span(&b.ask.terms.dropped), "max_tokens, temperature, metadata.user_id, top_k");
	bench_close(&b);
}

static enum reasoning_compat compat_of(const char *rest, const char *header,
				       const char *setting)
{
	enum reasoning_compat got;
	struct bench b;
	char body[512];

	bench_open(&b, setting);
	snprintf(body, sizeof(body), "{'model':'gpt-5.5','max_tokens':9,'messages':[" USER "]%s}", rest);
	check(bench_body(&b, body));
	b.ask.reasoning_header = header;
	check_int(ask_anthropic(&b.ask, b.body, &b.note), ERR_NONE);
	got = b.ask.terms.reasoning;
	bench_close(&b);
	return got;
}

/* Reasoning is shown to who asks for it, in the one form that there is. */
static void test_shown(void)
{
	check_int(compat_of("", NULL, CHATGPT), COMPAT_NONE);
	check_int(compat_of(",'thinking':{'type':'disabled'}", NULL, CHATGPT), COMPAT_NONE);
	check_int(compat_of(",'thinking':{'type':'adaptive'}", NULL, CHATGPT), COMPAT_CONTENT);
	check_int(compat_of(",'thinking':{'type':'adaptive'}", "think-tags", CHATGPT), COMPAT_CONTENT);
	check_int(compat_of(",'thinking':{'type':'adaptive'}", "none", CHATGPT), COMPAT_NONE);
	check_int(compat_of(",'thinking':{'type':'adaptive'}", NULL,
			    CHATGPT " CHATMOCK_REASONING_COMPAT=none"), COMPAT_CONTENT);
}

/* Of a model that nobody knows no reasoning is spoken unasked. */
static void test_unknown_model(void)
{
	struct bench b;

	bench_open(&b, RESPONSES);
	check(bench_body(&b, "{'model':'llama9','max_tokens':1,'messages':[" USER "],"
			 "'thinking':{'type':'adaptive'},'output_config':{'effort':'heroic'}}"));
	check_int(ask_anthropic(&b.ask, b.body, &b.note), ERR_NONE);
	json_write(&b.out, b.ask.request);
	check_str(bench_out(&b), "{'model':'llama9','input':[" IN_USER "],"
		  "'reasoning':{'effort':'heroic'},'max_output_tokens':16}");
	bench_close(&b);
	bench_open(&b, RESPONSES);
	check(bench_body(&b, "{'model':'claude-x','max_tokens':16,'messages':[" USER "],'thinking':{'type':'disabled'}}"));
	check_int(ask_anthropic(&b.ask, b.body, &b.note), ERR_NONE);
	json_write(&b.out, b.ask.request);
	check_str(bench_out(&b), "{'model':'claude-x','input':[" IN_USER "],'max_output_tokens':16}");
	bench_close(&b);
}

static void test_body_untouched(void)
{
	body_untouched(CHATGPT,
		"{'model':'gpt-5.5','max_tokens':9,'system':'x-anthropic-billing-header: a','messages':["
		BLOCKS(TEXT("a")) "," SAID(USE("toolu_1", "f", "{}")) "," BLOCKS(RESULT("toolu_1", ",'is_error':true,'content':'x'")) "],"
		"'tools':[{'name':'a.b','strict':true,'input_schema':{}}],'tool_choice':{'type':'tool','name':'a.b'}}",
		ask_anthropic);
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(goods); i++)
		run(&goods[i]);
	for (size_t i = 0; i < ARRAY_LEN(bads); i++)
		run_bad(&bads[i]);
	test_chatgpt();
	test_shown();
	test_unknown_model();
	test_body_untouched();
	return test_end("test_ask_anthropic");
}
