/*
 * builds_switch.c - from one build to another, and back when it is not good.
 */
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../shared/file.h"
#include "builds.h"

#define SETTLE_MS 3000		/* workers that crash do so at once */
#define BACK_MS 300
#define MAX_SETTINGS (1u << 20)

/* The file in effect, or the one that would be. */
static const char *settings_file(const struct cli *cli, struct place *p)
{
	return cli->config.file ? cli->config.file :
	       place_in(p, cli->config.home, "chatmock.conf");
}

enum err build_keep_settings(const struct cli *cli, const char *id,
			     struct err_note *note)
{
	const char *home = cli->config.home;
	struct place kept, none, own;
	struct buf text;

	build_path(&kept, home, id, "settings");
	build_path(&none, home, id, "no-settings");
	buf_init(&text, MAX_SETTINGS);
	if (!file_read(settings_file(cli, &own), &text, NULL, note)) {
		unlink(none.s);
		(void)!file_replace(kept.s, 0600, buf_span(&text), note);
	} else if (errno == ENOENT) {
		err_clear(note);
		unlink(kept.s);
		(void)!file_replace(none.s, 0600, SPAN(""), note);
	}
	buf_free(&text);
	return note->code;
}

enum err build_restore_settings(const struct cli *cli, const char *id,
				struct err_note *note)
{
	const char *home = cli->config.home, *file;
	struct place kept, none, own;
	struct stat st = { .st_mode = 0600 };
	struct buf text;

	file = settings_file(cli, &own);
	build_path(&none, home, id, "no-settings");
	if (access(none.s, F_OK) == 0) {
		if (unlink(file) && errno != ENOENT)
			err_set(note, ERR_SYSTEM, "removing %s: %s", file,
				strerror(errno));
		return note->code;
	}
	build_path(&kept, home, id, "settings");
	if (access(kept.s, F_OK))
		return ERR_OK;
	if (stat(file, &st))
		st.st_mode = 0600;
	buf_init(&text, MAX_SETTINGS);
	if (!file_read(kept.s, &text, NULL, note))
		(void)!file_replace(file, st.st_mode & 0777, buf_span(&text), note);
	buf_free(&text);
	return note->code;
}

int build_check(struct cli *cli, const char *id)
{
	static const char *const names[] = { "lib/chatmock/chatmock.fcgi",
					     "lib/chatmock/health.fcgi" };
	char version[] = "--version";
	struct place program;
	char *argv[] = { program.s, version, NULL };
	struct buf said;
	int status = 0;

	for (size_t i = 0; i < ARRAY_LEN(names) && !status; i++)
		status = ops_check(cli, build_path(&program, cli->config.home, id,
						   names[i]), "--check");
	if (status)
		return status;
	/* the keeper becomes it: it has to run at all */
	buf_init(&said, 4096);
	build_path(&program, cli->config.home, id, "lib/chatmock/chatmock");
	status = cli_run(cli, argv, &said, &said);
	buf_free(&said);
	return status;
}

static int link_to(struct cli *cli, const char *id, struct buf *why)
{
	struct err_note note = ERR_NOTE_INIT;
	struct place link, programs;

	if (!place_link(place_in(&link, cli->config.home, "run/programs"),
			build_path(&programs, cli->config.home, id,
				   "lib/chatmock"), &note))
		return 0;
	buf_str(why, note.why);
	return EX_CANTCREAT;
}

int build_switch(struct cli *cli, const char *from, const char *to,
		 struct buf *why)
{
	struct proc keeper;
	struct buf ignored;
	int status = link_to(cli, to, why);

	if (status || !ops_keeper(cli, &keeper))
		return status;
	status = ops_reload(cli, &keeper, SETTLE_MS, why);
	if (!status) {
		proc_signal(&keeper, SIGUSR1);
		return 0;
	}
	buf_init(&ignored, 8192);
	if (link_to(cli, from, &ignored) ||
	    ops_reload(cli, &keeper, BACK_MS, &ignored))
		cli_warn(cli, "going back did not go well either: %s; chatmock "
			 "restart", ignored.ptr);
	buf_free(&ignored);
	return EX_SOFTWARE;
}
