/* Keys: their form, names, scopes and ends, and how one is compared. */

#include "../../shared/keys.h"

#include "../../shared/ceilings.h"
#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "test.h"

static void test_form(void)
{
	char seen[64][KEY_TEXT_SIZE], text[KEY_TEXT_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
		check(key_text_make(seen[i]));
		check(strlen(seen[i]) == KEY_TEXT_SIZE - 1);
		check(key_text_ok(span_of(seen[i])));
		for (size_t n = 0; n < i; n++)
			check(strcmp(seen[i], seen[n]) != 0);
	}
	/* each digit counts, the checksum's too */
	for (size_t i = 0; i < KEY_TEXT_SIZE - 1; i++) {
		memcpy(text, seen[0], sizeof(text));
		text[i] = text[i] == 'x' ? 'y' : 'x';
		check(!key_text_ok(span_of(text)));
		text[i] = '\0';
		check(!key_text_ok((struct span){ text, KEY_TEXT_SIZE - 1 }));
	}
	/* neighbours that changed places */
	for (size_t i = 3; i < KEY_TEXT_SIZE - 2; i++) {
		memcpy(text, seen[0], sizeof(text));
		text[i] = seen[0][i + 1];
		text[i + 1] = seen[0][i];
		check(text[i] == text[i + 1] || !key_text_ok(span_of(text)));
	}
	check(!key_text_ok((struct span){ seen[0], KEY_TEXT_SIZE - 2 }));
	check(!key_text_ok((struct span){ seen[0], KEY_TEXT_SIZE }));
	check(!key_text_ok(SPAN("")));
	check(!key_text_ok(SPAN("sk-proj-unused")));
	check(!key_text_ok(SPAN("cm_")));
}

static void test_names(void)
{
	static const char *const good[] = {
		"a", "laptop", "ann@example.org", "CI-2", "a.b_c+d", "key_1",
		"key_00112233445", "key_00112233445g",
	}, *const bad[] = {
		"", "-", "--json", "two words", "a\tb", "a\nb", "a\"b", "#a", "a/b",
		"na\xc3\xafve", "key_001122334455",
	};
	char longest[KEY_NAME_SIZE + 1];

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!check(key_name_ok(span_of(good[i]))))
			printf("  %s\n", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (!check(!key_name_ok(span_of(bad[i]))))
			printf("  %s\n", bad[i]);
	check(!key_name_ok((struct span){ "a\0b", 3 }));
	memset(longest, 'n', sizeof(longest));
	check(key_name_ok((struct span){ longest, KEY_NAME_SIZE - 1 }));
	check(!key_name_ok((struct span){ longest, KEY_NAME_SIZE }));
}

static void test_scopes(void)
{
	struct err_note note = ERR_NOTE_INIT;
	unsigned scopes = 0;
	struct buf out;

	buf_init(&out, 1024);
	check_int(key_scopes_read(SPAN("models, generate"), &scopes, &note), 0);
	check_int(scopes, KEY_MODELS | KEY_GENERATE);
	key_scopes_print(scopes, &out);
	check_str(buf_span(&out), "generate,models");
	buf_reset(&out);
	key_scopes_print(0, &out);
	check_str(buf_span(&out), "-");
	check_int(key_scopes_read(SPAN("generate,admin"), &scopes, &note), ERR_CONFIG);
	check_str(span_of(note.tell), "\"admin\" is no scope; there are "
				      "generate,models,read,operator.");
	err_clear(&note);
	check_int(key_scopes_read(SPAN(","), &scopes, &note), ERR_CONFIG);
	buf_free(&out);
}

static void test_expiry(void)
{
	const int64_t now_s = 1763805791;	/* 2025-11-22T10:03:11Z */
	static const struct { const char *text; int64_t want; } rows[] = {
		{ "1m", 60 }, { "12h", 43200 }, { "30d", 2592000 }, { "2w", 1209600 },
		{ "2025-11-23", 50209 }, { "2025-11-22T10:03:12Z", 1 },
		{ "2025-11-22T11:03:12+01:00", 1 }, { "36500d", INT64_C(3153600000) },
	};
	static const char *const bad[] = {
		"", "d", "0d", "-1d", "1", "1s", "1y", "1.5d", " 1d", "36501d",
		"9223372036854775807w", "2025-11-22", "2025-11-22T10:03:11Z",
		"2025-13-01", "soon", "2999-01-01", "1970-01-01",
	};
	int64_t at;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err_note note = ERR_NOTE_INIT;

		check_int(key_expiry_read(span_of(rows[i].text), now_s, &at, &note), 0);
		if (!check_int(at - now_s, rows[i].want))
			printf("  %s\n", rows[i].text);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err_note note = ERR_NOTE_INIT;

		if (!check_int(key_expiry_read(span_of(bad[i]), now_s, &at, &note),
			       ERR_CONFIG))
			printf("  %s\n", bad[i]);
	}
	check_int(key_expiry_read(SPAN("never"), now_s, &at, NULL), 0);
	check_int(at, 0);
}

/* Each hash that differs in one bit is another's. */
static void test_bits(void)
{
	unsigned char a[32] = { 1, 2, 3 }, b[32];

	memcpy(b, a, sizeof(b));
	check(sha256_eq(a, b));
	for (size_t i = 0; i < 256; i++) {
		b[i / 8] ^= (unsigned char)(1 << i % 8);
		check(!sha256_eq(a, b));
		b[i / 8] ^= (unsigned char)(1 << i % 8);
	}
}

static int64_t looking_us(const struct keyring *ring, const char *text)
{
	int64_t begun = clock_mono_us();
	const struct key *k;

	for (int n = 0; n < 4; n++) {
		struct err_note note = ERR_NOTE_INIT;

		if (keyring_find(ring, span_of(text), 1, &k, &note))
			err_clear(&note);
	}
	return clock_mono_us() - begun;
}

/* The first of a thousand keys, the last and none of them take the same time:
 * who would stop at the right one needed a thousandth of it for the first. */
static void test_time(void)
{
	static char made[MAX_KEYS + 1][KEY_TEXT_SIZE];
	static struct key all[MAX_KEYS];
	struct keyring ring = { .keys = all, .count = MAX_KEYS, .wanted = true,
				.note = ERR_NOTE_INIT };
	enum { FIRST, LAST, NONE };
	const char *of[] = { made[0], made[MAX_KEYS - 1], made[MAX_KEYS] };
	int64_t least[] = { INT64_MAX, INT64_MAX, INT64_MAX }, took;

	for (size_t i = 0; i <= MAX_KEYS; i++) {
		struct sha256 *h = sha256_begin();

		check(key_text_make(made[i]));
		sha256_add(h, span_of(made[i]));
		if (i < MAX_KEYS)
			sha256_done(h, all[i].hash);
		else
			sha256_done(h, (unsigned char [32]){ 0 });
	}
	/* by turns: the machine's speed changes while we look */
	for (size_t i = 0; i < 300 * ARRAY_LEN(of); i++) {
		took = looking_us(&ring, of[i % ARRAY_LEN(of)]);
		if (took < least[i % ARRAY_LEN(of)])
			least[i % ARRAY_LEN(of)] = took;
	}
	if (!check(least[FIRST] * 10 > least[LAST] * 7 &&
		   least[LAST] * 10 > least[FIRST] * 7 &&
		   least[NONE] * 10 > least[LAST] * 7 &&
		   least[LAST] * 10 > least[NONE] * 7))
		printf("  first %lld us, last %lld us, none %lld us\n",
		       (long long)least[FIRST], (long long)least[LAST],
		       (long long)least[NONE]);
}

int main(void)
{
	test_form();
	test_names();
	test_scopes();
	test_expiry();
	test_bits();
	test_time();
	return test_end("test_keys");
}
