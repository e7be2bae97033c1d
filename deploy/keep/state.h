/*
 * state.h - what the keeper keeps, written down for everybody else: who the
 * processes are, since when, where it listens. Read by status, stop, by a
 * start that finds what an earlier keeper left, and by a keeper that became
 * another program.
 */
#ifndef CHATMOCK_STATE_H
#define CHATMOCK_STATE_H

#include "../../shared/config.h"
#include "place.h"
#include "proc.h"

/* The parts of a running gateway. OLD: a web server that finishes what it has
 * while another one took its place. */
#define PART_TABLE(X) \
	X(GATEWAY, "gateway") \
	X(HEALTH, "health") \
	X(WEB, "web") \
	X(FETCH, "fetch") \
	X(OLD, "old web")

enum part_id {
#define X(id, name) PART_##id,
	PART_TABLE(X)
#undef X
	PART__COUNT
};
const char *part_name(enum part_id id);

struct part {
	struct proc proc;		/* pid 0: does not run */
	int64_t since_s;		/* Unix time of its last start */
	int64_t restarts;		/* times it came back after a death */
};

struct state {
	struct proc keeper;
	int64_t since_s;
	char bind[80];
	int64_t port, drain_ms;
	char web[16];
	bool stopping;
	struct part parts[PART__COUNT];
};

MUST_USE enum err state_write(const char *home, const struct state *s,
			      struct err_note *note);
/* False: there is none, or none that can be read; all zero then. */
bool state_read(const char *home, struct state *s);
void state_forget(const char *home);	/* the pid file too */

/* The keeper by its pid file; false: none is named there. Whether it lives,
 * proc_lives() tells. */
bool state_pid(const char *home, struct proc *p);

/* A keeper holds its lock: the gateway is kept. */
bool state_kept(const char *home);

#endif
