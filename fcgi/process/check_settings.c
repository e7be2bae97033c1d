/*
 * check_settings.c - settings that contradict one another, or that will not do
 * what whoever wrote them expects.
 *
 * A default that stands in the way of a value that was given is no
 * contradiction: it only means that the default never comes to bear.
 */
#include "check_private.h"

#include "../../shared/catalog_file.h"
#include "../../shared/text.h"
#include "start.h"

static void print_seconds(int64_t ms, char out[32])
{
	if (ms % 1000)
		snprintf(out, 32, "%lld.%03d s", (long long)(ms / 1000),
			 (int)(ms % 1000));
	else
		snprintf(out, 32, "%lld s", (long long)(ms / 1000));
}

/* Both were given, and the first can never be reached before the second. */
static void contradict(struct findings *f, const char *longer, int64_t longer_ms,
		       const char *shorter, int64_t shorter_ms)
{
	char a[32], b[32];

	if (longer_ms <= shorter_ms || !config_given(f->config, longer) ||
	    !config_given(f->config, shorter))
		return;
	print_seconds(longer_ms, a);
	print_seconds(shorter_ms, b);
	check_fault(f, EX_CONFIG, "%s (%s) is longer than %s (%s), which would "
		    "always end first; make it shorter, or the other longer",
		    longer, a, shorter, b);
}

void check_times(struct findings *f)
{
	const struct config *c = f->config;

	contradict(f, "CHATMOCK_CONNECT_TIMEOUT", c->connect_timeout_ms,
		   "CHATMOCK_FIRST_BYTE_TIMEOUT", c->first_byte_timeout_ms);
	contradict(f, "CHATMOCK_FIRST_BYTE_TIMEOUT", c->first_byte_timeout_ms,
		   "CHATMOCK_TOTAL_TIMEOUT", c->total_timeout_ms);
	contradict(f, "CHATMOCK_IDLE_TIMEOUT", c->idle_timeout_ms,
		   "CHATMOCK_TOTAL_TIMEOUT", c->total_timeout_ms);
	contradict(f, "CHATMOCK_HEARTBEAT", c->heartbeat_ms,
		   "CHATMOCK_TOTAL_TIMEOUT", c->total_timeout_ms);
	if (config_given(c, "CHATMOCK_HEARTBEAT") && c->heartbeat_ms > 60000)
		check_warn(f, "CHATMOCK_HEARTBEAT is over 60 s: web servers and "
			   "clients give up on a connection that is silent for so "
			   "long; set it to 15");
}

void check_numbers(struct findings *f)
{
	const struct config *c = f->config;
	struct config one = *c;
	int cores;

	one.workers = 0;
	cores = start_workers(&one);
	if (c->workers > 8 * (int64_t)cores)
		check_warn(f, "CHATMOCK_WORKERS is %lld on a machine of %d cores: "
			   "they only take each other's time; set it to 0 (one a "
			   "core)", (long long)c->workers, cores);
	if (c->max_requests && c->max_requests < 10)
		check_warn(f, "CHATMOCK_MAX_REQUESTS is %lld: a worker is replaced "
			   "nearly at each request; set it to 0 (never) or to "
			   "thousands", (long long)c->max_requests);
}

/* Does an earlier line of [models] have the same name? */
static bool is_repeated(const struct config *c, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(c->aliases[i].pattern, c->aliases[at].pattern) == 0)
			return true;
	return false;
}

static void check_alias(struct findings *f, const struct catalog *cat, size_t at)
{
	const struct config *c = f->config;
	const struct config_alias *a = &c->aliases[at];
	struct span target = span_of(a->model);
	struct err_note note = ERR_NOTE_INIT;
	struct model_choice choice;

	if (is_repeated(c, at))
		check_warn(f, "[models] has two lines for %.100s, and the first "
			   "counts; remove one", a->pattern);
	if (strcmp(a->pattern, a->model) == 0) {
		check_warn(f, "[models] %.100s stands for itself; remove the line, "
			   "or name a model", a->pattern);
		return;
	}
	for (size_t i = 0; i < c->alias_count; i++) {
		if (!span_eq(target, c->aliases[i].pattern))
			continue;
		check_warn(f, "[models] %.100s = %.100s leads to another line, and "
			   "lines are not followed; name the model itself",
			   a->pattern, a->model);
		return;
	}
	if (c->kind == KIND_CHATGPT && !strchr(a->model, '*') &&
	    !catalog_choose(cat, target, &choice, &note) && !choice.known)
		check_warn(f, "[models] %.100s = %.100s: that model is not known; "
			   "GET /v1/models lists those that are", a->pattern,
			   a->model);
}

void check_aliases(struct findings *f)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct file_stamp stamp;
	struct catalog *cat = catalog_load(f->config, &stamp, &ignored);

	if (!cat)
		cat = catalog_new(f->config);
	for (size_t i = 0; cat && i < f->config->alias_count; i++)
		check_alias(f, cat, i);
	if (cat && f->config->debug_model && f->config->kind == KIND_CHATGPT) {
		struct model_choice choice;
		struct err_note note = ERR_NOTE_INIT;

		if (catalog_choose(cat, SPAN("x"), &choice, &note) || !choice.known)
			check_warn(f, "CHATMOCK_DEBUG_MODEL %.100s is no model that "
				   "is known; GET /v1/models lists those that are",
				   f->config->debug_model);
	}
	catalog_free(cat);
}

/* The names are compared with Host's as they stand. */
void check_hosts(struct findings *f)
{
	struct span rest = span_of(f->config->allowed_hosts), one;
	const char *colon;

	while (text_next(&rest, ',', &one)) {
		colon = memchr(one.ptr, ':', one.len);
		if (memchr(one.ptr, '/', one.len) ||
		    (colon && !memchr(colon + 1, ':',
				      one.len - (size_t)(colon + 1 - one.ptr))))
			check_warn(f, "CHATMOCK_ALLOWED_HOSTS: %.*s never fits; "
				   "wanted is a name without scheme and port",
				   (int)one.len, one.ptr);
	}
}

void check_version(struct findings *f)
{
	struct span rest = span_of(f->config->client_version), part;
	size_t parts = 0;
	int64_t n;

	while (text_next(&rest, '.', &part)) {
		if (!parts && (!text_int(part, &n) || n < 0))
			break;
		parts++;
	}
	rest = span_of(f->config->client_version);
	if (parts < 2 || rest.len > 64 ||
	    strspn(rest.ptr, "0123456789.-_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "abcdefghijklmnopqrstuvwxyz") != rest.len)
		check_fault(f, EX_CONFIG, "CHATMOCK_CLIENT_VERSION is no version: "
			    "%.64s; wanted is one such as 0.169.0", rest.ptr);
}

/* Given, and without effect. */
void check_idle_settings(struct findings *f)
{
	const struct config *c = f->config;

	if (c->log_bodies && !c->verbose && !c->codex_verbose)
		check_warn(f, "CHATMOCK_LOG_BODIES does nothing without "
			   "CHATMOCK_VERBOSE; set both or neither");
	if (c->log_bodies && (c->verbose || c->codex_verbose))
		check_warn(f, "CHATMOCK_LOG_BODIES writes prompts into the log; "
			   "leave it off where others' words pass");
	if (c->propagate_unsupported && c->kind == KIND_CHATGPT)
		check_warn(f, "CODEX__PROPAGATE_UNSUPPORTED_PARAMS does nothing: "
			   "the ChatGPT backend refuses them; set it with an "
			   "upstream of kind responses");
	if (c->upstream_key && c->upstream_key_file)
		check_warn(f, "CHATMOCK_UPSTREAM_KEY and _KEY_FILE are both set, and "
			   "the first counts; remove one");
	if (!c->dynamic_models && c->model_sync &&
	    config_given(c, "CHATMOCK_MODEL_SYNC"))
		check_warn(f, "CHATMOCK_MODEL_SYNC does nothing while "
			   "CODEX__ENABLE_DYNAMIC_MODEL_INFO is false; remove one");
	if (!c->codex_enabled)
		check_warn(f, "CODEX__ENABLED is false: every generating route "
			   "answers 503; set it to true to serve");
}
