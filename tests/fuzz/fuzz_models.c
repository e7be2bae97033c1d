/*
 * fuzz_models.c - models.json, whoever wrote it: no text of it does harm, and
 * what comes out of it can be told in every shape.
 */
#include "../../fcgi/tongues/models.h"
#include "../../shared/catalog_file.h"
#include "../../shared/ceilings.h"
#include "../../shared/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void tell(const struct models_shape *shape, const struct config *c,
		 const struct catalog *cat)
{
	struct models_ask ask = { c, cat, "" };
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *v;
	char etag[300] = "";
	struct buf out;

	buf_init(&out, 32u << 20);
	shape->list(&ask, &out);
	if (shape->etag)
		shape->etag(&ask, etag, sizeof(etag));
	for (const char *p = etag; *p; p++)
		if (*p < ' ')
			__builtin_trap();
	v = json_parse(buf_span(&out), &note);
	if (!v)
		__builtin_trap();
	json_object_put(v);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct config config = {
		.upstream_base = "u", .client_version = "0.169.0",
		.max_output_fallback = 8192, .expose_reasoning = true,
	};
	struct err_note note = ERR_NOTE_INIT;
	struct catalog *cat;
	struct buf text;

	buf_init(&text, MAX_CACHE_FILE);
	buf_add(&text, data, size);
	cat = catalog_parse(&config, &text, &note);
	if (!cat != (note.code != 0))
		__builtin_trap();
	if (cat && !catalog_count(cat))
		__builtin_trap();
	if (cat) {
		tell(&models_openai, &config, cat);
		tell(&models_codex, &config, cat);
		tell(&models_anthropic, &config, cat);
	}
	catalog_free(cat);
	buf_free(&text);
	return 0;
}
