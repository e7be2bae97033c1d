/*
 * login_flow.h - what the two ways of signing in share: a loop, a time limit,
 * Ctrl-C, and the one exchange at the end.
 */
#ifndef CHATMOCK_CLI_LOGIN_FLOW_H
#define CHATMOCK_CLI_LOGIN_FLOW_H

#include "../../shared/login_new.h"
#include "cli.h"
#include "login_server.h"

struct login_flow {
	struct cli *cli;
	struct http_settings http;
	struct loop *loop;
	int64_t until_us;		/* of clock_mono_us() */
	int status;			/* the exit code */
	bool over;
	/* the browser's way */
	struct login_server *server;
	struct login_try try;
	struct loop_fd input;		/* what is pasted */
	struct buf line;
	/* the device's way */
	struct login_device device;
	struct loop_timer poll;
	struct loop_job polling;
	bool is_polling, counting;	/* a countdown stands on the terminal */
	/* the exchange */
	struct login_grant grant;
	struct loop_job finishing;
	bool is_finishing, replaced;
	struct login got;
	enum err err;
	struct err_note note;
	/* and its surroundings */
	struct loop_fd signals;
	struct loop_timer second, linger;
	int64_t linger_until_us;
	int signal;
};

/* Both print what the person has to do, and return the exit code. timeout_s:
 * what a person gets for it. */
int login_by_browser(struct cli *cli, bool open_browser, int timeout_s);
int login_by_device(struct cli *cli, int timeout_s);

/* --- login_flow.c, for the two */

/* 0, or the exit code after a complaint. */
MUST_USE int login_flow_begin(struct login_flow *f, struct cli *cli, int timeout_s);
int login_flow_run(struct login_flow *f);	/* until it is over; ends f */

/* f->grant is there: to the issuer with it. */
void login_flow_finish(struct login_flow *f);

/* It is over: with this exit code, after the complaint. page: for the browser,
 * NULL: the note's words. */
void login_flow_fail(struct login_flow *f, const struct err_note *note);

/* The words of a failure as a page. */
void login_flow_page(struct login_page *page, int status, const char *title,
		     const char *text);

/* For calls to the issuer. */
struct http_settings login_http(const struct config *c);

/* What there is to say of a new login. */
void login_say(struct cli *cli, const struct login *l);

#endif
