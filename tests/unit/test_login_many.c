/*
 * test_login_many.c - 64 processes renew one login at the same moment, at an
 * issuer that takes each refresh token once: one asks, all get the answer.
 */
#include "login_fixture.h"

#define PROCESSES	64
#define ROUNDS		4

/* What the processes found, in memory that they share. */
struct board {
	atomic_int ready, good;
	atomic_bool go;
	char tokens[PROCESSES][512];
};

static void one_process(struct place *p, struct board *b, int which, bool refused)
{
	struct err_note note = ERR_NOTE_INIT;
	char *old = NULL;
	struct login l;

	if (login_read(&p->c, &l, &note))
		_exit(1);
	if (refused)
		old = strdup(l.access_token);
	atomic_fetch_add(&b->ready, 1);
	while (!atomic_load(&b->go))
		nap_ms(2);
	if (login_renew(&p->c, &p->http, &l, old, old ? "unauthorized_recovery"
			: "proactive_expiry", 30000, &note)) {
		printf("process %d: %s\n", which, note.why);
		fflush(stdout);
		_exit(1);
	}
	snprintf(b->tokens[which], sizeof(b->tokens[which]), "%s",
		 l.access_token);
	atomic_fetch_add(&b->good, 1);
	login_free(&l);
	free(old);
	exit(0);
}

/* Holds the login's lock until it is killed, as a renewal would. */
static pid_t lock_holder(struct place *p)
{
	char path[128], c = 0;
	int told[2], fd;
	pid_t pid;

	snprintf(path, sizeof(path), "%s.lock", p->auth);
	if (pipe(told) < 0)
		exit(1);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (file_lock(path, 1000, &fd, NULL))
			_exit(1);
		(void)!write(told[1], "x", 1);
		for (;;)
			pause();
	}
	check_int(read(told[0], &c, 1), 1);
	close(told[0]);
	close(told[1]);
	return pid;
}

static void round_of(struct place *p, struct issuer *s, struct board *b,
		     bool refused, bool kill_holder)
{
	pid_t pids[PROCESSES], holder = kill_holder ? lock_holder(p) : 0;
	struct login now;
	int turn = atomic_load(&s->turn), failed = 0, status;

	memset(b, 0, sizeof(*b));
	atomic_store(&s->posts, 0);
	fflush(stdout);
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			one_process(p, b, i, refused);
	}
	while (atomic_load(&b->ready) < PROCESSES)
		nap_ms(5);
	atomic_store(&b->go, true);
	if (holder) {
		nap_ms(300);
		check_int(atomic_load(&b->good), 0);
		check_int(atomic_load(&s->posts), 0);
		kill(holder, SIGKILL);
		waitpid(holder, NULL, 0);
	}
	for (int i = 0; i < PROCESSES; i++) {
		waitpid(pids[i], &status, 0);
		failed += status != 0;
	}
	check_int(failed, 0);
	check_int(atomic_load(&b->good), PROCESSES);
	check_int(atomic_load(&s->posts), 1);
	check_int(atomic_load(&s->reused), 0);
	check_int(atomic_load(&s->turn), turn + 1);
	check_int(login_read(&p->c, &now, NULL), ERR_NONE);
	for (int i = 0; i < PROCESSES; i++)
		check_str(span_of(b->tokens[i]), now.access_token);
	login_free(&now);
}

int main(void)
{
	struct issuer *s = issuer_start();
	struct board *b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct place p;
	char rt[32];

	if (b == MAP_FAILED)
		return 1;
	http_global_init();
	place_make(&p, s->port);
	atomic_store(&s->turn, 1);
	put_login(p.auth, 100, "rt-1");
	for (int i = 0; i < ROUNDS; i++) {
		/* once due, then refused by upstream, then with a dead holder */
		bool refused = i % 2 == 1;

		atomic_store(&s->delay_ms, i * 50);
		snprintf(rt, sizeof(rt), "rt-%d", atomic_load(&s->turn));
		if (!refused)
			put_login(p.auth, i == 0 ? 100 : -10, rt);
		round_of(&p, s, b, refused, i == ROUNDS - 1);
	}
	place_free(&p);
	issuer_stop(s);
	munmap(b, sizeof(*b));
	return test_end("test_login_many");
}
