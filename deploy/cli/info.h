/*
 * info.h - what `chatmock info` found, and how it is shown.
 */
#ifndef CHATMOCK_CLI_INFO_H
#define CHATMOCK_CLI_INFO_H

#include "../../shared/login_new.h"
#include "../../shared/plan.h"
#include "cli.h"

struct info {
	int64_t now_s;
	bool has_login;		/* else upstream needs none */
	struct login login;
	struct login_account account;
	struct plan plan;	/* captured_s 0: nothing is known */
	char trouble[400];	/* why the login or the figures are old, or "" */
};

void info_show(struct cli *cli, const struct info *i);

#endif
