/*
 * route.h - which paths there are and who serves them: a table.
 *
 * Every route also answers without /v1, with a doubled /v1/v1 and with a
 * trailing slash. {session_id} and all other names in braces but {id} stand for
 * one segment; a literal v1 wins.
 */
#ifndef CHATMOCK_ROUTE_H
#define CHATMOCK_ROUTE_H

#include "../tongues/tongue.h"

enum route_kind {
	ROUTE_GENERATE, ROUTE_MODELS, ROUTE_MODEL, ROUTE_HOME,
	ROUTE_USAGE,
	/* what is stored: serve_stored.c */
	ROUTE_RESPONSE, ROUTE_RESPONSE_DELETE, ROUTE_RESPONSE_ITEMS,
	ROUTE_RESPONSE_CANCEL,
	ROUTE_CONV_NEW, ROUTE_CONV, ROUTE_CONV_UPDATE, ROUTE_CONV_DELETE,
	ROUTE_CONV_ITEMS, ROUTE_CONV_ADD, ROUTE_CONV_ITEM, ROUTE_CONV_ITEM_DELETE,
	ROUTE_OLLAMA_TAGS, ROUTE_OLLAMA_SHOW, ROUTE_OLLAMA_PS, ROUTE_OLLAMA_VERSION,
	ROUTE_SOCKET,			/* a WebSocket's handshake */
	ROUTE_NOT_SERVED		/* known, and answered with ERR_NOT_SERVED */
};

struct route {
	const char *method;
	const char *path;		/* canonical, with names in braces */
	enum route_kind kind;
	const struct tongue *tongue;	/* errors are said in it */
	const char *help;		/* for README's table */
};

struct route_match {
	const struct route *route;
	struct span arg;		/* what the name in braces stood for;
					 * borrows from path */
	struct span second;		/* the same for the second one */
	char allow[64];			/* with ERR_BAD_METHOD: methods there are */
};

/*
 * ERR_NO_ROUTE or ERR_BAD_METHOD in note when there is none; match->route is
 * then the nearest one for the sake of its tongue, never NULL. HEAD is GET.
 */
enum err route_find(const char *method, const char *path,
		    struct route_match *match, struct err_note *note);

/* What a key has to be for (enum key_scope) to be let through here. */
unsigned route_scope(const struct route *r);

size_t route_count(void);
const struct route *route_at(size_t i);

#endif
