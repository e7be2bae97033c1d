/* check.c - the self-check: its table, and how a finding is said. */
#include "check_private.h"

#include <stdarg.h>
#include <stdio.h>

#define STARTING true

/* The settings first: what they say wrongly the others would only repeat. */
static const struct {
	void (*run)(struct findings *f);
	bool starting;			/* only before a start */
} checks[] = {
	{ check_times, false },
	{ check_numbers, false },
	{ check_aliases, false },
	{ check_hosts, false },
	{ check_version, false },
	{ check_idle_settings, false },
	{ check_upstream, false },
	{ check_issuer, false },
	{ check_proxy, false },
	{ check_ca, false },
	{ check_key, false },
	{ check_home, false },
	{ check_keys, false },
	{ check_logs, false },
	{ check_caches, false },
	{ check_space, false },
	{ check_login, false },
	{ check_socket, false },
	{ check_socket_path, false },
	{ check_port, STARTING },
	{ check_programs, STARTING },
	{ check_descriptors, false },
	{ check_clock, false },
	{ check_user, false },
	{ check_name, false },
};

static void finding(struct buf *out, const char *kind, const char *fmt,
		    va_list args) PRINTF_LIKE(3, 0);

static void finding(struct buf *out, const char *kind, const char *fmt,
		    va_list args)
{
	char line[1024];

	vsnprintf(line, sizeof(line), fmt, args);
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	buf_fmt(out, "%s: %s\n", kind, line);
}

void check_fault(struct findings *f, int status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	finding(f->out, "fault", fmt, args);
	va_end(args);
	if (!f->status)
		f->status = status;
}

void check_warn(struct findings *f, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	finding(f->out, "warning", fmt, args);
	va_end(args);
}

int check_code(int error, int other)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return EX_NOPERM;
	case ENOENT:
		return EX_NOINPUT;
	default:
		return other;
	}
}

int check_unread(enum err err, const struct err_note *note, struct buf *out)
{
	int status = err == ERR_SYSTEM ? check_code(errno, EX_NOINPUT)
				       : EX_CONFIG;

	buf_fmt(out, "fault: %s\n", note->tell[0] ? note->tell : note->why);
	return status;
}

static int run(const struct config *c, bool starting, struct buf *out)
{
	struct findings f = { .config = c, .out = out, .starting = starting };

	for (size_t i = 0; i < c->warning_count; i++)
		check_warn(&f, "%s", c->warnings[i]);
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (starting || !checks[i].starting)
			checks[i].run(&f);
	return f.status;
}

int check_all(const struct config *c, struct buf *out)
{
	return run(c, false, out);
}

int check_before_start(const struct config *c, struct buf *out)
{
	return run(c, true, out);
}
