#include "facts.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../shared/breaker.h"
#include "../../shared/clock.h"
#include "../../shared/file.h"
#include "../process/start.h"
#include "findings.h"
#include "proc.h"

#define MAX_METADATA (64u << 10)

/* --- from the metrics file */

enum metric_role slot_role(const struct metrics_slot *slot)
{
	uint64_t role = metrics_get(&slot->role);

	return role < ROLE__COUNT ? (enum metric_role)role : ROLE_FREE;
}

enum metric_state slot_state(const struct metrics_slot *slot)
{
	uint64_t state = metrics_get(&slot->state);

	return state < STATE__COUNT ? (enum metric_state)state : STATE_FREE;
}

/* One that has ended but is not reaped yet, or that was stopped, has its number
 * still: the kernel knows better. */
bool slot_lives(const struct facts *f, const struct metrics_slot *slot)
{
	struct proc proc;

	if (!metrics_slot_lives(&f->snap, slot, SILENT_US))
		return false;
	return !proc_read((int64_t)metrics_get(&slot->pid), &proc) ||
	       !strchr("ZXxTt", proc.state);
}

int breaker_level(const struct facts *f, const struct metrics_breaker *b)
{
	/* the state alone is wanted: any rules will do */
	static const struct breaker_rules rules = { .failures = 1 };
	struct breaker_view view;

	view = breaker_look((const struct breaker_cell *)b->word, &rules,
			    clock_boot_id(), f->snap.taken_us);
	if (view.state == BREAKER_CLOSED)
		return 0;
	return view.state == BREAKER_OPEN ? 1 : 2;
}

static void read_breakers(struct facts *f)
{
	char name[METRICS_NAME + 1];

	for (size_t i = 0; i < METRICS_BREAKERS; i++) {
		const struct metrics_breaker *b = &f->snap.file->breakers[i];

		if (metrics_name_get(&b->name, name) && breaker_level(f, b))
			f->open_breakers++;
	}
}

static void see_start(struct facts *f, const struct metrics_slot *slot)
{
	int64_t age = f->snap.taken_us - (int64_t)metrics_get(&slot->started_us);

	if (age > f->uptime_us)
		f->uptime_us = age;
}

/* The master's word counts: our settings may be of another time than its. */
static void see_wanted(struct facts *f, const struct metrics_slot *slot)
{
	uint64_t wanted = metrics_get(&slot->served);

	if (wanted > 0 && wanted <= METRICS_SLOTS)
		f->wanted = (int64_t)wanted;
}

static void count_worker(struct facts *f, const struct metrics_slot *slot)
{
	if (!slot_lives(f, slot)) {
		f->silent++;
		return;
	}
	see_start(f, slot);
	f->in_flight += (int64_t)metrics_get(&slot->in_flight);
	switch (slot_state(slot)) {
	case STATE_ACCEPTING:
		f->accepting++;
		break;
	case STATE_DRAINING:
		f->draining++;
		break;
	default:
		f->starting++;
	}
}

static void read_slots(struct facts *f)
{
	struct finding *master = &f->findings[FINDING_MASTER];
	int64_t masters = 0;

	for (size_t i = 0; i < METRICS_SLOTS && !f->snap.other_boot; i++) {
		const struct metrics_slot *slot = &f->snap.file->slots[i];

		if (!metrics_get(&slot->pid))
			continue;
		switch (slot_role(slot)) {
		case ROLE_API:
			count_worker(f, slot);
			break;
		case ROLE_API_MASTER:
			if (!slot_lives(f, slot))
				break;
			masters++;
			see_start(f, slot);
			see_wanted(f, slot);
			break;
		default:
			break;
		}
	}
	master->known = true;
	master->value = masters;
}

/* A client that leaves is nobody's fault. */
static void read_requests(struct facts *f)
{
	for (size_t e = 0; e < ERR__COUNT; e++) {
		uint64_t n = metrics_get(&f->snap.sums->errors[e]);

		f->total += n;
		if (e != ERR_OK && e != ERR_CLIENT_GONE)
			f->error += n;
	}
	if (!metrics_gauge_get(&f->snap, GAUGE_LAST_REQUEST, &f->last_request_us))
		f->last_request_us = 0;
}

static void read_metrics(struct facts *f)
{
	struct buf path;

	buf_init(&path, 8192);
	buf_fmt(&path, "%s/metrics", f->config->home);
	f->note = ERR_NOTE_INIT;
	f->have = !metrics_snapshot(path.ptr, &f->snap, &f->note);
	buf_free(&path);
	if (!f->have)
		return;
	read_slots(f);
	read_requests(f);
	read_breakers(f);
}

/* --- from elsewhere */

/* The API's socket lies beside ours, and takes calls while its master lives. */
static bool gate_takes_calls(const struct config *c)
{
	struct sockaddr_un addr = { 0 };
	socklen_t len = sizeof(addr) - 1;	/* the path keeps its NUL */
	char *slash;
	bool open;
	size_t room;
	int fd, n;

	if (getsockname(0, (struct sockaddr *)&addr, &len) ||
	    addr.sun_family != AF_UNIX ||
	    !(slash = strrchr(addr.sun_path, '/'))) {
		addr.sun_family = AF_UNIX;
		n = snprintf(addr.sun_path, sizeof(addr.sun_path),
			     "%s/run/chatmock.sock", c->home);
		if (n < 0 || (size_t)n >= sizeof(addr.sun_path))
			return false;
	} else {
		room = sizeof(addr.sun_path) - (size_t)(slash + 1 - addr.sun_path);
		n = snprintf(slash + 1, room, "chatmock.sock");
		if (n < 0 || (size_t)n >= room)
			return false;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	/* a full backlog (EAGAIN) is a listener as well */
	open = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 ||
	       errno == EAGAIN;
	close(fd);
	return open;
}

static void read_disk(struct facts *f)
{
	struct statvfs fs;

	f->free_bytes = -1;
	if (statvfs(f->config->home, &fs))
		f->disk_errno = errno;
	else
		f->free_bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
}

static void read_prompts(struct facts *f)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct buf path;

	buf_init(&path, 8192);
	buf_fmt(&path, "%s/prompt_cache/metadata.json", f->config->home);
	if (file_read(path.ptr, &f->prompts, NULL, &ignored))
		buf_reset(&f->prompts);
	buf_free(&path);
}

void facts_read(struct facts *f, const struct config *c, enum facts_depth depth)
{
	*f = (struct facts){ .config = c, .wall_us = clock_wall_us() };
	buf_init(&f->prompts, MAX_METADATA);
	f->wanted = start_workers(c);
	read_metrics(f);
	read_disk(f);
	if (depth == FACTS_COUNTED)
		return;
	if (!f->have)
		f->gate_open = gate_takes_calls(c);
	if (depth == FACTS_ALL)
		read_prompts(f);
	findings_make(f, depth);
}

void facts_free(struct facts *f)
{
	metrics_snapshot_free(&f->snap);
	buf_free(&f->prompts);
}

void human_time(int64_t us, struct buf *out)
{
	int64_t s = us / 1000000;

	if (s >= 86400)
		buf_fmt(out, "%lldd ", (long long)(s / 86400));
	if (s >= 3600)
		buf_fmt(out, "%lldh ", (long long)(s / 3600 % 24));
	if (s >= 60)
		buf_fmt(out, "%lldm ", (long long)(s / 60 % 60));
	buf_fmt(out, "%llds", (long long)(s % 60));
}
