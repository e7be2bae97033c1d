/*
 * keys_change.c - adding and revoking keys; see keys.h.
 *
 * The text is edited, not written anew, so that what a person wrote beside
 * the keys stays. Who changes it holds the lock from reading to renaming.
 */
#include <stdlib.h>
#include <unistd.h>

#include "ceilings.h"
#include "clock.h"
#include "keys.h"
#include "text.h"

#define LOCK_WAIT_MS 10000

/* The file while it is being changed. */
struct change {
	char path[4200];
	int lock;
	struct buf text;
	struct keyring ring;
	int64_t now_s;
};

static enum err begin(struct change *c, const char *home, struct err_note *note)
{
	char lock[sizeof(c->path) + 8];

	*c = (struct change){ .lock = -1, .now_s = clock_wall_us() / 1000000 };
	buf_init(&c->text, MAX_KEYS_FILE);
	snprintf(c->path, sizeof(c->path), "%s/" KEYS_FILE, home);
	snprintf(lock, sizeof(lock), "%s.lock", c->path);
	if (file_make_dir(home, note) ||
	    file_lock(lock, LOCK_WAIT_MS, &c->lock, note))
		return note->code;
	keyring_read(&c->ring, home);
	if (c->ring.note.code)
		return err_tell(note, ERR_KEYS_BROKEN, "%s; mend it, or move it away "
				"and add your keys anew.", c->ring.note.why);
	if (c->ring.wanted)
		return file_read(c->path, &c->text, NULL, note);
	buf_str(&c->text, KEYS_FIRST_LINE "\n"
		"# While this file is there, every request needs a key.\n"
		"# id name created expires scopes revoked sha256\n");
	return ERR_NONE;
}

static enum err commit(struct change *c, struct err_note *note)
{
	struct keyring check;

	if (buf_err(&c->text))
		return err_set(note, buf_err(&c->text), "%s", c->path);
	/* what can not be read again would let nobody in any more */
	keyring_parse(&check, buf_span(&c->text));
	if (check.note.code)
		err_set(note, ERR_KEYS_BROKEN, "%s", check.note.why);
	keyring_free(&check);
	if (note->code)
		return note->code;
	return file_replace(c->path, 0600, buf_span(&c->text), note);
}

static void end(struct change *c)
{
	if (c->lock >= 0)
		close(c->lock);
	keyring_free(&c->ring);
	buf_free(&c->text);
}

static void put_time(struct buf *out, int64_t s, const char *none)
{
	char text[32];

	clock_rfc3339(text, s * 1000000);
	if (s)
		buf_fmt(out, " %.19sZ", text);
	else
		buf_fmt(out, " %s", none);
}

static void put_line(struct buf *out, const struct key *k)
{
	buf_fmt(out, "%s %s", k->id, k->name);
	put_time(out, k->created, "-");
	put_time(out, k->expires, "never");
	buf_char(out, ' ');
	key_scopes_print(k->scopes, out);
	put_time(out, k->revoked, "-");
	buf_char(out, ' ');
	for (size_t i = 0; i < sizeof(k->hash); i++)
		buf_fmt(out, "%02x", k->hash[i]);
	buf_char(out, '\n');
}

static const struct key *by_id(const struct keyring *ring, struct span id)
{
	for (size_t i = 0; i < ring->count; i++)
		if (span_eq(id, ring->keys[i].id))
			return &ring->keys[i];
	return NULL;
}

static const struct key *by_name(const struct change *c, struct span name)
{
	for (size_t i = 0; i < c->ring.count; i++)
		if (span_eq(name, c->ring.keys[i].name) &&
		    key_in_force(&c->ring.keys[i], c->now_s))
			return &c->ring.keys[i];
	return NULL;
}

/* Text, hash and id; another one where the id is taken. */
static enum err make(const struct change *c, struct key *k,
		     char text[KEY_TEXT_SIZE], struct err_note *note)
{
	do {
		struct sha256 *h;

		if (!key_text_make(text))
			return err_set(note, ERR_NO_MEMORY, "a new key");
		h = sha256_begin();
		if (!h)
			return err_set(note, ERR_NO_MEMORY, "a new key");
		sha256_add(h, span_of(text));
		sha256_done(h, k->hash);
		snprintf(k->id, sizeof(k->id), "key_%02x%02x%02x%02x%02x%02x",
			 k->hash[0], k->hash[1], k->hash[2], k->hash[3],
			 k->hash[4], k->hash[5]);
	} while (by_id(&c->ring, span_of(k->id)));
	return ERR_NONE;
}

static enum err may_add(const struct change *c, const struct key *k,
			struct err_note *note)
{
	if (!key_name_ok(span_of(k->name)))
		return err_tell(note, ERR_CONFIG, "\"%.80s\" is no name for a key: wanted "
				"are 1 to %d of A-Z a-z 0-9 . _ @ + -, the first not -.",
				k->name, KEY_NAME_SIZE - 1);
	if (by_name(c, span_of(k->name)))
		return err_tell(note, ERR_CONFIG, "There is a key \"%s\" in force: revoke "
				"it first, or choose another name.", k->name);
	if (k->expires && k->expires <= c->now_s)
		return err_tell(note, ERR_CONFIG, "The key would have run out already.");
	if (!k->scopes)
		return err_tell(note, ERR_CONFIG, "The key would be for nothing.");
	if (c->ring.count >= MAX_KEYS)
		return err_tell(note, ERR_TOO_LARGE, "There are %d keys, and no more are "
				"taken: take old lines out of %.120s.", MAX_KEYS, c->path);
	return ERR_NONE;
}

enum err keys_add(const char *home, struct key *k, char text[KEY_TEXT_SIZE],
		  struct err_note *note)
{
	struct change c;

	text[0] = '\0';
	if (begin(&c, home, note) || may_add(&c, k, note) ||
	    make(&c, k, text, note))
		goto out;
	k->created = c.now_s;
	k->revoked = 0;
	put_line(&c.text, k);
	commit(&c, note);
out:
	end(&c);
	if (note->code)
		explicit_bzero(text, KEY_TEXT_SIZE);
	return note->code;
}

/* The key's line in the text, without its end. */
static struct span line_of(const struct buf *text, const struct key *k)
{
	const char *at = text->ptr;

	/* an id is followed by a blank, and begins a line */
	while ((at = strstr(at, k->id)) != NULL) {
		const char *line = at;

		while (line > text->ptr && (line[-1] == ' ' || line[-1] == '\t'))
			line--;
		if ((line == text->ptr || line[-1] == '\n') &&
		    at[KEY_ID_SIZE - 1] == ' ')
			return (struct span){ line, strcspn(line, "\n") };
		at++;
	}
	return SPAN("");
}

static void edit(struct change *c, const struct key *k)
{
	struct span line = line_of(&c->text, k);
	size_t at = (size_t)(line.ptr - c->text.ptr);
	struct buf fresh;

	buf_init(&fresh, MAX_KEYS_FILE);
	buf_add(&fresh, c->text.ptr, at);
	put_line(&fresh, k);
	buf_str(&fresh, c->text.ptr + at + line.len + 1);
	buf_free(&c->text);
	c->text = fresh;
}

enum err keys_revoke(const char *home, struct span which, struct key *revoked,
		     struct err_note *note)
{
	const struct key *k;
	struct change c;

	if (begin(&c, home, note))
		goto out;
	k = key_id_ok(which) ? by_id(&c.ring, which) : by_name(&c, which);
	if (!k) {
		err_tell(note, ERR_CONFIG, "There is no key %.*s in force.",
			 which.len < 80 ? (int)which.len : 80, which.ptr);
		goto out;
	}
	*revoked = *k;
	if (k->revoked) {
		err_tell(note, ERR_CONFIG, "The key %s (%s) was revoked before.", k->id,
			 k->name);
		goto out;
	}
	revoked->revoked = c.now_s;
	edit(&c, revoked);
	commit(&c, note);
out:
	end(&c);
	return note->code;
}
