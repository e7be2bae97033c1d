/*
 * prune.c - what nobody will come back for: halves of files whose writer was
 * killed, stored responses that have expired, and our own log once it is long.
 *
 * file_replace() writes beside the file and renames; who dies in between leaves
 * a name with six more characters. Only such names, of files that are ours,
 * and only when they are an hour old, for a writer may be at work.
 */
#include "jobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../shared/clock.h"
#include "../shared/store.h"

#define REST_AGE_S	3600
#define MAX_LOG_BYTES	(1 << 20)

/* Where files are replaced, and their names. */
static const struct { const char *dir, *names[6]; } places[] = {
	{ "", { "auth.json", "auth.json.refused", "models.json", "limits.json",
		"metrics" } },
	{ "/prompt_cache", { "base_instructions.md",
			     "gpt5_codex_instructions.md", "metadata.json" } },
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

/* "<one of names>.XXXXXX" */
static bool is_rest(const char *file, const char *const names[6])
{
	size_t len = strlen(file), name;

	for (size_t i = 0; i < 6 && names[i]; i++) {
		name = strlen(names[i]);
		if (len != name + 7 || file[name] != '.' ||
		    strncmp(file, names[i], name) != 0)
			continue;
		for (size_t at = name + 1; at < len; at++)
			if (!is_letter(file[at]))
				return false;
		return true;
	}
	return false;
}

static bool is_old(int dir, const char *file, int64_t now_s)
{
	struct stat st;

	return fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       st.st_mtim.tv_sec < now_s - REST_AGE_S;
}

static size_t prune_dir(const struct fetch_run *run, const char *dir,
			const char *const names[6], struct err_note *note)
{
	char path[PATH_MAX], words[128];
	struct dirent *entry;
	size_t gone = 0;
	DIR *d;

	if (snprintf(path, sizeof(path), "%s%s", run->config->home, dir) >=
	    (int)sizeof(path))
		return 0;
	d = opendir(path);
	if (!d) {
		if (errno != ENOENT)
			err_set(note, ERR_SYSTEM, "%s: %s", path,
				strerror_r(errno, words, sizeof(words)));
		return 0;
	}
	while ((entry = readdir(d))) {
		if (!is_rest(entry->d_name, names) ||
		    !is_old(dirfd(d), entry->d_name, run->now_s))
			continue;
		if (unlinkat(dirfd(d), entry->d_name, 0) == 0)
			gone++;
		else
			err_set(note, ERR_SYSTEM, "%s/%s: %s", path, entry->d_name,
				strerror_r(errno, words, sizeof(words)));
	}
	closedir(d);
	return gone;
}

/* Ours alone: each run opens it anew. The gateway's logs are the operator's. */
static bool turn_log(const struct fetch_run *run)
{
	char path[PATH_MAX], old[PATH_MAX + 2];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s/log/fetch.log", run->config->home) >=
	    (int)sizeof(path))
		return false;
	snprintf(old, sizeof(old), "%s.1", path);
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_size > MAX_LOG_BYTES && rename(path, old) == 0;
}

static void prune_store(struct fetch_run *run, struct err_note *note)
{
	struct err_note failed = ERR_NOTE_INIT;
	struct store_pruned done;
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/responses.db", run->config->home) >=
	    (int)sizeof(path))
		return;
	if (store_prune(path, run->now_s, run->config->store_max_mb << 20, &done,
			&failed))
		err_set(note, failed.code, "%s", failed.why);
	if (done.expired + done.oldest)
		fetch_did(run, "%zu stored responses that had expired and %zu for "
			  "want of room", done.expired, done.oldest);
	if (done.bytes)
		metrics_gauge(run->metrics, GAUGE_STORE_SIZE, done.bytes);
}

enum err job_prune(struct fetch_run *run, struct err_note *note)
{
	size_t gone = 0;

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		gone += prune_dir(run, places[i].dir, places[i].names, note);
	if (gone)
		fetch_did(run, "%zu rests of files that were never finished", gone);
	prune_store(run, note);
	if (turn_log(run))
		fetch_did(run, "fetch.log is fetch.log.1 now");
	if (!run->did.len)
		fetch_idle(run, "nothing is left over");
	return note->code;
}
