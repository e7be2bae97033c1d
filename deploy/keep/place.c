#include "place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../shared/file.h"

const char *place_in(struct place *p, const char *home, const char *name)
{
	if (snprintf(p->s, sizeof(p->s), "%s/%s", home, name) >= (int)sizeof(p->s))
		p->s[sizeof(p->s) - 1] = '\0';
	return p->s;
}

enum err place_check(const struct config *c, struct err_note *note)
{
	size_t room = sizeof(((struct sockaddr_un *)0)->sun_path);
	struct place p;

	if (strpbrk(c->home, "\"\\\n"))
		return err_tell(note, ERR_CONFIG,
				"CHATMOCK_HOME %.200s has a quote, a backslash or a "
				"line break in it, which web servers can not be told",
				c->home);
	if (strlen(place_in(&p, c->home, "run/chatmock.sock")) >= room)
		return err_tell(note, ERR_CONFIG,
				"the socket's path %.200s is %zu bytes long and only "
				"%zu are possible; choose a shorter CHATMOCK_HOME",
				p.s, strlen(p.s), room - 1);
	return ERR_OK;
}

enum err place_make(const char *home, struct err_note *note)
{
	static const char *const names[] = { "run/tmp", "run/www", "log" };
	struct place p;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (file_make_dir(place_in(&p, home, names[i]), note))
			return note->code;
	return ERR_OK;
}

bool place_samples(const char *bin, struct place *p)
{
	/* in the tree, its sanitized build, installed */
	static const char *const up[] = { "../..", "../../..",
					  "../../share/chatmock" };
	char *real = realpath(bin, NULL);
	struct place file;
	bool found = false;

	for (size_t i = 0; real && !found && i < ARRAY_LEN(up); i++) {
		place_in(p, real, up[i]);
		found = access(place_in(&file, p->s, "lighttpd.conf.sample"),
			       R_OK) == 0;
	}
	free(real);
	return found;
}

bool place_is_wide(const char *bind)
{
	return strcmp(bind, "0.0.0.0") == 0 || strcmp(bind, "*") == 0 ||
	       strcmp(bind, "::") == 0 || strcmp(bind, "[::]") == 0;
}

void place_url(const char *bind, int64_t port, char *out, size_t size)
{
	bool any = place_is_wide(bind);
	bool bare = !any && strchr(bind, ':') && bind[0] != '[';

	snprintf(out, size, "http://%s%s%s:%lld", bare ? "[" : "",
		 any ? "127.0.0.1" : bind, bare ? "]" : "", (long long)port);
}

enum err place_link(const char *link, const char *target, struct err_note *note)
{
	struct place beside;

	if (snprintf(beside.s, sizeof(beside.s), "%s.new.%d", link,
		     (int)getpid()) >= (int)sizeof(beside.s))
		return err_set(note, ERR_SYSTEM, "the path %s is too long", link);
	unlink(beside.s);
	if (symlink(target, beside.s) == 0 && rename(beside.s, link) == 0)
		return ERR_OK;
	err_set(note, ERR_SYSTEM, "making the link %s: %s", link,
		strerror(errno));
	unlink(beside.s);
	return ERR_SYSTEM;
}
