/*
 * login_renew_help.h - one renewal of the login in a place, for tests.
 */
#ifndef CHATMOCK_LOGIN_RENEW_HELP_H
#define CHATMOCK_LOGIN_RENEW_HELP_H

#include "login_fixture.h"

static inline enum err renew(struct place *p, struct login *l, const char *refused,
			     struct err_note *note)
{
	*note = ERR_NOTE_INIT;
	return login_renew(&p->c, &p->http, l, refused,
			   refused ? "unauthorized_recovery" : "proactive_expiry",
			   2000, note);
}

/* Reads the login anew and renews it. The caller frees l. */
static inline enum err read_and_renew(struct place *p, struct login *l,
				      struct err_note *note)
{
	enum err err;

	*note = ERR_NOTE_INIT;
	err = login_read(&p->c, l, note);
	return err ? err : renew(p, l, NULL, note);
}

/* No name in the directory but these: no temporary file was left behind. */
static inline bool is_tidy(const struct place *p)
{
	char line[256];
	bool tidy = true;
	int ends[2];
	FILE *names;
	pid_t pid;

	if (pipe(ends) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		execlp("ls", "ls", "-A", p->chatmock, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	names = fdopen(ends[0], "r");
	while (names && fgets(line, sizeof(line), names))
		tidy &= strcmp(line, "auth.json\n") == 0 ||
			strcmp(line, "auth.json.lock\n") == 0 ||
			strcmp(line, "auth.json.refused\n") == 0;
	if (names)
		fclose(names);
	waitpid(pid, NULL, 0);
	return tidy;
}

/* The tests one after the other, with one place and one issuer. */
static inline void run_tests(void (*const tests[])(struct place *p,
						   struct issuer *s),
			     size_t count)
{
	struct issuer *s = issuer_start();
	struct place p;

	signal(SIGXFSZ, SIG_IGN);
	http_global_init();
	place_make(&p, s->port);
	for (size_t i = 0; i < count; i++)
		tests[i](&p, s);
	place_free(&p);
	issuer_stop(s);
}

#endif
