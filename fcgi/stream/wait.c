#include "wait.h"

#include "../../shared/text.h"

#define MOST_SECONDS (30 * 86400)

int wait_seconds(int64_t seconds)
{
	if (seconds <= 0)
		return 0;
	return seconds > MOST_SECONDS ? MOST_SECONDS : (int)seconds;
}

static int wait_fraction(double seconds)
{
	int whole;

	if (!(seconds > 0))
		return 0;
	if (seconds > MOST_SECONDS)
		return MOST_SECONDS;
	whole = (int)seconds;
	return whole < seconds ? whole + 1 : whole;
}

/* RFC 9110's three forms of a date; -1 for anything else. */
static int64_t http_date(struct span s)
{
	static const char *const forms[] = {
		"%a, %d %b %Y %H:%M:%S GMT",
		"%A, %d-%b-%y %H:%M:%S GMT",
		"%a %b %d %H:%M:%S %Y",
	};
	char text[64];

	if (!s.len || !text_copy(text, sizeof(text), s))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);

		if (end && !*end)
			return timegm(&tm);
	}
	return -1;
}

int wait_headers(struct span retry_after_ms, struct span retry_after,
		 int64_t now_s)
{
	double n;
	int64_t at;

	if (text_double(text_trim(retry_after_ms), &n) && n > 0)
		return wait_fraction(n / 1000);
	retry_after = text_trim(retry_after);
	if (text_double(retry_after, &n))
		return wait_fraction(n);
	at = http_date(retry_after);
	return at > now_s ? wait_seconds(at - now_s) : 0;
}

/* Seconds of one unit; *s moves behind it. 0: no unit we know. */
static double unit_seconds(struct span *s)
{
	static const struct { const char *name; double seconds; } units[] = {
		{ "milliseconds", 0.001 }, { "millisecond", 0.001 },
		{ "seconds", 1 }, { "second", 1 }, { "secs", 1 }, { "sec", 1 },
		{ "minutes", 60 }, { "minute", 60 }, { "mins", 60 },
		{ "min", 60 }, { "hours", 3600 }, { "hour", 3600 },
		{ "days", 86400 }, { "day", 86400 }, { "ms", 0.001 },
		{ "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 },
	};

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		size_t len = strlen(units[i].name);

		if (!text_starts_nocase(*s, units[i].name))
			continue;
		s->ptr += len;
		s->len -= len;
		return units[i].seconds;
	}
	return 0;
}

static void skip_blanks(struct span *s)
{
	while (s->len && (*s->ptr == ' ' || *s->ptr == ',')) {
		s->ptr++;
		s->len--;
	}
}

/* "6m0s", "1.5 seconds", "1 day, 2 hours" */
static double duration(struct span s)
{
	double total = 0;

	for (;;) {
		size_t n = 0;
		double count, unit;

		skip_blanks(&s);
		while (n < s.len && n < 20 &&
		       (s.ptr[n] == '.' || (s.ptr[n] >= '0' && s.ptr[n] <= '9')))
			n++;
		if (!n || !text_double((struct span){ s.ptr, n }, &count))
			return total;
		s.ptr += n;
		s.len -= n;
		skip_blanks(&s);
		unit = unit_seconds(&s);
		if (unit <= 0)
			return total;
		total += count * unit;
	}
}

int wait_words(struct span message)
{
	static const char *const leads[] = { "again in ", "retry in ",
					     "retry after ", "reset in ",
					     "resets in " };

	for (; message.len; message.ptr++, message.len--) {
		for (size_t i = 0; i < ARRAY_LEN(leads); i++) {
			size_t len = strlen(leads[i]);

			if (text_starts_nocase(message, leads[i]))
				return wait_fraction(duration((struct span){
					message.ptr + len, message.len - len }));
		}
	}
	return 0;
}
