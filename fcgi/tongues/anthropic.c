/* anthropic.c - ids, seals, usage and the like; see anthropic.h. */
#include "anthropic.h"

#include "../../shared/ceilings.h"
#include "../../shared/text.h"

#define SEAL "cm1."
#define CHECK_CHARS 16
#define MAX_ITEM_ID 128

/* --- ids --- */

void anthropic_id(struct buf *out, struct span id)
{
	buf_str(out, "\"toolu_");
	if (span_starts(id, "call_") && !span_starts(id, "call__")) {
		id.ptr += 5;
		id.len -= 5;
	} else {
		buf_char(out, '_');
	}
	buf_json_part(out, id);
	buf_char(out, '"');
}

bool anthropic_id_back(struct span id, char out[65])
{
	struct buf back;
	bool ok;

	if (span_starts(id, "toolu__")) {
		names_call_id((struct span){ id.ptr + 7, id.len - 7 }, out);
		return true;
	}
	if (!span_starts(id, "toolu_")) {
		names_call_id(id, out);
		return true;
	}
	buf_init(&back, id.len + 8);
	buf_str(&back, "call_");
	buf_add(&back, id.ptr + 6, id.len - 6);
	ok = !buf_err(&back);
	if (ok)
		names_call_id(buf_span(&back), out);
	buf_free(&back);
	return ok;
}

/* --- seals --- */

static bool word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* Letters of either base64, which need no escape in JSON and hold no dot. */
static bool is_plain(struct span s, bool base64)
{
	for (size_t i = 0; i < s.len; i++)
		if (!word_char(s.ptr[i]) &&
		    !(base64 && memchr("+/=", s.ptr[i], 3)))
			return false;
	return true;
}

static void check_of(struct span rest, char hex[65])
{
	sha256_hex(rest, hex);
	hex[CHECK_CHARS] = '\0';
}

void anthropic_seal(struct buf *out, struct span id, struct span content)
{
	size_t head = out->len, body;
	char hex[65];

	if (!is_plain(content, true))
		return;
	if (id.len > MAX_ITEM_ID || !is_plain(id, false))
		id = SPAN("");
	buf_str(out, SEAL "0123456789abcdef.");
	body = out->len;
	buf_span_add(out, id);
	buf_char(out, '.');
	buf_span_add(out, content);
	if (buf_err(out))
		return;
	check_of((struct span){ out->ptr + body, out->len - body }, hex);
	memcpy(out->ptr + head + strlen(SEAL), hex, CHECK_CHARS);
}

bool anthropic_unseal(struct span seal, struct span *id, struct span *content)
{
	const size_t head = strlen(SEAL) + CHECK_CHARS + 1;
	struct span rest;
	const char *dot;
	char hex[65];

	if (!span_starts(seal, SEAL) || seal.len < head + 1)
		return false;
	rest = (struct span){ seal.ptr + head, seal.len - head };
	check_of(rest, hex);
	if (seal.ptr[head - 1] != '.' ||
	    memcmp(hex, seal.ptr + strlen(SEAL), CHECK_CHARS) != 0)
		return false;
	dot = memchr(rest.ptr, '.', rest.len);
	if (!dot)
		return false;
	*id = (struct span){ rest.ptr, (size_t)(dot - rest.ptr) };
	*content = (struct span){ dot + 1, rest.len - id->len - 1 };
	return true;
}

/* --- answers --- */

const char *anthropic_stop(enum finish finish, bool refused, bool calls)
{
	switch (finish) {
	case FINISH_LENGTH:
		return "max_tokens";
	case FINISH_FILTER:
		return "refusal";
	case FINISH_STOP_STRING:
		return "stop_sequence";
	case FINISH_STOP:
		break;
	}
	if (calls)
		return "tool_use";
	return refused ? "refusal" : "end_turn";
}

void anthropic_stop_sequence(struct buf *out, enum finish finish, struct span stop)
{
	buf_str(out, ",\"stop_sequence\":");
	if (finish == FINISH_STOP_STRING)
		buf_json(out, stop);
	else
		buf_str(out, "null");
}

/* Upstream counts cached tokens among the input's, Anthropic beside them. */
void anthropic_usage(struct buf *out, const struct usage *u, unsigned searches)
{
	int64_t read = u->cached, written = u->cache_write, fresh;

	if (read > u->input)
		read = u->input;
	if (written > u->input - read)
		written = u->input - read;
	fresh = u->input - read - written;
	buf_str(out, "\"usage\":{\"input_tokens\":");
	buf_int(out, fresh);
	buf_str(out, ",\"cache_creation_input_tokens\":");
	buf_int(out, written);
	buf_str(out, ",\"cache_read_input_tokens\":");
	buf_int(out, read);
	buf_str(out, ",\"output_tokens\":");
	buf_int(out, u->output);
	if (searches)
		buf_fmt(out, ",\"server_tool_use\":{\"web_search_requests\":%u}",
			searches);
	buf_char(out, '}');
}

/* The cited words and where they stand in the source are not told us. */
bool anthropic_citation(struct buf *out, struct json_object *note)
{
	if (!span_eq(json_get_str(note, "type"), "url_citation"))
		return false;
	buf_str(out, "{\"type\":\"web_search_result_location\",\"url\":");
	buf_json(out, json_get_str(note, "url"));
	buf_str(out, ",\"title\":");
	buf_json(out, json_get_str(note, "title"));
	buf_str(out, ",\"cited_text\":\"\",\"encrypted_index\":\"\"}");
	return true;
}

bool anthropic_is_search(struct json_object *item)
{
	return span_eq(json_get_str(item, "type"), "web_search_call");
}

void anthropic_search_id(struct buf *out, struct json_object *item)
{
	buf_str(out, "\"srvtoolu_");
	buf_json_part(out, json_get_str(item, "id"));
	buf_char(out, '"');
}

/* {"query":"..."}; opening a page is a search for its address. */
void anthropic_search_input(struct buf *out, struct json_object *item)
{
	struct json_object *action = json_get_object(item, "action");
	struct json_object *queries = json_get_array(action, "queries");
	struct span query = json_get_str(action, "query");

	if (!query.len && queries)
		query = json_str(json_object_array_get_idx(queries, 0));
	if (!query.len)
		query = json_get_str(action, "url");
	buf_str(out, "{\"query\":");
	buf_json(out, query);
	buf_char(out, '}');
}

/* As far as upstream lists its sources: addresses without titles. */
void anthropic_search_results(struct buf *out, struct json_object *item)
{
	struct json_object *action = json_get_object(item, "action");
	struct json_object *sources = json_get_array(action, "sources");
	size_t count = sources ? json_object_array_length(sources) : 0;
	const char *comma = "";

	buf_char(out, '[');
	for (size_t i = 0; i < count; i++) {
		struct json_object *source = json_object_array_get_idx(sources, i);
		struct span url = json_get_str(source, "url");
		struct span title = json_get_str(source, "title");

		if (!url.len)
			continue;
		buf_str(out, comma);
		buf_str(out, "{\"type\":\"web_search_result\",\"url\":");
		buf_json(out, url);
		buf_str(out, ",\"title\":");
		buf_json(out, title.len ? title : url);
		buf_str(out, ",\"encrypted_content\":\"\",\"page_age\":null}");
		comma = ",";
	}
	buf_char(out, ']');
}
