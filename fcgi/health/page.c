#include "page.h"

#include "accept.h"
#include "facts.h"
#include "findings.h"
#include "metrics_page.h"
#include "report.h"
#include "status_page.h"

struct page {
	const char *path;
	enum facts_depth depth;
	void (*write)(struct page_call *call, const struct facts *f);
};

static const char *json_type(const char *accept)
{
	int draft = accept_quality(accept, "application/health+json", NULL);
	int plain = accept_quality(accept, "application/json", NULL);

	return draft && draft >= plain ? "application/health+json" :
					 "application/json";
}

static void write_health(struct page_call *call, const struct facts *f)
{
	call->status = report_status(facts_worst(f));
	call->content_type = json_type(call->accept);
	if (strcmp(call->content_type, "application/json") == 0)
		report_json(f, &call->body);
	else
		report_health_json(f, &call->body);
}

static const struct finding *worse_of(const struct finding *a,
				      const struct finding *b)
{
	return b->verdict > a->verdict ? b : a;
}

static void probe(struct page_call *call, const struct finding *worse)
{
	call->status = report_status(worse->verdict);
	call->content_type = json_type(call->accept);
	report_probe(worse->verdict, call->terse ? "" : worse->output, &call->body);
}

/* Is there a master that would replace what fails? Workers and upstream are no
 * matter here: a restart of the whole would cure neither. */
static void write_live(struct page_call *call, const struct facts *f)
{
	struct finding master = f->findings[FINDING_MASTER];

	if (master.verdict == VERDICT_WARN)
		master.verdict = VERDICT_FAIL;
	probe(call, &master);
}

/* Would a request be taken, of somebody, and could it be sent on? An open breaker is none
 * of that: it closes by itself. */
static void write_ready(struct page_call *call, const struct facts *f)
{
	const struct finding *worse = &f->findings[FINDING_WORKERS];

	worse = worse_of(worse, &f->findings[FINDING_LOGIN]);
	if (f->findings[FINDING_KEYS].verdict == VERDICT_FAIL)
		worse = worse_of(worse, &f->findings[FINDING_KEYS]);
	probe(call, worse);
}

static void write_metrics(struct page_call *call, const struct facts *f)
{
	int open = accept_quality(call->accept, "application/openmetrics-text",
				  "1.0.0");
	int plain = accept_quality(call->accept, "text/plain", "0.0.4");
	bool openmetrics = open && open >= plain;

	call->status = 200;
	call->content_type = openmetrics ?
		"application/openmetrics-text; version=1.0.0; charset=utf-8" :
		"text/plain; version=0.0.4; charset=utf-8";
	metrics_page(f, openmetrics, &call->body);
}

static void write_status(struct page_call *call, const struct facts *f)
{
	call->status = 200;
	call->content_type = "text/plain; charset=utf-8";
	status_page(f, &call->body);
}

static const struct page pages[] = {
	{ "/health", FACTS_ALL, write_health },
	{ "/health/live", FACTS_PROBE, write_live },
	{ "/health/ready", FACTS_PROBE, write_ready },
	{ "/metrics", FACTS_COUNTED, write_metrics },
	{ "/status", FACTS_ALL, write_status },
};

const struct page *page_find(const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (span_eq((struct span){ path, len }, pages[i].path))
			return &pages[i];
	return NULL;
}

bool page_is_probe(const struct page *page)
{
	return page->depth == FACTS_PROBE;
}

void page_write(const struct page *page, struct page_call *call)
{
	struct facts facts;

	facts_read(&facts, call->config, page->depth);
	findings_keys(&facts, call->keys_wanted, call->keys_in_force,
		      call->keys_fault);
	page->write(call, &facts);
	facts_free(&facts);
}
