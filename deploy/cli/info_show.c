/*
 * info_show.c - the account and its limits for people: bars, local time.
 */
#include "info.h"

#define LABEL	11	/* columns of the names at the left */

static bool is_utf8(void)
{
	const char *names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "UTF-8") ||
			       strcasestr(value, "utf8");
	}
	return false;
}

/* "2 h 3 min", of the two largest units. */
static void info_span(int64_t s, char out[32])
{
	long long m = s / 60, h = m / 60, d = h / 24;

	if (s < 60)
		snprintf(out, 32, "%lld s", (long long)(s > 0 ? s : 0));
	else if (m < 60)
		snprintf(out, 32, "%lld min", m);
	else if (h < 24)
		snprintf(out, 32, m % 60 ? "%lld h %lld min" : "%lld h", h, m % 60);
	else
		snprintf(out, 32, h % 24 ? "%lld d %lld h" : "%lld d", d, h % 24);
}

/* A moment in local time: "14:40" today, else with its day. */
static void info_moment(int64_t at_s, int64_t now_s, char out[48])
{
	time_t at = (time_t)at_s, now = (time_t)now_s;
	struct tm then, today;

	if (!localtime_r(&at, &then) || !localtime_r(&now, &today)) {
		snprintf(out, 48, "?");
		return;
	}
	if (then.tm_year == today.tm_year && then.tm_yday == today.tm_yday)
		strftime(out, 48, "%H:%M", &then);
	else if (then.tm_year == today.tm_year)
		strftime(out, 48, "%a %b %e, %H:%M", &then);
	else
		strftime(out, 48, "%b %e %Y, %H:%M", &then);
}

/* "5 hours", "week": a window by its length. */
static void info_window(int64_t s, char out[32])
{
	long long m = (s + 30) / 60, h = (s + 1800) / 3600, d = (s + 43200) / 86400;

	if (s <= 0)
		snprintf(out, 32, "limit");
	else if (m < 60)
		snprintf(out, 32, "%lld min", m);
	else if (d == 7 && h == 168)
		snprintf(out, 32, "week");
	else if (h < 48)
		snprintf(out, 32, h == 1 ? "hour" : "%lld hours", h);
	else
		snprintf(out, 32, "%lld days", d);
}

/* A name at the left, then what is said by the caller. */
static void label(struct cli *cli, const char *name)
{
	cli_out(cli, "%s%-*s%s", cli_ink(cli, INK_NAME), LABEL, name,
		cli_ink(cli, INK_PLAIN));
}

static void row(struct cli *cli, const char *name, const char *value)
{
	struct buf safe;

	if (!value || !*value)
		return;
	buf_init(&safe, 8192);
	cli_safe(&safe, span_of(value));
	label(cli, name);
	cli_out(cli, "%s\n", safe.ptr);
	buf_free(&safe);
}

static enum cli_ink ink_of(double percent)
{
	return percent >= 90 ? INK_BAD : percent >= 70 ? INK_WARN : INK_GOOD;
}

static void bar(struct cli *cli, double percent)
{
	size_t wide = cli->width > 100 ? 40 : cli->width && cli->width < 70 ? 10 : 20;
	bool blocks = cli->out_tty && is_utf8();
	double full = percent < 0 ? 0 : percent > 100 ? 100 : percent;
	size_t n = (size_t)(full * (double)wide / 100 + 0.5);

	/* what is used shows, however little; full is only what is full */
	if (n == 0 && percent > 0)
		n = 1;
	if (n == wide && percent < 100)
		n = wide - 1;
	cli_out(cli, "[%s", cli_ink(cli, ink_of(percent)));
	for (size_t i = 0; i < wide; i++) {
		if (i == n)
			cli_out(cli, "%s", cli_ink(cli, INK_PLAIN));
		cli_out(cli, "%s", i < n ? (blocks ? "\xe2\x96\x88" : "#") :
			(blocks ? "\xe2\x96\x91" : "-"));
	}
	cli_out(cli, "%s]", cli_ink(cli, INK_PLAIN));
}

static void show_window(struct cli *cli, const struct plan_window *w,
			int64_t now_s)
{
	bool past = w->reset_at && w->reset_at <= now_s;
	char name[32], moment[48], span[32];

	if (!w->known)
		return;
	info_window(w->window_s, name);
	cli_out(cli, "  %-*s", LABEL - 2, name);
	bar(cli, past ? 0 : w->used_percent);
	cli_out(cli, " %s%3.0f %%%s used", cli_ink(cli, ink_of(w->used_percent)),
		past ? 0.0 : w->used_percent, cli_ink(cli, INK_PLAIN));
	if (past) {
		cli_out(cli, ", began anew since (was %.0f %%)\n", w->used_percent);
	} else if (w->reset_at) {
		info_moment(w->reset_at, now_s, moment);
		info_span(w->reset_at - now_s, span);
		cli_out(cli, ", resets %s (in %s)\n", moment, span);
	} else {
		cli_out(cli, "\n");
	}
}

static void show_family(struct cli *cli, const struct plan_family *f,
			int64_t now_s)
{
	struct buf name;

	if (!f->primary.known && !f->secondary.known)
		return;
	buf_init(&name, 1024);
	cli_safe(&name, span_of(f->name[0] ? f->name : f->id));
	cli_out(cli, "  %s%s%s\n", cli_ink(cli, INK_DIM), name.ptr,
		cli_ink(cli, INK_PLAIN));
	show_window(cli, &f->primary, now_s);
	show_window(cli, &f->secondary, now_s);
	buf_free(&name);
}

static void show_limits(struct cli *cli, const struct info *i)
{
	const struct plan *p = &i->plan;
	char ago[32];

	if (!p->captured_s) {
		row(cli, "Limits", "not known");
		return;
	}
	info_span(i->now_s - p->captured_s, ago);
	label(cli, "Limits");
	cli_out(cli, "as of %s ago%s\n", ago, p->reached == PLAN_YES ?
		", REACHED" : "");
	if (!p->own.primary.known && !p->own.secondary.known)
		cli_out(cli, "  no window is limited\n");
	show_window(cli, &p->own.primary, i->now_s);
	show_window(cli, &p->own.secondary, i->now_s);
	for (size_t n = 0; n < p->other_count; n++)
		show_family(cli, &p->others[n], i->now_s);
	if (p->unlimited == PLAN_YES)
		row(cli, "Credits", "unlimited");
	else if (p->has_credits == PLAN_YES)
		row(cli, "Credits", p->balance[0] ? p->balance : "yes");
	else if (p->has_credits == PLAN_NO)
		row(cli, "Credits", "none");
}

static void show_token(struct cli *cli, const struct info *i)
{
	const struct login *l = &i->login;
	char moment[48], span[32];

	if (l->api_key) {
		row(cli, "Login", l->path);
		row(cli, "", "an API key: it has no plan and no end");
		return;
	}
	row(cli, "Login", l->path);
	if (l->imported_from) {
		label(cli, "");
		cli_out(cli, "a copy of %s: both log each other out\n",
			l->imported_from);
	}
	label(cli, "Token");
	info_moment(l->expires_at, i->now_s, moment);
	info_span(llabs(l->expires_at - i->now_s), span);
	if (!l->expires_at)
		cli_out(cli, "its end is not known");
	else if (l->expires_at > i->now_s)
		cli_out(cli, "good until %s (%s)", moment, span);
	else
		cli_out(cli, "ran out %s (%s ago)", moment, span);
	cli_out(cli, "%s\n", l->refresh_token ? ", renewed by itself" :
		", can not be renewed");
	if (l->last_refresh) {
		info_moment(l->last_refresh, i->now_s, moment);
		info_span(i->now_s - l->last_refresh, span);
		label(cli, "");
		cli_out(cli, "last renewed %s (%s ago)\n", moment, span);
	}
}

void info_show(struct cli *cli, const struct info *i)
{
	const char *plan = i->plan.plan[0] ? i->plan.plan : i->login.plan;

	row(cli, "Upstream", cli->config.upstream_base);
	if (!i->has_login) {
		row(cli, "Account", "none: this upstream is called without a login");
		return;
	}
	row(cli, "Account", i->account.email[0] ? i->account.email :
	    i->login.account_id ? i->login.account_id : "not named");
	row(cli, "Workspace", i->account.workspace);
	row(cli, "", i->login.account_id);
	row(cli, "Plan", plan ? plan : "not known");
	show_token(cli, i);
	if (!i->login.api_key)
		show_limits(cli, i);
}
