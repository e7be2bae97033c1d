#include "instruct.h"

#include "../../shared/ceilings.h"
#include "../../shared/text.h"

#define TEXT ",\"instructions\":\"You are a helpful assistant.\""

/* The end of the first member, {"model":"...", of a payload; 0: it is none. */
static size_t model_end(struct span payload)
{
	static const char head[] = "{\"model\":\"";
	size_t at = sizeof(head) - 1;

	if (!span_starts(payload, head))
		return 0;
	while (at < payload.len && payload.ptr[at] != '"')
		at += 1 + (payload.ptr[at] == '\\');
	return at < payload.len ? at + 1 : 0;
}

/* Never 0, which is an empty place. */
static uint64_t model_hash(struct span payload)
{
	uint64_t h = 14695981039346656037u;

	payload.len = model_end(payload);
	for (size_t i = 0; i < payload.len; i++)
		h = (h ^ (unsigned char)payload.ptr[i]) * 1099511628211u;
	return h ? h : 1;
}

bool instruct_lacks(struct span payload)
{
	size_t end = model_end(payload);

	payload.ptr += end;
	payload.len -= end;
	return end && !span_starts(payload, ",\"instructions\":");
}

bool instruct_known(const struct instruct_memory *m, struct span payload)
{
	uint64_t h;

	if (!m->wants[0])
		return false;
	h = model_hash(payload);
	for (size_t i = 0; i < INSTRUCT_MODELS; i++)
		if (m->wants[i] == h)
			return true;
	return false;
}

void instruct_learn(struct instruct_memory *m, struct span payload)
{
	if (model_end(payload) && !instruct_known(m, payload))
		m->wants[m->next++ % INSTRUCT_MODELS] = model_hash(payload);
}

bool instruct_add(struct buf *payload)
{
	size_t end = model_end(buf_span(payload));
	struct buf with;

	buf_init(&with, (size_t)MAX_REQUEST_BODY * 2);
	buf_add(&with, payload->ptr, end);
	buf_str(&with, TEXT);
	buf_add(&with, payload->ptr + end, payload->len - end);
	if (!end || buf_err(&with)) {
		buf_free(&with);
		return false;
	}
	buf_free(payload);
	*payload = with;
	return true;
}
