/*
 * metrics_page.c - what is counted, family by family. See metrics_page.h.
 */
#include "metrics_page.h"

#include "metrics_parts.h"

#define REQUESTS "http_requests_total"

struct pairs {
	size_t count;
	uint64_t rest[STATUS__COUNT];	/* for which there is no room */
};

/* "METHOD path tongue" taken apart in place. */
static void request_labels(struct exposition *e, char *key,
			   enum metric_status status)
{
	char *path = strchr(key, ' ');
	char *tongue = path ? strchr(path + 1, ' ') : NULL;
	char code[16] = "other";
	int n = metrics_status_code(status);

	if (path)
		*path++ = '\0';
	if (tongue)
		*tongue++ = '\0';
	if (n)
		snprintf(code, sizeof(code), "%d", n);
	expose_label(e, "route", path && *path ? path : "other");
	expose_label(e, "method", path && *key ? key : "other");
	expose_label(e, "status", code);
	expose_label(e, "tongue", tongue && *tongue ? tongue : "other");
}

static void put_request(struct exposition *e, const char *key,
			enum metric_status status, uint64_t n)
{
	char copy[METRICS_NAME + 1];

	snprintf(copy, sizeof(copy), "%s", key);
	expose_begin(e, REQUESTS, "");
	request_labels(e, copy, status);
	expose_uint(e, n);
}

static void put_route(struct exposition *e, const struct facts *f, size_t route,
		      struct pairs *pairs)
{
	char key[METRICS_NAME + 1];
	uint64_t n;

	if (!metrics_name_get(&f->snap.file->routes[route], key))
		return;
	for (enum metric_status s = 0; s < STATUS__COUNT; s++) {
		n = metrics_get(&f->snap.sums->requests[route][s]);
		if (!n)
			continue;
		if (pairs->count >= MAX_REQUEST_SERIES) {
			pairs->rest[s] += n;
			continue;
		}
		pairs->count++;
		put_request(e, key, s, n);
	}
}

/* The route "other" comes last: with it is counted what found no room. */
static void put_requests(struct exposition *e, const struct facts *f)
{
	struct pairs pairs = { 0 };
	uint64_t n;

	expose_family(e, REQUESTS, "counter", "Requests answered, by status; "
		      "499: the client left before.");
	for (size_t r = 1; r < METRICS_ROUTES; r++)
		put_route(e, f, r, &pairs);
	for (enum metric_status s = 0; s < STATUS__COUNT; s++) {
		n = pairs.rest[s] + metrics_get(&f->snap.sums->requests[0][s]);
		if (n)
			put_request(e, "", s, n);
	}
}

/* --- histograms */

static void put_histogram(struct exposition *e, const char *name,
			  const struct metrics_hist *h, const uint32_t *bounds,
			  size_t count, const char *tongue)
{
	uint64_t sum = 0;

	for (size_t i = 0; i <= count; i++) {
		sum += metrics_get(&h->bucket[i]);
		expose_begin(e, name, "_bucket");
		expose_label(e, "tongue", tongue);
		if (i < count)
			expose_le(e, bounds[i]);
		else
			expose_label(e, "le", "+Inf");
		expose_uint(e, sum);
	}
	expose_begin(e, name, "_sum");
	expose_label(e, "tongue", tongue);
	expose_micros(e, (int64_t)metrics_get(&h->sum));
	expose_begin(e, name, "_count");
	expose_label(e, "tongue", tongue);
	expose_uint(e, sum);
}

static bool is_empty(const struct metrics_hist *h, size_t count)
{
	for (size_t i = 0; i <= count; i++)
		if (metrics_get(&h->bucket[i]))
			return false;
	return true;
}

/* A tongue that nobody speaks has no lines. */
static void put_histograms(struct exposition *e, const struct facts *f)
{
	for (enum metric_hist i = 0; i < HIST__COUNT; i++) {
		const uint32_t *bounds;
		size_t count;
		const struct metrics_row *row = metrics_hist_row(i, &bounds, &count);

		expose_family(e, row->name, "histogram", row->help);
		for (enum metric_tongue t = 0; t < TONGUE__COUNT; t++) {
			const struct metrics_hist *h = &f->snap.sums->hist[i][t];

			if (!is_empty(h, count))
				put_histogram(e, row->name, h, bounds, count,
					      metrics_tongue_name(t));
		}
	}
}

/* --- by table */

/* words: those whose name begins so; all of them, be they zero, or only what
 * was counted. */
static void put_by_code(struct exposition *e, const char *name, const char *label,
			const char *help, const metric_word *values,
			const char *words, bool zeros)
{
	uint64_t n;

	expose_family(e, name, "counter", help);
	for (enum err code = 0; code < ERR__COUNT; code++) {
		n = metrics_get(&values[code]);
		if (!span_starts(span_of(err_name(code)), words) ||
		    (!n && !zeros))
			continue;
		expose_begin(e, name, "");
		expose_label(e, label, err_name(code));
		expose_uint(e, n);
	}
}

/* One row of a table of names: the type of tokens, and whose they are. */
static void put_token_row(struct exposition *e, const char *family,
			  const char *label, const struct metrics_name *name,
			  const char *first, const metric_word n[TOKEN__COUNT])
{
	char text[METRICS_NAME + 1];

	if (first)
		snprintf(text, sizeof(text), "%s", first);
	else if (!metrics_name_get(name, text))
		return;
	for (enum metric_token t = 0; t < TOKEN__COUNT; t++) {
		if (!metrics_get(&n[t]))
			continue;
		expose_begin(e, family, "");
		expose_label(e, "type", metrics_token_name(t));
		expose_label(e, label, text);
		expose_uint(e, metrics_get(&n[t]));
	}
}

static void put_tokens(struct exposition *e, const struct facts *f)
{
	const struct metrics_file *file = f->snap.file;

	expose_family(e, "chatmock_tokens_total", "counter",
		      "Tokens that upstream counted, by its model's name; cached "
		      "ones are part of input, reasoning ones of output.");
	for (size_t i = 0; i < METRICS_MODELS; i++)
		put_token_row(e, "chatmock_tokens_total", "model",
			      &file->models[i], i ? NULL : "other",
			      f->snap.sums->tokens[i]);
	expose_family(e, "chatmock_key_tokens_total", "counter",
		      "The same tokens, by the name of the caller's key; where none "
		      "is wanted, by the first digits of its SHA-256.");
	for (size_t i = 0; i < METRICS_KEYS; i++)
		put_token_row(e, "chatmock_key_tokens_total", "key",
			      &file->keys[i], i ? NULL : "none_or_other",
			      f->snap.sums->key_tokens[i]);
}

static void put_counters(struct exposition *e, const struct facts *f)
{
	const char *before = "";

	for (enum metric_counter c = 0; c < COUNT__COUNT; c++) {
		const struct metrics_row *row = metrics_counter_row(c);

		if (strcmp(before, row->name) != 0)
			expose_family(e, row->name, "counter", row->help);
		before = row->name;
		expose_begin(e, row->name, "");
		expose_labels(e, row->label);
		expose_uint(e, metrics_get(&f->snap.sums->counters[c]));
	}
}

static void put_gauges(struct exposition *e, const struct facts *f)
{
	const char *before = "";
	enum metric_unit unit;
	int64_t value;

	for (enum metric_gauge g = 0; g < GAUGE__COUNT; g++) {
		const struct metrics_row *row = metrics_gauge_row(g, &unit);

		if (strcmp(before, row->name) != 0)
			expose_family(e, row->name, "gauge", row->help);
		before = row->name;
		if (!metrics_gauge_get(&f->snap, g, &value))
			continue;
		expose_begin(e, row->name, "");
		expose_labels(e, row->label);
		if (unit == UNIT_MILLI)
			expose_millis(e, value);
		else if (unit == UNIT_MICRO)
			expose_micros(e, value);
		else
			expose_int(e, value);
	}
}

static void put_self(struct exposition *e, const struct facts *f)
{
	expose_family(e, "chatmock_build_info", "gauge",
		      "1; the version is in the label.");
	expose_begin(e, "chatmock_build_info", "");
	expose_label(e, "version", CHATMOCK_VERSION);
	expose_int(e, 1);
	expose_family(e, "chatmock_metrics_file_readable", "gauge",
		      "0 while the counters of the gateway can not be read.");
	expose_begin(e, "chatmock_metrics_file_readable", "");
	expose_int(e, f->have);
}

void metrics_page(const struct facts *f, bool openmetrics, struct buf *out)
{
	struct exposition e = { .out = out, .openmetrics = openmetrics };

	put_self(&e, f);
	metrics_machine(&e, f);
	if (f->have) {
		put_requests(&e, f);
		put_histograms(&e, f);
		put_by_code(&e, "chatmock_request_ends_total", "end",
			    "Requests, by how they ended.",
			    f->snap.sums->errors, "", true);
		put_by_code(&e, "chatmock_upstream_errors_total", "kind",
			    "Requests that ended by upstream's fault.",
			    f->snap.sums->errors, "upstream_", true);
		put_by_code(&e, "chatmock_upstream_retries_total", "reason",
			    "Further attempts, by what the one before met.",
			    f->snap.sums->retries, "", false);
		put_tokens(&e, f);
		put_counters(&e, f);
		put_gauges(&e, f);
		metrics_workers(&e, f);
		metrics_jobs(&e, f);
		metrics_breakers(&e, f);
		metrics_processes(&e, f);
	}
	expose_end(&e);
}
