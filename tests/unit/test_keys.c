/* Keys: their form, their file, who they are of, and many who change it. */
#include "../../shared/keys.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../shared/ceilings.h"
#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "test.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define LINE "key_001122334455 laptop 2026-11-22T10:03:11Z never generate - " HASH "\n"
#define FIRST KEYS_FIRST_LINE "\n"

static char home[64];

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", home, name);
	return path;
}

static void write_keys(const char *text, mode_t mode)
{
	struct err_note note = ERR_NOTE_INIT;

	check_int(file_replace(path_of(KEYS_FILE), mode, span_of(text), &note), 0);
}

/* --- the key itself */

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

/* --- the file */

struct text_case {
	const char *text;
	const char *fault;		/* words of it, NULL: it is good */
	size_t count;
};

static const struct text_case texts[] = {
	{ FIRST, NULL, 0 },
	{ FIRST LINE, NULL, 1 },
	{ FIRST "\n# a word of a person's\n  " LINE "\n", NULL, 1 },
	{ FIRST "key_001122334455  a  2026-11-22T10:03:11Z 2027-01-01T00:00:00Z "
	  "generate,models,read,operator 2026-12-01T00:00:00Z " HASH "\n", NULL, 1 },
	{ "", "first line", 0 },
	{ "\n", "first line", 0 },
	{ LINE, "first line", 0 },
	{ "# chatmock keys 2\n" LINE, "first line", 0 },
	{ "# chatmock keys 1", "first line", 0 },
	{ FIRST "key_001122334455 laptop 2026-11-22T10:03:11Z never generate - 0011",
	  "end is missing", 0 },
	{ FIRST LINE LINE, "line 3: that key was there before", 0 },
	{ FIRST "key_001122334455\n", "line 2: it has not seven fields", 0 },
	{ FIRST "key_001122334455 a b 2026-11-22T10:03:11Z never generate - " HASH "\n",
	  "seven fields", 0 },
	{ FIRST "001122334455 a 2026-11-22T10:03:11Z never generate - " HASH "\n",
	  "its id", 0 },
	{ FIRST "key_001122334455 a\"b 2026-11-22T10:03:11Z never generate - " HASH "\n",
	  "its name", 0 },
	{ FIRST "key_001122334455 a yesterday never generate - " HASH "\n",
	  "it was made at", 0 },
	{ FIRST "key_001122334455 a 2026-11-22T10:03:11Z - generate - " HASH "\n",
	  "it runs out at", 0 },
	{ FIRST "key_001122334455 a 2026-11-22T10:03:11Z never all - " HASH "\n",
	  "its scopes", 0 },
	{ FIRST "key_001122334455 a 2026-11-22T10:03:11Z never - - " HASH "\n",
	  "its scopes", 0 },
	{ FIRST "key_001122334455 a 2026-11-22T10:03:11Z never generate no " HASH "\n",
	  "it was revoked at", 0 },
	{ FIRST "key_001122334455 a 2026-11-22T10:03:11Z never generate - " HASH "0\n",
	  "its hash", 0 },
	{ FIRST "key_001122334466 a 2026-11-22T10:03:11Z never generate - " HASH "\n",
	  "not of one key", 0 },
};

static void test_texts(void)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct text_case *t = &texts[i];
		struct keyring ring;
		bool ok;

		keyring_parse(&ring, span_of(t->text));
		ok = check(ring.wanted);
		ok &= check_int(ring.note.code, t->fault ? ERR_KEYS_BROKEN : 0);
		ok &= t->fault ? check(strstr(ring.note.why, t->fault)) :
				 check_int((int64_t)ring.count, (int64_t)t->count);
		/* of a line nothing is said that might be a secret */
		ok &= check(!strstr(ring.note.why, "0011"));
		if (!ok)
			printf("  text %zu: %s\n", i, ring.note.why);
		keyring_free(&ring);
		keyring_free(&ring);
	}
}

/* Cut anywhere, a good file is either good or lets nobody in. */
static void test_cut(void)
{
	static const char whole[] = FIRST LINE;
	size_t open = 0;

	for (size_t len = 0; len < sizeof(whole); len++) {
		struct keyring ring;

		keyring_parse(&ring, (struct span){ whole, len });
		check(ring.wanted);
		if (!ring.note.code)
			open++;
		keyring_free(&ring);
	}
	check_int((int64_t)open, 2);	/* the first line alone, and all of it */
}

static void test_read(void)
{
	struct keyring ring;

	keyring_read(&ring, home);
	check(!ring.wanted && !ring.note.code && !ring.count);
	write_keys(FIRST LINE, 0600);
	keyring_read(&ring, home);
	check(ring.wanted && !ring.note.code && ring.count == 1);
	keyring_free(&ring);
	write_keys("", 0600);
	keyring_read(&ring, home);
	check(ring.wanted && ring.note.code == ERR_KEYS_BROKEN);
	check(strstr(ring.note.why, path_of(KEYS_FILE)));
	unlink(path_of(KEYS_FILE));
	check_int(symlink("/nowhere/at/all", path_of(KEYS_FILE)), 0);
	keyring_read(&ring, home);
	check(ring.wanted && ring.note.code == ERR_KEYS_BROKEN);
	unlink(path_of(KEYS_FILE));
	check_int(mkdir(path_of(KEYS_FILE), 0700), 0);
	keyring_read(&ring, home);
	check(ring.wanted && ring.note.code == ERR_KEYS_BROKEN);
	rmdir(path_of(KEYS_FILE));
	keyring_read(&ring, path_of("no-such-home"));
	check(!ring.wanted && !ring.note.code);
}

static void test_too_many(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct key k = { .name = "one-more", .scopes = KEY_USUAL };
	char text[KEY_TEXT_SIZE];
	struct keyring ring;
	struct buf b;

	buf_init(&b, 4u << 20);
	buf_str(&b, FIRST);
	for (unsigned i = 0; i <= MAX_KEYS; i++) {
		buf_fmt(&b, "key_%012x n%u 2026-11-22T10:03:11Z never generate - "
			"%012x%052x\n", i, i, i, 0);
		if (i == MAX_KEYS - 1)
			write_keys(b.ptr, 0600);
	}
	check_int(buf_err(&b), 0);
	keyring_read(&ring, home);
	check_int(ring.note.code, 0);
	check_int((int64_t)ring.count, MAX_KEYS);
	keyring_free(&ring);
	check_int(keys_add(home, &k, text, &note), ERR_TOO_LARGE);
	check(!text[0]);
	keyring_parse(&ring, buf_span(&b));
	check_int(ring.note.code, ERR_KEYS_BROKEN);
	keyring_free(&ring);
	unlink(path_of(KEYS_FILE));
	buf_free(&b);
}

/* --- adding, finding, revoking */

static enum err find(const char *text, int64_t now_s, const char *name)
{
	struct err_note note = ERR_NOTE_INIT;
	struct keyring ring;
	const struct key *k;
	enum err code;

	keyring_read(&ring, home);
	code = keyring_find(&ring, span_of(text), now_s, &k, &note);
	check_int(note.code, code);
	check((code == 0) == (k != NULL));
	check(!strstr(note.tell, text) || !*text);
	if (k && name)
		check_str(span_of(k->name), name);
	keyring_free(&ring);
	return code;
}

static void test_life(void)
{
	int64_t now_s = clock_wall_us() / 1000000;
	struct err_note note = ERR_NOTE_INIT;
	struct key a = { .name = "ann", .scopes = KEY_USUAL }, gone;
	struct key b = { .name = "bob", .scopes = KEY_OPERATOR, .expires = now_s + 60 };
	char ann[KEY_TEXT_SIZE], bob[KEY_TEXT_SIZE], again[KEY_TEXT_SIZE];
	struct stat st;
	struct buf text;

	check_int(keys_add(home, &a, ann, &note), 0);
	check(stat(path_of(KEYS_FILE), &st) == 0 && (st.st_mode & 07777) == 0600);
	check_int(keys_add(home, &b, bob, &note), 0);
	check_int(find(ann, now_s, "ann"), 0);
	check_int(find(bob, now_s + 59, "bob"), 0);
	check_int(find(bob, now_s + 60, NULL), ERR_KEY_REFUSED);
	check_int(find("", now_s, NULL), ERR_KEY_REFUSED);
	check_int(find("unused", now_s, NULL), ERR_KEY_REFUSED);
	check(key_text_make(again));
	check_int(find(again, now_s, NULL), ERR_KEY_REFUSED);

	/* the file has the hash and not the key */
	buf_init(&text, MAX_KEYS_FILE);
	check_int(file_read(path_of(KEYS_FILE), &text, NULL, &note), 0);
	check(!strstr(text.ptr, ann) && !strstr(text.ptr, ann + 3));
	check(strstr(text.ptr, a.id) && strstr(text.ptr, " generate,models,read - "));
	buf_str(&text, "# kept\n");
	write_keys(text.ptr, 0600);
	buf_free(&text);

	check_int(keys_add(home, &a, again, &note), ERR_CONFIG);	/* same name */
	err_clear(&note);
	check_int(keys_revoke(home, SPAN("carl"), &gone, &note), ERR_CONFIG);
	err_clear(&note);
	check_int(keys_revoke(home, SPAN("key_000000000000"), &gone, &note), ERR_CONFIG);
	err_clear(&note);
	check_int(keys_revoke(home, SPAN("ann"), &gone, &note), 0);
	check_str(span_of(gone.id), a.id);
	check_int(find(ann, now_s, NULL), ERR_KEY_REFUSED);
	check_int(find(bob, now_s, "bob"), 0);
	check_int(keys_revoke(home, span_of(a.id), &gone, &note), ERR_CONFIG);
	check(strstr(note.tell, "revoked before"));
	err_clear(&note);
	check_int(keys_add(home, &a, again, &note), 0);		/* a name anew */
	check_int(find(again, now_s, "ann"), 0);
	check_int(find(ann, now_s, NULL), ERR_KEY_REFUSED);
	check_int(keys_revoke(home, span_of(b.id), &gone, &note), 0);
	check_int(find(bob, now_s, NULL), ERR_KEY_REFUSED);
	buf_init(&text, MAX_KEYS_FILE);
	check_int(file_read(path_of(KEYS_FILE), &text, NULL, &note), 0);
	check(strstr(text.ptr, "\n# kept\n"));
	buf_free(&text);
	unlink(path_of(KEYS_FILE));
}

static void test_refused(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct key k = { .name = "two words", .scopes = KEY_USUAL }, gone;
	char text[KEY_TEXT_SIZE];

	check_int(keys_add(home, &k, text, &note), ERR_CONFIG);
	err_clear(&note);
	k = (struct key){ .name = "x" };
	check_int(keys_add(home, &k, text, &note), ERR_CONFIG);
	err_clear(&note);
	k = (struct key){ .name = "x", .scopes = KEY_READ, .expires = 1 };
	check_int(keys_add(home, &k, text, &note), ERR_CONFIG);
	err_clear(&note);
	check(access(path_of(KEYS_FILE), F_OK) != 0);
	write_keys(FIRST "broken\n", 0600);
	k = (struct key){ .name = "x", .scopes = KEY_READ };
	check_int(keys_add(home, &k, text, &note), ERR_KEYS_BROKEN);
	check(!text[0]);
	err_clear(&note);
	check_int(keys_revoke(home, SPAN("x"), &gone, &note), ERR_KEYS_BROKEN);
	unlink(path_of(KEYS_FILE));
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

static int64_t shortest_us(const struct keyring *ring, const char *text)
{
	int64_t least = INT64_MAX;

	for (int i = 0; i < 300; i++) {
		struct err_note note = ERR_NOTE_INIT;
		int64_t begun = clock_mono_us(), took;
		const struct key *k;

		for (int n = 0; n < 4; n++)
			if (keyring_find(ring, span_of(text), 1, &k, &note))
				err_clear(&note);
		took = clock_mono_us() - begun;
		least = took < least ? took : least;
	}
	return least;
}

/* The first of a thousand keys, the last and none of them take the same time:
 * who would stop at the right one needed a thousandth of it for the first. */
static void test_time(void)
{
	static char made[MAX_KEYS + 1][KEY_TEXT_SIZE];
	static struct key all[MAX_KEYS];
	struct keyring ring = { .keys = all, .count = MAX_KEYS, .wanted = true,
				.note = ERR_NOTE_INIT };
	int64_t first, last, none;

	for (size_t i = 0; i <= MAX_KEYS; i++) {
		struct sha256 *h = sha256_begin();

		check(key_text_make(made[i]));
		sha256_add(h, span_of(made[i]));
		if (i < MAX_KEYS)
			sha256_done(h, all[i].hash);
		else
			sha256_done(h, (unsigned char [32]){ 0 });
	}
	first = shortest_us(&ring, made[0]);
	last = shortest_us(&ring, made[MAX_KEYS - 1]);
	none = shortest_us(&ring, made[MAX_KEYS]);
	if (!check(first * 10 > last * 7 && last * 10 > first * 7 &&
		   none * 10 > last * 7 && last * 10 > none * 7))
		printf("  first %lld us, last %lld us, none %lld us\n",
		       (long long)first, (long long)last, (long long)none);
}

#define WRITERS 20

static void test_many(void)
{
	struct keyring ring;
	int status, bad = 0;

	for (int i = 0; i < WRITERS; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			struct err_note note = ERR_NOTE_INIT;
			struct key k = { .scopes = KEY_USUAL }, gone;
			char text[KEY_TEXT_SIZE], name[16];
			bool ok;

			snprintf(name, sizeof(name), "old-%d", i);
			text_copy(k.name, sizeof(k.name), span_of(name));
			ok = !keys_add(home, &k, text, &note) &&
			     !keys_revoke(home, span_of(name), &gone, &note);
			snprintf(k.name, sizeof(k.name), "new-%d", i);
			ok = ok && !keys_add(home, &k, text, &note);
			_exit(ok ? 0 : 1);
		}
		check(pid > 0);
	}
	while (wait(&status) > 0)
		bad += !WIFEXITED(status) || WEXITSTATUS(status);
	check_int(bad, 0);
	keyring_read(&ring, home);
	check_int(ring.note.code, 0);
	check_int((int64_t)ring.count, 2 * WRITERS);
	check_int((int64_t)keyring_in_force(&ring, clock_wall_us() / 1000000), WRITERS);
	keyring_free(&ring);
	unlink(path_of(KEYS_FILE));
}

int main(void)
{
	snprintf(home, sizeof(home), "/tmp/keys.XXXXXX");
	if (!mkdtemp(home))
		return 1;
	test_form();
	test_names();
	test_scopes();
	test_expiry();
	test_texts();
	test_cut();
	test_read();
	test_too_many();
	test_life();
	test_refused();
	test_bits();
	test_time();
	test_many();
	unlink(path_of(KEYS_FILE ".lock"));
	rmdir(home);
	return test_end("test_keys");
}
