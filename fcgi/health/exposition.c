#include "exposition.h"

#include <inttypes.h>

static void escaped(struct buf *out, const char *text, bool quotes)
{
	for (; *text; text++) {
		if (*text == '\\')
			buf_str(out, "\\\\");
		else if (*text == '\n')
			buf_str(out, "\\n");
		else if (*text == '"' && quotes)
			buf_str(out, "\\\"");
		else
			buf_char(out, *text);
	}
}

void expose_family(struct exposition *e, const char *name, const char *type,
		   const char *help)
{
	size_t len = strlen(name);

	/* OpenMetrics' families are named without the suffix */
	if (e->openmetrics && strcmp(type, "counter") == 0 && len > 6 &&
	    strcmp(name + len - 6, "_total") == 0)
		len -= 6;
	buf_fmt(e->out, "# HELP %.*s ", (int)len, name);
	escaped(e->out, help, e->openmetrics);
	buf_fmt(e->out, "\n# TYPE %.*s %s\n", (int)len, name, type);
}

void expose_begin(struct exposition *e, const char *name, const char *suffix)
{
	buf_str(e->out, name);
	buf_str(e->out, suffix);
	e->labelled = false;
}

static void next_label(struct exposition *e)
{
	buf_char(e->out, e->labelled ? ',' : '{');
	e->labelled = true;
}

void expose_label(struct exposition *e, const char *name, const char *value)
{
	next_label(e);
	buf_str(e->out, name);
	buf_str(e->out, "=\"");
	escaped(e->out, value, true);
	buf_char(e->out, '"');
}

void expose_labels(struct exposition *e, const char *labels)
{
	if (!labels[0])
		return;
	next_label(e);
	buf_str(e->out, labels);
}

static void before_value(struct exposition *e)
{
	buf_str(e->out, e->labelled ? "} " : " ");
	e->labelled = false;
}

void expose_int(struct exposition *e, int64_t value)
{
	before_value(e);
	buf_fmt(e->out, "%" PRId64 "\n", value);
}

void expose_uint(struct exposition *e, uint64_t value)
{
	before_value(e);
	buf_fmt(e->out, "%" PRIu64 "\n", value);
}

/* A decimal fraction without needless zeros; exact, as no double is. */
static void decimal(struct buf *out, int64_t value, int64_t unit)
{
	uint64_t v = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	uint64_t rest = v % (uint64_t)unit;

	buf_fmt(out, "%s%" PRIu64, value < 0 ? "-" : "", v / (uint64_t)unit);
	if (!rest)
		return;
	buf_char(out, '.');
	for (unit /= 10; rest; unit /= 10) {
		buf_char(out, (char)('0' + rest / (uint64_t)unit));
		rest %= (uint64_t)unit;
	}
}

void expose_millis(struct exposition *e, int64_t value)
{
	before_value(e);
	decimal(e->out, value, 1000);
	buf_char(e->out, '\n');
}

void expose_micros(struct exposition *e, int64_t value)
{
	before_value(e);
	decimal(e->out, value, 1000000);
	buf_char(e->out, '\n');
}

void expose_le(struct exposition *e, uint32_t bound_us)
{
	next_label(e);
	buf_str(e->out, "le=\"");
	decimal(e->out, bound_us, 1000000);
	if (bound_us % 1000000 == 0)
		buf_str(e->out, ".0");	/* as OpenMetrics wants floats */
	buf_char(e->out, '"');
}

void expose_end(struct exposition *e)
{
	if (e->openmetrics)
		buf_str(e->out, "# EOF\n");
}
