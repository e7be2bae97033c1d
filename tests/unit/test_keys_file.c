/* The file of keys: read, cut, broken, and many who change it. */

#include <sys/stat.h>
#include <sys/wait.h>

#include "../../shared/ceilings.h"
#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "keys_help.h"

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
	test_texts();
	test_cut();
	test_read();
	test_too_many();
	test_life();
	test_refused();
	test_many();
	unlink(path_of(KEYS_FILE ".lock"));
	rmdir(home);
	return test_end("test_keys_file");
}
