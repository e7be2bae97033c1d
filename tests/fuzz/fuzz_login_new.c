/*
 * fuzz_login_new.c - whatever a browser, a person or the issuer brings to a
 * sign-in: only the right state is heard, and what is said of it to a person
 * holds no secret and nothing that acts on a terminal.
 *
 * The first byte chooses: the rest is the callback's query, a pasted line, the
 * issuer's refusal, or the claims of a token.
 */
#include "../../shared/form.h"
#include "../../shared/login_new.h"
#include "../unit/login_fixture.h"

#define STATE "right-state-0123456789012345678901234567890"
#define CODE "the-secret-code"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_words(const struct err_note *note)
{
	for (const char *p = note->tell; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			abort();
}

static void try_came(struct span s, bool pasted)
{
	struct login_try t = { .verifier = "v", .state = STATE,
			       .redirect = "http://localhost:1/auth/callback" };
	struct err_note note = ERR_NOTE_INIT;
	enum login_came came;
	struct buf code;

	buf_init(&code, MAX_LOGIN_CODE);
	came = pasted ? login_try_pasted(&t, s, &code, &note) :
			login_try_came(&t, s, &code, &note);
	look_words(&note);
	if (came == CAME_CODE && !login_word_ok(buf_span(&code), MAX_LOGIN_CODE))
		abort();
	if ((came == CAME_CODE) != t.used || came == CAME_AGAIN)
		abort();
	if (came != CAME_CODE && !note.tell[0])
		abort();
	if (strstr(note.tell, STATE) && came != CAME_REFUSED)
		abort();
	buf_free(&code);
}

/* The same with the right state in front, so that all else is reached. */
static void try_ours(struct span s)
{
	struct buf line;

	buf_init(&line, 1u << 20);
	form_add(&line, "state", SPAN(STATE));
	buf_char(&line, '&');
	buf_span_add(&line, s);
	if (!buf_err(&line)) {
		try_came(buf_span(&line), false);
		try_came(buf_span(&line), true);
	}
	buf_free(&line);
}

static void refuse(struct span s)
{
	struct err_note note = ERR_NOTE_INIT;
	struct http_reply reply = { .status = 400 };

	buf_init(&reply.body, 1u << 20);
	buf_init(&reply.headers, 64);
	if (s.len && s.ptr[0] & 1)
		reply.status = 500;
	buf_span_add(&reply.body, s);
	if (login_no(&reply, "it", SPAN(CODE), &note) == ERR_NONE)
		abort();
	look_words(&note);
	if (strstr(note.tell, CODE))
		abort();
	buf_free(&reply.body);
	buf_free(&reply.headers);
}

static void show(struct span s)
{
	struct login_account who;
	struct login l = { 0 };
	struct buf token;

	buf_init(&token, 1u << 20);
	buf_str(&token, "e30.");
	base64url_encode(s, &token);
	buf_str(&token, ".c2ln");
	l.id_token = token.ptr;
	login_account(&l, &who);
	for (const char *p = who.email; *p; p++)
		if ((unsigned char)*p < 0x20)
			abort();
	for (const char *p = who.workspace; *p; p++)
		if ((unsigned char)*p < 0x20)
			abort();
	buf_free(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s;

	if (size < 1)
		return 0;
	s = (struct span){ (const char *)data + 1, size - 1 };
	switch (data[0] & 3) {
	case 0:
		try_came(s, false);
		try_came(s, true);
		break;
	case 1:
		try_ours(s);
		break;
	case 2:
		refuse(s);
		break;
	default:
		show(s);
	}
	return 0;
}
