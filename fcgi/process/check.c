/* check.c - the self-check: its table, and how a finding is said. */
#include "check_private.h"

#include <stdarg.h>
#include <stdio.h>

#define STARTING true

/* The settings first: what they say wrongly the others would only repeat. */
static const struct {
	void (*run)(struct findings *f);
	bool starting;			/* only before a start */
	const char *what;		/* what is in order when it says nothing */
} checks[] = {
	{ check_times, false, "the time limits fit each other" },
	{ check_numbers, false, "the numbers are sensible" },
	{ check_aliases, false, "the names of [models] lead to models" },
	{ check_hosts, false, "the names of CHATMOCK_ALLOWED_HOSTS are needed and enough" },
	{ check_version, false, "the version told to upstream" },
	{ check_idle_settings, false, "every setting has an effect" },
	{ check_upstream, false, "the URL of upstream" },
	{ check_issuer, false, "the issuer of the login" },
	{ check_proxy, false, "the proxy" },
	{ check_ca, false, "the CA bundle" },
	{ check_key, false, "upstream's key" },
	{ check_home, false, "the state directory" },
	{ check_keys, false, "the keys of callers" },
	{ check_logs, false, "the logs can be written" },
	{ check_caches, false, "the caches can be written" },
	{ check_space, false, "there is room on the disk" },
	{ check_login, false, "the login" },
	{ check_socket, false, "the socket" },
	{ check_socket_path, false, "the socket's path" },
	{ check_port, STARTING, "the port is free" },
	{ check_programs, STARTING, "the programs are installed" },
	{ check_descriptors, false, "the limit of open files" },
	{ check_clock, false, "the clock" },
	{ check_user, false, "who runs it" },
	{ check_name, false, "upstream's name" },
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

	buf_fmt(out, "fault: %s\n", err_words(note));
	return status;
}

static int run(const struct config *c, bool starting, bool passes,
	       struct buf *out)
{
	struct findings f = { .config = c, .out = out, .starting = starting };

	for (size_t i = 0; i < c->warning_count; i++)
		check_warn(&f, "%s", c->warnings[i]);
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		size_t before = out->len;

		if (!starting && checks[i].starting)
			continue;
		checks[i].run(&f);
		if (passes && out->len == before)
			buf_fmt(out, "pass: %s\n", checks[i].what);
	}
	return f.status;
}

int check_all(const struct config *c, struct buf *out)
{
	return run(c, false, false, out);
}

int check_before_start(const struct config *c, struct buf *out)
{
	return run(c, true, false, out);
}

int check_tell(const struct config *c, bool starting, struct buf *out)
{
	return run(c, starting, true, out);
}
