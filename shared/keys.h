/*
 * keys.h - who may call: the file of keys, and telling callers apart by it.
 *
 * A key is "cm_", 32 random bytes as 43 digits of base 62, and a checksum of
 * six, so that it is known for what it is wherever it turns up and a mistyped
 * one is told from a wrong one. It is shown once, when it is made. The file
 * holds its SHA-256: of 32 random bytes nothing slower is needed, for there is
 * nothing to guess.
 *
 * $CHATMOCK_HOME/keys is text, a line a key, replaced whole under a lock:
 *
 *	# chatmock keys 1
 *	# id name created expires scopes revoked sha256
 *	key_5f0c… laptop 2026-11-22T10:03:11Z never generate,models - 5f0c…
 *
 * Where that file is, every request needs a key: also when all of its keys
 * are revoked, have run out, or somebody took them out. Where it is there and
 * can not be understood nobody is let in. Only where there is none there are
 * no keys.
 */
#ifndef CHATMOCK_KEYS_H
#define CHATMOCK_KEYS_H

#include "file.h"

#define KEYS_FILE "keys"
#define KEYS_FIRST_LINE "# chatmock keys 1"
#define KEY_ID_SIZE 17		/* "key_" and 12 digits of its SHA-256 */
#define KEY_NAME_SIZE 65
#define KEY_TEXT_SIZE 53	/* the key itself */

/* What a key may be for; a request wants one of them. */
#define KEY_SCOPES(X) \
	X(GENERATE, "generate", "ask a model; change or delete what is stored") \
	X(MODELS, "models", "list the models, and what else clients ask first") \
	X(READ, "read", "read what is stored, and what the plan still allows") \
	X(OPERATOR, "operator", "health with its details, metrics, status")

enum key_scope_bit {
#define X(id, word, help) KEY_BIT_##id,
	KEY_SCOPES(X)
#undef X
	KEY_BIT__COUNT
};
enum key_scope {
#define X(id, word, help) KEY_##id = 1 << KEY_BIT_##id,
	KEY_SCOPES(X)
#undef X
};
/* Of a key that is made without a word on it. */
#define KEY_USUAL (KEY_GENERATE | KEY_MODELS | KEY_READ)

struct key {
	char id[KEY_ID_SIZE];
	char name[KEY_NAME_SIZE];
	unsigned char hash[32];
	int64_t created, expires, revoked;	/* Unix seconds; 0: never */
	unsigned scopes;			/* of enum key_scope */
};

/*
 * All keys, as the file had them. wanted: a request needs one. A note with a
 * code: the file can not be relied on, and nobody gets in.
 */
struct keyring {
	struct key *keys;
	size_t count;
	bool wanted;
	struct err_note note;
};

/* Reads home's file, blocking; never fails, but see note (ERR_KEYS_BROKEN). */
void keyring_read(struct keyring *ring, const char *home);
/* The same of a text, which is the file's. */
void keyring_parse(struct keyring *ring, struct span text);
void keyring_free(struct keyring *ring);	/* safe twice, safe on zero */

/* Not revoked, and has not run out. */
bool key_in_force(const struct key *k, int64_t now_s);
size_t keyring_in_force(const struct keyring *ring, int64_t now_s);

/*
 * Whose key is that? 0 with *who (borrowed from ring); else ERR_KEYS_BROKEN,
 * ERR_KEY_REFUSED, ERR_NO_MEMORY, with words for the caller that hold nothing
 * of what it sent. What a key may do is who asks to find out. Takes the same
 * time whichever key it is, or nearly is.
 */
MUST_USE enum err keyring_find(const struct keyring *ring, struct span text,
			       int64_t now_s, const struct key **who,
			       struct err_note *note);

/* "generate,models" into out and back; ERR_CONFIG names what is no scope. */
void key_scopes_print(unsigned scopes, struct buf *out);
MUST_USE enum err key_scopes_read(struct span words, unsigned *scopes,
				  struct err_note *note);
/* The word and what it is for; NULL past the last. */
const char *key_scope_word(size_t i, const char **help);

/* "12h", "30d", "8w", "90m" from now, a day or RFC 3339, or "never" (0), into
 * Unix seconds; ERR_CONFIG also for what is over or in more than 100 years. */
MUST_USE enum err key_expiry_read(struct span s, int64_t now_s, int64_t *out,
				  struct err_note *note);

/* 1 to 64 of [A-Za-z0-9._@+-], not "-" first, and not the form of an id. */
bool key_name_ok(struct span name);
bool key_id_ok(struct span id);

/* True when the text has the form of a key and its checksum is right. */
bool key_text_ok(struct span text);

/* True when it begins as our keys do, whether it is one or was never: what no
 * other may be sent. */
bool key_text_like(struct span text);

/* A new key's text; only its hash is to be kept. Wiped by who calls. False: no
 * memory. */
MUST_USE bool key_text_make(char out[KEY_TEXT_SIZE]);

/* --- changing the file (keys_change.c); blocking */

/*
 * Adds a key: name, expires and scopes are the caller's, the rest is filled
 * in, and text is the key itself, to be shown once and wiped. ERR_CONFIG: the
 * name is not good, or in use by a key in force; ERR_KEYS_BROKEN, ERR_TOO_LARGE
 * (MAX_KEYS), ERR_BUSY, ERR_SYSTEM.
 */
MUST_USE enum err keys_add(const char *home, struct key *k,
			   char text[KEY_TEXT_SIZE], struct err_note *note);

/* Revokes the key of that id, or the one in force of that name, and tells it.
 * ERR_CONFIG: there is none, or it was revoked before. */
MUST_USE enum err keys_revoke(const char *home, struct span which,
			      struct key *revoked, struct err_note *note);

#endif
