#include "web.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../shared/file.h"

#define MAX_SAMPLE (256u << 10)
#define MOST_FDS 131072

static const struct web webs[] = {
	{ "lighttpd", "lighttpd", "lighttpd.conf.sample", "run/lighttpd.conf",
	  SIGINT, SIGUSR1 },
	{ "nginx", "nginx", "deploy/nginx.conf.sample", "run/nginx.conf",
	  SIGQUIT, SIGHUP },
	{ "apache", "apache2", "deploy/apache.conf.sample", "run/apache.conf",
	  SIGWINCH, SIGUSR1 },
};

const struct web *web_at(int index)
{
	return &webs[(size_t)index < ARRAY_LEN(webs) ? (size_t)index : 0];
}

const struct web *web_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(webs); i++)
		if (strcmp(webs[i].name, name) == 0)
			return &webs[i];
	return NULL;
}

void web_command(const struct web *w, const char *home, struct web_line *line)
{
	const char **at = line->argv;

	place_in(&line->conf, home, w->conf);
	*at++ = w->program;
	if (w->finish == SIGQUIT) {	/* nginx is in the foreground by conf */
		*at++ = "-e";
		*at++ = place_in(&line->log, home, "log/nginx.log");
		*at++ = "-c";
		*at++ = line->conf.s;
		/* else its workers were another user, who may not reach us */
		if (geteuid() == 0) {
			*at++ = "-g";
			*at++ = "user root;";
		}
	} else if (w->finish == SIGWINCH) {
		*at++ = "-D";
		*at++ = "FOREGROUND";
		*at++ = "-f";
		*at++ = line->conf.s;
	} else {
		*at++ = "-D";
		*at++ = "-f";
		*at++ = line->conf.s;
	}
	*at = NULL;
}

/* A stream takes two descriptors: all that we may have, within reason. */
static unsigned long long most_fds(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_max > MOST_FDS)
		return MOST_FDS;
	return limit.rlim_max;
}

static void put_place(const struct config *c, struct span name, struct buf *out)
{
	bool bare = strchr(c->bind, ':') && c->bind[0] != '[';

	if (span_eq(name, "HOME"))
		buf_str(out, c->home);
	else if (span_eq(name, "BIND"))
		buf_fmt(out, "%s%s%s", bare ? "[" : "", c->bind, bare ? "]" : "");
	else if (span_eq(name, "PORT"))
		buf_int(out, c->port);
	else if (span_eq(name, "MAX_FDS"))
		buf_fmt(out, "%llu", most_fds());
	else
		buf_fmt(out, "@%.*s@", (int)name.len, name.ptr);
}

enum err web_fill(const struct web *w, const struct config *c,
		  const char *samples, struct buf *out, struct err_note *note)
{
	const char *at, *open, *close;
	struct place path;
	struct buf text;

	if (w->finish == SIGWINCH && geteuid() == 0)
		return err_tell(note, ERR_CONFIG, "Apache does not serve as root; "
				"use a user of its own, or another "
				"CHATMOCK_WEB_SERVER");
	buf_init(&text, MAX_SAMPLE);
	if (file_read(place_in(&path, samples, w->sample), &text, NULL, note))
		goto out;
	at = text.ptr;
	while ((open = strchr(at, '@')) && (close = strchr(open + 1, '@'))) {
		struct span name = { open + 1, (size_t)(close - open - 1) };

		buf_add(out, at, (size_t)(open - at));
		put_place(c, name, out);
		at = close + 1;
	}
	buf_str(out, at);
	if (buf_err(out))
		err_set(note, buf_err(out), "the web server's configuration");
out:
	buf_free(&text);
	return note->code;
}
