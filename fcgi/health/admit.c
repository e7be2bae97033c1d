/* See admit.h. */
#include "admit.h"

#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "../wire/access.h"

static enum err admit_caller(const struct keyring *keys, const struct request *r,
			     const struct page *page, struct page_call *call,
			     struct err_note *note)
{
	struct err_note refused = ERR_NOTE_INIT;
	const struct key *who;

	if (!access_key(keys, r, KEY_OPERATOR, &who, &refused))
		return ERR_OK;
	call->terse = page && page_is_probe(page);
	if (!call->terse)
		*note = refused;
	return note->code;
}

static void tell_keys(const struct keyring *keys, struct page_call *call)
{
	text_copy(call->keys_fault, sizeof(call->keys_fault),
		  span_of(keys->note.why));
	call->keys_wanted = keys->wanted;
	call->keys_in_force = keyring_in_force(keys, clock_wall_us() / 1000000);
}

enum err admit_request(const struct keyring *keys, const struct request *r,
		       const struct page **page, struct page_call *call,
		       struct err_note *note)
{
	*page = page_find(r->path);
	*note = r->note;
	if (access_check(call->config, keys, r, note) ||
	    admit_caller(keys, r, *page, call, note))
		return note->code;
	if (note->code)
		return note->code;
	if (!*page)
		return err_set(note, ERR_NO_ROUTE, "no such page");
	if (strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0)
		return err_set(note, ERR_BAD_METHOD, "not GET");
	call->accept = request_param(r, "HTTP_ACCEPT");
	tell_keys(keys, call);
	return ERR_OK;
}
