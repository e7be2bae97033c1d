#include "options.h"

#include <stdlib.h>

enum word { WORD_JOB, WORD_FORCE, WORD_NOW, WORD_LIST, WORD_SET, WORD_VERSION,
	    WORD_HELP, WORD_PAGE };

static const struct option_line {
	const char *name;
	enum word word;
	const char *argument;		/* its name, or NULL */
	const char *help;
} lines[] = {
	{ "--job", WORD_JOB, "NAME", "this job alone; repeatable" },
	{ "--force", WORD_FORCE, NULL, "whether it is due or not, and at once" },
	{ "--now", WORD_NOW, NULL, "at once: no random pause at the start" },
	{ "--list", WORD_LIST, NULL, "the jobs, and what they do" },
	{ "--set", WORD_SET, "NAME=VALUE",
	  "a setting, stronger than environment and file; repeatable" },
	{ "--version", WORD_VERSION, NULL, "its version" },
	{ "--help", WORD_HELP, NULL, "this text" },
	{ "--page", WORD_PAGE, NULL, "options and jobs, for the manual page" },
};

static const struct option_line *find(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (span_eq(name, lines[i].name))
			return &lines[i];
	return NULL;
}

static void apply(struct fetch_options *o, enum word word, const char *argument)
{
	switch (word) {
	case WORD_JOB:	   o->jobs[o->job_count++] = argument; break;
	case WORD_SET:	   o->sets[o->set_count++] = argument; break;
	case WORD_FORCE:   o->force = true; break;
	case WORD_NOW:	   o->now = true; break;
	case WORD_LIST:	   o->act = FETCH_LIST; break;
	case WORD_VERSION: o->act = FETCH_VERSION; break;
	case WORD_HELP:	   o->act = FETCH_HELP; break;
	case WORD_PAGE:	   o->act = FETCH_PAGE; break;
	}
}

/* "--job X" and "--job=X" alike; *at moves past the argument. */
static enum err take(struct fetch_options *o, char *const argv[], int *at,
		     struct err_note *note)
{
	const char *given = argv[*at], *eq = strchr(given, '=');
	struct span name = span_of(given);
	const struct option_line *line;
	const char *argument = NULL;

	if (eq)
		name.len = (size_t)(eq - given);
	line = find(name);
	if (!line)
		return err_tell(note, ERR_CONFIG, "There is no option %.80s; "
				"--help names those there are.", given);
	if (!line->argument && eq)
		return err_tell(note, ERR_CONFIG, "%s takes no value.", line->name);
	if (line->argument) {
		argument = eq ? eq + 1 : argv[*at + 1];
		*at += !eq;
		if (!argument)
			return err_tell(note, ERR_CONFIG, "%s wants %s.",
					line->name, line->argument);
	}
	apply(o, line->word, argument);
	return ERR_OK;
}

enum err fetch_options_read(struct fetch_options *o, int argc,
			    char *const argv[], struct err_note *note)
{
	enum err err = ERR_OK;

	*o = (struct fetch_options){ .act = FETCH_RUN };
	o->jobs = calloc((size_t)argc + 1, sizeof(*o->jobs));
	o->sets = calloc((size_t)argc + 1, sizeof(*o->sets));
	if (!o->jobs || !o->sets)
		return err_set(note, ERR_NO_MEMORY, "options");
	for (int i = 1; i < argc && !err; i++)
		err = take(o, argv, &i, note);
	return err;
}

void fetch_options_free(struct fetch_options *o)
{
	free(o->jobs);
	free(o->sets);
	*o = (struct fetch_options){ 0 };
}

void fetch_options_help(struct buf *out)
{
	buf_str(out, "chatmock-fetch " CHATMOCK_VERSION " - one run that keeps the "
		"gateway's files fresh.\n\n"
		"For cron, every ten minutes; settings as chatmock.fcgi has "
		"them.\n\n");
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char name[40];

		snprintf(name, sizeof(name), "%s %s", lines[i].name,
			 lines[i].argument ? lines[i].argument : "");
		buf_fmt(out, "  %-18s %s\n", name, lines[i].help);
	}
	buf_str(out, "\nEnds with 0, with 100 when it was called wrongly or the "
		"settings are wrong,\nwith 111 when a job failed that the next "
		"run tries again.\n");
}

void fetch_options_page(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		buf_fmt(out, ".TP\n.B \\-\\-%s", lines[i].name + 2);
		if (lines[i].argument)
			buf_fmt(out, " \\fI%s\\fP", lines[i].argument);
		buf_fmt(out, "\n%s.\n", lines[i].help);
	}
}
