/* keys.c - a key's form, its scopes, and whose it is; see keys.h. */
#include "keys.h"

#include "clock.h"
#include "text.h"

#define PREFIX "cm_"
#define SECRET_DIGITS 43	/* 62^43 > 2^256 */
#define MOST_YEARS_S (INT64_C(100) * 365 * 86400)
#define CHECK_DIGITS 6		/* 62^6 > 2^32 */

_Static_assert(sizeof(PREFIX) + SECRET_DIGITS + CHECK_DIGITS == KEY_TEXT_SIZE,
	       "a key's parts");

/* --- the key itself */

static const char digits[] = "0123456789"
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* The number in bytes, which is spent, as count digits of base 62. */
static void put_digits(unsigned char *bytes, size_t len, char *out, size_t count)
{
	while (count-- > 0) {
		unsigned rest = 0;

		for (size_t i = 0; i < len; i++) {
			rest = rest << 8 | bytes[i];
			bytes[i] = (unsigned char)(rest / 62);
			rest %= 62;
		}
		out[count] = digits[rest];
	}
}

/* Of all that stands before it. False: no memory. */
static bool checksum(struct span s, char out[CHECK_DIGITS])
{
	struct sha256 *h = sha256_begin();
	unsigned char sum[32];
	bool made = h;

	sha256_add(h, s);
	sha256_done(h, sum);
	put_digits(sum, 4, out, CHECK_DIGITS);
	return made;
}

bool key_text_make(char out[KEY_TEXT_SIZE])
{
	const size_t head = sizeof(PREFIX) - 1 + SECRET_DIGITS;
	unsigned char secret[32];

	random_bytes(secret, sizeof(secret));
	memcpy(out, PREFIX, sizeof(PREFIX));
	put_digits(secret, sizeof(secret), out + sizeof(PREFIX) - 1, SECRET_DIGITS);
	explicit_bzero(secret, sizeof(secret));
	out[KEY_TEXT_SIZE - 1] = '\0';
	return checksum((struct span){ out, head }, out + head);
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

bool key_text_ok(struct span text)
{
	const size_t head = sizeof(PREFIX) - 1 + SECRET_DIGITS;
	char sum[CHECK_DIGITS];

	if (text.len != KEY_TEXT_SIZE - 1 || !span_starts(text, PREFIX))
		return false;
	for (size_t i = sizeof(PREFIX) - 1; i < text.len; i++)
		if (!is_alnum(text.ptr[i]))
			return false;
	return checksum((struct span){ text.ptr, head }, sum) &&
	       memcmp(sum, text.ptr + head, sizeof(sum)) == 0;
}

bool key_text_like(struct span text)
{
	return text_starts_nocase(text, PREFIX);
}

/* --- names and scopes */

bool key_id_ok(struct span s)
{
	if (s.len != KEY_ID_SIZE - 1 || !span_starts(s, "key_"))
		return false;
	for (size_t i = 4; i < s.len; i++)
		if (!s.ptr[i] || !strchr("0123456789abcdef", s.ptr[i]))
			return false;
	return true;
}

bool key_name_ok(struct span name)
{
	if (!name.len || name.len >= KEY_NAME_SIZE || key_id_ok(name))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!is_alnum(name.ptr[i]) &&
		    (!name.ptr[i] || !strchr("._@+-", name.ptr[i])))
			return false;
	/* "-" stands for nothing; "--x" would be an option */
	return name.ptr[0] != '-';
}

static const struct { const char *word, *help; } scopes_known[] = {
#define X(id, word, help) { word, help },
	KEY_SCOPES(X)
#undef X
};

const char *key_scope_word(size_t i, const char **help)
{
	if (i >= ARRAY_LEN(scopes_known))
		return NULL;
	*help = scopes_known[i].help;
	return scopes_known[i].word;
}

void key_scopes_print(unsigned scopes, struct buf *out)
{
	const char *comma = "";

	for (size_t i = 0; i < ARRAY_LEN(scopes_known); i++) {
		if (!(scopes & 1u << i))
			continue;
		buf_fmt(out, "%s%s", comma, scopes_known[i].word);
		comma = ",";
	}
	if (!*comma)
		buf_char(out, '-');
}

static unsigned scope_bit(struct span word)
{
	for (size_t i = 0; i < ARRAY_LEN(scopes_known); i++)
		if (span_eq(word, scopes_known[i].word))
			return 1u << i;
	return 0;
}

enum err key_scopes_read(struct span words, unsigned *scopes,
			 struct err_note *note)
{
	struct span word;
	struct buf known;

	*scopes = 0;
	while (text_next(&words, ',', &word)) {
		unsigned bit = scope_bit(word);

		if (bit) {
			*scopes |= bit;
			continue;
		}
		buf_init(&known, 256);
		key_scopes_print(~0u, &known);
		err_tell(note, ERR_CONFIG, "\"%.*s\" is no scope; there are %s.",
			 word.len < 40 ? (int)word.len : 40, word.ptr, known.ptr);
		buf_free(&known);
		return ERR_CONFIG;
	}
	if (!*scopes)
		return err_tell(note, ERR_CONFIG, "No scope is named.");
	return ERR_NONE;
}

static int64_t time_from(struct span s, int64_t now_s)
{
	static const struct { char unit; int64_t seconds; } units[] = {
		{ 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 7 * 86400 },
	};
	char day[] = "YYYY-MM-DDT00:00:00Z";
	int64_t n;

	for (size_t i = 0; s.len > 1 && i < ARRAY_LEN(units); i++)
		if (s.ptr[s.len - 1] == units[i].unit)
			return text_int((struct span){ s.ptr, s.len - 1 }, &n) &&
			       n > 0 && n <= MOST_YEARS_S / units[i].seconds ?
			       now_s + n * units[i].seconds : 0;
	if (s.len != 10)
		return clock_parse(s);
	memcpy(day, s.ptr, 10);
	return clock_parse(span_of(day));
}

enum err key_expiry_read(struct span s, int64_t now_s, int64_t *out,
			 struct err_note *note)
{
	*out = 0;
	if (span_eq(s, "never"))
		return ERR_NONE;
	*out = time_from(s, now_s);
	if (*out > now_s && *out <= now_s + MOST_YEARS_S)
		return ERR_NONE;
	return err_tell(note, ERR_CONFIG, "\"%.*s\" is no time to come; wanted is one "
			"such as 12h, 30d, 8w or 2027-01-31.",
			s.len < 40 ? (int)s.len : 40, s.ptr);
}

/* --- finding one */

bool key_in_force(const struct key *k, int64_t now_s)
{
	return !k->revoked && (!k->expires || now_s < k->expires);
}

size_t keyring_in_force(const struct keyring *ring, int64_t now_s)
{
	size_t count = 0;

	for (size_t i = 0; i < ring->count; i++)
		count += key_in_force(&ring->keys[i], now_s);
	return count;
}

/* All are compared, and each whole. */
static const struct key *lookup(const struct keyring *ring,
				const unsigned char hash[32])
{
	size_t at = 0;

	for (size_t i = 0; i < ring->count; i++)
		at |= (i + 1) * (size_t)sha256_eq(ring->keys[i].hash, hash);
	return at ? &ring->keys[at - 1] : NULL;
}

enum err keyring_find(const struct keyring *ring, struct span text,
		      int64_t now_s, const struct key **who,
		      struct err_note *note)
{
	unsigned char hash[32];
	const struct key *k;
	struct sha256 *h;

	*who = NULL;
	if (ring->note.code)
		return err_set(note, ERR_KEYS_BROKEN, "%s", ring->note.why);
	if (!key_text_ok(text))
		return err_tell(note, ERR_KEY_REFUSED, "What was sent is no API key of "
				"this gateway, or was not copied whole: a key begins "
				"with " PREFIX " and has %d characters; `chatmock keys "
				"add NAME` makes one.", KEY_TEXT_SIZE - 1);
	h = sha256_begin();
	if (!h)
		return err_set(note, ERR_NO_MEMORY, "a key's hash");
	sha256_add(h, text);
	sha256_done(h, hash);
	k = lookup(ring, hash);
	explicit_bzero(hash, sizeof(hash));
	if (!k)
		return err_tell(note, ERR_KEY_REFUSED, "The API key is not known here: "
				"`chatmock keys list` shows those that are, `chatmock "
				"keys add NAME` makes another.");
	if (k->revoked)
		return err_tell(note, ERR_KEY_REFUSED, "The API key \"%s\" was revoked: "
				"`chatmock keys add NAME` makes another.", k->name);
	if (!key_in_force(k, now_s))
		return err_tell(note, ERR_KEY_REFUSED, "The API key \"%s\" has run out: "
				"`chatmock keys add NAME` makes another.", k->name);
	*who = k;
	return ERR_NONE;
}
