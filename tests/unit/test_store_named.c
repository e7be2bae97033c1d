/* test_store_named.c - items of stored responses, found by their ids alone. */
#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "store_help.h"

static void put_named(const char *caller, const char *response, const char *account,
		      bool output, const char *id, const char *json)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store_record *r = store_record_new();

	snprintf(r->caller, sizeof(r->caller), "%s", caller);
	snprintf(r->id, sizeof(r->id), "%s", response);
	snprintf(r->account, sizeof(r->account), "%s", account);
	r->status = STORE_COMPLETED;
	buf_str(&r->body, "{}");
	store_items_add(&r->items, output, span_of(id), span_of(json));
	check_int(store_put_wait(store, STORE_ALWAYS, r, &note), ERR_OK);
}

/* "json|account" of the one with this id, or the code's name. */
static const char *named(const char *caller, struct span id)
{
	static char said[256];
	struct err_note note = ERR_NOTE_INIT;
	struct store_chain c;
	struct span json;

	store_chain_init(&c);
	if (store_named(store, caller, &id, 1, &c, &note)) {
		snprintf(said, sizeof(said), "%s %s", err_name(note.code), note.why);
	} else {
		check_int(c.items.count, 1);
		check_int(c.count, 1);
		json = store_item_json(&c.items, 0);
		snprintf(said, sizeof(said), "%.*s|%s", (int)json.len, json.ptr,
			 c.turns[c.items.all[0].turn].account);
	}
	store_chain_free(&c);
	return said;
}

/* Items by their ids alone, wherever they are. */
static void test_named(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store_items items;
	struct store_conv conv;

	put_named("n", "r1", "a1", true, "rs_1", "{\"n\":1}");
	put_named("other", "r1", "a9", true, "rs_1", "{\"n\":9}");
	check_str(span_of(named("n", SPAN("rs_1"))), "{\"n\":1}|a1");
	check_str(span_of(named("other", SPAN("rs_1"))), "{\"n\":9}|a9");
	check_str(span_of(named("", SPAN("rs_1"))), "not_stored rs_1");
	check_str(span_of(named("n", SPAN("rs_"))), "not_stored rs_");
	check_str(span_of(named("n", SPAN("rs_1\0x"))), "not_stored rs_1");
	check_str(span_of(named("n", SPAN(""))), "not_stored ");
	/* what was sent again is no better than what was made; later is */
	put_named("n", "r2", "a2", false, "rs_1", "{\"n\":2}");
	check_str(span_of(named("n", SPAN("rs_1"))), "{\"n\":1}|a1");
	put_named("n", "r3", "a3", true, "rs_1", "{\"n\":3}");
	check_str(span_of(named("n", SPAN("rs_1"))), "{\"n\":3}|a3");
	check_int(store_delete(store, "n", "r3", &note), ERR_OK);
	check_int(store_delete(store, "n", "r1", &note), ERR_OK);
	check_str(span_of(named("n", SPAN("rs_1"))), "{\"n\":2}|a2");
	check_int(store_delete(store, "n", "r2", &note), ERR_OK);
	check_str(span_of(named("n", SPAN("rs_1"))), "not_stored rs_1");
	/* put again with other items */
	put_named("n", "r4", "a4", true, "rs_4", "{\"n\":4}");
	put_named("n", "r4", "a4", true, "rs_5", "{\"n\":5}");
	check_str(span_of(named("n", SPAN("rs_4"))), "not_stored rs_4");
	/* a conversation's, of no account */
	store_items_init(&items, 1 << 20, 10);
	store_conv_init(&conv);
	snprintf(conv.id, sizeof(conv.id), "conv_n");
	buf_str(&conv.metadata, "{}");
	store_items_add(&items, false, SPAN("msg_c"), SPAN("{\"c\":1}"));
	check_int(store_conv_create(store, "n", &conv, &items, &note), ERR_OK);
	check_str(span_of(named("n", SPAN("msg_c"))), "{\"c\":1}|");
	check_int(store_conv_add(store, "n", "conv_n", &items, &note), ERR_OK);
	check_str(span_of(named("n", SPAN("msg_c"))), "{\"c\":1}|");
	check_str(span_of(named("other", SPAN("msg_c"))), "not_stored msg_c");
	check_int(store_conv_delete(store, "n", "conv_n", &note), ERR_OK);
	check_str(span_of(named("n", SPAN("msg_c"))), "not_stored msg_c");
	store_items_free(&items);
	store_conv_free(&conv);
}

/* Many in one go: their order, whose they are, and how many may be. */
static void test_named_many(void)
{
	static struct span ids[MAX_NAMED_ITEMS + 1];
	struct err_note note = ERR_NOTE_INIT;
	struct store_chain c;
	char *big;

	put_named("n", "r6", "a6", true, "rs_6", "{\"n\":6}");
	ids[0] = ids[1] = ids[3] = SPAN("rs_5");
	ids[2] = SPAN("rs_6");
	store_chain_init(&c);
	check_int(store_named(store, "n", ids, 4, &c, &note), ERR_OK);
	check_int(c.items.count, 4);
	check_int(c.count, 3);
	check_str(store_item_json(&c.items, 1), "{\"n\":5}");
	check_str(store_item_json(&c.items, 2), "{\"n\":6}");
	check_str(span_of(c.turns[c.items.all[1].turn].id), "r4");
	check_str(span_of(c.turns[c.items.all[2].turn].account), "a6");
	check_int(c.items.all[3].turn, 2);
	store_chain_free(&c);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		ids[i] = SPAN("rs_6");
	check_int(store_named(store, "n", ids, MAX_NAMED_ITEMS, &c, &note), ERR_OK);
	check_int(c.items.count, MAX_NAMED_ITEMS);
	store_chain_free(&c);
	check_int(store_named(store, "n", ids, MAX_NAMED_ITEMS + 1, &c, &note),
		  ERR_TOO_LARGE);
	store_chain_free(&c);
	note = ERR_NOTE_INIT;
	/* small ids for what is too large together */
	big = calloc(1, (1 << 20) + 1);
	memset(big, 'x', 1 << 20);
	put_named("n", "r7", "a6", true, "rs_6", big);
	free(big);
	check_int(store_named(store, "n", ids, 20, &c, &note), ERR_OK);
	store_chain_free(&c);
	check_int(store_named(store, "n", ids, 30, &c, &note), ERR_TOO_LARGE);
	check(c.items.text.len <= MAX_CHAIN_BYTES);
	store_chain_free(&c);
}

int main(void)
{
	store_begin(1 << 30);
	test_named();
	test_named_many();
	store_end();
	return test_end("test_store_named");
}
