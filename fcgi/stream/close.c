/* See close.h. */
#include "close.h"

#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../../shared/json.h"

#define TRIES 100
#define ORPHANED "The worker that ran this response in the background has died."

static bool runs(const struct store_record *r)
{
	return r->status == STORE_QUEUED || r->status == STORE_IN_PROGRESS;
}

static bool set_error(struct json_object *body, const char *why)
{
	struct json_object *error = json_object_new_object();

	return json_set(body, "error", error) &&
	       json_set_cstr(error, "code", "server_error") &&
	       json_set_cstr(error, "message", why);
}

/* The body, ended; and the event that says so, as the last of a stream. */
static enum err rewrite(struct store_record *r, const char *why,
			struct err_note *note)
{
	const char *status = why ? "failed" : "cancelled";
	struct json_object *body = json_parse(buf_span(&r->body), note);
	struct buf event;

	if (!body)
		return note->code;
	buf_init(&event, MAX_STORE_RECORD);
	buf_reset(&r->body);
	if (!json_set_cstr(body, "status", status) ||
	    (why && !set_error(body, why)))
		err_set(note, ERR_NO_MEMORY, "ending a response");
	json_write(&r->body, body);
	json_object_put(body);
	buf_fmt(&event, "event: response.%s\ndata: {\"type\":\"response.%s\","
		"\"sequence_number\":%lld,\"response\":", status, status,
		(long long)r->next_event);
	buf_span_add(&event, buf_span(&r->body));
	buf_str(&event, "}\n\n");
	if (buf_err(&event) || buf_err(&r->body))
		err_set(note, ERR_NO_MEMORY, "ending a response");
	store_items_add(&r->events, true, SPAN(""), buf_span(&event));
	buf_free(&event);
	return note->code;
}

static enum err try_close(struct store *s, struct store_record *r,
			  const char *why, struct err_note *note)
{
	if (rewrite(r, why, note)) {
		store_record_free(r);
		return note->code;
	}
	r->status = why ? STORE_FAILED : STORE_CANCELLED;
	r->owner[0] = '\0';
	return store_put_wait(s, STORE_IF_UNCHANGED, r, note);
}

enum err close_response(struct store *s, struct store_record *r,
			const char *why, struct err_note *note)
{
	char caller[STORE_CALLER], id[STORE_ID];
	enum err err;

	memcpy(caller, r->caller, sizeof(caller));
	memcpy(id, r->id, sizeof(id));
	/* while it runs another event may come between reading and writing */
	for (int i = 0; (err = try_close(s, r, why, note)) == ERR_BUSY && i < TRIES;
	     i++) {
		err_clear(note);
		r = store_record_new();
		if (!r)
			return err_set(note, ERR_NO_MEMORY, "ending a response");
		err = store_get(s, caller, id, r, note);
		if (err) {
			store_record_free(r);
			return err;
		}
	}
	return err;
}

enum err close_orphan(struct store *s, struct store_record *r,
		      struct err_note *note)
{
	struct err_note late = ERR_NOTE_INIT;
	struct store_record *end;
	enum err err;

	if (!runs(r) || store_owner_lives(r->owner))
		return ERR_NONE;
	end = store_record_new();
	if (!end)
		return err_set(note, ERR_NO_MEMORY, "a stored response");
	err = store_get(s, r->caller, r->id, end, note);
	if (err) {
		store_record_free(end);
		return err;
	}
	err = close_response(s, end, ORPHANED, &late);
	if (err && err != ERR_NOT_STORED) {
		if (!note->code)
			*note = late;
		return err;
	}
	return store_get(s, r->caller, r->id, r, note);
}

size_t close_orphans(struct store *s)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store_running *all = calloc(MAX_BACKGROUND, sizeof(*all));
	size_t count = 0, closed = 0;

	if (!all || store_running(s, all, MAX_BACKGROUND, &count, &note))
		count = 0;
	for (size_t i = 0; i < count; i++) {
		struct store_record *r;

		if (store_owner_lives(all[i].owner))
			continue;
		r = store_record_new();
		err_clear(&note);
		if (!r || store_get(s, all[i].caller, all[i].id, r, &note))
			store_record_free(r);
		else if (!close_response(s, r, ORPHANED, &note))
			closed++;
	}
	free(all);
	return closed;
}
