/*
 * login_device.c - signing in by device code, with a countdown on a terminal.
 */
#include "login_flow.h"

#include "../../shared/clock.h"

static void poll_work(struct loop_job *job)
{
	struct login_flow *f = CONTAINER_OF(job, struct login_flow, polling);

	f->note = ERR_NOTE_INIT;
	f->err = login_device_poll(&f->cli->config, &f->http, &f->device, &f->grant,
				   &f->note);
}

static void poll_done(struct loop_job *job)
{
	struct login_flow *f = CONTAINER_OF(job, struct login_flow, polling);

	f->is_polling = false;
	if (f->over)
		return;
	if (!f->err)
		login_flow_finish(f);
	else if (f->err != ERR_BUSY)
		login_flow_fail(f, &f->note);
	else
		(void)loop_timer_in(f->loop, &f->poll,
				    (int64_t)f->device.interval_s * 1000000);
}

static void on_poll(struct loop_timer *t)
{
	struct login_flow *f = CONTAINER_OF(t, struct login_flow, poll);
	struct err_note note = ERR_NOTE_INIT;

	if (f->over)
		return;
	f->polling = (struct loop_job){ .work = poll_work, .done = poll_done };
	f->is_polling = true;
	if (loop_submit(f->loop, LANE_FETCH, &f->polling))
		return;
	f->is_polling = false;
	err_set(&note, ERR_NO_MEMORY, "no thread to be had");
	login_flow_fail(f, &note);
}

static void invite(struct login_flow *f)
{
	struct cli *cli = f->cli;

	cli_note(cli, "On any machine with a browser open\n");
	cli_out(cli, "  %s%s%s\n", cli_ink(cli, INK_NAME), f->device.url,
		cli_ink(cli, INK_PLAIN));
	cli_note(cli, "\nand enter this code:\n");
	cli_out(cli, "  %s%s%s\n", cli_ink(cli, INK_BOLD), f->device.user_code,
		cli_ink(cli, INK_PLAIN));
	cli_note(cli, "\n%sEnter it only there, and only because you ran this "
		 "command: codes are what phishers ask for.%s\n",
		 cli_ink(cli, INK_WARN), cli_ink(cli, INK_PLAIN));
	fflush(stdout);
}

int login_by_device(struct cli *cli, int timeout_s)
{
	struct err_note note = ERR_NOTE_INIT;
	struct login_device device;
	struct http_settings http = login_http(&cli->config);
	struct login_flow f;
	enum err err;
	int status;

	cli_progress(cli, "asking for a code");
	err = login_device_begin(&cli->config, &http, &device, &note);
	cli_progress_end(cli);
	if (err)
		return cli_fail_note(cli, &note);
	status = login_flow_begin(&f, cli, timeout_s);
	if (status)
		return status;
	f.device = device;
	if (f.until_us > device.until_us)
		f.until_us = device.until_us;
	f.poll.fn = on_poll;
	invite(&f);
	(void)loop_timer_in(f.loop, &f.poll, 0);
	return login_flow_run(&f);
}
