/*
 * check_private.h - the self-check's findings and its checks, for check.c,
 * whose table has them in their order.
 *
 * A check looks at one thing and says what it finds: what is wrong, where,
 * and the cure, in one line without a secret. It asks nobody over a network
 * and leaves nothing behind that serving would not make itself.
 */
#ifndef CHATMOCK_CHECK_PRIVATE_H
#define CHATMOCK_CHECK_PRIVATE_H

#include <errno.h>
#include <sysexits.h>

#include "check.h"

struct findings {
	const struct config *config;
	struct buf *out;
	int status;		/* the exit code of the first fault, or 0 */
	bool starting;		/* whoever asks is about to start all of it */
};

/* The start is refused, with this code. */
void check_fault(struct findings *f, int status, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* It may go on. */
void check_warn(struct findings *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The exit code for what open(2) and its kin said: no permission, no file, or
 * else the one given. */
int check_code(int error, int other);

/* check_settings.c: what one setting says against another, or of itself */
void check_times(struct findings *f);
void check_numbers(struct findings *f);
void check_aliases(struct findings *f);
void check_hosts(struct findings *f);
void check_idle_settings(struct findings *f);
void check_version(struct findings *f);

/* check_upstream.c: whom we call, and with what */
void check_upstream(struct findings *f);
void check_ca(struct findings *f);
void check_proxy(struct findings *f);
void check_key(struct findings *f);
void check_login(struct findings *f);
void check_issuer(struct findings *f);
void check_name(struct findings *f);

/* check_keys.c: who would be let in */
void check_keys(struct findings *f);

/* check_files.c: the state directory */
void check_home(struct findings *f);
void check_logs(struct findings *f);
void check_caches(struct findings *f);
void check_space(struct findings *f);

/* check_place.c: sockets, limits, clock, who we are */
void check_socket(struct findings *f);
void check_socket_path(struct findings *f);
void check_port(struct findings *f);
void check_programs(struct findings *f);
void check_descriptors(struct findings *f);
void check_clock(struct findings *f);
void check_user(struct findings *f);

#endif
