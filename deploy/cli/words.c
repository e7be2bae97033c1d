#include "words.h"

#include <stdio.h>
#include <time.h>

const char *cli_span_words(int64_t seconds, char out[32])
{
	static const struct { int64_t from, unit; const char *word; } units[] = {
		{ 172800, 86400, "d" }, { 5400, 3600, "h" }, { 90, 60, "min" },
		{ INT64_MIN, 1, "s" },
	};
	size_t i = 0;

	while (seconds < units[i].from)
		i++;
	snprintf(out, 32, "%lld %s",
		 (long long)((seconds + units[i].unit / 2) / units[i].unit),
		 units[i].word);
	return out;
}

const char *cli_time_words(int64_t at_s, char out[32])
{
	time_t at = (time_t)at_s;
	struct tm tm;

	out[0] = '\0';
	if (at_s && localtime_r(&at, &tm))
		strftime(out, 32, "%Y-%m-%d %H:%M", &tm);
	return out;
}

const char *cli_size_words(size_t bytes, char out[32])
{
	if (bytes < 1000)
		snprintf(out, 32, "%zu bytes", bytes);
	else if (bytes < 1000000)
		snprintf(out, 32, "%.1f kB", (double)bytes / 1e3);
	else
		snprintf(out, 32, "%.1f MB", (double)bytes / 1e6);
	return out;
}
