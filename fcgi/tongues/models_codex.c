/*
 * models_codex.c - the catalogue as Codex reads it: {"models":[...]}.
 *
 * Where upstream's list is in that shape its entries are passed on to the
 * letter, with its ETag. Else what we know is said in it, all but the prompts
 * that such an entry carries: those we do not have, and none is better than
 * an empty one in the place of the client's own.
 */
#include "../../shared/text.h"
#include "models.h"

static void write_levels(const struct model *m, struct buf *out)
{
	const char *comma = "";

	buf_str(out, ",\"supported_reasoning_levels\":[");
	for (int e = 0; e < EFFORT__COUNT; e++) {
		if (!(m->efforts & (1u << e)))
			continue;
		buf_fmt(out, "%s{\"effort\":\"%s\",\"description\":\"\"}", comma,
			effort_name((enum effort)e));
		comma = ",";
	}
	buf_char(out, ']');
	if (m->efforts)
		buf_fmt(out, ",\"default_reasoning_level\":\"%s\"",
			effort_name(m->default_effort));
}

static void write_model(const struct model *m, size_t place, struct buf *out)
{
	buf_str(out, "{\"slug\":");
	buf_json(out, span_of(m->slug));
	buf_str(out, ",\"display_name\":");
	buf_json(out, span_of(m->name));
	write_levels(m, out);
	buf_fmt(out, ",\"description\":null,\"shell_type\":\"default\","
		"\"visibility\":\"list\",\"supported_in_api\":true,"
		"\"priority\":%zu,\"availability_nux\":null,\"upgrade\":null",
		place + 1);
	buf_fmt(out, ",\"additional_speed_tiers\":[%s],\"service_tiers\":[%s]",
		m->has_priority_tier ? "\"fast\"" : "",
		m->has_priority_tier ? "{\"id\":\"priority\",\"name\":\"Fast\","
				       "\"description\":\"\"}" : "");
	buf_fmt(out, ",\"supports_reasoning_summaries\":%s,"
		"\"support_verbosity\":%s,\"default_verbosity\":null,"
		"\"apply_patch_tool_type\":\"freeform\","
		"\"truncation_policy\":{\"mode\":\"tokens\",\"limit\":10000},"
		"\"supports_parallel_tool_calls\":true,"
		"\"experimental_supported_tools\":[],"
		"\"input_modalities\":[\"text\"%s]",
		m->efforts ? "true" : "false", m->verbosity ? "true" : "false",
		m->vision ? ",\"image\"" : "");
	if (m->context_window)
		buf_fmt(out, ",\"context_window\":%lld",
			(long long)m->context_window);
	buf_char(out, '}');
}

static void codex_list(const struct models_ask *ask, struct buf *out)
{
	struct span native = catalog_origin(ask->catalog)->native;
	const char *comma = "";

	buf_str(out, "{\"models\":");
	if (native.len) {
		buf_span_add(out, native);
		buf_char(out, '}');
		return;
	}
	buf_char(out, '[');
	for (size_t i = 0; i < catalog_count(ask->catalog); i++) {
		const struct model *m = catalog_at(ask->catalog, i);

		if (!m->visible)
			continue;
		buf_str(out, comma);
		write_model(m, i, out);
		comma = ",";
	}
	buf_str(out, "]}");
}

/* One model is nothing that Codex asks for. */
static enum err codex_one(const struct models_ask *ask, struct span id,
			  struct buf *out, struct err_note *note)
{
	return models_openai.one(ask, id, out, note);
}

static void codex_etag(const struct models_ask *ask, char *out, size_t size)
{
	const struct catalog_origin *o = catalog_origin(ask->catalog);
	char hash[65];
	struct buf list;

	if (o->native.len && *o->etag) {
		snprintf(out, size, "%s", o->etag);
		return;
	}
	buf_init(&list, 8u << 20);
	codex_list(ask, &list);
	sha256_hex(buf_span(&list), hash);
	snprintf(out, size, "\"%.32s\"", hash);
	buf_free(&list);
}

const struct models_shape models_codex = {
	.name = "codex", .list = codex_list, .one = codex_one,
	.etag = codex_etag,
};
