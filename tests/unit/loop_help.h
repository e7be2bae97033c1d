/* loop_help.h - running a test's loop for a while. */
#ifndef CHATMOCK_LOOP_HELP_H
#define CHATMOCK_LOOP_HELP_H

#include "../../shared/loop.h"
#include "test.h"

static struct loop *loop;

static void stop_now(struct loop_timer *t)
{
	(void)t;
	loop_stop(loop);
}

/* Runs the loop for so long, but only as long as nobody stops it. */
static void run_for(int64_t us)
{
	struct loop_timer t = { .fn = stop_now };

	check(loop_timer_in(loop, &t, us));
	check_int(loop_run(loop), 0);
	loop_timer_cancel(loop, &t);
}

#endif
