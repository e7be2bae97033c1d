#include "openai.h"

void openai_head(struct buf *out, const struct terms *t, struct span object)
{
	buf_put(out, SPAN("{\"id\":\""));
	buf_put(out, span_of(t->id));
	buf_put(out, SPAN("\",\"object\":\""));
	buf_put(out, object);
	buf_put(out, SPAN("\",\"created\":"));
	buf_int(out, t->created);
	buf_put(out, SPAN(",\"model\":"));
	buf_json(out, span_of(t->model));
}

void openai_usage(struct buf *out, const struct usage *u)
{
	buf_str(out, "\"usage\":{\"prompt_tokens\":");
	buf_int(out, u->input);
	buf_str(out, ",\"completion_tokens\":");
	buf_int(out, u->output);
	buf_str(out, ",\"total_tokens\":");
	buf_int(out, u->total);
	buf_str(out, ",\"prompt_tokens_details\":{\"cached_tokens\":");
	buf_int(out, u->cached);
	if (u->cache_write) {
		buf_str(out, ",\"cache_write_tokens\":");
		buf_int(out, u->cache_write);
	}
	buf_str(out, "},\"completion_tokens_details\":{\"reasoning_tokens\":");
	buf_int(out, u->reasoning);
	buf_str(out, u->known ? "}}" : "},\"partial\":true}");
}

void openai_end(struct buf *out, const struct terms *t, struct span object,
		const struct usage *u)
{
	if (t->include_usage) {
		buf_str(out, "data: ");
		openai_head(out, t, object);
		buf_str(out, ",\"choices\":[],");
		openai_usage(out, u);
		buf_str(out, "}\n\n");
	}
	buf_str(out, "data: [DONE]\n\n");
}

static void string_or_null(struct buf *out, const char *s)
{
	if (s)
		buf_json(out, span_of(s));
	else
		buf_str(out, "null");
}

void openai_limit(struct buf *out, const struct err_note *note)
{
	bool limit = note && (note->plan[0] || note->resets_at);

	if (limit && note->plan[0]) {
		buf_str(out, ",\"plan_type\":");
		buf_json(out, span_of(note->plan));
	}
	if (limit && note->resets_at) {
		buf_str(out, ",\"resets_at\":");
		buf_int(out, note->resets_at);
	}
	if (limit && note->retry_after_s > 0) {
		buf_str(out, ",\"resets_in_seconds\":");
		buf_int(out, note->retry_after_s);
	}
}

void openai_error_body(struct buf *out, const struct fault *f)
{
	buf_str(out, "{\"error\":{\"message\":");
	buf_json(out, span_of(f->message));
	buf_str(out, ",\"type\":");
	string_or_null(out, f->type);
	buf_str(out, ",\"param\":");
	string_or_null(out, f->param);
	buf_str(out, ",\"code\":");
	string_or_null(out, f->code);
	openai_limit(out, f->note);
	buf_str(out, "}}");
}

void openai_error_event(struct emitter *e, struct buf *out,
			const struct fault *f)
{
	e->ended = true;
	buf_str(out, "data: ");
	openai_error_body(out, f);
	buf_str(out, "\n\n");
}
