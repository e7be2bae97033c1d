/*
 * login_flow.c - see login_flow.h.
 *
 * One loop: the browser, the terminal, the clock and Ctrl-C may all have a
 * word at any moment. What calls the issuer runs beside it. Once a code is on
 * its way, the first Ctrl-C waits for what becomes of it: tokens that nobody
 * kept would stay valid.
 */
#include "login_flow.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/plan.h"
#include "../../shared/text.h"

#define SECOND_US	1000000
#define LINGER_US	50000		/* is the last answer gone? */
#define MAX_LINGER_US	3000000
#define CONNECT_MS	10000

struct http_settings login_http(const struct config *c)
{
	return (struct http_settings){
		.connect_timeout_ms = CONNECT_MS, .ca_file = c->ca_file,
		.proxy = c->proxy, .no_proxy = c->no_proxy,
		.user_agent = "chatmock/" CHATMOCK_VERSION,
		.max_calls = 1, .version = HTTP_AUTO,
	};
}

void login_flow_page(struct login_page *page, int status, const char *title,
		     const char *text)
{
	*page = (struct login_page){ .status = status, .good = status == 200 };
	(void)text_copy(page->title, sizeof(page->title), span_of(title));
	(void)text_copy(page->text, sizeof(page->text), span_of(text));
}

static void wipe_countdown(struct login_flow *f)
{
	if (f->counting)
		fputs("\r\033[K", stderr);
	f->counting = false;
}

/* The loop ends when the browser has its page. */
static void end(struct login_flow *f, int status)
{
	if (f->over)
		return;
	f->over = true;
	f->status = status;
	wipe_countdown(f);
	f->linger_until_us = clock_mono_us() + MAX_LINGER_US;
	if (!loop_timer_in(f->loop, &f->linger, f->server ? LINGER_US : 0))
		loop_stop(f->loop);
}

static void on_linger(struct loop_timer *t)
{
	struct login_flow *f = CONTAINER_OF(t, struct login_flow, linger);

	if (!f->server || login_server_is_idle(f->server) ||
	    clock_mono_us() >= f->linger_until_us ||
	    !loop_timer_in(f->loop, &f->linger, LINGER_US))
		loop_stop(f->loop);
}

void login_flow_fail(struct login_flow *f, const struct err_note *note)
{
	if (f->over)
		return;
	wipe_countdown(f);
	end(f, cli_fail_note(f->cli, note));
}

/* --- the exchange */

void login_say(struct cli *cli, const struct login *l)
{
	struct login_account who;
	struct buf name;

	login_account(l, &who);
	buf_init(&name, 4096);
	cli_safe(&name, span_of(who.email[0] ? who.email : l->account_id ?
				l->account_id : "an account without a name"));
	if (l->plan) {
		buf_str(&name, ", plan ");
		cli_safe(&name, span_of(l->plan));
	}
	cli_out(cli, "%sSigned in%s as %s.\n", cli_ink(cli, INK_GOOD),
		cli_ink(cli, INK_PLAIN), name.ptr);
	cli_note(cli, "The login is in %s; a gateway that runs takes it up by "
		 "itself.", l->path);
	buf_free(&name);
	if (cli->config.kind != KIND_CHATGPT)
		cli_warn(cli, "CHATMOCK_UPSTREAM_URL names another upstream: the "
			 "gateway does not use this login there.");
}

static void finish_work(struct loop_job *job)
{
	struct login_flow *f = CONTAINER_OF(job, struct login_flow, finishing);

	f->err = login_finish(&f->cli->config, &f->http, &f->grant, &f->got,
			      &f->replaced, &f->note);
}

static void finish_done(struct loop_job *job)
{
	struct login_flow *f = CONTAINER_OF(job, struct login_flow, finishing);
	struct login_page page;

	f->is_finishing = false;
	cli_progress_end(f->cli);
	login_grant_free(&f->grant);
	if (f->err) {
		if (!f->note.tell[0])
			(void)text_copy(f->note.tell, sizeof(f->note.tell),
					span_of(f->note.why));
		login_flow_page(&page, 502, "Not signed in", f->note.tell);
		login_flow_fail(f, &f->note);
	} else {
		plan_forget(f->cli->config.home);
		login_flow_page(&page, 200, "Signed in", "ChatMock has its login. "
				"You can close this window.");
		login_say(f->cli, &f->got);
		if (f->replaced)
			cli_note(f->cli, "The login that was there before is "
				 "replaced and was handed back.");
		end(f, 0);
	}
	if (f->server)
		login_server_answer(f->server, &page);
}

void login_flow_finish(struct login_flow *f)
{
	struct err_note note = ERR_NOTE_INIT;

	f->finishing = (struct loop_job){ .work = finish_work,
					  .done = finish_done };
	f->note = ERR_NOTE_INIT;
	f->is_finishing = true;
	wipe_countdown(f);
	cli_progress(f->cli, "taking the code to the issuer");
	if (loop_submit(f->loop, LANE_LOGIN, &f->finishing))
		return;
	f->is_finishing = false;
	cli_progress_end(f->cli);
	err_set(&note, ERR_NO_MEMORY, "no thread to be had");
	login_flow_fail(f, &note);
}

/* --- time, and Ctrl-C */

static void show_countdown(struct login_flow *f, int64_t left_s)
{
	char line[100];
	int n = snprintf(line, sizeof(line), "\r\033[KWaiting for the code to be "
			 "entered ... %lld:%02lld left", (long long)left_s / 60,
			 (long long)left_s % 60);

	f->counting = true;
	(void)!write(STDERR_FILENO, line, (size_t)n);
}

static void on_second(struct loop_timer *t)
{
	struct login_flow *f = CONTAINER_OF(t, struct login_flow, second);
	int64_t left_us = f->until_us - clock_mono_us();
	struct err_note note = ERR_NOTE_INIT;

	if (f->over)
		return;
	if (left_us <= 0 && !f->is_finishing) {
		err_tell(&note, ERR_LOGIN_STALE, "Nobody signed in in time: "
			 "nothing was changed. Run `chatmock login` again.");
		login_flow_fail(f, &note);
		return;
	}
	if (f->device.user_code[0] && f->cli->err_tty && !f->is_finishing)
		show_countdown(f, (left_us + SECOND_US - 1) / SECOND_US);
	/* each second of the countdown is shown: on the edges of its own clock */
	(void)loop_timer_in(f->loop, &f->second, left_us > SECOND_US ?
			    (left_us - 1) % SECOND_US + 1 : left_us > 0 ? left_us :
			    SECOND_US);
}

static void on_signal(struct loop_fd *fd, uint32_t events)
{
	struct login_flow *f = CONTAINER_OF(fd, struct login_flow, signals);
	struct signalfd_siginfo info;
	bool again = f->signal != 0;

	(void)events;
	if (read(fd->fd, &info, sizeof(info)) != sizeof(info) || f->over)
		return;
	f->signal = (int)info.ssi_signo;
	wipe_countdown(f);
	cli_progress_end(f->cli);
	if (f->is_finishing && !again) {
		cli_warn(f->cli, "the code is at the issuer: waiting for its answer "
			 "(Ctrl-C again gives it up)");
		return;
	}
	cli_warn(f->cli, f->is_finishing ? "given up" :
		 "cancelled: nothing was changed");
	if (f->is_polling || f->is_finishing) {
		/* a thread is in the middle of a call that no one wants */
		fflush(stdout);
		_exit(128 + f->signal);
	}
	end(f, 128 + f->signal);
}

static bool watch_signals(struct login_flow *f)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction now;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		/* nohup's choice stands */
		if (sigaction(ends[i], NULL, &now) == 0 &&
		    now.sa_handler != SIG_IGN)
			sigaddset(&set, ends[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	f->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	f->signals.fn = on_signal;
	return f->signals.fd >= 0 && loop_fd_add(f->loop, &f->signals, EPOLLIN);
}

int login_flow_begin(struct login_flow *f, struct cli *cli, int timeout_s)
{
	*f = (struct login_flow){ .cli = cli, .note = ERR_NOTE_INIT,
				  .http = login_http(&cli->config),
				  .signals.fd = -1, .input.fd = -1 };
	buf_init(&f->line, 16u << 10);
	f->until_us = clock_mono_us() + (int64_t)timeout_s * SECOND_US;
	f->second.fn = on_second;
	f->linger.fn = on_linger;
	f->loop = loop_new();
	if (f->loop && watch_signals(f))
		return 0;
	f->status = cli_fail(cli, EX_OSERR, "out of memory or descriptors");
	f->over = true;
	return login_flow_run(f);
}

int login_flow_run(struct login_flow *f)
{
	if (f->loop && !(f->over && !f->server)) {
		on_second(&f->second);
		if (loop_run(f->loop) < 0)
			f->status = cli_fail(f->cli, EX_OSERR, "epoll failed");
	}
	wipe_countdown(f);
	if (f->loop)
		loop_join(f->loop);
	login_server_close(f->server);
	if (f->signals.fd >= 0)
		close(f->signals.fd);
	loop_free(f->loop);
	login_grant_free(&f->grant);
	login_free(&f->got);
	buf_wipe_free(&f->line);
	explicit_bzero(&f->try, sizeof(f->try));
	return f->status;
}
