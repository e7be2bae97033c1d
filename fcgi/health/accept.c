#include "accept.h"

#include "../../shared/text.h"

/* "0.5" is 500; what is no number is 0. */
static int thousandths(struct span s)
{
	double q;

	if (!text_double(s, &q) || q < 0)
		return 0;
	return q >= 1 ? 1000 : (int)(q * 1000);
}

static struct span unquoted(struct span s)
{
	if (s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"')
		return (struct span){ s.ptr + 1, s.len - 2 };
	return s;
}

/* One range with its parameters. */
static int range_quality(struct span range, const char *type,
			 const char *version)
{
	struct span piece, name, value;
	const char *eq;
	int q = 1000;

	if (!text_next(&range, ';', &piece) || !text_eq_nocase(piece, type))
		return 0;
	while (text_next(&range, ';', &piece)) {
		eq = memchr(piece.ptr, '=', piece.len);
		if (!eq)
			continue;
		name = text_trim((struct span){ piece.ptr,
						(size_t)(eq - piece.ptr) });
		value = (struct span){ eq + 1, piece.len -
					       (size_t)(eq + 1 - piece.ptr) };
		value = unquoted(text_trim(value));
		if (text_eq_nocase(name, "q"))
			q = thousandths(value);
		else if (version && text_eq_nocase(name, "version") &&
			 !span_eq(value, version))
			return 0;
	}
	return q;
}

int accept_quality(const char *accept, const char *type, const char *version)
{
	struct span rest = span_of(accept), range;
	int best = 0, q;

	while (text_next(&rest, ',', &range)) {
		q = range_quality(range, type, version);
		if (q > best)
			best = q;
	}
	return best;
}
