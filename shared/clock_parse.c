/* clock_parse.c - a time as people write it, to Unix seconds; see clock.h. */
#include "clock.h"

/* The next count digits as a number, then (when it is not 0) the mark. */
static bool take_digits(struct span *s, size_t count, char mark, int *out)
{
	size_t used = count + (mark != 0);

	*out = 0;
	if (s->len < used)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (s->ptr[i] < '0' || s->ptr[i] > '9')
			return false;
		*out = *out * 10 + (s->ptr[i] - '0');
	}
	if (mark && s->ptr[count] != mark &&
	    !(mark == 'T' && (s->ptr[count] == 't' || s->ptr[count] == ' ')))
		return false;
	s->ptr += used;
	s->len -= used;
	return true;
}

/* "Z", "+02:00" or nothing, in seconds east. */
static bool take_zone(struct span s, int *east)
{
	int sign = s.len > 0 && s.ptr[0] == '-' ? -1 : 1;
	int hours, minutes;

	*east = 0;
	if (s.len == 0 || span_eq(s, "Z") || span_eq(s, "z"))
		return true;
	if (s.ptr[0] != '+' && s.ptr[0] != '-')
		return false;
	s.ptr++;
	s.len--;
	if (!take_digits(&s, 2, ':', &hours) ||
	    !take_digits(&s, 2, 0, &minutes) || s.len > 0)
		return false;
	*east = sign * (hours * 3600 + minutes * 60);
	return true;
}

int64_t clock_parse(struct span s)
{
	struct tm tm = { 0 };
	int64_t at;
	int east;

	if (!take_digits(&s, 4, '-', &tm.tm_year) ||
	    !take_digits(&s, 2, '-', &tm.tm_mon) ||
	    !take_digits(&s, 2, 'T', &tm.tm_mday) ||
	    !take_digits(&s, 2, ':', &tm.tm_hour) ||
	    !take_digits(&s, 2, ':', &tm.tm_min) ||
	    !take_digits(&s, 2, 0, &tm.tm_sec))
		return 0;
	if (s.len > 0 && s.ptr[0] == '.')
		do {
			s.ptr++;
			s.len--;
		} while (s.len > 0 && s.ptr[0] >= '0' && s.ptr[0] <= '9');
	if (!take_zone(s, &east) || tm.tm_year < 1970 || tm.tm_mon < 1 ||
	    tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	    tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	at = (int64_t)timegm(&tm) - east;
	return at > 0 ? at : 0;
}
