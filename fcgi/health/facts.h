/*
 * facts.h - what is known of the gateway at one moment, and what it means.
 *
 * Read from files alone: the metrics file, the login, the prompts' metadata,
 * the state directory's disk. Nobody is called. Blocking: on a thread.
 */
#ifndef CHATMOCK_FACTS_H
#define CHATMOCK_FACTS_H

#include "../../shared/config.h"
#include "../../shared/metrics_read.h"

/* A worker or master that was silent for so long is no live one. Its heart
 * beats four times a second. */
#define SILENT_US 5000000

enum verdict { VERDICT_PASS, VERDICT_WARN, VERDICT_FAIL };

/* What is looked at, in the order in which it is told.
 *	enum FINDING_..., "component:measurement", componentType, unit */
#define FINDING_TABLE(X) \
	X(WORKERS, "workers:accepting", "component", "workers") \
	X(MASTER, "master:alive", "component", "masters") \
	X(LOGIN, "login:expiry", "component", "s") \
	X(BREAKER, "breaker:open", "component", "upstreams") \
	X(LIMITS, "limits:used", "component", "percent") \
	X(PROMPTS, "prompt_cache:age", "datastore", "s") \
	X(STORE, "store:up", "datastore", "stores") \
	X(FETCHER, "fetcher:age", "component", "s") \
	X(KEYS, "keys:in_force", "component", "keys") \
	X(METRICS, "metrics_file:readable", "datastore", "files") \
	X(DISK, "home:free", "system", "bytes")

enum finding_id {
#define X(id, name, type, unit) FINDING_##id,
	FINDING_TABLE(X)
#undef X
	FINDING__COUNT
};

struct finding {
	enum verdict verdict;
	bool known;			/* value is */
	int64_t value;
	char output[200];		/* why it is no pass; printable, no secret */
};

struct facts {
	const struct config *config;	/* borrowed */
	int64_t wall_us;		/* when all of this was so */
	bool have;			/* snap is there; else why not: */
	struct err_note note;
	struct metrics_snapshot snap;

	int64_t accepting, starting, draining, silent;	/* API workers */
	int64_t wanted;			/* 0: not known */
	int64_t in_flight;
	int64_t uptime_us;		/* of the gateway; 0: it does not run */
	uint64_t total, error;		/* requests; error: by our or upstream's fault */
	int64_t last_request_us;	/* Unix time, 0: none yet */
	int64_t open_breakers;		/* half open ones too */
	int64_t free_bytes;		/* on the home's disk; -1: not known */
	int disk_errno;			/* why not */
	bool gate_open;			/* without metrics: the socket takes calls */
	struct buf prompts;		/* prompt_cache/metadata.json, or empty */

	struct finding findings[FINDING__COUNT];
};

enum facts_depth {
	FACTS_COUNTED,			/* the metrics file alone */
	FACTS_PROBE,			/* and what readiness needs */
	FACTS_ALL
};

void facts_read(struct facts *f, const struct config *c, enum facts_depth depth);
void facts_free(struct facts *f);

enum verdict facts_worst(const struct facts *f);	/* of all findings */

/* A slot's words, whatever stands in the file: what is none is ..._FREE. */
enum metric_role slot_role(const struct metrics_slot *slot);
enum metric_state slot_state(const struct metrics_slot *slot);
/* Its process is there, not stopped, and was heard of within SILENT_US. */
bool slot_lives(const struct facts *f, const struct metrics_slot *slot);

/* What a breaker's cell says: 0 closed, 1 open, 2 half open. */
int breaker_level(const struct facts *f, const struct metrics_breaker *b);

const char *finding_name(enum finding_id id);
const char *finding_type(enum finding_id id);
const char *finding_unit(enum finding_id id);

/* 0 "5s", "2m 5s", "1h 2m 3s", "1d 2h 3m 4s" */
void human_time(int64_t us, struct buf *out);

#endif
