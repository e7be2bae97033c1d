/* keys_read.c - the file of keys, read; see keys.h. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "ceilings.h"
#include "clock.h"
#include "keys.h"
#include "text.h"

static bool read_hex(struct span s, unsigned char out[32])
{
	static const char hex[] = "0123456789abcdef";

	if (s.len != 64)
		return false;
	for (size_t i = 0; i < 64; i++) {
		const char *at = s.ptr[i] ? strchr(hex, s.ptr[i]) : NULL;

		if (!at)
			return false;
		out[i / 2] = (unsigned char)(out[i / 2] << 4 | (at - hex));
	}
	return true;
}

/* A time, or the word that stands for none. */
static bool read_time(struct span s, const char *none, int64_t *out)
{
	*out = 0;
	if (span_eq(s, none))
		return true;
	*out = clock_parse(s);
	return *out > 0;
}

/* What is wrong with the line, or NULL. */
static const char *read_line(struct span line, struct key *k)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct span field[8];
	size_t count = 0;

	*k = (struct key){ 0 };
	while (count < ARRAY_LEN(field) && text_next(&line, ' ', &field[count]))
		count++;
	if (count != 7)
		return "it has not seven fields";
	if (!key_id_ok(field[0]) || !text_copy(k->id, sizeof(k->id), field[0]))
		return "its id is none";
	if (!key_name_ok(field[1]) || !text_copy(k->name, sizeof(k->name), field[1]))
		return "its name is none";
	if (!read_time(field[2], "", &k->created))
		return "the time it was made at is none";
	if (!read_time(field[3], "never", &k->expires))
		return "the time it runs out at is none";
	if (key_scopes_read(field[4], &k->scopes, &ignored))
		return "its scopes are not known";
	if (!read_time(field[5], "-", &k->revoked))
		return "the time it was revoked at is none";
	if (!read_hex(field[6], k->hash))
		return "its hash is none";
	if (memcmp(k->id + 4, field[6].ptr, KEY_ID_SIZE - 5) != 0)
		return "id and hash are not of one key";
	return NULL;
}

static bool has_id(const struct keyring *ring, const char *id)
{
	for (size_t i = 0; i < ring->count; i++)
		if (strcmp(ring->keys[i].id, id) == 0)
			return true;
	return false;
}

static bool take_line(struct keyring *ring, struct span line, size_t number)
{
	const char *fault;
	struct key k, *more;

	fault = read_line(line, &k);
	if (!fault && has_id(ring, k.id))
		fault = "that key was there before";
	if (!fault && ring->count == MAX_KEYS)
		fault = "there are too many keys";
	if (fault) {
		err_set(&ring->note, ERR_KEYS_BROKEN, "line %zu: %s", number, fault);
		return false;
	}
	more = reallocarray(ring->keys, ring->count + 1, sizeof(*more));
	if (!more) {
		err_set(&ring->note, ERR_KEYS_BROKEN, "no memory");
		return false;
	}
	ring->keys = more;
	ring->keys[ring->count++] = k;
	return true;
}

void keyring_parse(struct keyring *ring, struct span text)
{
	*ring = (struct keyring){ .wanted = true, .note = ERR_NOTE_INIT };
	if (!span_starts(text, KEYS_FIRST_LINE "\n"))
		err_set(&ring->note, ERR_KEYS_BROKEN, "its first line is not \"%s\"",
			KEYS_FIRST_LINE);
	else if (text.ptr[text.len - 1] != '\n' || memchr(text.ptr, '\0', text.len))
		err_set(&ring->note, ERR_KEYS_BROKEN, "its end is missing");
	for (size_t number = 1; text.len && !ring->note.code; number++) {
		const char *end = memchr(text.ptr, '\n', text.len);
		size_t len = end ? (size_t)(end - text.ptr) : text.len;
		struct span line = text_trim((struct span){ text.ptr, len });

		if (line.len && line.ptr[0] != '#' && !take_line(ring, line, number))
			break;
		len += end != NULL;
		text.ptr += len;
		text.len -= len;
	}
}

static void broken(struct keyring *ring, const char *why)
{
	keyring_free(ring);
	ring->wanted = true;
	ring->note = ERR_NOTE_INIT;
	err_set(&ring->note, ERR_KEYS_BROKEN, "%s", why);
}

void keyring_read(struct keyring *ring, const char *home)
{
	struct err_note note = ERR_NOTE_INIT;
	char path[4200], why[sizeof(note.why)];
	struct stat st;
	struct buf text;

	*ring = (struct keyring){ .note = ERR_NOTE_INIT };
	snprintf(path, sizeof(path), "%s/" KEYS_FILE, home);
	/* a link that leads nowhere is no file that is not there */
	if (lstat(path, &st) && errno == ENOENT)
		return;
	buf_init(&text, MAX_KEYS_FILE);
	if (file_read(path, &text, NULL, &note)) {
		broken(ring, note.why);
	} else {
		keyring_parse(ring, buf_span(&text));
		if (ring->note.code) {
			snprintf(why, sizeof(why), "%.100s: %.90s", path,
				 ring->note.why);
			broken(ring, why);
		}
	}
	buf_free(&text);
}

void keyring_free(struct keyring *ring)
{
	free(ring->keys);
	*ring = (struct keyring){ .note = ERR_NOTE_INIT };
}
