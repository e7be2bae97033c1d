#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "../../shared/clock.h"
#include "../../shared/login.h"
#include "../keep/orphans.h"

#define HEALTH_MS 3000

static void reason(struct status *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void reason(struct status *s, const char *fmt, ...)
{
	va_list args;

	if (s->reason_count == STATUS_REASONS)
		return;
	va_start(args, fmt);
	vsnprintf(s->reasons[s->reason_count++], sizeof(s->reasons[0]), fmt, args);
	va_end(args);
}

static void look_at_part(struct status *s, enum part_id id)
{
	const struct part *from = &s->state.parts[id];
	struct status_part *p = &s->parts[id];
	struct proc_stat st;

	p->restarts = from->restarts;
	if (!proc_lives(&from->proc) || !proc_stat(from->proc.pid, &st)) {
		if (id != PART_FETCH && id != PART_OLD && !s->stopping)
			reason(s, "%s does not run", part_name(id));
		return;
	}
	p->pid = from->proc.pid;
	p->up_s = proc_age_s(&from->proc);
	p->resident = st.resident;
}

struct span status_check(const struct status *s, const char *name,
			 int64_t *value, struct span *output)
{
	struct json_object *check = json_get_object(json_get_object(s->health,
							"checks"), name);

	if (value)
		*value = json_get_int(check, "value", -1);
	if (output)
		*output = json_get_str(check, "output");
	return json_get_str(check, "status");
}

double status_error_rate(const struct status *s)
{
	struct json_object *r = json_get_object(json_get_object(s->health,
						"metrics"), "requests");
	int64_t total = json_get_int(r, "total", 0);

	return total > 0 ? 100.0 * (double)json_get_int(r, "error", 0) /
			   (double)total : -1;
}

/* What is no pass there is a reason here, in its words. */
static void take_reasons(struct status *s)
{
	struct json_object *checks = json_get_object(s->health, "checks");

	if (!checks)
		return;
	json_object_object_foreach(checks, name, check) {
		struct span status = json_get_str(check, "status");
		struct span why = json_get_str(check, "output");

		if (!span_eq(status, "pass"))
			reason(s, "%s: %.*s", name, (int)why.len, why.ptr);
	}
}

/* The way that requests go, and what files say of all behind it. */
static void ask_health(struct cli *cli, struct status *s)
{
	int status = ops_get(cli, "/health/live", HEALTH_MS, NULL);
	struct span word;

	s->health = ops_report(cli);
	word = json_get_str(s->health, "status");
	if (!status)
		reason(s, "nobody answers at %s", s->url);
	else if (status >= 500)
		reason(s, "%s/health/live answered %d", s->url, status);
	if (!word.len)
		reason(s, "health.fcgi does not say how it is");
	else if (!span_eq(word, "healthy"))
		take_reasons(s);
}

static void look_at_login(struct cli *cli, struct status *s)
{
	struct err_note note = ERR_NOTE_INIT;
	struct login login = { 0 };
	int64_t now_s = clock_wall_us() / 1000000;

	s->login_age_s = s->login_left_s = -1;
	if (login_read(&cli->config, &login, &note)) {
		snprintf(s->login, sizeof(s->login), "%s",
			 note.code == ERR_LOGIN_MISSING ? "" : err_words(&note));
	} else {
		snprintf(s->login, sizeof(s->login), "%s", login.path);
		if (login.last_refresh)
			s->login_age_s = now_s - login.last_refresh;
		if (login.expires_at)
			s->login_left_s = login.expires_at - now_s;
	}
	login_free(&login);
}

void status_gather(struct cli *cli, struct status *s)
{
	const char *home = cli->config.home;

	*s = (struct status){ 0 };
	if (state_read(home, &s->state))
		place_url(s->state.bind, s->state.port, s->url, sizeof(s->url));
	else
		place_url(cli->config.bind, cli->config.port, s->url,
			  sizeof(s->url));
	look_at_login(cli, s);
	if (!ops_keeper(cli, &s->keeper)) {
		s->keeper = (struct proc){ 0 };
		s->word = orphans_none(home) ? STATUS_STOPPED : STATUS_DEGRADED;
		if (s->word == STATUS_DEGRADED)
			reason(s, "its keeper has gone, and processes were left; "
			       "chatmock start cleans up");
	}
	if (s->word == STATUS_STOPPED)
		return;
	s->stopping = s->state.stopping;
	s->up_s = s->keeper.pid ? proc_age_s(&s->keeper) : 0;
	for (int i = 0; i < PART__COUNT; i++)
		look_at_part(s, (enum part_id)i);
	if (s->stopping)
		reason(s, "it is stopping");
	ask_health(cli, s);
	s->word = s->reason_count ? STATUS_DEGRADED : STATUS_RUNNING;
}

void status_free(struct status *s)
{
	json_object_put(s->health);
	s->health = NULL;
}
