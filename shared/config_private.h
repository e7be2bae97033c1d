/*
 * config_private.h - what the config_*.c files share; nobody else includes it.
 */
#ifndef CHATMOCK_CONFIG_PRIVATE_H
#define CHATMOCK_CONFIG_PRIVATE_H

#include "config.h"
#include "config_edit.h"

#define MAX_SETTING_NAME	64
#define MAX_SETTING_VALUE	4096
#define MAX_ALIASES		1000	/* lines of [models] */
#define MAX_WARNINGS		64

enum setting_type { TYPE_STR, TYPE_PATH, TYPE_URL, TYPE_BOOL, TYPE_INT,
		    TYPE_MILLIS, TYPE_ENUM, TYPE_LIST, TYPE_SECRET };

struct setting {
	enum setting_type type;
	size_t offset;			/* of the member of struct config */
	const char *name, *alias, *dflt;
	int64_t min, max;
	const char *values, *help;
};

/* The line numbers of CONFIG_TABLE. */
enum setting_index {
#define X(field, type, name, alias, dflt, min, max, values, help) SETTING_##field,
	CONFIG_TABLE(X)
#undef X
	SETTING__COUNT
};

extern const struct setting config_settings[SETTING__COUNT];

/* Sources, strongest first; SOURCE_NONE: the default stands. */
enum config_source { SOURCE_COMMAND, SOURCE_ENVIRONMENT, SOURCE_FILE, SOURCE_NONE };

/* The strongest value that a setting was given so far. */
struct given {
	const char *text;		/* NULL: none */
	const char *where;		/* "CHATMOCK_PORT in the environment" */
	enum config_source source;
	unsigned rank;			/* 0: its name, 1...: its aliases */
};

struct config_private {
	struct given given[SETTING__COUNT];
	char **owned;			/* every string, wiped when freed */
	size_t owned_count, owned_size;
	struct config_alias *aliases;
	size_t alias_size;
	const char *warnings[MAX_WARNINGS];
};

/* What one of the sources says. name is upper case and whole. */
struct offer {
	const char *name, *value;
	enum config_source source;
	const char *where;		/* "the environment", "/etc/chatmock.conf line 3" */
};

/* A copy that lives as long as the config; NULL: no memory. */
char *config_keep(struct config *c, struct span s);
void config_warn(struct config *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Takes an offer: the strongest of a setting stays. ERR_CONFIG for unknown
 * names. */
MUST_USE enum err config_offer(struct config *c, const struct offer *o,
			       struct err_note *note);

/*
 * The whole name in upper case for one as people write it in files and after
 * --set: "port", "codex.enabled", "CODEX__OAUTH__CLIENT_ID". section: "codex"
 * or "". False when it can not be one.
 */
bool config_whole_name(struct span section, struct span key,
		       char out[MAX_SETTING_NAME + 1]);

/* Appends part in upper case, '.' as "__", '-' as '_'. */
bool config_add_name(char out[MAX_SETTING_NAME + 1], struct span part);

/* The setting of this whole name and how it was named; NULL: none. */
const struct setting *config_find(const char *name, unsigned *rank);

/* Turns text into the member. ERR_CONFIG; words are put as "NAME (WHERE):
 * what is wanted". */
MUST_USE enum err config_value(struct config *c, const struct setting *s,
			       const char *text, const char *where,
			       struct err_note *note);

/* One line of a settings file, taken apart. Spans borrow from the line. */
struct config_line {
	enum { LINE_EMPTY, LINE_SECTION, LINE_SETTING, LINE_WRONG } kind;
	struct span key;	/* a setting's name, or the section's ("": the
				 * one without a name) */
	struct span value;	/* without quotes and comment */
	struct span whole;	/* the value with its quotes */
	const char *fault;	/* what is wrong with LINE_WRONG */
};
void config_line_read(struct span line, struct config_line *out);

/* The next line of *rest with its end; false behind the last. A text begins
 * behind its byte order mark. */
bool config_next_line(struct span *rest, struct span *line);
struct span config_text_begin(struct span text);

/* Offers what the text of a settings file says; path is for refusals. */
MUST_USE enum err config_text_read(struct config *c, const char *path,
				   struct span text, struct err_note *note);

/* Looks at each line on its own; all that is wrong is told. Returns how many
 * lines were. c is an empty one with its private part. */
size_t config_text_check(struct config *c, const char *path, struct span text,
			 config_fault_fn told, void *ctx);

/* What was gathered becomes values, and what follows from them. */
MUST_USE enum err config_settle(struct config *c, struct err_note *note);

/* c with nothing gathered yet. ERR_NO_MEMORY. */
MUST_USE enum err config_begin(struct config *c, struct err_note *note);

/* Reads the INI file at path and offers what it says. */
MUST_USE enum err config_file_read(struct config *c, const char *path,
				   struct err_note *note);

/* Adds a line of [models]; where is for the words of a refusal. */
MUST_USE enum err config_alias_add(struct config *c, struct span pattern,
				   struct span model, const char *where,
				   struct err_note *note);

/* The words of a setting's type for an error: "a number from 1 to 65535". */
void config_want(const struct setting *s, struct buf *out);

#endif
