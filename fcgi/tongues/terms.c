/* terms.c - the terms of an answer and the life of an ask; see tongue.h. */
#include "memory.h"

#include "../../shared/ceilings.h"

/* Enough for a header line that every server and client takes. */
#define MAX_DROPPED 1000
#define MAX_DROPPED_NAME 64

void terms_init(struct terms *t)
{
	*t = (struct terms){ 0 };
	names_init(&t->names);
	buf_init(&t->dropped, MAX_DROPPED);
	buf_init(&t->echo, (size_t)MAX_REQUEST_BODY * 2);
}

void terms_free(struct terms *t)
{
	free(t->model);
	t->model = NULL;
	for (size_t i = 0; i < t->stop_count; i++) {
		free(t->stops[i]);
		t->stops[i] = NULL;
	}
	t->stop_count = 0;
	names_free(&t->names);
	buf_free(&t->dropped);
	buf_free(&t->echo);
	memory_free(t->memory);
	t->memory = NULL;
}

/* Is name one of the words of "a, b, c"? */
static bool listed(struct span list, const char *name, size_t len)
{
	size_t at = 0;

	while (at + len <= list.len) {
		const char *end = memchr(list.ptr + at, ',', list.len - at);
		size_t word = end ? (size_t)(end - list.ptr) - at : list.len - at;

		if (word == len && !memcmp(list.ptr + at, name, len))
			return true;
		at += word + 2;
	}
	return false;
}

/*
 * The name may be any member of a client's object and ends up in a header:
 * what a header or its list cannot hold is replaced. Names past the room are
 * left out; the first thousand bytes tell what is going on.
 */
void terms_drop(struct terms *t, const char *param)
{
	char name[MAX_DROPPED_NAME + 1];
	size_t len = 0;

	for (; param[len] && len < MAX_DROPPED_NAME; len++) {
		char c = param[len];

		name[len] = c > ' ' && c < 0x7f && c != ',' ? c : '?';
	}
	name[len] = '\0';
	if (!len || t->dropped.len + len + 2 > MAX_DROPPED)
		return;
	if (listed(buf_span(&t->dropped), name, len))
		return;
	if (t->dropped.len)
		buf_str(&t->dropped, ", ");
	buf_str(&t->dropped, name);
}

bool terms_dropped(const struct terms *t, struct span param)
{
	return listed(buf_span(&t->dropped), param.ptr, param.len);
}

void ask_init(struct ask *a, const struct config *c, const struct catalog *cat)
{
	*a = (struct ask){ .config = c, .catalog = catalog_ref(cat) };
	a->model.effort = EFFORT_UNSET;
	terms_init(&a->terms);
}

void ask_free(struct ask *a)
{
	json_object_put(a->request);
	a->request = NULL;
	json_object_put(a->unsupported);
	a->unsupported = NULL;
	catalog_free(a->catalog);
	a->catalog = NULL;
	terms_free(&a->terms);
}
