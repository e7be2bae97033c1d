/*
 * main.c - main of chatmock: which command is meant, its options, its
 * settings, its exit code.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include "../../shared/harden.h"
#include "../../shared/http.h"
#include "private.h"

#define MAX_HELP (1u << 20)

extern char **environ;

/* The programs lie beside the file that runs, whatever link led to it. */
static void find_bin(struct cli *cli)
{
	char path[sizeof(cli->bin)];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return;
	path[n] = '\0';
	snprintf(cli->bin, sizeof(cli->bin), "%s", dirname(path));
}

int cli_read_config(struct cli *cli)
{
	struct err_note note = ERR_NOTE_INIT;
	const char *file = cli_value(cli, "config");
	char named[PATH_MAX + 32];
	const char **sets;
	size_t n = cli->set_count;
	enum err err;

	config_free(&cli->config);
	sets = calloc(n + 1, sizeof(*sets));
	if (!sets)
		return cli_fail(cli, EX_OSERR, "out of memory");
	memcpy(sets, cli->sets, n * sizeof(*sets));
	if (file) {
		snprintf(named, sizeof(named), "CHATMOCK_CONFIG=%s", file);
		sets[n++] = named;
	}
	err = config_read(&cli->config, cli->environ_, sets, n, &note);
	free(sets);
	return err ? cli_fail_note(cli, &note) : 0;
}

static int run(struct cli *cli)
{
	int status = 0;

	if ((cli->command->flags & CLI_HTTP) && !http_global_init())
		return cli_fail(cli, EX_OSERR, "libcurl does not start");
	if (cli->command->flags & CLI_CONFIG)
		status = cli_read_config(cli);
	if (!status)
		status = cli->command->run(cli);
	cli_progress_end(cli);
	return status;
}

static int run_command(struct cli *cli, const char *const *words, size_t count)
{
	struct err_note note = ERR_NOTE_INIT;
	enum cli_act act = CLI_ACT_RUN;
	struct buf out;
	int status;

	if (cli_options_read(cli, words, count, &act, &note) &&
	    act != CLI_ACT_HELP)
		return cli_fail(cli, EX_USAGE, "%s", note.tell);
	cli_look(cli);
	if (act != CLI_ACT_HELP)
		return run(cli);
	buf_init(&out, MAX_HELP);
	cli_help_command(cli, cli->command, &out);
	cli_put(cli, &out);
	status = buf_err(&out) ? EX_OSERR : 0;
	buf_free(&out);
	return status;
}

/* What no command is: --help and --version, families, slips of the finger. */
static int run_other(struct cli *cli, const char *const *words, size_t count,
		     bool family)
{
	const char *first = count ? words[0] : "--help";
	const char *second = family && count > 1 ? words[1] : "--help";
	int status = count == 0 || (family && count == 1) ? EX_USAGE : 0;
	struct span near;
	struct buf out;

	if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
		cli_out(cli, "chatmock %s\n", CHATMOCK_VERSION);
		return 0;
	}
	buf_init(&out, MAX_HELP);
	if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
		cli_help_all(cli, &out);
	} else if (family && (strcmp(second, "--help") == 0 ||
			      strcmp(second, "-h") == 0)) {
		cli_help_family(cli, first, &out);
	} else {
		near = cli_command_near(words, count);
		status = cli_fail(cli, EX_USAGE, "there is no command %.60s%s%.60s"
				  "%s%.*s. See chatmock --help.", first,
				  family ? " " : "", family ? second : "",
				  near.len ? "; the nearest is " : "",
				  (int)near.len, near.ptr);
	}
	fwrite(out.ptr, 1, out.len, status ? stderr : stdout);
	buf_free(&out);
	return status;
}

/* chatmock-X ... is chatmock X ... */
static const char *name_behind(const char *argv0)
{
	static const char mine[] = "chatmock-";
	const char *slash = strrchr(argv0, '/'), *name = slash ? slash + 1 : argv0;

	return strncmp(name, mine, sizeof(mine) - 1) == 0 ?
		name + sizeof(mine) - 1 : NULL;
}

int main(int argc, char *argv[])
{
	struct cli cli = { .environ_ = environ };
	const char **words, *behind = argc ? name_behind(argv[0]) : NULL;
	size_t count = 0, used;
	int status;

	harden();
	signal(SIGPIPE, SIG_IGN);
	words = calloc((size_t)argc + 2, sizeof(*words));
	if (!words)
		return EX_OSERR;
	if (behind && *behind)
		words[count++] = behind;
	for (int i = 1; i < argc; i++)
		words[count++] = argv[i];
	find_bin(&cli);
	cli_look(&cli);
	cli.command = cli_command_find(words, count, &used);
	status = cli.command ?
		run_command(&cli, words + used, count - used) :
		run_other(&cli, words, count, used > 0);
	if ((fflush(stdout) || ferror(stdout)) && !status)
		status = errno == EPIPE ? 0 : cli_fail(&cli, EX_IOERR,
			"what was said could not be written: %s", strerror(errno));
	config_free(&cli.config);
	cli_options_free(&cli);
	free(words);
	return status;
}
