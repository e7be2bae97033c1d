/*
 * start_try.c - `chatmock start --try`: what a newcomer meets. A local demo
 * answers where there is nobody else to ask, a line to copy is shown as soon
 * as the gateway answers, and little waits at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/login_file.h"
#include "../../shared/text.h"
#include "start_try.h"

#define DEMO_MS 5000
#define READY_US 60000000
#define PAUSE_US 50000
#define DRAIN_S "2"

/* --- the demo */

static void be_demo(const char *program, int out, pid_t parent)
{
	char name[] = "chatmock-demo-upstream", demo[] = "--demo",
	     port[] = "--port", any[] = "0";
	char *argv[] = { name, demo, port, any, NULL };

	setsid();	/* Ctrl-C is for us: streams end before who feeds them */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || dup2(out, STDOUT_FILENO) < 0)
		_exit(EX_TEMPFAIL);
	execv(program, argv);
	dprintf(STDERR_FILENO, "chatmock: %s: %s\n", program, strerror(errno));
	_exit(EX_UNAVAILABLE);
}

/* "listening on URL"; false: it ended, or says nothing. */
static bool read_url(int fd, char *url, size_t size)
{
	static const char before[] = "listening on ";
	int64_t until = clock_mono_us() + DEMO_MS * 1000;
	char line[256];
	size_t len = 0;

	while (len < sizeof(line) - 1 && !memchr(line, '\n', len) &&
	       clock_mono_us() < until) {
		ssize_t n = read(fd, line + len, sizeof(line) - 1 - len);

		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		len += n > 0 ? (size_t)n : 0;
	}
	line[len] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return strncmp(line, before, sizeof(before) - 1) == 0 &&
		snprintf(url, size, "%s", line + sizeof(before) - 1) < (int)size;
}

/* It ends when we do. */
static int start_demo(struct cli *cli)
{
	char program[sizeof(cli->bin) + 64], url[160];
	pid_t self = getpid(), pid;
	int pipe_[2];
	bool good;

	if (!cli_program(cli, "chatmock-demo-upstream", program, sizeof(program)))
		return cli_fail(cli, EX_NOINPUT, "%s is not there; run make",
				program);
	if (pipe2(pipe_, O_CLOEXEC))
		return cli_fail(cli, EX_OSERR, "pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0)
		be_demo(program, pipe_[1], self);
	close(pipe_[1]);
	good = pid > 0 && read_url(pipe_[0], url, sizeof(url));
	close(pipe_[0]);
	if (!good)
		return cli_fail(cli, EX_SOFTWARE, "the demo upstream did not start");
	setenv("CHATMOCK_UPSTREAM_URL", url, 1);
	setenv("CHATMOCK_UPSTREAM_KIND", "responses", 1);
	setenv("CHATMOCK_MODEL_SYNC", "0", 1);		/* it has no list */
	return 0;
}

static bool has_upstream(const struct cli *cli)
{
	struct err_note note = ERR_NOTE_INIT;
	char path[4096];

	return config_given(&cli->config, "CHATMOCK_UPSTREAM_URL") ||
	       config_given(&cli->config, "CODEX__BASE_URL") ||
	       login_find(&cli->config, path, &note) != ERR_LOGIN_MISSING;
}

int try_prepare(struct cli *cli, bool *demo)
{
	int status;

	*demo = !has_upstream(cli);
	if (!config_given(&cli->config, "CHATMOCK_DRAIN_TIMEOUT"))
		setenv("CHATMOCK_DRAIN_TIMEOUT", DRAIN_S, 1);
	status = *demo ? start_demo(cli) : 0;
	return status ? status : ops_settings(cli);
}

/* --- the greeting */

/* What listens everywhere is called by the first name it answers to. */
static void find_base(struct cli *cli, char *base, size_t size)
{
	const struct config *c = &cli->config;
	struct span rest = span_of(c->allowed_hosts ? c->allowed_hosts : ""), name;

	place_url(c->bind, c->port, base, size);
	if (place_is_wide(c->bind) && text_next(&rest, ',', &name) &&
	    text_trim(name).len) {
		name = text_trim(name);
		snprintf(base, size, "http://%.*s:%lld", (int)name.len, name.ptr,
			 (long long)c->port);
	}
}

static void show(struct cli *cli, pid_t keeper, bool demo, bool with_key)
{
	struct state state;
	char base[400];

	if (!state_read(cli->config.home, &state))
		return;
	find_base(cli, base, sizeof(base));
	if (demo)
		cli_out(cli, "chatmock: there is no login and no upstream "
			"(CHATMOCK_UPSTREAM_URL): a local DEMO answers, with canned "
			"text. No model is asked. chatmock login gets a login.\n");
	cli_out(cli, "\nChatMock listens on %s\n\n"
		"  OpenAI base URL      %s/v1\n"
		"  Anthropic base URL   %s\n"
		"  Ollama base URL      %s\n"
		"  how it is            %s/status\n"
		"  state and logs       %s\n"
		"  pid                  %d (gateway %d)\n\n"
		"Try it (-N shows the answer as it comes):\n\n"
		"curl -N %s/v1/chat/completions %s"
		"-H 'Content-Type: application/json' "
		"-d '{\"model\":\"gpt-5.5\",\"stream\":true,\"messages\":"
		"[{\"role\":\"user\",\"content\":\"Say hello.\"}]}'\n\n"
		"Ctrl-C stops everything.\n", base, base, base, base, base,
		cli->config.home, (int)keeper,
		(int)state.parts[PART_GATEWAY].proc.pid, base,
		with_key ? "-H 'Authorization: Bearer YOUR KEY' " : "");
	fflush(stdout);
}

/* A child says it, since we become the keeper. It ends with us, and before it
 * holds anything that tells that a gateway lives. */
int try_greet(struct cli *cli, bool demo)
{
	int64_t until = clock_mono_us() + READY_US;
	pid_t keeper = getpid(), pid;
	bool up;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return cli_fail(cli, EX_OSERR, "fork: %s", strerror(errno));
	if (pid > 0)
		return 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!(up = ops_answers(cli, keeper)) && getppid() == keeper &&
	       clock_mono_us() < until)
		usleep(PAUSE_US);
	if (up)
		show(cli, keeper, demo, ops_get(cli, "/", 1000, NULL) == 401);
	else if (getppid() == keeper)
		cli_warn(cli, "no answer within %d s; see %s/log/error.log",
			 READY_US / 1000000, cli->config.home);
	_exit(0);
}
