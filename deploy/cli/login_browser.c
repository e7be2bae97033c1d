/*
 * login_browser.c - signing in with a browser, here or on another machine:
 * where the browser's way back does not lead to us, the person carries it.
 */
#include "login_flow.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "browser.h"
#include "../../shared/text.h"

/* One answer, whichever way it came. True: page is filled. */
static bool meet(struct login_flow *f, enum login_came came, struct buf *code,
		 const struct err_note *note, struct login_page *page)
{
	bool late = f->over || f->is_finishing;

	if (came == CAME_CODE && !late) {
		login_grant_try(&f->grant, &f->try, code);
		login_flow_finish(f);
		return false;
	}
	if (came == CAME_AGAIN || late)
		login_flow_page(page, 409, "Already used", "This sign-in has had "
				"its answer. You can close this window.");
	else if (came == CAME_ALIEN)
		login_flow_page(page, 400, "State mismatch", note->tell);
	else
		login_flow_page(page, 400, "Not signed in", note->tell);
	return true;
}

static bool on_callback(void *ctx, struct span query, struct login_page *page)
{
	struct login_flow *f = ctx;
	struct err_note note = ERR_NOTE_INIT;
	enum login_came came;
	struct buf code;
	bool now;

	buf_init(&code, MAX_LOGIN_CODE);
	came = login_try_came(&f->try, query, &code, &note);
	now = meet(f, came, &code, &note, page);
	if (came == CAME_REFUSED)
		login_flow_fail(f, &note);
	else if (came == CAME_ALIEN && !f->is_finishing)
		cli_warn(f->cli, "a browser came with the answer to another "
			 "sign-in: waiting on for this one");
	buf_wipe_free(&code);
	return now;
}

static void on_cancel(void *ctx)
{
	struct login_flow *f = ctx;
	struct err_note note = ERR_NOTE_INIT;

	if (f->is_finishing)
		return;
	err_tell(&note, ERR_BUSY, "Another sign-in on this machine asked for the "
		 "port: this one ends, and nothing was changed.");
	login_flow_fail(f, &note);
}

/* --- pasted */

static void on_line(struct login_flow *f, struct span line)
{
	struct err_note note = ERR_NOTE_INIT;
	struct login_page ignored;
	enum login_came came;
	struct buf code;

	if (!text_trim(line).len || f->over || f->is_finishing)
		return;
	buf_init(&code, MAX_LOGIN_CODE);
	came = login_try_pasted(&f->try, line, &code, &note);
	(void)meet(f, came, &code, &note, &ignored);
	if (came == CAME_REFUSED)
		login_flow_fail(f, &note);
	else if (came == CAME_ALIEN)
		cli_warn(f->cli, "%s", note.tell);
	buf_wipe_free(&code);
}

static void on_input(struct loop_fd *fd, uint32_t events)
{
	struct login_flow *f = CONTAINER_OF(fd, struct login_flow, input);
	char *to = buf_room(&f->line, 4096), *end;
	ssize_t n;

	(void)events;
	if (!to) {
		cli_warn(f->cli, "that line is too long for an address");
		explicit_bzero(f->line.ptr, f->line.len);
		buf_reset(&f->line);
		return;
	}
	n = read(fd->fd, to, 4096);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {	/* nobody there, or we are in the background */
		loop_fd_del(f->loop, fd);
		n = 0;
		buf_char(&f->line, '\n');	/* a last line without its end */
	}
	buf_wrote(&f->line, (size_t)n);
	while ((end = memchr(f->line.ptr, '\n', f->line.len))) {
		size_t len = (size_t)(end - f->line.ptr);

		on_line(f, (struct span){ f->line.ptr, len });
		buf_drop(&f->line, len + 1);
	}
}

static void listen_to_terminal(struct login_flow *f)
{
	/* reading in the background fails instead of stopping us */
	signal(SIGTTIN, SIG_IGN);
	f->input.fd = STDIN_FILENO;
	f->input.fn = on_input;
	/* a file or /dev/null can not be waited for: nothing to paste then */
	(void)loop_fd_add(f->loop, &f->input, EPOLLIN);
}

static void invite(struct login_flow *f, const struct buf *url, bool opened)
{
	struct cli *cli = f->cli;

	cli_note(cli, opened ?
		 "Your browser opens to sign in. If it does not, open:\n" :
		 "Open this address in a browser to sign in:\n");
	cli_out(cli, "%s%s%s\n", cli_ink(cli, INK_NAME), url->ptr,
		cli_ink(cli, INK_PLAIN));
	cli_note(cli, "\nWaiting for it to come back to port %d. Is the browser on "
		 "another machine, and ends at a page that it can not reach? Then "
		 "paste the address of that page here.",
		 login_server_port(f->server));
	fflush(stdout);
}

static void warn_of_bind(struct cli *cli)
{
	const char *bind = cli->config.login_bind;

	if (bind && *bind && !config_is_loopback(bind))
		cli_warn(cli, "CHATMOCK_LOGIN_BIND is %s: while this sign-in waits, "
			 "others than this machine can reach its port. Meant for "
			 "containers.", bind);
}

int login_by_browser(struct cli *cli, bool open_browser, int timeout_s)
{
	static const struct login_server_handler handler = {
		.callback = on_callback, .cancel = on_cancel,
	};
	struct err_note note = ERR_NOTE_INIT;
	struct login_flow f;
	bool opened = false;
	struct buf url;
	int status;

	status = login_flow_begin(&f, cli, timeout_s);
	if (status)
		return status;
	buf_init(&url, 16u << 10);
	warn_of_bind(cli);
	if (login_server_open(f.loop, &cli->config, &f.http, &handler, &f,
			      &f.server, &note)) {
		status = note.code == ERR_SYSTEM ?
			 cli_fail(cli, EX_UNAVAILABLE, "%s", err_words(&note)) :
			 cli_fail_note(cli, &note);
		f.over = true;
		f.status = status;
		goto out;
	}
	login_try_begin(&f.try, login_server_port(f.server));
	login_try_url(&f.try, &cli->config, &url);
	if (buf_err(&url) || !url.len) {
		err_set(&note, ERR_CONFIG, "the sign-in's address is too long");
		login_flow_fail(&f, &note);
		goto out;
	}
	if (open_browser)
		opened = browser_open(url.ptr, cli->environ_);
	invite(&f, &url, opened);
	listen_to_terminal(&f);
out:
	buf_wipe_free(&url);
	return login_flow_run(&f);
}
