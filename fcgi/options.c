#include "options.h"

#include <stdlib.h>

static const struct option_line {
	const char *word;
	enum act act;
	const char *argument;		/* its name, or NULL */
	const char *help;
} lines[] = {
	{ "--set", ACT_SERVE, "NAME=VALUE",
	  "a setting, stronger than environment and file; repeatable" },
	{ "--check", ACT_CHECK, NULL,
	  "look for what would keep it from serving, a line each" },
	{ "--before-start", ACT_CHECK_START, NULL,
	  "the same, and whether port, socket and programs are there for it" },
	{ "--report", ACT_REPORT, NULL,
	  "health.fcgi alone: what it would say at /health, without asking it" },
	{ "--passes", ACT_PASSES, NULL,
	  "with either: what is in order, too" },
	{ "--settings", ACT_SETTINGS, NULL,
	  "all settings in effect and where they came from, secrets masked" },
	{ "--get", ACT_GET, "NAME", "the value of one setting, secrets masked" },
	{ "--login-file", ACT_LOGIN_FILE, NULL,
	  "the path of the ChatGPT login in use; exit code 1 when there is none" },
	{ "--settings-markdown", ACT_SETTINGS_MARKDOWN, NULL,
	  "the table of settings for README" },
	{ "--routes-markdown", ACT_ROUTES_MARKDOWN, NULL,
	  "the table of routes for README" },
	{ "--errors-markdown", ACT_ERRORS_MARKDOWN, NULL,
	  "the table of errors for README" },
	{ "--version", ACT_VERSION, NULL, "its version" },
	{ "--help", ACT_HELP, NULL, "this text" },
};

static const struct option_line *find(struct span word)
{
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (span_eq(word, lines[i].word))
			return &lines[i];
	return NULL;
}

/* "--set X" and "--set=X" alike; *at moves past the argument. */
static enum err take(struct options *o, char *const argv[], int *at,
		     struct err_note *note)
{
	const char *given = argv[*at], *eq = strchr(given, '=');
	struct span word = span_of(given);
	const struct option_line *line;
	const char *argument = NULL;

	if (eq)
		word.len = (size_t)(eq - given);
	line = find(word);
	if (!line)
		return err_tell(note, ERR_CONFIG, "There is no option %.80s; --help "
				"names those there are.", given);
	if (!line->argument && eq)
		return err_tell(note, ERR_CONFIG, "%s takes no value.", line->word);
	if (line->argument) {
		argument = eq ? eq + 1 : argv[*at + 1];
		*at += !eq;
		if (!argument)
			return err_tell(note, ERR_CONFIG, "%s wants %s.", line->word,
					line->argument);
	}
	if (line->act == ACT_SERVE)
		o->sets[o->set_count++] = argument;
	else if (line->act == ACT_GET)
		o->name = argument;
	else if (line->act == ACT_PASSES)
		o->passes = true;
	if (line->act != ACT_SERVE && line->act != ACT_PASSES)
		o->act = line->act;
	return ERR_OK;
}

enum err options_read(struct options *o, int argc, char *const argv[],
		      struct err_note *note)
{
	static const char check[] = "chatmock-check";
	const char *name = argc ? strrchr(argv[0], '/') : NULL;
	enum err err = ERR_OK;

	*o = (struct options){ .act = ACT_SERVE };
	if (argc && strcmp(name ? name + 1 : argv[0], check) == 0)
		o->act = ACT_CHECK;
	o->sets = calloc((size_t)argc + 1, sizeof(*o->sets));
	if (!o->sets)
		return err_set(note, ERR_NO_MEMORY, "options");
	for (int i = 1; i < argc && !err; i++)
		err = take(o, argv, &i, note);
	return err;
}

void options_free(struct options *o)
{
	free(o->sets);
	*o = (struct options){ 0 };
}

void options_help(struct buf *out)
{
	buf_str(out, "chatmock.fcgi " CHATMOCK_VERSION " - OpenAI's chat API on top "
		"of one Responses upstream, over FastCGI.\n\n"
		"Started by a web server's side: spawn-fcgi -n -s SOCKET -M 0600 "
		"-b 4096 -- chatmock.fcgi [--set NAME=VALUE]\n"
		"(`make run` does that), or as plain CGI. Called as "
		"chatmock-check it does --check.\n\n");
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char word[40];

		snprintf(word, sizeof(word), "%s %s", lines[i].word,
			 lines[i].argument ? lines[i].argument : "");
		buf_fmt(out, "  %-22s %s\n", word, lines[i].help);
	}
	buf_str(out, "\nSignals: TERM finish and end, twice at once; HUP reload; "
		"USR1 reopen the logs.\n");
}
