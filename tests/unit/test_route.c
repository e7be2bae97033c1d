/*
 * test_route.c - every way to write a path, and what is none.
 *
 * The tongues are the program's own: a route is told by its path, and
 * errors are said in the tongue of the nearest one.
 */
#include "test.h"

#include <stdlib.h>

#include "../../fcgi/stream/route.h"
#include "../../shared/keys.h"

#define CHAT "/v1/chat/completions"
#define SESSION "/codex/{session_id}/chat/completions"
#define CODEX "/codex/chat/completions"

static const struct { const char *method, *path, *route, *arg; } found[] = {
	{ "POST", "/v1/chat/completions", CHAT, "" },
	{ "POST", "/chat/completions", CHAT, "" },
	{ "POST", "/v1/v1/chat/completions", CHAT, "" },
	{ "POST", "/v1/chat/completions/", CHAT, "" },
	{ "POST", "//v1//chat///completions//", CHAT, "" },
	{ "POST", "/v1/completions", "/v1/completions", "" },
	{ "POST", "/completions", "/v1/completions", "" },
	{ "POST", "/v1/v1/completions/", "/v1/completions", "" },
	{ "GET", "/v1/models", "/v1/models", "" },
	{ "HEAD", "/v1/models", "/v1/models", "" },
	{ "GET", "/models", "/v1/models", "" },
	{ "GET", "/models/", "/v1/models", "" },
	{ "GET", "/v1/v1/models", "/v1/models", "" },
	{ "GET", "/v1/models/gpt-5.5", "/v1/models/{id}", "gpt-5.5" },
	{ "GET", "/models/gpt-5.5/", "/v1/models/{id}", "gpt-5.5" },
	{ "GET", "/v1/models/org/a b//c", "/v1/models/{id}", "org/a b//c" },
	{ "GET", "/v1/models/v1", "/v1/models/{id}", "v1" },
	{ "GET", "/v1/models/a/b/c/d/e/f/g/h/i/j", "/v1/models/{id}",
	  "a/b/c/d/e/f/g/h/i/j" },
	{ "POST", "/codex/chat/completions", CODEX, "" },
	{ "POST", "/codex/v1/chat/completions", CODEX, "" },
	{ "POST", "/codex/v1/v1/chat/completions/", CODEX, "" },
	{ "POST", "/v1/codex/chat/completions", CODEX, "" },
	{ "POST", "/codex/abc-1/chat/completions", SESSION, "abc-1" },
	{ "POST", "/codex/abc-1/v1/chat/completions", SESSION, "abc-1" },
	{ "POST", "/codex/abc-1/v1/v1/chat/completions", SESSION, "abc-1" },
	{ "POST", "/codex/v1/abc-1/chat/completions", SESSION, "abc-1" },
	{ "POST", "/codex/chat/chat/completions", SESSION, "chat" },
	{ "POST", "/codex/codex/chat/completions", SESSION, "codex" },
	{ "GET", "/codex/v1/models", "/codex/v1/models", "" },
	{ "GET", "/v1/responses", "/v1/responses", "" },
	{ "HEAD", "/responses/", "/v1/responses", "" },
	{ "GET", "/codex/v1/v1/responses", "/codex/responses", "" },
	{ "GET", "/codex/abc-1/v1/responses", "/codex/{session_id}/responses", "abc-1" },
	{ "GET", "/backend-api/codex/responses", "/backend-api/codex/responses", "" },
	{ "GET", "/codex/models/", "/codex/v1/models", "" },
	{ "POST", "/api/chat", "/api/chat", "" },
	{ "POST", "/v1/api/chat/", "/api/chat", "" },
	{ "POST", "//api/generate", "/api/generate", "" },
	{ "GET", "/api/tags", "/api/tags", "" },
	{ "HEAD", "/api/version", "/api/version", "" },
	{ "HEAD", "/api/blobs/sha256:0a", "/api/blobs/{id}", "sha256:0a" },
	{ "DELETE", "/api/delete", "/api/delete", "" },
	{ "GET", "/", "/", "" },
	{ "HEAD", "/", "/", "" },
	{ "GET", "//", "/", "" },
	{ "GET", "/v1", "/", "" },
};

static const struct {
	const char *method, *path;
	enum err err;
	const char *allow, *word;
} refused[] = {
	{ "GET", "/v1/chat/completions", ERR_BAD_METHOD, "POST", "takes POST" },
	{ "PUT", "/codex/x/chat/completions", ERR_BAD_METHOD, "POST", NULL },
	{ "POST", "/v1/models", ERR_BAD_METHOD, "GET, HEAD", NULL },
	{ "DELETE", "/v1/models/a/b", ERR_BAD_METHOD, "GET, HEAD", NULL },
	{ "OPTIONS", "/", ERR_BAD_METHOD, "GET, HEAD", NULL },
	{ "post", "/v1/completions", ERR_BAD_METHOD, "POST", NULL },
	{ "", "/v1/completions", ERR_BAD_METHOD, "POST", NULL },
	{ "POST", "/v1/v1/v1/completions", ERR_NO_ROUTE, "", NULL },
	{ "POST", "/v1/chat/completion", ERR_NO_ROUTE, "", "/v1/chat/completions?" },
	{ "POST", "/v1/chat", ERR_NO_ROUTE, "", NULL },
	{ "POST", "/v1/chat/completions/x", ERR_NO_ROUTE, "", NULL },
	{ "POST", "/V1/chat/completions", ERR_NO_ROUTE, "", NULL },
	{ "POST", "/codex/a/b/chat/completions", ERR_NO_ROUTE, "", NULL },
	{ "POST", "/codex/a/completions", ERR_NO_ROUTE, "", NULL },
	{ "GET", "/codex", ERR_NO_ROUTE, "", NULL },
	{ "GET", "/codex/a/models", ERR_NO_ROUTE, "", NULL },
	{ "GET", "/favicon.ico", ERR_NO_ROUTE, "", "GET /" },
	{ "GET", "/{id}", ERR_NO_ROUTE, "", NULL },
	{ "GET", "", ERR_NO_ROUTE, "", NULL },
	{ "POST", "v1/completions", ERR_NO_ROUTE, "", NULL },
	{ "POST", "*", ERR_NO_ROUTE, "", NULL },
	{ "GET", "/a/b/c/d/e/f/g/h/i/j/k", ERR_NO_ROUTE, "", NULL },
};

static void test_found(void)
{
	for (size_t i = 0; i < ARRAY_LEN(found); i++) {
		struct route_match m;
		struct err_note note = ERR_NOTE_INIT;

		check_int(route_find(found[i].method, found[i].path, &m, &note), 0);
		check_int(note.code, 0);
		check_str(m.arg, found[i].arg);
		check_str(span_of(m.allow), "");
		if (!check(m.route && strcmp(m.route->path, found[i].route) == 0))
			printf("  %s: %s\n", found[i].path, m.route->path);
	}
}

static void test_refused(void)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct route_match m;
		struct err_note note = ERR_NOTE_INIT;

		if (!check_int(route_find(refused[i].method, refused[i].path, &m,
					  &note), refused[i].err))
			printf("  %s\n", refused[i].path);
		check_int(note.code, refused[i].err);
		check_str(span_of(m.allow), refused[i].allow);
		check(m.route && m.route->tongue);
		if (refused[i].word)
			check(strstr(note.tell, refused[i].word));
	}
}

/* Every line of the table finds itself, or the earlier line it means. */
static void test_table(void)
{
	check(!route_at(route_count()));
	for (size_t i = 0; i < route_count(); i++) {
		const struct route *r = route_at(i);
		struct err_note note = ERR_NOTE_INIT;
		struct route_match m;

		check_int(route_find(r->method, r->path, &m, &note), 0);
		check(m.route->kind == r->kind && m.route->tongue == r->tongue);
		check(r->help && *r->help);
	}
}

/* No path, however long or odd, is more than an error. */
static void test_long(void)
{
	char path[9000];
	struct route_match m;
	struct err_note note = ERR_NOTE_INIT;

	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = i % 3 ? '/' : 'a';
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	check_int(route_find("GET", path, &m, &note), ERR_NO_ROUTE);
	memset(path, '/', sizeof(path) - 1);
	check_int(route_find("GET", path, &m, &note), 0);
}

/* The completion route's errors are said in its own tongue. */
static void test_tongue(void)
{
	struct route_match m;
	struct err_note note = ERR_NOTE_INIT;

	check_int(route_find("GET", "/v1/completions", &m, &note), ERR_BAD_METHOD);
	check(m.route->tongue == &tongue_completion);
	err_clear(&note);
	check_int(route_find("POST", "/v1/completion", &m, &note), ERR_NO_ROUTE);
	check(m.route->tongue == &tongue_completion);
	/* below /api Ollama's, and nowhere else, however near */
	err_clear(&note);
	check_int(route_find("POST", "/api/nothing/like/it", &m, &note), ERR_NO_ROUTE);
	check(m.route->tongue == &tongue_ollama);
	err_clear(&note);
	check_int(route_find("POST", "/v1/embeddings", &m, &note), ERR_NO_ROUTE);
	check(m.route->tongue == &tongue_chat);
	err_clear(&note);
	check_int(route_find("GET", "/favicon.ico", &m, &note), ERR_NO_ROUTE);
	check(m.route->tongue == &tongue_chat);
}

/* Who may ask only this, or only that. */
static const struct { const char *method, *path; unsigned scope; } scopes[] = {
	{ "POST", "/v1/chat/completions", KEY_GENERATE },
	{ "POST", "/codex/x/responses", KEY_GENERATE },
	{ "GET", "/v1/responses", KEY_GENERATE },	/* a WebSocket begins so */
	{ "POST", "/v1/messages/count_tokens", KEY_GENERATE },
	{ "POST", "/api/generate", KEY_GENERATE },
	{ "POST", "/api/pull", KEY_GENERATE },
	{ "DELETE", "/api/delete", KEY_GENERATE },
	{ "GET", "/v1/models", KEY_MODELS },
	{ "HEAD", "/v1/models/x", KEY_MODELS },
	{ "GET", "/", KEY_MODELS },
	{ "GET", "/api/tags", KEY_MODELS },
	{ "POST", "/api/show", KEY_MODELS },
	{ "GET", "/v1/usage", KEY_READ },
	{ "GET", "/api/codex/usage", KEY_READ },
};

static void test_scopes(void)
{
	for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
		struct err_note note = ERR_NOTE_INIT;
		struct route_match match;

		check_int(route_find(scopes[i].method, scopes[i].path, &match, &note), 0);
		if (!check_int(route_scope(match.route), scopes[i].scope))
			printf("  %s %s\n", scopes[i].method, scopes[i].path);
	}
	/* health.fcgi's own, and no route's */
	for (size_t i = 0; i < route_count(); i++) {
		unsigned scope = route_scope(route_at(i));

		check(scope == KEY_GENERATE || scope == KEY_MODELS || scope == KEY_READ);
	}
}

int main(void)
{
	test_found();
	test_refused();
	test_table();
	test_long();
	test_tongue();
	test_scopes();
	return test_end("test_route");
}
