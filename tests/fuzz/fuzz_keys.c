/*
 * fuzz_keys.c - any file of keys is read or refused, and lets in nobody but
 * whose hash it has; what was read is whole.
 *
 * Behind the first NUL stands what a caller sent for a key.
 */
#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../../shared/keys.h"
#include "../../shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct keyring *ring)
{
	if (!ring->wanted || ring->count > MAX_KEYS)
		abort();
	for (size_t i = 0; i < ring->count; i++) {
		const struct key *k = &ring->keys[i];

		if (!key_id_ok(span_of(k->id)) || !key_name_ok(span_of(k->name)) ||
		    !k->scopes || k->scopes >> KEY_BIT__COUNT || k->created <= 0)
			abort();
	}
}

static void ask(const struct keyring *ring, struct span sent)
{
	struct err_note note = ERR_NOTE_INIT;
	const struct key *who;
	char hex[65];

	if (keyring_find(ring, sent, 1763805791, &who, &note)) {
		if (who || !note.code)
			abort();
		return;
	}
	sha256_hex(sent, hex);
	if (!who || ring->note.code || who->revoked || !key_text_ok(sent) ||
	    memcmp(who->id + 4, hex, KEY_ID_SIZE - 5) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *end = size ? memchr(text, '\0', size) : NULL;
	size_t len = end ? (size_t)(end - text) : size;
	struct span sent = end ? (struct span){ end + 1, size - len - 1 } : SPAN("");
	struct keyring ring;

	keyring_parse(&ring, (struct span){ text, len });
	look(&ring);
	ask(&ring, sent);
	keyring_free(&ring);
	return 0;
}
