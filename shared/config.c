/*
 * config.c - gathering the settings from their sources, and what follows from
 * them.
 *
 * Each source offers its pairs; config_table.c keeps the strongest of each
 * setting; only then are texts turned into values.
 */
#include "config_private.h"

#include <arpa/inet.h>
#include <limits.h>
#include <sys/stat.h>

#include "file.h"
#include "text.h"

/* Names that are ours, but no settings: they are read elsewhere. */
static bool is_apart(const char *name)
{
	return strcmp(name, "CHATMOCK_CONFIG") == 0 ||
	       strncmp(name, "CHATMOCK_TEST_", 14) == 0 ||
	       strcmp(name, "CHATGPT_LOCAL_HOME") == 0;
}

static enum err read_command(struct config *c, const char *set,
			     const char **file, struct err_note *note)
{
	const char *eq = strchr(set, '=');
	char name[MAX_SETTING_NAME + 1];
	struct offer o = { name, eq ? eq + 1 : "", SOURCE_COMMAND, "--set" };

	if (!eq || !config_whole_name(span_of(NULL),
				      (struct span){ set, (size_t)(eq - set) }, name))
		return err_tell(note, ERR_CONFIG, "--set: wanted is NAME=VALUE, "
				"with the name of a setting.");
	if (strcmp(name, "CHATMOCK_CONFIG") == 0)
		*file = o.value;
	return is_apart(name) ? 0 : config_offer(c, &o, note);
}

static enum err read_variable(struct config *c, const char *pair, bool exact,
			      const char **file, struct err_note *note)
{
	const char *eq = strchr(pair, '=');
	struct span key = { pair, eq ? (size_t)(eq - pair) : 0 };
	char name[MAX_SETTING_NAME + 1] = "";
	struct offer o = { name, eq ? eq + 1 : "", SOURCE_ENVIRONMENT,
			   "the environment" };

	if (!text_starts_nocase(key, "CHATMOCK_") &&
	    !text_starts_nocase(key, "CODEX__") &&
	    !text_starts_nocase(key, "CHATGPT_LOCAL_"))
		return 0;
	if (memchr(key.ptr, '.', key.len) || !config_add_name(name, key)) {
		text_copy(name, sizeof(name), key);
		return exact ? config_offer(c, &o, note) : 0;
	}
	if (span_eq(key, name) != exact)
		return 0;
	if (strcmp(name, "CHATMOCK_CONFIG") == 0 && *o.value)
		*file = o.value;
	if (strcmp(name, "CHATGPT_LOCAL_HOME") == 0 && *o.value)
		c->chatgpt_local_home = o.value;
	return is_apart(name) ? 0 : config_offer(c, &o, note);
}

/* Other case first, so that the exact spelling has the last word. */
static enum err read_environment(struct config *c, char *const environ_[],
				 const char **file, struct err_note *note)
{
	for (int exact = 0; exact <= 1; exact++)
		for (size_t i = 0; environ_ && environ_[i]; i++)
			if (read_variable(c, environ_[i], exact, file, note))
				return note->code;
	return 0;
}

/* The state directory as known before any file was read. */
static enum err early_home(struct config *c, char *out, size_t size,
			   struct err_note *note)
{
	const struct given *g = &c->private->given[SETTING_home];
	const char *home = g->text ? g->text : config_settings[SETTING_home].dflt;
	struct err_note why = ERR_NOTE_INIT;

	if (file_expand(home, out, size, &why))
		return err_tell(note, ERR_CONFIG, "CHATMOCK_HOME (%s): %s.",
				g->text ? g->where : "default", why.why);
	return 0;
}

/* The path of the file there is into out; *there is false when there is none:
 * out is then where it would lie. */
static enum err find_file(struct config *c, const char *asked,
			  char out[PATH_MAX], bool *there, struct err_note *note)
{
	static const char common[] = "/etc/chatmock.conf";
	struct err_note why = ERR_NOTE_INIT;
	struct file_stamp stamp;
	char home[PATH_MAX];
	bool fits;

	if (asked && *asked) {
		if (file_expand(asked, out, PATH_MAX, &why))
			return err_tell(note, ERR_CONFIG, "CHATMOCK_CONFIG: %s.",
					why.why);
		*there = file_stat(out, &stamp);
		return 0;
	}
	if (early_home(c, home, sizeof(home), note))
		return note->code;
	fits = snprintf(out, PATH_MAX, "%s/chatmock.conf", home) < PATH_MAX;
	*there = fits && file_stat(out, &stamp);
	if (!*there && file_stat(common, &stamp)) {
		text_copy(out, PATH_MAX, span_of(common));
		*there = true;
	}
	return 0;
}

/* Reads the file there is; a file that was asked for by name must be there. */
static enum err read_file(struct config *c, const char *asked,
			  struct err_note *note)
{
	struct err_note why = ERR_NOTE_INIT;
	char path[PATH_MAX];
	bool there;

	if (find_file(c, asked, path, &there, note))
		return note->code;
	if (!there && !(asked && *asked))
		return 0;
	c->file = config_keep(c, span_of(path));
	if (!c->file)
		return err_set(note, ERR_NO_MEMORY, "settings");
	if (config_file_read(c, c->file, &why) == ERR_SYSTEM ||
	    why.code == ERR_TOO_LARGE)
		return err_tell(note, why.code == ERR_SYSTEM ? ERR_SYSTEM :
				ERR_CONFIG, "The settings file can not be read: %s; "
				"mend CHATMOCK_CONFIG, or the file.", why.why);
	if (why.code)
		*note = why;
	return note->code;
}

/* A variable that other programs share with us; NULL when unset or empty. */
static const char *shared_variable(char *const environ_[], const char *names)
{
	struct span rest = span_of(names), name;

	while (text_next(&rest, ',', &name))
		for (size_t i = 0; environ_ && environ_[i]; i++)
			if (strncmp(environ_[i], name.ptr, name.len) == 0 &&
			    environ_[i][name.len] == '=' &&
			    environ_[i][name.len + 1])
				return environ_[i] + name.len + 1;
	return NULL;
}

/* Copies what was borrowed from the environment. */
static enum err keep_shared(struct config *c, char *const environ_[],
			    struct err_note *note)
{
	const struct { const char **to, *from; } shared[] = {
		{ &c->ca_file, shared_variable(environ_,
				"CODEX_CA_CERTIFICATE,SSL_CERT_FILE") },
		{ &c->proxy, shared_variable(environ_,
				"HTTPS_PROXY,https_proxy,ALL_PROXY,all_proxy") },
		{ &c->no_proxy, shared_variable(environ_, "NO_PROXY,no_proxy") },
		{ &c->codex_home, shared_variable(environ_, "CODEX_HOME") },
		{ &c->chatgpt_local_home, c->chatgpt_local_home },
	};

	for (size_t i = 0; i < ARRAY_LEN(shared); i++) {
		if (!shared[i].from)
			continue;
		*shared[i].to = config_keep(c, span_of(shared[i].from));
		if (!*shared[i].to)
			return err_set(note, ERR_NO_MEMORY, "settings");
	}
	return 0;
}

static enum err read_values(struct config *c, struct err_note *note)
{
	for (size_t i = 0; i < SETTING__COUNT; i++) {
		const struct setting *s = &config_settings[i];
		const struct given *g = &c->private->given[i];
		const char *text = g->text ? g->text : s->dflt;

		if (*text && config_value(c, s, text,
					  g->text ? g->where : "default", note))
			return note->code;
	}
	return 0;
}

static bool ends_with(const char *s, const char *tail)
{
	size_t len = strlen(s), tail_len = strlen(tail);

	return len >= tail_len && strcmp(s + len - tail_len, tail) == 0;
}

static enum upstream_kind guess_kind(const struct config *c)
{
	struct span url = span_of(c->upstream_url);
	static const char host[] = "https://chatgpt.com";
	size_t len = sizeof(host) - 1;

	if (c->upstream_kind != KIND_GUESS)
		return (enum upstream_kind)c->upstream_kind;
	if (!url.len || ends_with(url.ptr, "/backend-api/codex"))
		return KIND_CHATGPT;
	if (text_starts_nocase(url, host) &&
	    (url.len == len || url.ptr[len] == '/' || url.ptr[len] == ':'))
		return KIND_CHATGPT;
	return KIND_RESPONSES;
}

/* What a file says that others may read is no secret. */
static void warn_of_open_file(struct config *c)
{
	const struct given *g = &c->private->given[SETTING_upstream_key];
	struct stat st;

	if (g->text && g->source == SOURCE_FILE && stat(c->file, &st) == 0 &&
	    (st.st_mode & 077))
		config_warn(c, "%s holds a key and may be read by others: "
			    "chmod 600 it.", c->file);
}

static enum err derive(struct config *c, struct err_note *note)
{
	struct buf url;

	c->kind = guess_kind(c);
	c->upstream_base = c->upstream_url ? c->upstream_url : c->codex_base_url;
	c->max_output_set = c->private->given[SETTING_max_output_fallback].text;
	buf_init(&url, MAX_SETTING_VALUE + 64);
	buf_fmt(&url, "%s/responses", c->upstream_base);
	c->responses_url = buf_err(&url) ? NULL : config_keep(c, buf_span(&url));
	buf_free(&url);
	if (!c->responses_url)
		return err_set(note, ERR_NO_MEMORY, "settings");
	warn_of_open_file(c);
	return 0;
}

enum err config_settle(struct config *c, struct err_note *note)
{
	return read_values(c, note) ? note->code : derive(c, note);
}

/* All sources but the file; *file is the one that was asked for, or NULL. */
static enum err read_outside(struct config *c, char *const environ_[],
			     const char *const *sets, size_t set_count,
			     const char **file, struct err_note *note)
{
	const char *file_set = NULL;

	*file = NULL;
	for (size_t i = 0; i < set_count; i++)
		if (read_command(c, sets[i], &file_set, note))
			return note->code;
	if (read_environment(c, environ_, file, note))
		return note->code;
	if (file_set)
		*file = file_set;
	return 0;
}

enum err config_read(struct config *c, char *const environ_[],
		     const char *const *sets, size_t set_count,
		     struct err_note *note)
{
	const char *file;

	if (config_begin(c, note) ||
	    read_outside(c, environ_, sets, set_count, &file, note) ||
	    keep_shared(c, environ_, note) || read_file(c, file, note) ||
	    config_settle(c, note))
		config_free(c);
	return note->code;
}

enum err config_file_path(char *const environ_[], const char *const *sets,
			  size_t set_count, char out[PATH_MAX], bool *there,
			  struct err_note *note)
{
	struct config c;
	const char *file;

	if (!config_begin(&c, note) &&
	    !read_outside(&c, environ_, sets, set_count, &file, note))
		find_file(&c, file, out, there, note);
	config_free(&c);
	return note->code;
}

bool config_given(const struct config *c, const char *name)
{
	unsigned rank;
	const struct setting *s = config_find(name, &rank);

	return s && c->private->given[s - config_settings].text;
}
