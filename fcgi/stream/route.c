/*
 * route.c - the table of routes, and finding a path in it.
 *
 * A path is cut into segments; empty ones (repeated slashes, one at the end)
 * do not count. A segment "v1" is taken out where a base URL may have put it:
 * at the start, after "codex" and after the session's id, twice at the most.
 * The same is done to the table's own paths, so one comparison serves all the
 * ways to write a route. A literal "v1" after "codex" is thereby never a
 * session's id.
 */
#include "route.h"

#include "../../shared/keys.h"
#include "../../shared/nearest.h"
#include "../../shared/text.h"
#include "../tongues/compact.h"
#include "../tongues/count.h"

#define MAX_SEGMENTS 8

/* Ollama's care of models on a disk. */
#define NOT_SERVED(method, path) \
	{ method, path, ROUTE_NOT_SERVED, &tongue_ollama, \
	  "Ollama: refused with 501; there are no models to keep here." }

/* Where responses are asked for, a WebSocket may be opened. */
#define SOCKET(path, help) \
	{ "GET", path, ROUTE_SOCKET, &tongue_responses, help }

static const struct route routes[] = {
	{ "POST", "/v1/chat/completions", ROUTE_GENERATE, &tongue_chat,
	  "Chat completion, streamed or whole." },
	{ "POST", "/v1/completions", ROUTE_GENERATE, &tongue_completion,
	  "Text completion, streamed or whole." },
	{ "POST", "/v1/messages", ROUTE_GENERATE, &tongue_anthropic,
	  "Anthropic's Messages, streamed or whole." },
	{ "POST", "/v1/responses", ROUTE_GENERATE, &tongue_responses,
	  "A response, streamed or whole." },
	{ "POST", "/v1/messages/count_tokens", ROUTE_GENERATE,
	  &tongue_anthropic_count, "How many tokens a message would take: an estimate." },
	{ "POST", "/v1/responses/input_tokens", ROUTE_GENERATE,
	  &tongue_responses_count, "How many tokens a response's input would take: an estimate." },
	{ "POST", "/v1/responses/compact", ROUTE_GENERATE, &tongue_compact,
	  "A conversation, made short: one item that stands for it." },
	{ "GET", "/v1/responses/{response_id}", ROUTE_RESPONSE, &tongue_responses,
	  "A stored response." },
	{ "DELETE", "/v1/responses/{response_id}", ROUTE_RESPONSE_DELETE,
	  &tongue_responses, "Forgets it." },
	{ "POST", "/v1/responses/{response_id}/cancel", ROUTE_RESPONSE_CANCEL,
	  &tongue_responses, "Ends one that runs in the background." },
	{ "GET", "/v1/responses/{response_id}/input_items", ROUTE_RESPONSE_ITEMS,
	  &tongue_responses, "The input of a stored response, page by page." },
	{ "POST", "/v1/conversations", ROUTE_CONV_NEW, &tongue_responses,
	  "A new conversation." },
	{ "GET", "/v1/conversations/{conversation_id}", ROUTE_CONV,
	  &tongue_responses, "A conversation." },
	{ "POST", "/v1/conversations/{conversation_id}", ROUTE_CONV_UPDATE,
	  &tongue_responses, "Its metadata, anew." },
	{ "DELETE", "/v1/conversations/{conversation_id}", ROUTE_CONV_DELETE,
	  &tongue_responses, "Forgets it and its items." },
	{ "GET", "/v1/conversations/{conversation_id}/items", ROUTE_CONV_ITEMS,
	  &tongue_responses, "Its items, page by page." },
	{ "POST", "/v1/conversations/{conversation_id}/items", ROUTE_CONV_ADD,
	  &tongue_responses, "Adds items to it." },
	{ "GET", "/v1/conversations/{conversation_id}/items/{item_id}",
	  ROUTE_CONV_ITEM, &tongue_responses, "One of its items." },
	{ "DELETE", "/v1/conversations/{conversation_id}/items/{item_id}",
	  ROUTE_CONV_ITEM_DELETE, &tongue_responses, "Takes it out." },
	{ "GET", "/v1/models", ROUTE_MODELS, &tongue_chat,
	  "The models, in OpenAI's list shape; with an `anthropic-version` header in Anthropic's, with `client_version` in the query in Codex'." },
	{ "GET", "/v1/models/{id}", ROUTE_MODEL, &tongue_chat,
	  "One model." },
	{ "POST", "/codex/chat/completions", ROUTE_GENERATE, &tongue_chat,
	  "As /v1/chat/completions." },
	{ "POST", "/codex/v1/chat/completions", ROUTE_GENERATE, &tongue_chat,
	  "As /v1/chat/completions." },
	{ "POST", "/codex/{session_id}/chat/completions", ROUTE_GENERATE,
	  &tongue_chat, "The same, in the session that the path names." },
	{ "POST", "/codex/v1/messages", ROUTE_GENERATE, &tongue_anthropic,
	  "As /v1/messages." },
	{ "POST", "/codex/{session_id}/v1/messages", ROUTE_GENERATE,
	  &tongue_anthropic, "The same, in the session that the path names." },
	{ "POST", "/codex/responses", ROUTE_GENERATE, &tongue_responses,
	  "As /v1/responses." },
	{ "POST", "/codex/v1/responses", ROUTE_GENERATE, &tongue_responses,
	  "As /v1/responses." },
	{ "POST", "/codex/{session_id}/responses", ROUTE_GENERATE,
	  &tongue_responses, "The same, in the session that the path names." },
	{ "POST", "/backend-api/codex/responses", ROUTE_GENERATE,
	  &tongue_responses, "As /v1/responses, for a Codex client." },
	SOCKET("/v1/responses", "A WebSocket for responses; a plain GET is a 426."),
	SOCKET("/codex/responses", "As GET /v1/responses."),
	SOCKET("/codex/v1/responses", "As GET /v1/responses."),
	SOCKET("/codex/{session_id}/responses",
	       "The same, in the session that the path names."),
	SOCKET("/backend-api/codex/responses", "The same, for a Codex client."),
	{ "GET", "/codex/v1/models", ROUTE_MODELS, &tongue_chat,
	  "As /v1/models." },
	{ "GET", "/codex/models", ROUTE_MODELS, &tongue_chat,
	  "As /v1/models." },
	{ "POST", "/api/chat", ROUTE_GENERATE, &tongue_ollama,
	  "Ollama: a chat, streamed or whole." },
	{ "POST", "/api/generate", ROUTE_GENERATE, &tongue_ollama_generate,
	  "Ollama: an answer to a prompt, streamed or whole." },
	{ "GET", "/api/tags", ROUTE_OLLAMA_TAGS, &tongue_ollama,
	  "Ollama: the models." },
	{ "POST", "/api/show", ROUTE_OLLAMA_SHOW, &tongue_ollama,
	  "Ollama: one model, its context's length and capabilities." },
	{ "GET", "/api/ps", ROUTE_OLLAMA_PS, &tongue_ollama,
	  "Ollama: the loaded models; there are none." },
	{ "GET", "/api/version", ROUTE_OLLAMA_VERSION, &tongue_ollama,
	  "Ollama: the version of its API." },
	NOT_SERVED("POST", "/api/embed"),
	NOT_SERVED("POST", "/api/embeddings"),
	NOT_SERVED("POST", "/api/pull"),
	NOT_SERVED("POST", "/api/push"),
	NOT_SERVED("POST", "/api/create"),
	NOT_SERVED("POST", "/api/copy"),
	NOT_SERVED("DELETE", "/api/delete"),
	NOT_SERVED("POST", "/api/blobs/{id}"),
	NOT_SERVED("HEAD", "/api/blobs/{id}"),
	{ "GET", "/backend-api/codex/models", ROUTE_MODELS, &tongue_chat,
	  "The same, in Codex' shape." },
	{ "GET", "/v1/usage", ROUTE_USAGE, &tongue_chat,
	  "What the plan still allows, as upstream last told it." },
	{ "GET", "/api/codex/usage", ROUTE_USAGE, &tongue_chat,
	  "The same, as Codex reads it." },
	{ "GET", "/", ROUTE_HOME, &tongue_chat,
	  "A short page: base URLs to copy." },
};

struct segments {
	struct span part[MAX_SEGMENTS];
	size_t count;		/* more than there are places: cut */
	const char *end;	/* of the path without its last slashes */
};

static void segments_cut(struct segments *s, const char *path)
{
	const char *at = path, *stop;

	*s = (struct segments){ .end = path };
	for (;;) {
		while (*at == '/')
			at++;
		if (!*at)
			return;
		stop = strchrnul(at, '/');
		if (s->count < MAX_SEGMENTS)
			s->part[s->count] = (struct span){ at, (size_t)(stop - at) };
		s->count++;
		s->end = stop;
		at = stop;
	}
}

/* Takes up to two segments "v1" out at place i. */
static void drop_version(struct segments *s, size_t i)
{
	for (int twice = 0; twice < 2; twice++) {
		if (i >= s->count || i >= MAX_SEGMENTS ||
		    !span_eq(s->part[i], "v1"))
			return;
		memmove(&s->part[i], &s->part[i + 1],
			(MAX_SEGMENTS - 1 - i) * sizeof(*s->part));
		s->part[MAX_SEGMENTS - 1] = SPAN("");
		s->count--;
	}
}

static void segments_read(struct segments *s, const char *path)
{
	segments_cut(s, path);
	drop_version(s, 0);
	if (!s->count || !span_eq(s->part[0], "codex"))
		return;
	drop_version(s, 1);
	/* behind the last word "v1" is no version: a session may be called so */
	if (s->count > 3)
		drop_version(s, 2);
}

/* Does the path fit the route's? args is what its placeholders stood for. */
static bool fits(const struct segments *route, const struct segments *path,
		 struct span args[2])
{
	size_t n = 0;

	args[0] = args[1] = SPAN("");
	for (size_t i = 0; i < route->count; i++) {
		if (i >= path->count || i >= MAX_SEGMENTS)
			return false;
		if (span_eq(route->part[i], "{id}")) {
			/* a model's name may hold slashes: all that is left */
			args[0] = (struct span){ path->part[i].ptr,
				(size_t)(path->end - path->part[i].ptr) };
			return true;
		}
		if (route->part[i].ptr[0] == '{')
			args[n++ % 2] = path->part[i];
		else if (route->part[i].len != path->part[i].len ||
			 memcmp(route->part[i].ptr, path->part[i].ptr,
				path->part[i].len) != 0)
			return false;
	}
	return path->count == route->count;
}

static void allow_add(char allow[64], const char *method)
{
	struct span rest = span_of(allow), one;
	size_t len = strlen(allow);

	while (text_next(&rest, ',', &one))
		if (span_eq(one, method))
			return;
	snprintf(allow + len, 64 - len, "%s%s%s", len ? ", " : "", method,
		 strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

static bool method_is(const char *method, const char *wanted)
{
	return strcmp(method, wanted) == 0 ||
	       (strcmp(method, "HEAD") == 0 && strcmp(wanted, "GET") == 0);
}

/* The route whose words are nearest to a path that is none. Ollama's clients
 * ask below /api alone, and nobody else does; where nothing is near it is
 * OpenAI's tongue that most understand. */
static const struct route *nearest(const char *path, bool *near)
{
	const struct route *best = &routes[0];
	bool ollama = strncmp(path, "/api", 4) == 0;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		bool other = (strncmp(routes[i].path, "/api", 4) == 0) != ollama;
		size_t d = nearest_distance(span_of(path), span_of(routes[i].path));

		if (!other && d < least) {
			least = d;
			best = &routes[i];
		}
	}
	*near = nearest_is_near(span_of(path), least);
	return *near || ollama ? best : &routes[0];
}

static enum err no_route(const char *method, const char *path,
			 struct route_match *match, struct err_note *note)
{
	bool near;

	match->route = nearest(path, &near);
	if (near)
		return err_tell(note, ERR_NO_ROUTE, "There is no %.16s %.120s here; "
				"did you mean %s %s?", method, path,
				match->route->method, match->route->path);
	return err_tell(note, ERR_NO_ROUTE, "There is no %.16s %.120s here; GET / "
			"lists the base URLs.", method, path);
}

enum err route_find(const char *method, const char *path,
		    struct route_match *match, struct err_note *note)
{
	const struct route *other = NULL;
	struct segments asked, own;
	struct span args[2];

	*match = (struct route_match){ .arg = SPAN(""), .second = SPAN("") };
	segments_read(&asked, path);
	for (size_t i = 0; *path == '/' && i < ARRAY_LEN(routes); i++) {
		segments_read(&own, routes[i].path);
		if (!fits(&own, &asked, args))
			continue;
		if (method_is(method, routes[i].method)) {
			match->route = &routes[i];
			match->arg = args[0];
			match->second = args[1];
			match->allow[0] = '\0';
			return 0;
		}
		other = other ? other : &routes[i];
		allow_add(match->allow, routes[i].method);
	}
	if (!other)
		return no_route(method, path, match, note);
	match->route = other;
	return err_tell(note, ERR_BAD_METHOD, "%s takes %s, not %.16s.",
			other->path, match->allow, method);
}

/* Where a kind says nothing it is the method: who only reads changes nothing. */
unsigned route_scope(const struct route *r)
{
	static const unsigned scopes[] = {
		[ROUTE_GENERATE] = KEY_GENERATE,
		[ROUTE_SOCKET] = KEY_GENERATE,
		[ROUTE_MODELS] = KEY_MODELS,
		[ROUTE_MODEL] = KEY_MODELS,
		[ROUTE_HOME] = KEY_MODELS,
		[ROUTE_USAGE] = KEY_READ,
		[ROUTE_OLLAMA_TAGS] = KEY_MODELS,
		[ROUTE_OLLAMA_SHOW] = KEY_MODELS,
		[ROUTE_OLLAMA_PS] = KEY_MODELS,
		[ROUTE_OLLAMA_VERSION] = KEY_MODELS,
	};

	if ((size_t)r->kind < ARRAY_LEN(scopes) && scopes[r->kind])
		return scopes[r->kind];
	return strcmp(r->method, "GET") == 0 ? KEY_READ : KEY_GENERATE;
}

size_t route_count(void)
{
	return ARRAY_LEN(routes);
}

const struct route *route_at(size_t i)
{
	return i < ARRAY_LEN(routes) ? &routes[i] : NULL;
}
