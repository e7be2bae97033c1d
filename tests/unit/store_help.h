/* store_help.h - a store in a directory of its own, and what is put in it. */
#ifndef CHATMOCK_STORE_HELP_H
#define CHATMOCK_STORE_HELP_H

#include <dirent.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../shared/store.h"
#include "loop_help.h"

static struct store *store;
static char store_dir[64], store_path[96];
static char told[512];			/* events, a word each */

static inline void on_told(void *ctx, const char *event,
			   const struct err_note *note)
{
	(void)ctx, (void)note;
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s ", event);
}

static inline struct store *open_store(struct loop *l, int64_t max_bytes)
{
	struct store_settings settings = {
		.path = store_path, .ttl_s = 3600, .max_bytes = max_bytes,
		.loop = l, .told = on_told,
	};

	return store_open(&settings);
}

static inline void store_begin(int64_t max_bytes)
{
	snprintf(store_dir, sizeof(store_dir), "/tmp/test_store.XXXXXX");
	if (!mkdtemp(store_dir))
		abort();
	snprintf(store_path, sizeof(store_path), "%s/responses.db", store_dir);
	loop = loop_new();
	store = open_store(loop, max_bytes);
	if (!loop || !store)
		abort();
}

static inline void store_end(void)
{
	char path[400];
	struct dirent *entry;
	DIR *d;

	store_close(store);
	loop_free(loop);
	d = opendir(store_dir);
	while (d && (entry = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", store_dir, entry->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(store_dir);
}

/* done() marks a write by clearing its function. */
static inline void write_done(struct store_write *w)
{
	w->done = NULL;
	loop_stop(loop);
}

static inline void wait_done(struct store_write *w)
{
	for (int i = 0; i < 600 && w->done; i++)
		run_for(100000);
	check(!w->done);
}

/* Three input items and one of output. */
static inline struct store_record *record(const char *caller, const char *id,
					  const char *previous,
					  enum store_status status)
{
	struct store_record *r = store_record_new();
	char item[16], json[32];

	snprintf(r->caller, sizeof(r->caller), "%s", caller);
	snprintf(r->id, sizeof(r->id), "%s", id);
	snprintf(r->previous, sizeof(r->previous), "%s", previous);
	snprintf(r->model, sizeof(r->model), "m");
	snprintf(r->account, sizeof(r->account), "acc");
	r->created_s = 77;
	r->status = status;
	buf_fmt(&r->body, "{\"id\":\"%s\"}", id);
	for (int i = 0; i < 3; i++) {
		snprintf(item, sizeof(item), "in%d", i);
		snprintf(json, sizeof(json), "{\"in\":%d}", i);
		store_items_add(&r->items, false, span_of(item), span_of(json));
	}
	store_items_add(&r->items, true, SPAN("out0"), SPAN("{\"out\":0}"));
	return r;
}

static inline void put_simple(const char *caller, const char *id,
			      const char *previous, enum store_status status)
{
	struct err_note note = ERR_NOTE_INIT;
	enum err err = store_put_wait(store, STORE_ALWAYS,
				      record(caller, id, previous, status), &note);

	if (!check(err == ERR_OK))
		printf("%s\n", note.why);
}

#endif
