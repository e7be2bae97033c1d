/*
 * test_store_faults.c - many processes on one store, killed ones, a file that
 * is damaged, lost or can not grow.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "store_help.h"

#define EACH 200

/* A process of its own with the store: puts EACH responses, each in a
 * conversation that all share. Its exit code tells failures. */
static void write_some(int who, const char *caller)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store *own = open_store(NULL, 1 << 30);
	char id[32];
	int bad = 0;

	for (int i = 0; own && i < EACH; i++) {
		struct store_record *r;

		snprintf(id, sizeof(id), "resp_%d_%d_%d", who / 10, who % 10, i);
		r = record(caller, id, "", STORE_COMPLETED);
		snprintf(r->conversation, sizeof(r->conversation), "conv_all");
		if (store_put_wait(own, STORE_ALWAYS, r, &note)) {
			bad = 1;
			break;
		}
	}
	store_close(own);
	_exit(own ? bad : 2);
}

static int count_items(const char *conversation)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store_items all;
	int count;

	store_items_init(&all, 8 << 20, 100000);
	check_int(store_conv_all(store, "p", conversation, &all, &note), ERR_OK);
	count = (int)all.count;
	store_items_free(&all);
	return count;
}

static void new_conversation(const char *id)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store_items none;
	struct store_conv c;

	store_items_init(&none, 1, 1);
	store_conv_init(&c);
	snprintf(c.id, sizeof(c.id), "%s", id);
	buf_str(&c.metadata, "{}");
	check_int(store_conv_create(store, "p", &c, &none, &note), ERR_OK);
	store_conv_free(&c);
}

static void test_processes(int processes)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store_record *r = store_record_new();
	pid_t pids[4];
	int status;
	char id[32];

	new_conversation("conv_all");
	for (int i = 0; i < processes; i++) {
		pids[i] = fork();
		if (!pids[i])
			write_some(processes * 10 + i, "p");
	}
	for (int i = 0; i < processes; i++) {
		check_int(waitpid(pids[i], &status, 0), pids[i]);
		check_int(status, 0);
	}
	for (int i = 0; i < processes * EACH; i++) {
		snprintf(id, sizeof(id), "resp_%d_%d_%d", processes, i / EACH, i % EACH);
		if (store_get(store, "p", id, r, &note))
			check(!"each one is found");
	}
	check_int(count_items("conv_all"), processes * EACH * 4);
	check_int(store_conv_delete(store, "p", "conv_all", &note), ERR_OK);
	store_record_free(r);
}

/* Tells of each response that it was stored, until it is killed. */
static void write_until_killed(int out, int round)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store *own = open_store(NULL, 1 << 30);
	char id[32];

	if (!own)
		_exit(2);
	for (int i = 0;; i++) {
		snprintf(id, sizeof(id), "resp_k%d_%d", round, i);
		if (store_put_wait(own, STORE_ALWAYS, record("p", id, "",
							     STORE_COMPLETED),
				   &note) ||
		    write(out, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	}
}

/* What was said to be stored is there, and nothing is half there. */
static void test_killed(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store_page page = { .limit = 100 };
	struct store_items items;
	int told_of, last, ends[2];
	char id[32];
	pid_t pid;

	store_items_init(&items, 1 << 20, 1000);
	for (int round = 0; round < 30; round++) {
		last = -1;
		check_int(pipe2(ends, O_CLOEXEC), 0);
		pid = fork();
		if (!pid)
			write_until_killed(ends[1], round);
		close(ends[1]);
		check_int(read(ends[0], &last, sizeof(last)), sizeof(last));
		usleep((useconds_t)(round * 617 % 9000));
		kill(pid, SIGKILL);
		while (read(ends[0], &told_of, sizeof(told_of)) == sizeof(told_of))
			last = told_of;
		close(ends[0]);
		waitpid(pid, NULL, 0);
		for (int i = 0; i <= last; i++) {
			snprintf(id, sizeof(id), "resp_k%d_%d", round, i);
			if (store_items(store, "p", id, &page, &items, &note) ||
			    items.count != 3)
				check(!"what was told is there in full");
			store_items_free(&items);
		}
	}
	put_simple("p", "resp_after", "", STORE_COMPLETED);
	check_str(span_of(told), "");
}

/* Somebody takes the file away: a new one is begun. */
static void test_lost(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store_record *r = store_record_new();
	struct stat st;

	check_int(unlink(store_path), 0);
	check_int(store_get(store, "p", "resp_after", r, &note), ERR_NOT_STORED);
	err_clear(&note);
	put_simple("p", "resp_new", "", STORE_COMPLETED);
	check_int(store_get(store, "p", "resp_new", r, &note), ERR_OK);
	check(stat(store_path, &st) == 0 && (st.st_mode & 0777) == 0600);
	store_record_free(r);
}

/* Its pages are overwritten behind our back. */
static void test_damaged(void)
{
	static char rubbish[256 << 10];
	struct err_note note = ERR_NOTE_INIT;
	struct store_record *r;
	int fd;

	told[0] = '\0';
	store_close(store);
	memset(rubbish, 0x5a, sizeof(rubbish));
	fd = open(store_path, O_WRONLY | O_CLOEXEC);
	check(fd >= 0 && pwrite(fd, rubbish, sizeof(rubbish), 4096) > 0);
	close(fd);
	store = open_store(loop, 1 << 30);
	r = store_record_new();
	check_int(store_get(store, "p", "resp_new", r, &note), ERR_NOT_STORED);
	put_simple("p", "resp_new", "", STORE_COMPLETED);
	run_for(100000);
	check_str(span_of(told), "store_set_aside ");
	store_record_free(r);
}

static void limit_files(rlim_t size)
{
	struct rlimit limit;

	check_int(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	check_int(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* As a full disk: writing fails, is told once, and what is there is read. */
static void test_full(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store_record *r;
	enum err err = ERR_NONE;
	char id[32];

	told[0] = '\0';
	signal(SIGXFSZ, SIG_IGN);
	limit_files(1 << 20);
	for (int i = 0; i < 2000 && !err; i++) {
		snprintf(id, sizeof(id), "resp_f%d", i);
		r = record("p", id, "", STORE_COMPLETED);
		while (r->body.len < 20000)
			buf_str(&r->body, "                                        ");
		err = store_put_wait(store, STORE_ALWAYS, r, &note);
	}
	check_int(err, ERR_STORE);
	check(note.why[0]);
	check(!store_is_on(store));
	err_clear(&note);
	r = record("p", "resp_off", "", STORE_COMPLETED);
	check_int(store_put_wait(store, STORE_ALWAYS, r, &note), ERR_STORE);
	err_clear(&note);
	r = store_record_new();
	check_int(store_get(store, "p", "resp_f0", r, &note), ERR_OK);
	store_record_free(r);
	limit_files(RLIM_INFINITY);
	for (int i = 0; i < 200 && !store_is_on(store); i++)
		run_for(100000);
	check(store_is_on(store));
	put_simple("p", "resp_on", "", STORE_COMPLETED);
	run_for(50000);
	check_str(span_of(told), "store_off store_on ");
}

/* Past its bound the writer itself forgets the oldest. */
static void test_bound(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct store_record *r;
	struct stat st;
	char id[32];

	store_close(store);
	store = open_store(loop, 4 << 20);
	for (int i = 0; i < 400; i++) {
		snprintf(id, sizeof(id), "resp_s%d", i);
		r = record("p", id, "", STORE_COMPLETED);
		while (r->body.len < 40000)
			buf_str(&r->body, "                                        ");
		check_int(store_put_wait(store, STORE_ALWAYS, r, &note), ERR_OK);
	}
	r = store_record_new();
	check_int(store_get(store, "p", "resp_s0", r, &note), ERR_NOT_STORED);
	err_clear(&note);
	check_int(store_get(store, "p", "resp_s399", r, &note), ERR_OK);
	check(stat(store_path, &st) == 0 && st.st_size < 8 << 20);
	store_record_free(r);
}

int main(void)
{
	store_begin(1 << 30);
	test_processes(2);
	test_processes(4);
	test_killed();
	test_lost();
	test_damaged();
	test_full();
	test_bound();
	store_end();
	return test_end("test_store_faults");
}
