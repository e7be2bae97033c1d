/*
 * progress.c - one line of stderr that says what is going on, from the second
 * second on. A thread writes it, since the command itself waits for somebody.
 */
#include "private.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/text.h"

#define FIRST_US	1000000
#define STEP_MS		200

struct cli_progress {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool ended;
	char what[120];
	int64_t begun_us;
};

static void write_all(const char *text)
{
	ssize_t n = write(STDERR_FILENO, text, strlen(text));

	(void)n;	/* there is nobody to tell */
}

static void show(struct cli_progress *p, unsigned step)
{
	static const char *const marks[] = { "|", "/", "-", "\\" };
	char line[200];

	snprintf(line, sizeof(line), "\r\033[K%s %s ... %lld s",
		 marks[step % ARRAY_LEN(marks)], p->what,
		 (long long)((clock_mono_us() - p->begun_us) / 1000000));
	write_all(line);
}

static void *run(void *ctx)
{
	struct cli_progress *p = ctx;
	struct timespec until;
	bool shown = false;

	clock_gettime(CLOCK_MONOTONIC, &until);
	pthread_mutex_lock(&p->lock);
	for (unsigned step = 0; !p->ended; step++) {
		until.tv_nsec += STEP_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&p->wake, &p->lock, &until);
		if (p->ended || clock_mono_us() - p->begun_us < FIRST_US)
			continue;
		show(p, step);
		shown = true;
	}
	pthread_mutex_unlock(&p->lock);
	if (shown)
		write_all("\r\033[K");
	return NULL;
}

/* Signals are the command's own thread's. */
static int start(struct cli_progress *p)
{
	pthread_condattr_t attr;
	sigset_t all, before;
	int code;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&p->lock, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	code = pthread_create(&p->thread, NULL, run, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code;
}

void cli_progress(struct cli *cli, const char *what)
{
	const char *term = getenv("TERM");
	struct cli_progress *p;

	cli_progress_end(cli);
	if (!cli->err_tty || !term || strcmp(term, "dumb") == 0)
		return;
	fflush(stdout);
	p = calloc(1, sizeof(*p));
	if (!p)
		return;
	text_copy(p->what, sizeof(p->what), span_of(what));
	p->begun_us = clock_mono_us();
	if (start(p)) {
		free(p);
		return;
	}
	cli->progress = p;
}

void cli_progress_end(struct cli *cli)
{
	struct cli_progress *p = cli->progress;

	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->ended = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
	cli->progress = NULL;
}
