/*
 * fuzz_delta.c - the quick reader of deltas against the parser: what it takes
 * is JSON, and says the same.
 */
#include <stdlib.h>

#include "../../fcgi/stream/decode_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(cond) do { if (!(cond)) abort(); } while (0)

static bool same(struct span a, struct span b)
{
	return a.len == b.len && (!a.len || !memcmp(a.ptr, b.ptr, a.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = { (const char *)data, size };
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *v;
	struct fast_delta got;
	struct buf scratch;

	buf_init(&scratch, 1u << 20);
	if (decode_fast(text, &scratch, &got)) {
		v = json_parse(text, &note);
		must(json_is_object(v));
		must(same(got.type, json_get_str(v, "type")));
		must(same(got.text, json_get_str(v, "delta")));
		must(same(got.at.item_id, json_get_str(v, "item_id")));
		must(got.at.output_index == json_get_int(v, "output_index", -1));
		must(got.at.index == json_get_int(v, "content_index",
				     json_get_int(v, "summary_index", 0)));
		json_object_put(v);
	}
	buf_free(&scratch);
	return 0;
}
