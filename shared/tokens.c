/*
 * tokens.c - pieces of text and what each takes; see tokens.h.
 *
 * Costs are hundredths of a token, measured over source code, documentation
 * and manual pages in two dozen languages.
 */
#include "tokens.h"

#include "utf8.h"

enum glyph {
	G_SPACE, G_LINE, G_DIGIT, G_SIGN, G_UPPER, G_LOWER, G_LATIN, G_CYRILLIC,
	G_GREEK, G_HAN, G_KANA, G_HANGUL, G_ARABIC, G_OTHER, G_SYMBOL, G_EMOJI
};

static const struct { uint32_t last; enum glyph glyph; } ranges[] = {
	{ 0xbf, G_SYMBOL }, { 0x2af, G_LATIN }, { 0x36f, G_OTHER },
	{ 0x3ff, G_GREEK }, { 0x52f, G_CYRILLIC }, { 0x5ff, G_OTHER },
	{ 0x77f, G_ARABIC }, { 0x1dff, G_OTHER }, { 0x1eff, G_LATIN },
	{ 0x1fff, G_GREEK }, { 0x2bff, G_SYMBOL }, { 0x2fff, G_OTHER },
	{ 0x303f, G_SYMBOL }, { 0x30ff, G_KANA }, { 0x33ff, G_OTHER },
	{ 0x9fff, G_HAN }, { 0xabff, G_OTHER }, { 0xd7af, G_HANGUL },
	{ 0xf8ff, G_OTHER }, { 0xfaff, G_HAN }, { 0xfdff, G_ARABIC },
	{ 0xffff, G_SYMBOL }, { 0x1efff, G_OTHER }, { 0x1faff, G_EMOJI },
	{ 0x1ffff, G_OTHER }, { 0x3ffff, G_HAN },
};

static enum glyph glyph_of(uint32_t c)
{
	if (c < 0x80) {
		if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
			return c & 0x20 ? G_LOWER : G_UPPER;
		if (c >= '0' && c <= '9')
			return G_DIGIT;
		if (c == '\n' || c == '\r')
			return G_LINE;
		return c == ' ' || (c >= '\t' && c <= '\f') ? G_SPACE : G_SIGN;
	}
	if (c == 0xa0 || c == 0x3000)
		return G_SPACE;
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (c <= ranges[i].last)
			return ranges[i].glyph;
	return G_OTHER;
}

/* --- reading */

struct reading {
	const unsigned char *p, *end;
	uint32_t c;		/* the character at p */
	size_t len;		/* its bytes; 0: at the end */
	enum glyph glyph;
};

static void look(struct reading *r)
{
	bool ok, more;
	const unsigned char *p = r->p;

	r->len = 0;
	r->glyph = G_LINE;
	if (p == r->end)
		return;
	r->len = utf8_step(p, (size_t)(r->end - p), &ok, &more);
	if (!ok)
		r->c = 0xfffd;
	else if (r->len == 1)
		r->c = p[0];
	else if (r->len == 2)
		r->c = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	else if (r->len == 3)
		r->c = (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	else
		r->c = (p[0] & 7u) << 18 | (p[1] & 0x3fu) << 12 |
		       (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
	r->glyph = glyph_of(r->c);
}

static void step(struct reading *r)
{
	r->p += r->len;
	look(r);
}

static bool is_letter(enum glyph g)
{
	return g >= G_UPPER && g <= G_OTHER;
}

/* --- costs */

#define COST_MAX 16

/* The cost of length 0 to COST_MAX, then of each character more. */
struct cost {
	uint16_t by_length[COST_MAX + 1], more;
};

enum before { NOTHING, BLANK, SIGN };	/* what stands before a word's letters */
enum shape { LOWER, CAPITAL, UPPER };

static const struct cost words[3][3] = {
	[LOWER][NOTHING] = { { 0, 100, 100, 118, 112, 114, 122, 132, 145, 168,
		175, 180, 200, 230, 260, 290, 320 }, 35 },
	[LOWER][BLANK] = { { 100, 100, 100, 102, 104, 105, 107, 112, 119, 126,
		130, 145, 155, 165, 185, 220, 260 }, 35 },
	[LOWER][SIGN] = { { 100, 107, 106, 120, 125, 125, 125, 148, 170, 188,
		208, 212, 220, 250, 275, 320, 340 }, 35 },
	[CAPITAL][NOTHING] = { { 0, 100, 106, 119, 106, 105, 111, 112, 120, 130,
		138, 145, 155, 165, 180, 220, 260 }, 40 },
	[CAPITAL][BLANK] = { { 100, 100, 102, 110, 105, 107, 111, 116, 127, 145,
		165, 175, 180, 185, 210, 250, 280 }, 40 },
	[CAPITAL][SIGN] = { { 100, 109, 186, 168, 142, 145, 175, 176, 200, 220,
		245, 255, 265, 280, 300, 330, 360 }, 40 },
	[UPPER][NOTHING] = { { 0, 100, 102, 138, 205, 220, 225, 220, 300, 300,
		315, 340, 390, 390, 440, 520, 580 }, 50 },
	[UPPER][BLANK] = { { 100, 100, 102, 108, 165, 156, 174, 185, 205, 215,
		239, 260, 270, 290, 320, 350, 400 }, 45 },
	[UPPER][SIGN] = { { 100, 109, 119, 156, 166, 150, 158, 184, 190, 200,
		228, 240, 300, 345, 360, 380, 440 }, 45 },
};

static const struct cost signs = { { 0, 100, 100, 104, 117, 141, 228, 300, 336,
	400, 440, 460, 520, 540, 580, 640, 680 }, 35 };
static const struct cost latin = { { 0, 100, 108, 124, 130, 158, 195, 204, 228,
	266, 290, 310, 330, 340, 362, 385, 407 }, 33 };
static const struct cost cyrillic = { { 0, 100, 102, 116, 130, 152, 180, 190,
	245, 262, 262, 265, 305, 265, 310, 370, 380 }, 32 };

static unsigned cost_of(const struct cost *c, size_t length)
{
	if (length <= COST_MAX)
		return c->by_length[length];
	if (length > 4096)	/* a wall of characters: far from any word */
		return c->by_length[COST_MAX] + (unsigned)(length - COST_MAX) * 45;
	return c->by_length[COST_MAX] + (unsigned)(length - COST_MAX) * c->more;
}

/* Scripts other than Latin: a run's beginning, and each of its characters. */
static unsigned script_cost(enum glyph g, size_t length)
{
	static const struct { uint8_t first, each; } costs[] = {
		[G_GREEK] = { 50, 32 }, [G_HAN] = { 25, 67 },
		[G_KANA] = { 15, 64 }, [G_HANGUL] = { 60, 48 },
		[G_ARABIC] = { 60, 25 }, [G_OTHER] = { 60, 32 },
	};

	if (g == G_LATIN)
		return cost_of(&latin, length);
	if (g == G_CYRILLIC)
		return cost_of(&cyrillic, length);
	return costs[g].first + (unsigned)length * costs[g].each;
}

/* --- pieces */

/* What was met. The common words are English's: prose without them is in
 * another language, whose words take more. */
struct count {
	int64_t cost;
	int64_t word_cost;		/* of the words in Latin letters */
	size_t pieces, prose, english;	/* all; words behind a blank; common ones */
	bool digits;			/* some came since the last blank or sign */
};

#define MIN_PROSE	12	/* words that tell a language */
#define FOREIGN_MORE	13	/* percent */
#define AFTER_DIGITS	75	/* hundredths: a word behind digits is a key's */

static bool is_common(const unsigned char *p, size_t len)
{
	static const char common[] = " and for from that the this to with you ";
	char word[8] = " ";

	if (len > 4)
		return false;
	memcpy(word + 1, p, len);
	word[len + 1] = ' ';
	return strstr(common, word) != NULL;
}

/* A run of letters that are not all ASCII, behind length that are. */
static enum glyph script_run(struct reading *r, size_t *length)
{
	size_t of[G_EMOJI + 1] = { 0 };
	enum glyph most = G_LATIN;

	for (; r->len && is_letter(r->glyph); step(r), ++*length)
		of[r->glyph]++;
	for (enum glyph g = G_LATIN; g <= G_OTHER; g++)
		if (of[g] > of[most])
			most = g;
	/* kanji between kana are as dear as kanji */
	return most == G_KANA && of[G_HAN] ? G_HAN : most;
}

static void count_word(struct count *n, struct reading *r, enum before before)
{
	const unsigned char *start = r->p;
	enum glyph script = G_LOWER;
	size_t upper = 0, length;
	unsigned cost;

	for (; r->len && r->glyph == G_UPPER; step(r))
		upper++;
	for (length = upper; r->len && r->glyph == G_LOWER; step(r))
		length++;
	if (r->len && is_letter(r->glyph) && r->glyph != G_UPPER)
		script = script_run(r, &length);
	if (script == G_LOWER)
		cost = cost_of(&words[!upper ? LOWER : upper < length ? CAPITAL :
				      UPPER][before], length);
	else
		cost = script_cost(script, length);
	if (n->digits && before != BLANK)
		cost += AFTER_DIGITS;
	n->cost += cost;
	if (script > G_LATIN || before == SIGN)
		return;
	n->word_cost += cost;
	if (before == BLANK) {
		n->prose++;
		n->english += is_common(start, length);
	}
}

/* Signs in a row, length of them read; a row of the same one is a rule, and
 * cheap. */
static void count_signs(struct count *n, struct reading *r, size_t length,
			uint32_t first)
{
	unsigned dear = 0;
	bool same = true;

	for (; r->len && r->glyph != G_DIGIT && r->glyph > G_LINE &&
	       !is_letter(r->glyph); step(r)) {
		first = first ? first : r->c;
		same = same && r->c == first;
		if (r->glyph == G_SIGN)
			length++;
		else
			dear += r->glyph == G_EMOJI ? 150 : 60;
	}
	while (r->len && r->glyph == G_LINE)
		step(r);
	if (same && length > 3)
		n->cost += 100 + (unsigned)length * 3;
	else if (length)
		n->cost += cost_of(&signs, length) + dear;
	else
		n->cost += dear < 100 ? 110 : dear;
}

static void count_digits(struct count *n, struct reading *r)
{
	int64_t digits = 0;

	for (; r->len && r->glyph == G_DIGIT; step(r))
		digits++;
	n->cost += (digits + 2) / 3 * 100;
}

/* Blanks up to the last, which belongs to the next piece: true, there is one. */
static bool count_blanks(struct count *n, struct reading *r)
{
	size_t length = 0;
	bool line = false, last = false;

	for (; r->len && r->glyph <= G_LINE; step(r)) {
		last = r->glyph == G_SPACE;
		line = line || !last;
		length++;
	}
	if (line || length > 1 || !r->len || r->glyph == G_DIGIT)
		n->cost += 100;
	if (length > 80)
		n->cost += (int64_t)length * 2;
	return last;
}

static void count_piece(struct count *n, struct reading *r)
{
	enum before before = NOTHING;
	uint32_t sign;

	n->pieces++;
	if (r->glyph <= G_LINE) {
		n->digits = false;
		before = count_blanks(n, r) ? BLANK : NOTHING;
	}
	if (!r->len)
		return;
	if (before == NOTHING && r->glyph == G_SIGN) {
		sign = r->c;
		step(r);
		/* base64 goes on behind its own two */
		n->digits = n->digits && (sign == '+' || sign == '/');
		if (!r->len || !is_letter(r->glyph)) {
			count_signs(n, r, 1, sign);
			return;
		}
		before = SIGN;
	}
	if (r->glyph == G_DIGIT) {
		count_digits(n, r);
		n->digits = true;
		return;
	}
	if (is_letter(r->glyph)) {
		count_word(n, r, before);
	} else {
		count_signs(n, r, 0, 0);
		n->digits = false;
	}
}

int64_t tokens_estimate(struct span text)
{
	struct reading r = { .p = (const unsigned char *)text.ptr };
	struct count n = { 0 };

	r.end = r.p + text.len;
	look(&r);
	while (r.len)
		count_piece(&n, &r);
	if (n.prose >= MIN_PROSE && n.prose * 10 > n.pieces * 3 &&
	    n.english * 25 < n.prose)
		n.cost += n.word_cost * FOREIGN_MORE / 100;
	return n.cost && n.cost < 100 ? 1 : (n.cost + 50) / 100;
}
