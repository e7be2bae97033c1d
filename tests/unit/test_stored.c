/*
 * test_stored.c - what is stored as the API shows it, and the questions about
 * it. ' stands for ".
 */
#include "../../fcgi/tongues/memory.h"
#include "../../fcgi/tongues/stored.h"
#include "test.h"

#define SIZE 2048

static const char *quoted(const char *s)
{
	static char texts[4][SIZE];
	static int next;
	char *text = texts[next++ % 4];

	snprintf(text, SIZE, "%s", s);
	for (char *c = text; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	return text;
}

/* --- questions --- */

static void test_query(void)
{
	static const struct {
		const char *query;
		size_t limit;
		bool ascending, stream;
		const char *after, *before;
	} goods[] = {
		{ "", 20, false, false, "", "" },
		{ "limit=1&order=asc&after=msg_1&before=msg_2", 1, true, false, "msg_1", "msg_2" },
		{ "limit=100&order=desc&stream=true&unheard=1", 100, false, true, "", "" },
		{ "after=a%5Fb%2&before=%zz%00+", 20, false, false, "a_b%2", "%zz%00 " },
		{ "&&limit=%31&stream=false", 1, false, false, "", "" },
	};
	static const struct { const char *query, *param; } bads[] = {
		{ "limit=0", "limit" }, { "limit=101", "limit" }, { "limit=x", "limit" },
		{ "limit=", "limit" }, { "limit=1.5", "limit" }, { "order=up", "order" }, { "order=", "order" },
	};
	struct stored_query q;

	for (size_t i = 0; i < ARRAY_LEN(goods); i++) {
		struct err_note note = ERR_NOTE_INIT;

		check_int(stored_query(span_of(goods[i].query), &q, &note), 0);
		check_int((long long)q.limit, (long long)goods[i].limit);
		check_int(q.ascending, goods[i].ascending);
		check_int(q.stream, goods[i].stream);
		check_str(span_of(q.after), goods[i].after);
		check_str(span_of(q.before), goods[i].before);
	}
	for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
		struct err_note note = ERR_NOTE_INIT;

		check_int(stored_query(span_of(bads[i].query), &q, &note), ERR_BAD_REQUEST);
		check_str(span_of(note.param), bads[i].param);
	}
}

/* --- what is hidden until it is asked for --- */

static void test_include(void)
{
	static const struct { const char *query, *item, *want; } shown[] = {
		{ "", "{'type':'reasoning','id':'i','encrypted_content':'e','summary':[]}", "{'type':'reasoning','id':'i','summary':[]}" },
		{ "include[]=reasoning.encrypted_content", "{'type':'reasoning','id':'i','encrypted_content':'e'}",
		  "{'type':'reasoning','id':'i','encrypted_content':'e'}" },
		{ "include=web_search_call.results&include[0]=web_search_call.action.sources",
		  "{'type':'web_search_call','id':'i','action':{'sources':[1]},'results':[2]}",
		  "{'type':'web_search_call','id':'i','action':{'sources':[1]},'results':[2]}" },
		{ "", "{'type':'web_search_call','id':'i','action':{'sources':[1],'query':'q'},'results':[2]}",
		  "{'type':'web_search_call','id':'i','action':{'query':'q'}}" },
		{ "", "{'type':'message','role':'assistant','content':[{'type':'output_text','text':'t','logprobs':[1]},{'type':'refusal'}]}",
		  "{'type':'message','role':'assistant','content':[{'type':'output_text','text':'t','logprobs':[],'annotations':[]},{'type':'refusal'}],'id':'i','status':'completed'}" },
		{ "includes=message.output_text.logprobs", "{'role':'assistant','content':[{'type':'output_text','logprobs':[1],'annotations':[2]}],'status':'incomplete'}",
		  "{'role':'assistant','content':[{'type':'output_text','logprobs':[],'annotations':[2]}],'status':'incomplete','type':'message','id':'i'}" },
		{ "include%5B%5D=message.output_text.logprobs", "{'type':'message','content':[{'type':'output_text','logprobs':[1],'annotations':[]}],'status':'x','id':'other'}",
		  "{'type':'message','content':[{'type':'output_text','logprobs':[1],'annotations':[]}],'status':'x','id':'i'}" },
		{ "", "{'type':'computer_call_output','output':{'image_url':'u','type':'x'}}",
		  "{'type':'computer_call_output','output':{'type':'x'},'id':'i'}" },
		{ "", "{'type':'message','content':'text','status':'completed'}", "{'type':'message','content':'text','status':'completed','id':'i'}" },
		{ "", "{'type':'brand_new','n':1.50}", "{'type':'brand_new','n':1.50,'id':'i'}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
		struct err_note note = ERR_NOTE_INIT;
		struct store_items items;
		struct stored_query q;
		struct buf out;

		store_items_init(&items, SIZE, 10);
		buf_init(&out, SIZE);
		check_int(stored_query(span_of(shown[i].query), &q, &note), 0);
		store_items_add(&items, true, SPAN("i"), span_of(quoted(shown[i].item)));
		check_int(stored_item(&items, 0, q.include, &out, &note), 0);
		check_str(buf_span(&out), quoted(shown[i].want));
		store_items_free(&items);
		buf_free(&out);
	}
}

static void test_list(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store_items items;
	struct buf out;

	store_items_init(&items, SIZE, 10);
	buf_init(&out, SIZE);
	check_int(stored_list(&items, false, 0, &out, &note), 0);
	check_str(buf_span(&out), quoted("{'object':'list','data':[],'first_id':'','last_id':'','has_more':false}"));
	buf_reset(&out);
	store_items_add(&items, true, SPAN("a"), SPAN("{\"type\":\"x\"}"));
	store_items_add(&items, true, SPAN("b"), SPAN("{\"type\":\"y\"}"));
	check_int(stored_list(&items, true, 0, &out, &note), 0);
	check_str(buf_span(&out), quoted("{'object':'list','data':[{'type':'x','id':'a'},{'type':'y','id':'b'}],"
					 "'first_id':'a','last_id':'b','has_more':true}"));
	/* what is no item is our fault, and said */
	buf_reset(&out);
	store_items_add(&items, true, SPAN("c"), SPAN("7"));
	check(stored_list(&items, true, 0, &out, &note) != ERR_NONE);
	store_items_free(&items);
	buf_free(&out);
	note = ERR_NOTE_INIT;
	buf_init(&out, 20);
	check_int(stored_response(SPAN("{\"id\":\"resp_1\",\"output\":[]}"), 0, &out, &note), ERR_TOO_LARGE);
	buf_free(&out);
}

/* An answer's output, each item under its id. */
static void test_output(void)
{
	struct store_items items;

	store_items_init(&items, SIZE, 10);
	check(memory_output(&items, SPAN("[{\"id\":\"rs_1\",\"type\":\"reasoning\"}, {\"type\":\"function_call\"},{\"id\":\"a\\u0062\"},{\"id\":\"rs_1\",\"type\":\"reasoning\"}]")));
	if (check_int((long long)items.count, 4)) {
		check_str(store_item_id(&items, 0), "rs_1");
		check_str(store_item_json(&items, 0), "{\"id\":\"rs_1\",\"type\":\"reasoning\"}");
		check(items.all[0].output);
		check(span_starts(store_item_id(&items, 1), "fc_"));
		check(span_starts(store_item_id(&items, 2), "msg_"));
		check(span_starts(store_item_id(&items, 3), "rs_") && store_item_id(&items, 3).len > 20);
	}
	check(memory_output(&items, SPAN("[]")));
	check(!memory_output(&items, SPAN("[1")));
	store_items_free(&items);
}

int main(void)
{
	test_query();
	test_include();
	test_list();
	test_output();
	return test_end("test_stored");
}
