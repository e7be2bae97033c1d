/* Who may ask: hosts, origins, addresses and media types, good and hostile. */
#include "../../fcgi/wire/access.h"
#include "../../shared/text.h"
#include "test.h"

#include <stdlib.h>

struct access_case {
	const char *what;
	const char *params;	/* "NAME=value|NAME=value", over a good request */
	enum err want;
};

static const struct access_case cases[] = {
	{ "a local client", "", ERR_OK },
	{ "localhost", "HTTP_HOST=localhost:8000", ERR_OK },
	{ "LOCALHOST", "HTTP_HOST=LOCALHOST", ERR_OK },
	{ "v6 loopback", "HTTP_HOST=[::1]:8000|REMOTE_ADDR=::1|SERVER_ADDR=::1", ERR_OK },
	{ "v6 loopback in brackets", "REMOTE_ADDR=::1|SERVER_ADDR=[::1]", ERR_OK },
	{ "v6 in brackets", "SERVER_ADDR=[fe80::1]", ERR_NOT_LOOPBACK },
	{ "half a bracket", "SERVER_ADDR=[::1", ERR_NOT_LOOPBACK },
	{ "v4 mapped", "REMOTE_ADDR=::ffff:127.0.0.1", ERR_OK },
	{ "127.9.9.9", "HTTP_HOST=127.9.9.9:1", ERR_OK },
	{ "no server address (CGI)", "SERVER_ADDR=", ERR_OK },
	{ "a listed host", "HTTP_HOST=gate.example:8000", ERR_OK },
	{ "a listed host, other case", "HTTP_HOST=Gate.Example", ERR_OK },

	{ "from the network", "REMOTE_ADDR=192.168.1.7", ERR_NOT_LOOPBACK },
	{ "from v6", "REMOTE_ADDR=fe80::1", ERR_NOT_LOOPBACK },
	{ "to the network's address", "SERVER_ADDR=192.168.1.2", ERR_NOT_LOOPBACK },
	{ "wide bind", "SERVER_ADDR=0.0.0.0", ERR_NOT_LOOPBACK },
	{ "mapped, not loopback", "REMOTE_ADDR=::ffff:10.0.0.1", ERR_NOT_LOOPBACK },
	{ "no address", "REMOTE_ADDR=", ERR_NOT_LOOPBACK },
	{ "nonsense address", "REMOTE_ADDR=127.0.0.1 ", ERR_NOT_LOOPBACK },
	{ "a name for an address", "REMOTE_ADDR=localhost", ERR_NOT_LOOPBACK },

	{ "rebinding name", "HTTP_HOST=evil.example", ERR_HOST_REFUSED },
	{ "rebinding name with port", "HTTP_HOST=evil.example:8000", ERR_HOST_REFUSED },
	{ "prefix trick", "HTTP_HOST=localhost.evil.example", ERR_HOST_REFUSED },
	{ "address prefix trick", "HTTP_HOST=127.0.0.1.evil.example", ERR_HOST_REFUSED },
	{ "0.0.0.0", "HTTP_HOST=0.0.0.0:8000", ERR_HOST_REFUSED },
	{ "trailing dot", "HTTP_HOST=localhost.", ERR_HOST_REFUSED },
	{ "private address", "HTTP_HOST=10.0.0.1:8000", ERR_HOST_REFUSED },
	{ "no host", "HTTP_HOST=", ERR_HOST_REFUSED },
	{ "userinfo", "HTTP_HOST=localhost@evil.example", ERR_HOST_REFUSED },
	{ "bad port", "HTTP_HOST=localhost:99999", ERR_HOST_REFUSED },
	{ "port trick", "HTTP_HOST=localhost:80:evil.example", ERR_HOST_REFUSED },
	{ "open bracket", "HTTP_HOST=[::1", ERR_HOST_REFUSED },
	{ "behind the bracket", "HTTP_HOST=[::1]evil.example", ERR_HOST_REFUSED },
	{ "decimal address", "HTTP_HOST=2130706433", ERR_HOST_REFUSED },
	{ ".local", "HTTP_HOST=me.local", ERR_HOST_REFUSED },

	{ "own origin", "HTTP_ORIGIN=http://127.0.0.1:8000", ERR_OK },
	{ "own origin by https", "HTTP_ORIGIN=https://127.0.0.1:8000", ERR_OK },
	{ "a listed origin", "HTTP_ORIGIN=https://chat.example|HTTP_SEC_FETCH_SITE=cross-site", ERR_OK },
	{ "same-origin fetch", "HTTP_ORIGIN=http://127.0.0.1:8000|HTTP_SEC_FETCH_SITE=same-origin", ERR_OK },
	{ "typed by a person", "HTTP_SEC_FETCH_SITE=none", ERR_OK },
	{ "foreign origin", "HTTP_ORIGIN=https://evil.example", ERR_ORIGIN_REFUSED },
	{ "other port", "HTTP_ORIGIN=http://127.0.0.1:3000", ERR_ORIGIN_REFUSED },
	{ "no port", "HTTP_ORIGIN=http://127.0.0.1", ERR_ORIGIN_REFUSED },
	{ "null", "HTTP_ORIGIN=null", ERR_ORIGIN_REFUSED },
	{ "file", "HTTP_ORIGIN=file://", ERR_ORIGIN_REFUSED },
	{ "extension", "HTTP_ORIGIN=chrome-extension://abc", ERR_ORIGIN_REFUSED },
	{ "listed prefix", "HTTP_ORIGIN=https://chat.example.evil.example", ERR_ORIGIN_REFUSED },
	{ "listed, other scheme", "HTTP_ORIGIN=http://chat.example", ERR_ORIGIN_REFUSED },
	{ "own, with a path", "HTTP_ORIGIN=http://127.0.0.1:8000/", ERR_ORIGIN_REFUSED },
	{ "cross-site without origin", "HTTP_SEC_FETCH_SITE=cross-site", ERR_ORIGIN_REFUSED },
	{ "Cross-Site", "HTTP_SEC_FETCH_SITE= Cross-Site", ERR_ORIGIN_REFUSED },
	{ "cross-site, own origin", "HTTP_ORIGIN=http://127.0.0.1:8000|HTTP_SEC_FETCH_SITE=cross-site", ERR_ORIGIN_REFUSED },

	{ "charset", "CONTENT_TYPE=application/json; charset=utf-8", ERR_OK },
	{ "+json", "CONTENT_TYPE=application/vnd.api+json", ERR_OK },
	{ "capitals", "CONTENT_TYPE=Application/JSON", ERR_OK },
	{ "no type, no origin", "CONTENT_TYPE=", ERR_OK },
	{ "a GET needs none", "REQUEST_METHOD=GET|CONTENT_TYPE=text/html", ERR_OK },
	{ "simple POST", "CONTENT_TYPE=text/plain", ERR_BAD_MEDIA_TYPE },
	{ "form", "CONTENT_TYPE=application/x-www-form-urlencoded", ERR_BAD_MEDIA_TYPE },
	{ "multipart", "CONTENT_TYPE=multipart/form-data; boundary=application/json", ERR_BAD_MEDIA_TYPE },
	{ "json as a parameter", "CONTENT_TYPE=text/plain; application/json", ERR_BAD_MEDIA_TYPE },
	{ "jsonp", "CONTENT_TYPE=application/jsonp", ERR_BAD_MEDIA_TYPE },
	{ "no type, but a page", "CONTENT_TYPE=|HTTP_ORIGIN=http://127.0.0.1:8000", ERR_BAD_MEDIA_TYPE },
};

static const char *const good[] = {
	"REQUEST_METHOD=POST", "REQUEST_URI=/v1/chat/completions",
	"REMOTE_ADDR=127.0.0.1", "SERVER_ADDR=127.0.0.1",
	"HTTP_HOST=127.0.0.1:8000", "CONTENT_TYPE=application/json",
};

/* The params block of a good request with some of it replaced. */
static void make(struct request *r, const char *over)
{
	struct buf b;
	const char *at = over;
	size_t len;

	buf_init(&b, 1 << 16);
	for (; *at; at += *at == '|') {
		len = strcspn(at, "|");
		buf_add(&b, at, len);
		buf_char(&b, '\0');
		at += len;
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		size_t name = strcspn(good[i], "=") + 1;
		char key[64];

		snprintf(key, sizeof(key), "%.*s", (int)name, good[i]);
		if (!strstr(over, key)) {
			buf_str(&b, good[i]);
			buf_char(&b, '\0');
		}
	}
	len = b.len;
	request_init(r, buf_take(&b), len);
}

/* --- keys */

#define MANY "key_ffffffffffff other 2026-11-22T10:03:11Z never generate - " \
	"ffffffffffff0000000000000000000000000000000000000000000000000000\n"

static const struct {
	const char *what, *params;	/* @a@ @op@ @gone@ @old@: keys */
	unsigned scope;
	enum err want;
	const char *who;
} key_cases[] = {
	{ "none", "", KEY_MODELS, ERR_KEY_MISSING, NULL },
	{ "empty", "HTTP_AUTHORIZATION=Bearer ", KEY_MODELS, ERR_KEY_REFUSED, NULL },
	{ "bearer", "HTTP_AUTHORIZATION=Bearer @a@", KEY_MODELS, ERR_OK, "a" },
	{ "bearer in small letters", "HTTP_AUTHORIZATION=bearer   @a@ ", KEY_MODELS, ERR_OK, "a" },
	{ "without a word before", "HTTP_AUTHORIZATION=@a@", KEY_MODELS, ERR_OK, "a" },
	{ "x-api-key", "HTTP_X_API_KEY=@a@", KEY_GENERATE, ERR_OK, "a" },
	{ "api-key", "HTTP_API_KEY=@a@", KEY_GENERATE, ERR_OK, "a" },
	{ "one that is none beside it", "HTTP_AUTHORIZATION=Bearer unused|HTTP_X_API_KEY=@a@", KEY_MODELS, ERR_OK, "a" },
	{ "revoked beside a good one", "HTTP_AUTHORIZATION=Bearer @gone@|HTTP_X_API_KEY=@a@", KEY_MODELS, ERR_KEY_REFUSED, NULL },
	{ "basic", "HTTP_AUTHORIZATION=Basic Y21fOg==", KEY_MODELS, ERR_KEY_REFUSED, NULL },
	{ "twice", "HTTP_AUTHORIZATION=Bearer Bearer @a@", KEY_MODELS, ERR_KEY_REFUSED, NULL },
	{ "more behind it", "HTTP_AUTHORIZATION=Bearer @a@x", KEY_MODELS, ERR_KEY_REFUSED, NULL },
	{ "two", "HTTP_AUTHORIZATION=Bearer @a@,@a@", KEY_MODELS, ERR_KEY_REFUSED, NULL },
	{ "in the URL", "QUERY_STRING=key=@a@", KEY_MODELS, ERR_KEY_MISSING, NULL },
	{ "as a cookie", "HTTP_COOKIE=x-api-key=@a@", KEY_MODELS, ERR_KEY_MISSING, NULL },
	{ "revoked", "HTTP_X_API_KEY=@gone@", 0, ERR_KEY_REFUSED, NULL },
	{ "run out", "HTTP_X_API_KEY=@old@", 0, ERR_KEY_REFUSED, NULL },
	{ "not for that", "HTTP_X_API_KEY=@a@", KEY_OPERATOR, ERR_KEY_SCOPE, NULL },
	{ "not for that either", "HTTP_X_API_KEY=@op@", KEY_GENERATE, ERR_KEY_SCOPE, NULL },
	{ "for whatever", "HTTP_X_API_KEY=@op@", 0, ERR_OK, "op" },
	{ "from the network", "REMOTE_ADDR=192.168.1.7|HTTP_X_API_KEY=@op@", KEY_OPERATOR, ERR_OK, "op" },
};

struct made { char name[8], mark[8], text[KEY_TEXT_SIZE]; };

/* The file's text, and the keys that are in it. */
static void make_keys(struct buf *text, struct made made[4])
{
	static const char *const rows[4][4] = {
		{ "a", "never", "generate,models", "-" },
		{ "op", "2999-01-01T00:00:00Z", "operator", "-" },
		{ "gone", "never", "generate,models", "2026-11-22T10:03:11Z" },
		{ "old", "2026-01-01T00:00:00Z", "generate,models", "-" },
	};
	char hex[65];

	buf_str(text, KEYS_FIRST_LINE "\n" MANY);
	for (size_t i = 0; i < 4; i++) {
		snprintf(made[i].name, sizeof(made[i].name), "%s", rows[i][0]);
		snprintf(made[i].mark, sizeof(made[i].mark), "@%.4s@", rows[i][0]);
		check(key_text_make(made[i].text));
		sha256_hex(span_of(made[i].text), hex);
		buf_fmt(text, "key_%.12s %s 2025-11-22T10:03:11Z %s %s %s %s\n", hex,
			rows[i][0], rows[i][1], rows[i][2], rows[i][3], hex);
	}
}

static void fill_in(struct buf *out, const char *params, const struct made made[4])
{
	while (*params) {
		size_t i = 0;

		while (i < 4 && strncmp(params, made[i].mark, strlen(made[i].mark)))
			i++;
		if (i < 4) {
			buf_str(out, made[i].text);
			params += strlen(made[i].mark);
		} else {
			buf_char(out, *params++);
		}
	}
}

static void test_key_cases(const struct config *c)
{
	struct keyring none = { 0 }, broken = { 0 }, ring;
	struct made made[4];
	struct buf text;

	buf_init(&text, 1 << 16);
	make_keys(&text, made);
	keyring_parse(&ring, buf_span(&text));
	check_int(ring.note.code, 0);
	keyring_parse(&broken, SPAN("nonsense"));
	for (size_t i = 0; i < ARRAY_LEN(key_cases); i++) {
		struct err_note got = ERR_NOTE_INIT;
		const struct key *who;
		struct request r = { 0 };
		struct buf params;
		bool ok;

		buf_init(&params, 4096);
		fill_in(&params, key_cases[i].params, made);
		make(&r, params.ptr);
		/* wherever it comes from, and whatever else was wrong */
		ok = check_int(access_check(c, &ring, &r, &got), 0);
		err_tell(&got, ERR_NO_ROUTE, "before");
		access_key(&ring, &r, key_cases[i].scope, &who, &got);
		ok &= check_int(got.code, key_cases[i].want ? key_cases[i].want :
				ERR_NO_ROUTE);
		if (key_cases[i].who && check(who != NULL))
			ok &= check_str(span_of(who->name), key_cases[i].who);
		for (size_t k = 0; k < 4; k++)
			ok &= check(!strstr(got.tell, made[k].text) &&
				    !strstr(got.why, made[k].text));
		err_clear(&got);
		ok &= check_int(access_key(&none, &r, KEY_OPERATOR, &who, &got), 0);
		ok &= check(!who);
		ok &= check_int(access_key(&broken, &r, 0, &who, &got),
				ERR_KEYS_BROKEN);
		if (!ok)
			printf("  %s\n", key_cases[i].what);
		request_free(&r);
		buf_free(&params);
	}
	keyring_free(&ring);
	keyring_free(&broken);
	buf_free(&text);
}

int main(void)
{
	struct keyring none = { 0 };
	char hosts[] = "CHATMOCK_ALLOWED_HOSTS=gate.example, other.example";
	char origins[] = "CHATMOCK_ALLOWED_ORIGINS=https://chat.example";
	char *env[] = { hosts, origins, NULL };
	struct err_note note = ERR_NOTE_INIT;
	struct config c = { 0 };

	check_int(config_read(&c, env, NULL, 0, &note), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err_note got = ERR_NOTE_INIT;
		struct request r = { 0 };

		make(&r, cases[i].params);
		access_check(&c, &none, &r, &got);
		if (!check_int(got.code, cases[i].want))
			printf("  %s\n", cases[i].what);
		request_free(&r);
	}
	test_key_cases(&c);
	config_free(&c);
	return test_end("test_access");
}
