/* test_metrics.c - counting, slots, gauges, jobs, breakers, a reader's copy. */
#include <pthread.h>
#include <signal.h>

#include "../../shared/clock.h"
#include "metrics_help.h"

static void counting(void)
{
	struct metrics *m = open_it(), *other = open_it();
	struct stat st;

	check(metrics_is_shared(m));
	check(stat(path, &st) == 0);
	check_int(st.st_mode & 07777, 0600);
	check_int(st.st_size, (int64_t)sizeof(struct metrics_file));
	/* no holes: a full disk can not become a fault later */
	check(st.st_blocks * 512 >= st.st_size);
	metrics_add(m, COUNT_UPSTREAM_OK, 3);
	metrics_count(other, COUNT_UPSTREAM_OK);
	check_int(count_of(COUNT_UPSTREAM_OK), 4);
	metrics_close(m);
	metrics_close(other);
	/* outlives its processes */
	m = open_it();
	metrics_count(m, COUNT_UPSTREAM_OK);
	check_int(count_of(COUNT_UPSTREAM_OK), 5);
	metrics_close(m);
	check_int(dir_count(), 2);	/* the file and its lock */
}

static void nothing(void)
{
	struct metrics_request r = { .end = ERR_OK };
	struct err_note note = ERR_NOTE_INIT;
	struct metrics_snapshot s;
	uint64_t tokens[TOKEN__COUNT] = { 1 };
	bool mended;

	metrics_count(NULL, COUNT_TRUNCATED);
	metrics_retry(NULL, ERR_UPSTREAM_BROKE);
	metrics_time(NULL, HIST_OWN, TONGUE_CHAT, 1);
	metrics_request(NULL, &r);
	metrics_tokens(NULL, SPAN("m"), tokens);
	metrics_key_tokens(NULL, SPAN("k"), tokens);
	metrics_gauge(NULL, GAUGE_CREDITS, 1);
	metrics_gauge_forget(NULL, GAUGE_CREDITS);
	metrics_join(NULL, ROLE_API, 1);
	metrics_beat(NULL, STATE_ACCEPTING, 1, 1);
	metrics_leave(NULL);
	metrics_dead(NULL, 1);
	metrics_job_begin(NULL, SPAN("j"), 1);
	metrics_job_end(NULL, SPAN("j"), 1, 1, ERR_OK);
	check(breaker_of(NULL, "o") == NULL);
	check(!metrics_is_shared(NULL));
	check(metrics_check(NULL, &mended, &note) == ERR_NONE && !mended);
	check(metrics_snapshot_of(NULL, &s, &note) == ERR_SYSTEM);
	metrics_close(NULL);
}

static void requests(void)
{
	struct metrics *m = open_it();
	struct metrics_label chat = metrics_label(SPAN("POST /chat chat"));
	struct metrics_request r = {
		.route = &chat, .tongue = TONGUE_CHAT, .status = 200,
		.total_us = 1500, .ttft_us = 1000, .upstream_us = -1, .own_us = 51,
	};
	struct err_note note = ERR_NOTE_INIT;
	struct metrics_snapshot s;
	const uint32_t *bounds;
	char name[METRICS_NAME + 1];
	size_t count, at = 0;

	metrics_request(m, &r);
	r.status = 777;
	r.end = ERR_UPSTREAM_BROKE;
	r.total_us = INT64_C(9000000000);
	metrics_request(m, &r);
	r.route = NULL;
	metrics_request(m, &r);
	if (!check(metrics_snapshot(path, &s, &note) == ERR_NONE))
		return;
	for (size_t i = 1; i < METRICS_ROUTES; i++)
		if (metrics_name_get(&s.file->routes[i], name))
			at = i;
	check(at > 0 && metrics_name_get(&s.file->routes[at], name));
	check_str(span_of(name), "POST /chat chat");
	check_int(metrics_get(&s.sums->requests[at][STATUS_200]), 1);
	check_int(metrics_get(&s.sums->requests[at][STATUS_0]), 1);
	check_int(metrics_get(&s.sums->requests[0][STATUS_0]), 1);
	check_int(metrics_get(&s.sums->errors[ERR_OK]), 1);
	check_int(metrics_get(&s.sums->errors[ERR_UPSTREAM_BROKE]), 2);
	metrics_hist_row(HIST_REQUEST, &bounds, &count);
	/* a bound belongs to its own bucket, what is beyond all to the last */
	check_int(metrics_get(&s.sums->hist[HIST_REQUEST][TONGUE_CHAT].bucket[1]), 1);
	check_int(metrics_get(&s.sums->hist[HIST_REQUEST][TONGUE_CHAT].bucket[count]), 2);
	check_int(metrics_get(&s.sums->hist[HIST_REQUEST][TONGUE_CHAT].sum),
		  INT64_C(18000001500));
	check_int(metrics_get(&s.sums->hist[HIST_TTFT][TONGUE_CHAT].bucket[0]), 3);
	check_int(metrics_get(&s.sums->hist[HIST_OWN][TONGUE_CHAT].bucket[1]), 3);
	check_int(metrics_get(&s.sums->hist[HIST_UPSTREAM][TONGUE_CHAT].sum), 0);
	metrics_snapshot_free(&s);
	metrics_close(m);
}

/* The tables: bounds rise, names are said. */
static void tables(void)
{
	const uint32_t *bounds;
	enum metric_unit unit;
	size_t count;

	for (enum metric_hist h = 0; h < HIST__COUNT; h++) {
		check(metrics_hist_row(h, &bounds, &count)->name[0] != '\0');
		for (size_t i = 1; i < count; i++)
			check(bounds[i] > bounds[i - 1]);
	}
	for (enum metric_counter c = 0; c < COUNT__COUNT; c++) {
		struct span name = span_of(metrics_counter_row(c)->name);

		check(name.len > 6 &&
		      memcmp(name.ptr + name.len - 6, "_total", 6) == 0);
	}
	for (enum metric_gauge g = 0; g < GAUGE__COUNT; g++)
		check(metrics_gauge_row(g, &unit)->help[0] != '\0');
	check_int(metrics_tongue(SPAN("chat")), TONGUE_CHAT);
	check_int(metrics_tongue(SPAN("ollama")), TONGUE_OLLAMA);
	check_int(metrics_tongue(SPAN("klingon")), TONGUE_OTHER);
	check_int(metrics_status_code(STATUS_429), 429);
	check_str(span_of(metrics_token_name(TOKEN_CACHE_WRITE)), "cache_write");
	check_str(span_of(metrics_role_name(ROLE_HEALTH)), "health");
	check_str(span_of(metrics_state_name(STATE_DRAINING)), "draining");
}

/* More names than there are places: the rest is counted together. */
static void many_models(void)
{
	struct metrics *m = open_it();
	uint64_t tokens[TOKEN__COUNT] = { [TOKEN_INPUT] = 10, [TOKEN_OUTPUT] = 1 };
	struct err_note note = ERR_NOTE_INIT;
	struct metrics_snapshot s;
	char name[METRICS_NAME + 1], text[300];
	uint64_t named = 0;
	int names = 0;

	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "model-%d", i);
		metrics_key_tokens(m, SPAN("ab12cd34"), tokens);
		metrics_tokens(m, span_of(text), tokens);
		metrics_tokens(m, span_of(text), tokens);
	}
	check(metrics_snapshot(path, &s, &note) == ERR_NONE);
	for (size_t i = 1; i < METRICS_MODELS; i++) {
		if (!metrics_name_get(&s.file->models[i], name))
			continue;
		names++;
		check(strncmp(name, "model-", 6) == 0);
		named += metrics_get(&s.sums->tokens[i][TOKEN_INPUT]);
	}
	check_int(names, METRICS_MODELS - 1);
	for (size_t i = 1; i < METRICS_KEYS; i++) {
		if (!metrics_name_get(&s.file->keys[i], name))
			continue;
		check_str(span_of(name), "ab12cd34");
		check_int(metrics_get(&s.sums->key_tokens[i][TOKEN_OUTPUT]), 100);
	}
	check_int(named, 20 * (METRICS_MODELS - 1));
	check_int(metrics_get(&s.sums->tokens[0][TOKEN_INPUT]), 2000 - (int64_t)named);
	metrics_snapshot_free(&s);
	metrics_close(m);
}

/* Names from outside: cut, and nothing in them that a page can not say. */
static void odd_names(void)
{
	struct metrics *m = open_it();
	uint64_t tokens[TOKEN__COUNT] = { [TOKEN_INPUT] = 1 };
	struct err_note note = ERR_NOTE_INIT;
	struct metrics_snapshot s;
	char name[METRICS_NAME + 1], text[300];
	bool cut = false, odd = false;

	memset(text, 'x', sizeof(text));
	metrics_tokens(m, (struct span){ text, sizeof(text) }, tokens);
	metrics_tokens(m, SPAN("a\nb\"\xff"), tokens);
	metrics_tokens(m, SPAN(""), tokens);
	check(metrics_snapshot(path, &s, &note) == ERR_NONE);
	for (size_t i = 1; i < METRICS_MODELS; i++) {
		if (!metrics_name_get(&s.file->models[i], name))
			continue;
		cut |= strlen(name) == METRICS_NAME && name[0] == 'x';
		odd |= span_eq(span_of(name), "a?b\"?");
	}
	check(cut);
	check(odd);
	metrics_snapshot_free(&s);
	metrics_close(m);
}

static const struct metrics_slot *find(const struct metrics_snapshot *s, pid_t pid)
{
	for (size_t i = 0; i < METRICS_SLOTS; i++)
		if (metrics_get(&s->file->slots[i].pid) == (uint64_t)pid)
			return &s->file->slots[i];
	return NULL;
}

static void slots(void)
{
	struct metrics *m = open_it();
	struct err_note note = ERR_NOTE_INIT;
	struct metrics_snapshot s;
	const struct metrics_slot *slot;
	pid_t pid;

	metrics_join(m, ROLE_API_MASTER, 7);
	pid = fork();
	if (pid == 0) {
		metrics_join(m, ROLE_API, 7);
		metrics_beat(m, STATE_ACCEPTING, 5, 2);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	check(metrics_snapshot(path, &s, &note) == ERR_NONE);
	slot = find(&s, pid);
	if (check(slot != NULL)) {
		check_int(metrics_get(&slot->role), ROLE_API);
		check_int(metrics_get(&slot->in_flight), 5);
		check_int(metrics_get(&slot->served), 2);
		check_int(metrics_get(&slot->generation), 7);
		/* there, fresh, but dead: not to be counted */
		check(!metrics_slot_lives(&s, slot, 60000000));
	}
	slot = find(&s, getpid());
	if (check(slot != NULL)) {
		check_int(metrics_get(&slot->role), ROLE_API_MASTER);
		check(metrics_slot_lives(&s, slot, 60000000));
		check(!metrics_slot_lives(&s, slot, -1));
	}
	check(s.seen_us > 0 && s.seen_us <= clock_boot_us());
	metrics_snapshot_free(&s);
	metrics_dead(m, pid);
	check(metrics_snapshot(path, &s, &note) == ERR_NONE);
	check(find(&s, pid) == NULL);
	metrics_snapshot_free(&s);
	metrics_leave(m);
	check(metrics_snapshot(path, &s, &note) == ERR_NONE);
	check(find(&s, getpid()) == NULL);
	metrics_snapshot_free(&s);
	metrics_close(m);
}

/* Slots of the dead whom nobody cleared away are taken again. */
static void slots_full(void)
{
	struct metrics *m = open_it();
	pid_t pid;

	for (int i = 0; i < METRICS_SLOTS + 10; i++) {
		pid = fork();
		if (pid == 0) {
			metrics_join(m, ROLE_API, 1);
			if (atomic_load(&m->slot))
				metrics_count(m, COUNT_PARAMS_DROPPED);
			raise(SIGKILL);
		}
		waitpid(pid, NULL, 0);
	}
	check_int(count_of(COUNT_PARAMS_DROPPED), METRICS_SLOTS + 10);
	metrics_close(m);
}

static void gauges(void)
{
	struct metrics *m = open_it();
	struct err_note note = ERR_NOTE_INIT;
	struct metrics_snapshot s;
	int64_t value;

	metrics_gauge(m, GAUGE_LIMIT_PRIMARY_USED, 0);
	metrics_gauge(m, GAUGE_CREDITS, -5);
	metrics_gauge(m, GAUGE_LOGIN_EXPIRY, 17);
	metrics_gauge_forget(m, GAUGE_LOGIN_EXPIRY);
	check(metrics_snapshot(path, &s, &note) == ERR_NONE);
	check(metrics_gauge_get(&s, GAUGE_LIMIT_PRIMARY_USED, &value) && value == 0);
	check(metrics_gauge_get(&s, GAUGE_CREDITS, &value) && value == -5);
	check(!metrics_gauge_get(&s, GAUGE_LOGIN_EXPIRY, &value));
	check(!metrics_gauge_get(&s, GAUGE_LIMIT_SECONDARY_USED, &value));
	metrics_snapshot_free(&s);
	metrics_close(m);
}

static void jobs(void)
{
	struct metrics *m = open_it();
	struct err_note note = ERR_NOTE_INIT;
	const struct metrics_job *job = NULL;
	struct metrics_snapshot s;
	char name[METRICS_NAME + 1];

	metrics_job_begin(m, SPAN("models"), 100);
	metrics_job_end(m, SPAN("models"), 200, 90, ERR_OK);
	metrics_job_begin(m, SPAN("prompts"), 50);
	metrics_job_begin(m, SPAN("models"), 300);
	metrics_job_end(m, SPAN("models"), 400, 80, ERR_UPSTREAM_DNS);
	check(metrics_snapshot(path, &s, &note) == ERR_NONE);
	for (size_t i = 0; i < METRICS_JOBS; i++)
		if (metrics_name_get(&s.file->jobs[i].name, name) &&
		    strcmp(name, "models") == 0)
			job = &s.file->jobs[i];
	if (check(job != NULL)) {
		check_int(metrics_get(&job->started_us), 300);
		check_int(metrics_get(&job->ended_us), 400);
		check_int(metrics_get(&job->succeeded_us), 200);
		check_int(metrics_get(&job->duration_us), 80);
		check_int(metrics_get(&job->code), ERR_UPSTREAM_DNS);
		check_int(metrics_get(&job->runs), 2);
		check_int(metrics_get(&job->failures), 1);
	}
	metrics_snapshot_free(&s);
	metrics_close(m);
}

static void breakers(void)
{
	struct metrics *m = open_it(), *other = open_it();
	metric_word *a = breaker_of(m, "https://a.test");
	metric_word *b = breaker_of(other, "https://b.test");
	char name[32];

	if (!check(a && b))
		return;
	atomic_store(&a[3], 42);
	check_int(atomic_load(&breaker_of(other, "https://a.test")[3]), 42);
	check_int(atomic_load(&b[3]), 0);
	for (int i = 2; i < METRICS_BREAKERS; i++) {
		snprintf(name, sizeof(name), "https://%d.test", i);
		check(breaker_of(m, name) != NULL);
	}
	check(breaker_of(m, "https://one-more.test") == NULL);
	metrics_close(m);
	metrics_close(other);
}

static void *add_many(void *arg)
{
	for (int i = 0; i < 100000; i++)
		metrics_count(arg, COUNT_ABORT_GATEWAY);
	return NULL;
}

static void threads(void)
{
	struct metrics *m = open_it();
	pthread_t t[4];

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		pthread_create(&t[i], NULL, add_many, m);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		pthread_join(t[i], NULL);
	check_int(count_of(COUNT_ABORT_GATEWAY), 400000);
	metrics_close(m);
}

int main(void)
{
	void (*const tests[])(void) = {
		counting, nothing, requests, tables, many_models, odd_names,
		slots, slots_full, gauges, jobs, breakers, threads,
	};

	run_tests(tests, ARRAY_LEN(tests));
	return test_end("test_metrics");
}
