/*
 * test_plan.c - what upstream tells of limits, by headers and by document;
 * what is kept, written, and read again.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/file.h"
#include "../../shared/plan.h"
#include "../../shared/metrics_read.h"
#include "test.h"

#define NOW 1800000000

static void tell(struct plan *l, const char *const *headers)
{
	for (size_t i = 0; headers[i]; i += 2)
		check(plan_header(l, span_of(headers[i]),
				    span_of(headers[i + 1]), NOW));
}

static const char *const usual[] = {
	"x-codex-primary-used-percent", "12.5",
	"x-codex-primary-window-minutes", "300",
	"x-codex-primary-reset-at", "1800003600",
	"x-codex-primary-reset-after-seconds", "9",
	"X-Codex-Secondary-Used-Percent", "40",
	"x-codex-secondary-window-minutes", "10080",
	"x-codex-secondary-reset-after-seconds", "86400",
	"x-codex-primary-over-secondary-limit-percent", "31",
	"x-codex-plan-type", "plus",
	"x-codex-active-limit", "codex",
	"x-codex-allowed", "true",
	"x-codex-limit-reached", "false",
	"x-codex-credits-has-credits", "True",
	"x-codex-credits-unlimited", "false",
	"x-codex-credits-balance", "13.25",
	"x-codex-other-primary-used-percent", "100.0",
	"x-codex-other-primary-window-minutes", "60",
	"x-codex-other-limit-name", "Other things",
	"x-bengalfox-secondary-used-percent", "3",
	NULL
};

static void test_headers(void)
{
	struct plan l;

	plan_init(&l);
	check_int(l.captured_s, 0);
	tell(&l, usual);
	check_int(l.captured_s, NOW);
	check(l.own.primary.known && l.own.primary.used_percent == 12.5);
	check_int(l.own.primary.window_s, 18000);
	check_int(l.own.primary.reset_at, 1800003600);
	check_int(l.own.secondary.window_s, 604800);
	check_int(l.own.secondary.reset_at, NOW + 86400);
	check_str(span_of(l.plan), "plus");
	check_str(span_of(l.active), "codex");
	check_str(span_of(l.balance), "13.25");
	check_int(l.allowed, PLAN_YES);
	check_int(l.reached, PLAN_NO);
	check_int(l.has_credits, PLAN_YES);
	check_int(l.unlimited, PLAN_NO);
	check_int((int64_t)l.other_count, 2);
	check_str(span_of(l.others[0].id), "codex_other");
	check_str(span_of(l.others[0].name), "Other things");
	check(l.others[0].primary.used_percent == 100);
	check_str(span_of(l.others[1].id), "bengalfox");
	check(!l.others[1].primary.known && l.others[1].secondary.known);
}

/* What is none of ours, what says nothing, what is hostile. */
static void test_odd(void)
{
	static const char *const none[] = {
		"content-type", "x-request-id", "x-codex-turn-state", "",
		"x-codex-", "x-codex-promo-message", "primary-used-percent",
	};
	static const char *const odd[] = {
		"x-codex-primary-used-percent", "0",
		"x-codex-secondary-used-percent", "-5",
		"x-codex-secondary-reset-at", "1e300",
		"x-codex-secondary-window-minutes", "many",
		"x-codex-plan-type", "a\tb",
		"x-codex-credits-balance", "much",
		"x-codex-allowed", "perhaps",
		"x-codex-limit-reached", "",
		NULL
	};
	struct plan l;
	char name[200];

	plan_init(&l);
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		check(!plan_header(&l, span_of(none[i]), SPAN("1"), NOW));
	check_int(l.captured_s, 0);
	tell(&l, odd);
	check(!l.own.primary.known && !l.own.secondary.known);
	check_int(l.own.secondary.reset_at, 0);
	check(!l.plan[0] && !l.balance[0]);
	check_int(l.allowed, PLAN_UNSAID);
	/* a family too many, and one whose name is too long */
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "x-f%d-primary-used-percent", i);
		check(plan_header(&l, span_of(name), SPAN("1"), NOW));
	}
	check_int((int64_t)l.other_count, MAX_LIMIT_FAMILIES);
	plan_init(&l);
	snprintf(name, sizeof(name), "x-%0120d-primary-used-percent", 1);
	check(plan_header(&l, span_of(name), SPAN("1"), NOW));
	check_int((int64_t)strlen(l.others[0].id), sizeof(l.others[0].id) - 1);
	check(plan_is_header(SPAN("X-Codex-Anything")));
	check(plan_is_header(SPAN("x-z-secondary-reset-at")));
	check(!plan_is_header(SPAN("x-ratelimit-limit-requests")));
}

static void test_merge(void)
{
	static const char *const reached[] = {
		"x-codex-primary-used-percent", "100",
		"x-codex-rate-limit-reached-type", "rate_limit_reached",
		"x-codex-limit-reached", "true", NULL
	};
	static const char *const again[] = {
		"x-codex-primary-used-percent", "1", NULL
	};
	static const char *const plan[] = { "x-codex-plan-type", "pro", NULL };
	struct plan l, fresh;

	plan_init(&l);
	plan_init(&fresh);
	plan_merge(&l, &fresh);
	check_int(l.captured_s, 0);
	tell(&l, usual);
	tell(&fresh, reached);
	plan_merge(&l, &fresh);
	check(l.own.primary.used_percent == 100 && !l.own.secondary.known);
	check_int(l.reached, PLAN_YES);
	check_str(span_of(l.reached_type), "rate_limit_reached");
	check_str(span_of(l.plan), "plus");
	check_int((int64_t)l.other_count, 2);
	/* what is over is not told on */
	plan_init(&fresh);
	tell(&fresh, again);
	plan_merge(&l, &fresh);
	check_int(l.reached, PLAN_UNSAID);
	check(!l.reached_type[0]);
	/* what says nothing of windows leaves them */
	plan_init(&fresh);
	tell(&fresh, plan);
	plan_merge(&l, &fresh);
	check(l.own.primary.used_percent == 1);
	check_str(span_of(l.plan), "pro");
}

static void test_differ(void)
{
	struct plan a, b;

	plan_init(&a);
	tell(&a, usual);
	b = a;
	check(!plan_differ(&a, &b));
	b.own.secondary.reset_at += 3;
	b.captured_s += 30;
	check(!plan_differ(&a, &b));
	b.captured_s += 30;
	check(plan_differ(&a, &b));
	b = a;
	b.own.secondary.reset_at -= 9;
	check(plan_differ(&a, &b));
	b = a;
	b.others[1].secondary.used_percent++;
	check(plan_differ(&a, &b));
	b = a;
	b.balance[0] = '2';
	check(plan_differ(&a, &b));
}

static void check_json(const struct plan *l, struct plan_style style,
		       const char *want)
{
	struct buf out;

	buf_init(&out, 1 << 16);
	plan_json(l, NOW + 60, style, &out);
	check_str(buf_span(&out), want);
	buf_free(&out);
}

static void test_json(void)
{
	static const char document[] =
		"{\"plan_type\":\"pro\",\"rate_limit\":{\"allowed\":true,"
		"\"limit_reached\":false,\"primary_window\":{\"used_percent\":7,"
		"\"limit_window_seconds\":18000,\"reset_after_seconds\":100,"
		"\"reset_at\":1800000100},\"secondary_window\":null},"
		"\"additional_rate_limits\":[{\"limit_name\":\"Spark\","
		"\"metered_feature\":\"codex_spark\",\"rate_limit\":{"
		"\"primary_window\":{\"used_percent\":100,"
		"\"limit_window_seconds\":60,\"reset_after_seconds\":5}}}],"
		"\"credits\":{\"has_credits\":true,\"unlimited\":false,"
		"\"balance\":\"5\"},\"spend_control\":null}";
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *root;
	struct plan l, again;
	struct buf out;

	plan_init(&l);
	tell(&l, (const char *const[]){ "x-codex-primary-used-percent", "12.5",
					"x-codex-primary-reset-at", "1800000100",
					NULL });
	check_json(&l, (struct plan_style){ .age = true },
		   "{\"plan_type\":\"unknown\",\"rate_limit\":{\"allowed\":true,"
		   "\"limit_reached\":false,\"primary_window\":{\"used_percent\":12.500,"
		   "\"limit_window_seconds\":0,\"reset_after_seconds\":40,"
		   "\"reset_at\":1800000100},\"secondary_window\":null},"
		   "\"additional_rate_limits\":[],\"credits\":null,"
		   "\"captured_at\":1800000000,\"age_seconds\":60}\n");
	check_json(&l, (struct plan_style){ .whole = true },
		   "{\"plan_type\":\"unknown\",\"rate_limit\":{\"allowed\":true,"
		   "\"limit_reached\":false,\"primary_window\":{\"used_percent\":13,"
		   "\"limit_window_seconds\":0,\"reset_at\":1800000100},"
		   "\"secondary_window\":null},\"additional_rate_limits\":[],"
		   "\"credits\":null,\"captured_at\":1800000000}\n");
	root = json_parse(span_of(document), &note);
	check(plan_from_json(&l, root, NOW));
	json_object_put(root);
	check_int(l.captured_s, NOW);
	check_int((int64_t)l.own.primary.used_percent, 7);
	check_int(l.own.primary.reset_at, 1800000100);
	check(!l.own.secondary.known);
	check_int((int64_t)l.other_count, 1);
	check_str(span_of(l.others[0].id), "codex_spark");
	check_int(l.others[0].primary.reset_at, NOW + 5);
	check_str(span_of(l.balance), "5");
	/* what is written is read as it was */
	buf_init(&out, 1 << 16);
	plan_json(&l, NOW, (struct plan_style){ 0 }, &out);
	root = json_parse(buf_span(&out), &note);
	check(plan_from_json(&again, root, NOW + 999));
	json_object_put(root);
	buf_free(&out);
	check(!plan_differ(&l, &again));
	check_int(again.captured_s, NOW);
	root = json_parse(SPAN("{\"detail\":\"Not Found\"}"), &note);
	check(!plan_from_json(&l, root, NOW));
	json_object_put(root);
	check(!plan_from_json(&l, NULL, NOW));
}

static void test_file(const char *dir)
{
	struct err_note note = ERR_NOTE_INIT;
	struct plan l, there;
	struct stat st;
	char path[128];
	int again, lock;

	snprintf(path, sizeof(path), "%s/limits.json", dir);
	check_int(plan_read(dir, &there, &note), ERR_SYSTEM);
	plan_init(&l);
	tell(&l, usual);
	l.captured_s = clock_wall_us() / 1000000 - 10;
	note = ERR_NOTE_INIT;
	check_int(plan_write(dir, &l, &again, &note), ERR_NONE);
	check_int(again, 0);
	check(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	check_int(plan_read(dir, &there, &note), ERR_NONE);
	check(!plan_differ(&l, &there));
	check_int(there.captured_s, l.captured_s);
	/* not again within five seconds, whoever asks */
	check_int(plan_write(dir, &l, &again, &note), ERR_NONE);
	check(again > 0 && again <= PLAN_EVERY_MS);
	/* what is newer stays */
	check(utimensat(AT_FDCWD, path, (struct timespec[]){ { 1, 0 }, { 1, 0 } },
			0) == 0);
	l.captured_s -= 100;
	check_int(plan_write(dir, &l, &again, &note), ERR_NONE);
	check_int(again, 0);
	check_int(plan_read(dir, &there, &note), ERR_NONE);
	check_int(there.captured_s, l.captured_s + 100);
	/* another writes just now */
	snprintf(path, sizeof(path), "%s/limits.lock", dir);
	check_int(file_lock(path, 0, &lock, &note), ERR_NONE);
	check_int(plan_write(dir, &l, &again, &note), ERR_NONE);
	check(again > 0);
	close(lock);
	unlink(path);
	/* nonsense is none, and is replaced */
	snprintf(path, sizeof(path), "%s/limits.json", dir);
	check_int(file_replace(path, 0600, SPAN("{\"a\""), &note), ERR_NONE);
	check(plan_read(dir, &there, &note) != ERR_NONE);
	check_int(there.captured_s, 0);
	check(utimensat(AT_FDCWD, path, (struct timespec[]){ { 1, 0 }, { 1, 0 } },
			0) == 0);
	note = ERR_NOTE_INIT;
	check_int(plan_write(dir, &l, &again, &note), ERR_NONE);
	check_int(plan_read(dir, &there, &note), ERR_NONE);
	unlink(path);
	check_int(plan_write("/nowhere/at/all", &l, &again, &note), ERR_SYSTEM);
	snprintf(path, sizeof(path), "%s/limits.lock", dir);
	unlink(path);
}

static int64_t gauge(const struct metrics_snapshot *s, enum metric_gauge g)
{
	int64_t value = -1;

	return metrics_gauge_get(s, g, &value) ? value : -1;
}

static void test_gauges(const char *dir)
{
	struct err_note note = ERR_NOTE_INIT;
	struct metrics *m = metrics_open_home(dir, &note);
	struct metrics_snapshot s = { 0 };
	struct plan l;
	char path[128];

	plan_init(&l);
	plan_gauges(&l, m);
	tell(&l, usual);
	plan_gauges(&l, m);
	check_int(metrics_snapshot_of(m, &s, &note), ERR_NONE);
	check_int(gauge(&s, GAUGE_LIMIT_PRIMARY_USED), 12500);
	check_int(gauge(&s, GAUGE_LIMIT_PRIMARY_WINDOW), 18000);
	check_int(gauge(&s, GAUGE_LIMIT_SECONDARY_RESET), NOW + 86400);
	check_int(gauge(&s, GAUGE_LIMIT_REACHED), 0);
	check_int(gauge(&s, GAUGE_CREDITS), 13250);
	check_int(gauge(&s, GAUGE_CREDITS_UNLIMITED), 0);
	check_int(gauge(&s, GAUGE_LIMITS_SEEN), NOW * INT64_C(1000000));
	metrics_snapshot_free(&s);
	l.own.secondary.known = false;
	plan_gauges(&l, m);
	check_int(metrics_snapshot_of(m, &s, &note), ERR_NONE);
	check_int(gauge(&s, GAUGE_LIMIT_SECONDARY_USED), -1);
	metrics_snapshot_free(&s);
	metrics_close(m);
	for (const char *const *name = (const char *const[]){ "metrics",
	     "metrics.lock", NULL }; *name; name++) {
		snprintf(path, sizeof(path), "%s/%s", dir, *name);
		unlink(path);
	}
}

int main(void)
{
	char dir[] = "/tmp/chatmock-plan-XXXXXX";

	if (!mkdtemp(dir))
		return 1;
	test_headers();
	test_odd();
	test_merge();
	test_differ();
	test_json();
	test_file(dir);
	test_gauges(dir);
	check(rmdir(dir) == 0);
	return test_end("test_plan");
}
