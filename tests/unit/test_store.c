/* test_store.c - responses put, found, listed, walked and deleted. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "loop_help.h"
#include "store_help.h"

static void test_round_trip(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store_record *r = store_record_new();
	struct store_page page = { .limit = 2, .ascending = true };
	struct store_items list;

	put_simple("k1", "resp_1", "", STORE_COMPLETED);
	check_int(store_get(store, "k1", "resp_1", r, &note), ERR_OK);
	check_str(buf_span(&r->body), "{\"id\":\"resp_1\"}");
	check_str(span_of(r->model), "m");
	check_str(span_of(r->account), "acc");
	check_int(r->status, STORE_COMPLETED);
	check_int(r->created_s, 77);
	/* another caller, another id */
	check_int(store_get(store, "k2", "resp_1", r, &note), ERR_NOT_STORED);
	err_clear(&note);
	check_int(store_get(store, "", "resp_1", r, &note), ERR_NOT_STORED);
	err_clear(&note);
	check_int(store_get(store, "k1", "resp_2", r, &note), ERR_NOT_STORED);
	err_clear(&note);

	store_items_init(&list, 1 << 20, 100);
	check_int(store_items(store, "k1", "resp_1", &page, &list, &note), ERR_OK);
	check_int(list.count, 2);
	check(page.more);
	check_str(store_item_id(&list, 0), "in0");
	check_str(store_item_json(&list, 1), "{\"in\":1}");
	store_items_free(&list);
	page = (struct store_page){ .limit = 10, .after = "in2" };
	check_int(store_items(store, "k1", "resp_1", &page, &list, &note), ERR_OK);
	check_int(list.count, 2);
	check(!page.more);
	check_str(store_item_id(&list, 0), "in1");
	store_items_free(&list);
	page = (struct store_page){ .limit = 10, .before = "in2", .ascending = true };
	check_int(store_items(store, "k1", "resp_1", &page, &list, &note), ERR_OK);
	check_int(list.count, 2);
	store_items_free(&list);
	/* the output is no input item */
	page = (struct store_page){ .limit = 10, .after = "out0" };
	check_int(store_items(store, "k1", "resp_1", &page, &list, &note),
		  ERR_BAD_REQUEST);
	check_str(span_of(note.param), "after");
	err_clear(&note);
	check_int(store_items(store, "k2", "resp_1", &page, &list, &note),
		  ERR_NOT_STORED);
	err_clear(&note);

	check_int(store_delete(store, "k2", "resp_1", &note), ERR_NOT_STORED);
	err_clear(&note);
	check_int(store_delete(store, "k1", "resp_1", &note), ERR_OK);
	check_int(store_delete(store, "k1", "resp_1", &note), ERR_NOT_STORED);
	err_clear(&note);
	check_int(store_get(store, "k1", "resp_1", r, &note), ERR_NOT_STORED);
	store_items_free(&list);
	store_record_free(r);
}

static void test_chain(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store_chain c;

	put_simple("", "resp_a", "", STORE_COMPLETED);
	put_simple("", "resp_b", "resp_a", STORE_COMPLETED);
	put_simple("", "resp_c", "resp_b", STORE_INCOMPLETE);
	store_chain_init(&c);
	check_int(store_chain(store, "", "resp_c", &c, &note), ERR_OK);
	check_int(c.count, 3);
	check_str(span_of(c.turns[0].id), "resp_a");
	check_str(span_of(c.turns[2].id), "resp_c");
	check_int(c.items.count, 12);
	check_str(store_item_id(&c.items, 3), "out0");
	check(c.items.all[3].output && !c.items.all[4].output);
	check_int(c.items.all[3].turn, 0);
	check_int(c.items.all[11].turn, 2);
	store_chain_free(&c);
	check_int(store_chain(store, "x", "resp_c", &c, &note), ERR_NOT_STORED);
	err_clear(&note);
	store_chain_free(&c);
	/* what is gone on the way ends it */
	check_int(store_delete(store, "", "resp_a", &note), ERR_OK);
	check_int(store_chain(store, "", "resp_c", &c, &note), ERR_OK);
	check_int(c.count, 2);
	check_str(span_of(c.turns[0].id), "resp_b");
	store_chain_free(&c);
	put_simple("", "resp_d", "resp_c", STORE_IN_PROGRESS);
	check_int(store_chain(store, "", "resp_d", &c, &note), ERR_BAD_REQUEST);
	err_clear(&note);
	store_chain_free(&c);
	/* one that leads back to itself has an end too */
	put_simple("", "resp_e", "resp_e", STORE_COMPLETED);
	check_int(store_chain(store, "", "resp_e", &c, &note), ERR_TOO_LARGE);
	store_chain_free(&c);
}

static void test_events(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store_items out, events;
	enum store_status status;
	struct store_write w;
	uint64_t before, after;
	int64_t last;
	bool more;

	check_int(store_delete(store, "", "resp_d", &note), ERR_OK);
	put_simple("b", "resp_r", "", STORE_QUEUED);
	check_int(store_version(store, &before, &note), ERR_OK);
	check_int(store_version(store, &after, &note), ERR_OK);
	check_int((int64_t)(after - before), 0);
	store_items_init(&events, 1 << 20, 1000);
	store_items_init(&out, 64, 1000);
	for (int i = 0; i < 5; i++)
		store_items_add(&events, true, SPAN(""), SPAN("0123456789012345678\n"));
	w.done = write_done;
	store_events(store, &w, "b", "resp_r", &events);
	check_int(events.count, 0);
	wait_done(&w);
	check_int(w.err, ERR_OK);
	check_int(store_version(store, &after, &note), ERR_OK);
	check(after != before);
	check_int(store_events_after(store, "b", "resp_r", -1, &out, &last, &status,
				     &more, &note), ERR_OK);
	check_int(out.count, 3);		/* what it has room for */
	check(more);
	check_int(last, 2);
	check_int(status, STORE_QUEUED);
	store_items_free(&out);
	check_int(store_events_after(store, "b", "resp_r", 2, &out, &last, &status,
				     &more, &note), ERR_OK);
	check_int(out.count, 2);
	check_int(last, 4);
	check(!more);
	store_items_free(&out);
	store_items_free(&events);
}

/* One at least is given, however large, and no more with it. */
static void test_event_large(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store_items out, events;
	enum store_status status;
	struct store_write w = { .done = write_done };
	int64_t last;
	bool more;

	put_simple("b", "resp_large", "", STORE_QUEUED);
	store_items_init(&events, 1 << 20, 1000);
	store_items_init(&out, 64, 1000);
	for (int i = 0; i < 2; i++)
		store_items_add(&events, true, SPAN(""), SPAN(
			"more than there is room for is given all the same, for "
			"nothing else would come\n"));
	store_events(store, &w, "b", "resp_large", &events);
	wait_done(&w);
	check_int(store_events_after(store, "b", "resp_large", -1, &out, &last,
				     &status, &more, &note), ERR_OK);
	check_int(out.count, 1);
	check_int(last, 0);
	check(out.count && store_item_json(&out, 0).len == 79);
	store_items_free(&out);
	check_int((int64_t)out.text.max, 64);
	check_int(store_delete(store, "b", "resp_large", &note), ERR_OK);
	store_items_free(&events);
}

static void test_over(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store_running running[8];
	struct store_items out, events;
	enum store_status status;
	struct store_write w;
	struct store_record *r;
	size_t count;
	int64_t last;
	bool more;

	store_items_init(&events, 1 << 20, 1000);
	store_items_init(&out, 64, 1000);
	check_int(store_running(store, running, 8, &count, &note), ERR_OK);
	check_int(count, 1);
	check_str(span_of(running[0].id), "resp_r");
	/* over: nothing changes it any more */
	r = record("b", "resp_r", "", STORE_CANCELLED);
	store_items_add(&r->events, true, SPAN(""), SPAN("end\n"));
	r->next_event = 4;
	check_int(store_put_wait(store, STORE_IF_UNCHANGED, r, &note), ERR_BUSY);
	err_clear(&note);
	r = record("b", "resp_r", "", STORE_CANCELLED);
	store_items_add(&r->events, true, SPAN(""), SPAN("end\n"));
	r->next_event = 5;
	check_int(store_put_wait(store, STORE_IF_UNCHANGED, r, &note), ERR_OK);
	r = record("b", "resp_r", "", STORE_COMPLETED);
	check_int(store_put_wait(store, STORE_IF_RUNNING, r, &note), ERR_NOT_STORED);
	err_clear(&note);
	r = record("b", "resp_none", "", STORE_COMPLETED);
	check_int(store_put_wait(store, STORE_IF_RUNNING, r, &note), ERR_NOT_STORED);
	err_clear(&note);
	store_items_add(&events, true, SPAN(""), SPAN("late\n"));
	w.done = write_done;
	store_events(store, &w, "b", "resp_r", &events);
	wait_done(&w);
	check_int(w.err, ERR_NOT_STORED);
	check_int(store_events_after(store, "b", "resp_r", 4, &out, &last, &status,
				     &more, &note), ERR_OK);
	check_int(out.count, 1);
	check_str(store_item_json(&out, 0), "end\n");
	check_int(status, STORE_CANCELLED);
	check_int(store_running(store, running, 8, &count, &note), ERR_OK);
	check_int(count, 0);
	store_items_free(&out);
	store_items_free(&events);
}

static void test_conversation(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store_page page = { .limit = 10, .ascending = true };
	struct store_items items, out;
	struct store_record *r;
	struct store_conv c;

	store_items_init(&items, 1 << 20, 100);
	store_items_init(&out, 1 << 20, 100);
	store_items_add(&items, false, SPAN("i1"), SPAN("{1}"));
	store_items_add(&items, false, SPAN("i2"), SPAN("{2}"));
	store_conv_init(&c);
	snprintf(c.id, sizeof(c.id), "conv_1");
	c.created_s = 5;
	buf_str(&c.metadata, "{\"a\":\"b\"}");
	check_int(store_conv_create(store, "k", &c, &items, &note), ERR_OK);
	check_int(store_conv_create(store, "k", &c, &items, &note), ERR_STORE);
	err_clear(&note);
	check(store_is_on(store));
	buf_reset(&c.metadata);
	check_int(store_conv_get(store, "k", "conv_1", &c, &note), ERR_OK);
	check_str(buf_span(&c.metadata), "{\"a\":\"b\"}");
	check_int(c.created_s, 5);
	check_int(store_conv_get(store, "", "conv_1", &c, &note), ERR_NOT_STORED);
	err_clear(&note);
	check_int(store_conv_update(store, "k", "conv_1", SPAN("{}"), &note), ERR_OK);
	check_int(store_conv_get(store, "k", "conv_1", &c, &note), ERR_OK);
	check_str(buf_span(&c.metadata), "{}");
	check_int(store_conv_add(store, "k", "conv_1", &items, &note), ERR_OK);
	check_int(store_conv_add(store, "z", "conv_1", &items, &note), ERR_NOT_STORED);
	err_clear(&note);
	/* a response of it, complete: once */
	for (int i = 0; i < 2; i++) {
		r = record("k", "resp_x", "", STORE_COMPLETED);
		snprintf(r->conversation, sizeof(r->conversation), "conv_1");
		check_int(store_put_wait(store, STORE_ALWAYS, r, &note), ERR_OK);
	}
	check_int(store_conv_items(store, "k", "conv_1", &page, &out, &note), ERR_OK);
	check_int(out.count, 8);
	check_str(store_item_id(&out, 7), "out0");
	store_items_free(&out);
	check_int(store_conv_item(store, "k", "conv_1", "in1", &out, &note), ERR_OK);
	check_int(out.count, 1);
	check_str(store_item_json(&out, 0), "{\"in\":1}");
	store_items_free(&out);
	check_int(store_conv_item_delete(store, "k", "conv_1", "in1", &note), ERR_OK);
	check_int(store_conv_item(store, "k", "conv_1", "in1", &out, &note),
		  ERR_NOT_STORED);
	check_str(span_of(note.param), "item");
	err_clear(&note);
	check_int(store_conv_all(store, "k", "conv_1", &out, &note), ERR_OK);
	check_int(out.count, 7);
	store_items_free(&out);
	check_int(store_conv_delete(store, "k", "conv_1", &note), ERR_OK);
	check_int(store_conv_all(store, "k", "conv_1", &out, &note), ERR_NOT_STORED);
	store_items_free(&items);
	store_items_free(&out);
	store_conv_free(&c);
}

/* 10,000 responses, one with as many items; every page once, in both ways. */
static void test_many(void)
{
	enum { N = 10000, WINDOW = 1000 };
	static struct store_write writes[N];
	struct err_note note = ERR_NOTE_INIT;
	struct store_record *r;
	struct store_page page = { .limit = 100, .ascending = true };
	struct store_items out;
	char id[32], after[32] = "";
	int seen = 0;

	for (int i = 0; i < N; i++) {
		snprintf(id, sizeof(id), "resp_many%d", i);
		writes[i].done = write_done;
		store_put(store, &writes[i], STORE_ALWAYS,
			  record("m", id, "", STORE_COMPLETED));
		if (i >= WINDOW)
			wait_done(&writes[i - WINDOW]);
	}
	for (int i = N - WINDOW; i < N; i++)
		wait_done(&writes[i]);
	for (int i = 0; i < N; i++)
		if (writes[i].err)
			check_int(writes[i].err, ERR_OK);
	r = store_record_new();
	for (int i = 0; i < N; i += 7) {
		snprintf(id, sizeof(id), "resp_many%d", i);
		if (store_get(store, "m", id, r, &note))
			check(!"every one is found");
	}
	store_record_free(r);
	r = record("m", "resp_long", "", STORE_COMPLETED);
	store_items_free(&r->items);
	for (int i = 0; i < N; i++) {
		snprintf(id, sizeof(id), "item%d", i);
		store_items_add(&r->items, false, span_of(id), SPAN("{}"));
	}
	check_int(store_put_wait(store, STORE_ALWAYS, r, &note), ERR_OK);
	store_items_init(&out, 1 << 20, 200);
	do {
		page.after = after;
		check_int(store_items(store, "m", "resp_long", &page, &out, &note),
			  ERR_OK);
		for (size_t i = 0; i < out.count; i++, seen++) {
			snprintf(id, sizeof(id), "item%d", seen);
			if (!span_eq(store_item_id(&out, i), id))
				check(!"items come in their order");
		}
		snprintf(after, sizeof(after), "item%d", seen - 1);
		store_items_free(&out);
	} while (page.more && !note.code);
	check_int(seen, N);
}

static void test_pruning(void)
{
	struct store_pruned done;
	struct err_note note = ERR_NOTE_INIT;
	struct store_record *r = store_record_new();
	struct stat st;
	int64_t now = clock_wall_us() / 1000000;

	check_int(store_prune("/nonexistent/x.db", now, 1, &done, &note), ERR_OK);
	check_int(store_prune(store_path, now, 1 << 30, &done, &note), ERR_OK);
	check_int(done.expired, 0);
	check_int(done.oldest, 0);
	/* by size: the oldest go, the newest stay */
	put_simple("m", "resp_newest", "", STORE_COMPLETED);
	check_int(store_prune(store_path, now, done.bytes / 2, &done, &note), ERR_OK);
	check(done.oldest > 1000);
	check_int(store_get(store, "m", "resp_many0", r, &note), ERR_NOT_STORED);
	err_clear(&note);
	check_int(store_get(store, "m", "resp_newest", r, &note), ERR_OK);
	check(stat(store_path, &st) == 0 && st.st_size <= done.bytes + 65536);
	/* by age: an hour was given */
	check_int(store_prune(store_path, now + 3000, 1 << 30, &done, &note), ERR_OK);
	check_int(done.expired, 0);
	check_int(store_prune(store_path, now + 4000, 1 << 30, &done, &note), ERR_OK);
	check(done.expired > 100);
	check_int(store_get(store, "m", "resp_newest", r, &note), ERR_NOT_STORED);
	store_record_free(r);
}

int main(void)
{
	struct stat st;

	store_begin(1 << 30);
	test_round_trip();
	test_chain();
	test_events();
	test_event_large();
	test_over();
	test_conversation();
	test_many();
	test_pruning();
	check(stat(store_path, &st) == 0 && (st.st_mode & 0777) == 0600);
	store_end();
	return test_end("test_store");
}
