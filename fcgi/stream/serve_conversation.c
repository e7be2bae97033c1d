/*
 * serve_conversation.c - conversations: made, read, changed, forgotten. All of
 * it runs in a thread; see serve_stored.h.
 */
#include "../../shared/ceilings.h"
#include "../../shared/clock.h"
#include "serve_stored.h"

#define MAX_ITEMS 128	/* of one question */

/* Of the body, items with those that it only names. */
static enum err ask(struct serving *v, struct buf *metadata,
		    struct store_items *items, bool needed)
{
	const struct recall recall = { .store = v->store, .caller = v->caller };

	return stored_ask(v->body, &(struct stored_asked){ metadata, items, needed,
			  &recall }, &v->note);
}

static void get(struct serving *v)
{
	struct store_conv c;
	enum err err;

	store_conv_init(&c);
	err = store_conv_get(v->store, v->caller, v->id, &c, &v->note);
	if (!serving_told(v, err, "Conversation", v->id))
		stored_conversation(&c, &v->out);
	store_conv_free(&c);
}

static void create(struct serving *v)
{
	struct store_items items;
	struct store_conv c;

	store_conv_init(&c);
	store_items_init(&items, (size_t)MAX_REQUEST_BODY * 2, MAX_ITEMS);
	random_id(c.id, sizeof(c.id), "conv_");
	c.created_s = clock_wall_us() / 1000000;
	if (!ask(v, &c.metadata, &items, false) && !c.metadata.len)
		buf_str(&c.metadata, "{}");
	if (!v->note.code &&
	    !store_conv_create(v->store, v->caller, &c, &items, &v->note))
		stored_conversation(&c, &v->out);
	store_items_free(&items);
	store_conv_free(&c);
}

static void update(struct serving *v)
{
	struct buf metadata;
	enum err err;

	buf_init(&metadata, MAX_REQUEST_BODY);
	if (!ask(v, &metadata, NULL, true)) {
		err = store_conv_update(v->store, v->caller, v->id,
					buf_span(&metadata), &v->note);
		if (!serving_told(v, err, "Conversation", v->id))
			get(v);
	}
	buf_free(&metadata);
}

static void delete(struct serving *v)
{
	enum err err = store_conv_delete(v->store, v->caller, v->id, &v->note);

	if (!serving_told(v, err, "Conversation", v->id))
		stored_deleted("conversation.deleted", v->id, &v->out);
}

static void list(struct serving *v)
{
	struct store_page page = {
		.after = v->query.after, .before = v->query.before,
		.limit = v->query.limit, .ascending = v->query.ascending,
	};
	struct store_items items;
	enum err err;

	store_items_init(&items, MAX_OUT, MAX_ITEMS);
	err = store_conv_items(v->store, v->caller, v->id, &page, &items, &v->note);
	if (!serving_told(v, err, "Conversation", v->id))
		(void)!stored_list(&items, page.more, v->query.include, &v->out,
				   &v->note);
	store_items_free(&items);
}

static void add(struct serving *v)
{
	struct store_items items;
	enum err err;

	store_items_init(&items, (size_t)MAX_REQUEST_BODY * 2, MAX_ITEMS);
	if (!ask(v, NULL, &items, true)) {
		err = store_conv_add(v->store, v->caller, v->id, &items, &v->note);
		if (!serving_told(v, err, "Conversation", v->id))
			(void)!stored_list(&items, false, v->query.include,
					   &v->out, &v->note);
	}
	store_items_free(&items);
}

/* Which of the two is not there? */
static enum err told_item(struct serving *v, enum err err)
{
	bool item = v->note.param[0] != '\0';

	return serving_told(v, err, item ? "Item" : "Conversation",
			    item ? v->item : v->id);
}

static void get_item(struct serving *v)
{
	struct store_items items;
	enum err err;

	store_items_init(&items, MAX_OUT, MAX_ITEMS);
	err = store_conv_item(v->store, v->caller, v->id, v->item, &items, &v->note);
	if (!told_item(v, err))
		(void)!stored_item(&items, 0, v->query.include, &v->out, &v->note);
	store_items_free(&items);
}

static void delete_item(struct serving *v)
{
	enum err err = store_conv_item_delete(v->store, v->caller, v->id, v->item,
					      &v->note);

	if (!told_item(v, err))
		get(v);
}

void serving_conversation(struct serving *v)
{
	static void (*const serve[])(struct serving *v) = {
		[ROUTE_CONV_NEW] = create, [ROUTE_CONV] = get,
		[ROUTE_CONV_UPDATE] = update, [ROUTE_CONV_DELETE] = delete,
		[ROUTE_CONV_ITEMS] = list, [ROUTE_CONV_ADD] = add,
		[ROUTE_CONV_ITEM] = get_item, [ROUTE_CONV_ITEM_DELETE] = delete_item,
	};

	serve[v->kind](v);
}
