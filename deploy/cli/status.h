/*
 * status.h - how the gateway is: gathered once, said in words or as JSON.
 */
#ifndef CHATMOCK_CLI_STATUS_H
#define CHATMOCK_CLI_STATUS_H

#include "ops.h"

#define STATUS_REASONS 16

enum status_word { STATUS_RUNNING, STATUS_STOPPED, STATUS_DEGRADED };

struct status_part {
	pid_t pid;			/* 0: does not run */
	int64_t up_s, restarts, resident;
};

struct status {
	enum status_word word;
	struct proc keeper;		/* pid 0: none lives */
	bool stopping;
	struct state state;
	char url[160];
	struct status_part parts[PART__COUNT];
	int64_t up_s;
	struct json_object *health;	/* what /health said; NULL: nothing */
	int64_t login_age_s;		/* -1: there is none, or not known */
	int64_t login_left_s;		/* until it runs out; -1: not known */
	char login[400];		/* its path, or why there is none */
	char reasons[STATUS_REASONS][240];	/* why it is degraded */
	size_t reason_count;
};

void status_gather(struct cli *cli, struct status *s);
void status_free(struct status *s);

/* A check of /health: "pass", "warn" ...; "" when it is not known. */
struct span status_check(const struct status *s, const char *name,
			 int64_t *value, struct span *output);

struct json_object *status_json(const struct status *s);	/* NULL: no memory */

/* Failed requests in percent of all; -1: none yet. */
double status_error_rate(const struct status *s);

#endif
