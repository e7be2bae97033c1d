/* Which of a caller's headers are a credential for upstream, and whose what is
 * stored then is. */
#include "../../fcgi/stream/bearer.h"
#include "../../shared/ceilings.h"
#include "test.h"

#include <stdlib.h>

struct bearer_case {
	const char *what;
	const char *params;		/* "NAME=value|NAME=value" */
	/* what goes to a ChatGPT backend, and to any other; "": nothing of the
	 * caller's; NULL: it is refused */
	const char *chatgpt, *other;
};

#define AUTH "HTTP_AUTHORIZATION="
#define ACCOUNT "|HTTP_CHATGPT_ACCOUNT_ID="

static const struct bearer_case cases[] = {
	{ "nothing", "", "", "" },
	{ "a login", AUTH "Bearer tok.en-1" ACCOUNT "acct_1", "tok.en-1", "" },
	{ "a key", AUTH "Bearer sk-1", "", "sk-1" },
	{ "any case, any blanks", AUTH "bEARER    tok" ACCOUNT "a", "tok", "" },
	{ "all that can be seen", AUTH "Bearer !#$%&'()*+,-./:;<=>?@[]^_`{|}~", "",
	  "!#$%&'()*+,-./:;<=>?@[]^_`{" },
	{ "an empty account is none", AUTH "Bearer tok" ACCOUNT, "", "tok" },
	{ "an account alone", "X=1" ACCOUNT "acct_1", "", "" },
	{ "an empty header", AUTH ACCOUNT "acct_1", "", "" },
	{ "no token", AUTH "Bearer " ACCOUNT "acct_1", "", "" },
	{ "blanks for a token", AUTH "Bearer    " ACCOUNT "acct_1", "", "" },
	{ "no scheme", AUTH "tok" ACCOUNT "acct_1", "", "" },
	{ "another scheme", AUTH "Basic dG9r" ACCOUNT "acct_1", "", "" },
	{ "a scheme that only begins so", AUTH "Bearers tok" ACCOUNT "a", "", "" },
	{ "another header", "HTTP_X_API_KEY=tok" ACCOUNT "acct_1", "", "" },

	{ "our key", AUTH "Bearer cm_0123" ACCOUNT "acct_1", "", "" },
	{ "our key alone", AUTH "Bearer cm_0123", "", "" },
	{ "our key, shouted", AUTH "Bearer Cm_0123" ACCOUNT "acct_1", "", "" },
	{ "our key, behind blanks", AUTH "Bearer   cm_0123" ACCOUNT "a", "", "" },
	{ "our key, and more", AUTH "Bearer cm_0123, Bearer x" ACCOUNT "a", "", "" },

	{ "two of them", AUTH "Bearer a, Bearer b" ACCOUNT "acct_1", NULL, "" },
	{ "two of them, no account", AUTH "Bearer a, Bearer b", "", NULL },
	{ "a blank behind", AUTH "Bearer tok " ACCOUNT "acct_1", NULL, "" },
	{ "a tab", AUTH "Bearer to\tk" ACCOUNT "acct_1", NULL, "" },
	{ "not ASCII", AUTH "Bearer t\xc3\xb6k" ACCOUNT "acct_1", NULL, "" },
	{ "two accounts", AUTH "Bearer tok" ACCOUNT "a, b", NULL, "" },
	{ "an account with a blank", AUTH "Bearer tok" ACCOUNT "a b", NULL, "" },
	{ "an account not ASCII", AUTH "Bearer tok" ACCOUNT "\xc3\xb6", NULL, "" },
	{ "an account in quotes", AUTH "Bearer tok" ACCOUNT "\"a\"", NULL, "" },
};

static void make(struct request *r, const char *params)
{
	struct buf b;
	size_t len;

	buf_init(&b, 1 << 16);
	buf_str(&b, "REQUEST_METHOD=POST");
	buf_char(&b, '\0');
	buf_str(&b, params);
	buf_char(&b, '\0');
	for (size_t i = 0; i < b.len; i++)
		if (b.ptr[i] == '|')
			b.ptr[i] = '\0';
	len = b.len;
	request_init(r, buf_take(&b), len);
}

static bool found(const struct config *c, const struct request *r, const char *want)
{
	struct err_note note = ERR_NOTE_INIT;
	struct bearer b;
	enum err err = bearer_read(c, r, &b, &note);

	if (!want)
		return check_int(err, ERR_BAD_REQUEST) && check(!b.token) &&
		       check(note.tell[0]);
	return check_int(err, 0) && check_str(span_of(b.token), want) &&
	       check(!*want == !b.token);
}

static void test_cases(void)
{
	struct config on = { .forward_auth = true, .kind = KIND_CHATGPT };
	struct config other = { .forward_auth = true, .kind = KIND_RESPONSES };
	struct config off = { .kind = KIND_CHATGPT };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct request r = { 0 };

		make(&r, cases[i].params);
		if (!found(&on, &r, cases[i].chatgpt) ||
		    !found(&other, &r, cases[i].other) || !found(&off, &r, ""))
			printf("  %s\n", cases[i].what);
		request_free(&r);
	}
}

/* At the ceilings, and one byte above them. */
static void test_ceilings(void)
{
	struct config on = { .forward_auth = true, .kind = KIND_CHATGPT };

	for (size_t over = 0; over < 3; over++) {
		size_t token = MAX_BEARER + (over == 1);
		size_t account = MAX_BEARER_ACCOUNT + (over == 2);
		struct err_note note = ERR_NOTE_INIT;
		struct request r = { 0 };
		struct bearer b;
		struct buf text;

		buf_init(&text, 1 << 16);
		buf_str(&text, AUTH "Bearer ");
		for (size_t i = 0; i < token; i++)
			buf_char(&text, 't');
		buf_str(&text, ACCOUNT);
		for (size_t i = 0; i < account; i++)
			buf_char(&text, 'a');
		make(&r, text.ptr);
		check_int(bearer_read(&on, &r, &b, &note),
			  over ? ERR_BAD_REQUEST : 0);
		check(!over == !!b.token);
		/* its words hold nothing of it */
		check(!strstr(note.tell, "ttt") && !strstr(note.tell, "aaa"));
		buf_free(&text);
		request_free(&r);
	}
}

/* --- whose it is */

static struct config chatgpt = { .forward_auth = true, .kind = KIND_CHATGPT };

static void owner(struct own *out, const char *key, const char *params)
{
	struct app app = { .config = &chatgpt };
	struct request r = { 0 };
	struct stream s = { .app = &app, .req = &r, .note = ERR_NOTE_INIT };

	make(&r, params);
	snprintf(s.caller, sizeof(s.caller), "%s", key);
	check_int(bearer_admit(&s), 0);
	*out = s.own;
	request_free(&r);
}

static void test_owners(void)
{
	static const char *const who[][2] = {
		{ "", AUTH "Bearer ann" ACCOUNT "acct_1" },
		{ "", AUTH "Bearer bob" ACCOUNT "acct_1" },
		{ "", AUTH "Bearer ann" ACCOUNT "acct_2" },
		{ "key_0123456789ab", AUTH "Bearer ann" ACCOUNT "acct_1" },
		{ "key_0123456789ac", AUTH "Bearer ann" ACCOUNT "acct_1" },
		/* the same letters, parted elsewhere */
		{ "", AUTH "Bearer nn" ACCOUNT "acct_1a" },
		{ "", AUTH "Bearer 1ann" ACCOUNT "acct_" },
	};
	struct own all[ARRAY_LEN(who)], again, none;

	for (size_t i = 0; i < ARRAY_LEN(who); i++) {
		owner(&all[i], who[i][0], who[i][1]);
		check_int((int64_t)strlen(all[i].id), 36);
		check_int((int64_t)strlen(all[i].account), 16);
		for (size_t k = 0; k < i; k++)
			check(strcmp(all[i].id, all[k].id) != 0);
	}
	owner(&again, who[0][0], who[0][1]);
	check_str(span_of(again.id), all[0].id);
	/* of one account, whichever the token */
	check_str(span_of(all[1].account), all[0].account);
	check(strcmp(all[2].account, all[0].account) != 0);
	owner(&none, "key_0123456789ab", "X=1");
	check(!none.id[0] && !none.account[0]);
}

/* --- who answers for a call */

static void test_choice(void)
{
	char token[] = "ours", account[] = "acct_ours";
	struct login login = { .access_token = token, .account_id = account };
	struct app app = { .config = &chatgpt, .account = "0123456789abcdef" };
	struct request r = { 0 };
	struct stream s = { .app = &app, .req = &r, .note = ERR_NOTE_INIT };
	struct bearer b;

	make(&r, "X=1");
	check_int(bearer_admit(&s), 0);
	check(!bearer_is_own(&s));
	check(!bearer_choose(&s, NULL, &b) && !b.token);
	check(bearer_choose(&s, &login, &b));
	check_str(span_of(b.token), "ours");
	check_str(span_of(b.account), "acct_ours");
	check_str(span_of(bearer_account(&s)), "0123456789abcdef");
	request_free(&r);

	make(&r, AUTH "Bearer ann" ACCOUNT "acct_1|HTTP_X_OPENAI_FEDRAMP=true");
	check_int(bearer_admit(&s), 0);
	check(bearer_is_own(&s));
	check(bearer_choose(&s, &login, &b));
	check_str(span_of(b.token), "ann");
	check_str(span_of(b.account), "acct_1");
	check(b.fedramp);
	check(strcmp(bearer_account(&s), app.account) != 0);
	/* when the request was let go: nobody, and never ours */
	request_let_go(&r);
	check(bearer_is_own(&s));
	check(!bearer_choose(&s, &login, &b) && !b.token);
	request_free(&r);
}

static void test_mask(void)
{
	struct app app = { .config = &chatgpt };
	struct request r = { 0 };
	struct stream s = { .app = &app, .req = &r, .note = ERR_NOTE_INIT };
	struct buf words;

	buf_init(&words, 1000);
	buf_str(&words, "no anna, ann; anan ann");
	make(&r, "X=1");
	check_int(bearer_admit(&s), 0);
	bearer_mask(&s, &words);
	check_str(buf_span(&words), "no anna, ann; anan ann");
	request_free(&r);
	make(&r, AUTH "Bearer ann" ACCOUNT "acct_1");
	check_int(bearer_admit(&s), 0);
	bearer_mask(&s, &words);
	check_str(buf_span(&words), "no ***a, ***; anan ***");
	buf_reset(&words);
	bearer_mask(&s, &words);
	check_int((int64_t)words.len, 0);
	request_free(&r);
	buf_free(&words);
}

int main(void)
{
	test_cases();
	test_ceilings();
	test_owners();
	test_choice();
	test_mask();
	return test_end("test_bearer");
}
