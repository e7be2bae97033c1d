/* jobs.c - the table of jobs, and the words they say; see jobs.h. */
#include "jobs.h"

#include <stdarg.h>

/* The login first: the others may need it. Who may renew it, is whole. */
static const struct fetch_job jobs[] = {
	{ "login", "renews the ChatGPT login ahead of its expiry", job_login,
	  true },
	{ "models", "asks upstream which models there are", job_models, true },
	{ "prompts", "gets the system prompts that may be put into requests",
	  job_prompts, false },
	{ "limits", "asks what the plan still allows, where no answer told it",
	  job_limits, false },
	{ "prune", "removes what was left over", job_prune, false },
};

const struct fetch_job *fetch_job_at(size_t i)
{
	return i < ARRAY_LEN(jobs) ? &jobs[i] : NULL;
}

const struct fetch_job *fetch_job_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
		if (strcmp(jobs[i].name, name) == 0)
			return &jobs[i];
	return NULL;
}

static void PRINTF_LIKE(2, 0) say(struct fetch_run *run, const char *fmt,
				  va_list args)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, args);
	if (run->did.len)
		buf_str(&run->did, "; ");
	buf_str(&run->did, text);
}

void fetch_did(struct fetch_run *run, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(run, fmt, args);
	va_end(args);
	run->idle = false;
}

void fetch_idle(struct fetch_run *run, const char *fmt, ...)
{
	va_list args;

	run->idle = run->did.len == 0 || run->idle;
	va_start(args, fmt);
	say(run, fmt, args);
	va_end(args);
}
