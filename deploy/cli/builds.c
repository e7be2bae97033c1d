#include "builds.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/file.h"
#include "../../shared/text.h"

#define MAX_ABOUT (64u << 10)
#define PROGRAMS "lib/chatmock"
#define SAMPLES "share/chatmock"

const char *build_path(struct place *p, const char *home, const char *id,
		       const char *name)
{
	char in[BUILD_ID + 128];

	snprintf(in, sizeof(in), "builds/%s%s%s", id, *name ? "/" : "", name);
	return place_in(p, home, in);
}

static bool is_id(const char *name)
{
	return strlen(name) < BUILD_ID && name[0] >= '0' && name[0] <= '9' &&
	       !strpbrk(name, "/\\");
}

/* True when link points into the build. */
static bool is_current(const char *home, const char *id)
{
	struct place link, programs;
	char target[PLACE_SIZE];
	ssize_t n = readlink(place_in(&link, home, "run/programs"), target,
			     sizeof(target) - 1);

	if (n <= 0)
		return false;
	target[n] = '\0';
	return strcmp(target, build_path(&programs, home, id, PROGRAMS)) == 0;
}

/* Cut to fit: it is for people. */
static void get_text(struct json_object *v, const char *key, char *out, size_t size)
{
	struct span s = json_get_str(v, key);

	snprintf(out, size, "%.*s", (int)s.len, s.ptr);
}

/* False: there is no such build, or one that was never finished. */
static bool read_about(const char *home, const char *id, struct build *b)
{
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *v = NULL;
	struct place path;
	struct buf text;

	*b = (struct build){ 0 };
	buf_init(&text, MAX_ABOUT);
	if (!file_read(build_path(&path, home, id, "about"), &text, NULL, &note))
		v = json_parse(buf_span(&text), &note);
	if (v) {
		snprintf(b->id, sizeof(b->id), "%s", id);
		get_text(v, "commit", b->commit, sizeof(b->commit));
		get_text(v, "subject", b->subject, sizeof(b->subject));
		get_text(v, "source", b->source, sizeof(b->source));
		b->made_s = json_get_int(v, "made", 0);
		b->current = is_current(home, id);
	}
	json_object_put(v);
	buf_free(&text);
	return b->id[0] != '\0';
}

static int newer_first(const void *a, const void *b)
{
	return strcmp(((const struct build *)b)->id, ((const struct build *)a)->id);
}

size_t builds_list(const char *home, struct build *out, size_t max)
{
	struct dirent *entry;
	struct place path;
	size_t count = 0;
	DIR *dir = opendir(place_in(&path, home, "builds"));

	if (!dir)
		return 0;
	while (count < max && (entry = readdir(dir)))
		if (is_id(entry->d_name) &&
		    read_about(home, entry->d_name, &out[count]))
			count++;
	closedir(dir);
	qsort(out, count, sizeof(*out), newer_first);
	return count;
}

bool builds_current(const char *home, struct build *b)
{
	struct place link, builds;
	char target[PLACE_SIZE], *id;
	ssize_t n = readlink(place_in(&link, home, "run/programs"), target,
			     sizeof(target) - 1);
	size_t len;

	*b = (struct build){ 0 };
	if (n <= 0)
		return false;
	target[n] = '\0';
	len = strlen(place_in(&builds, home, "builds/"));
	if (strncmp(target, builds.s, len) != 0)
		return false;
	id = target + len;
	id[strcspn(id, "/")] = '\0';
	return is_id(id) && read_about(home, id, b);
}

/* The first number that no build of this second has: by it ids are told apart,
 * and put into their order, whatever stands behind it. */
static int next_of(const char *dir, const char *second)
{
	size_t len = strlen(second);
	struct dirent *e;
	int n = 0;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d)))
		if (strncmp(e->d_name, second, len) == 0 && e->d_name[len] == '-') {
			int seen = (int)strtol(e->d_name + len + 1, NULL, 10) + 1;

			n = seen > n ? seen : n;
		}
	if (d)
		closedir(d);
	return n;
}

enum err build_new(const char *home, struct build *b, struct err_note *note)
{
	time_t now = (time_t)(clock_wall_us() / 1000000);
	struct place path;
	struct tm tm;
	char at[32];

	b->made_s = now;
	gmtime_r(&now, &tm);
	strftime(at, sizeof(at), "%Y%m%d-%H%M%S", &tm);
	if (file_make_dir(place_in(&path, home, "builds"), note))
		return note->code;
	snprintf(b->id, sizeof(b->id), "%s-%02d-%.8s", at, next_of(path.s, at),
		 b->commit[0] ? b->commit : "tree");
	if (mkdir(build_path(&path, home, b->id, ""), 0700))
		return err_set(note, ERR_SYSTEM, "making %s: %s", path.s,
			       strerror(errno));
	return ERR_OK;
}

enum err build_write(const char *home, const struct build *b,
		     struct err_note *note)
{
	struct place path;
	struct buf out;
	enum err err;

	buf_init(&out, MAX_ABOUT);
	buf_str(&out, "{\"commit\":");
	buf_json(&out, span_of(b->commit));
	buf_str(&out, ",\"subject\":");
	buf_json(&out, span_of(b->subject));
	buf_str(&out, ",\"source\":");
	buf_json(&out, span_of(b->source));
	buf_fmt(&out, ",\"made\":%lld}\n", (long long)b->made_s);
	err = buf_err(&out) ? err_set(note, buf_err(&out), "about") :
		file_replace(build_path(&path, home, b->id, "about"), 0600,
			     buf_span(&out), note);
	buf_free(&out);
	return err;
}

void build_remove(struct cli *cli, const char *id)
{
	char rm[] = "rm", flags[] = "-rf", end[] = "--";
	struct place path;
	char *argv[] = { rm, flags, end, path.s, NULL };

	build_path(&path, cli->config.home, id, "");
	if (is_id(id) && cli_run(cli, argv, NULL, NULL))
		cli_warn(cli, "%s could not be removed", path.s);
}

void builds_prune(struct cli *cli)
{
	struct build *all = calloc(BUILDS_MAX, sizeof(*all));
	size_t count = all ? builds_list(cli->config.home, all, BUILDS_MAX) : 0;

	for (size_t i = BUILDS_KEPT; i < count; i++)
		if (!all[i].current)
			build_remove(cli, all[i].id);
	free(all);
}

/* cp -aL: programs by what their names mean. */
static int copy_dir(struct cli *cli, const char *from, const char *to)
{
	char cp[] = "cp", flags[] = "-aL", end[] = "--";
	struct place source, dest;
	char *argv[] = { cp, flags, end, source.s, dest.s, NULL };
	struct err_note note = ERR_NOTE_INIT;

	if (file_make_dir(to, &note))
		return cli_fail(cli, EX_CANTCREAT, "%s", note.why);
	place_in(&source, from, ".");
	place_in(&dest, to, "");
	return cli_run(cli, argv, NULL, NULL);
}

/* The samples lie among other things in a tree: only they are copied. */
static int copy_samples(struct cli *cli, const char *from, const char *to)
{
	static const char *const names[] = {
		"lighttpd.conf.sample", "deploy/nginx.conf.sample",
		"deploy/apache.conf.sample",
	};
	struct err_note note = ERR_NOTE_INIT;
	struct place path;
	struct buf text;

	buf_init(&text, 1u << 20);
	if (file_make_dir(place_in(&path, to, "deploy"), &note))
		goto out;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		buf_reset(&text);
		if (file_read(place_in(&path, from, names[i]), &text, NULL, &note) ||
		    file_replace(place_in(&path, to, names[i]), 0600,
				 buf_span(&text), &note))
			break;
	}
out:
	buf_free(&text);
	return note.code ? cli_fail(cli, EX_CANTCREAT, "%s", note.why) : 0;
}

int builds_keep_current(struct cli *cli, struct build *b)
{
	const char *home = cli->config.home;
	struct err_note note = ERR_NOTE_INIT;
	struct place link, samples, to;
	int status;

	if (builds_current(home, b))
		return 0;
	place_in(&link, home, "run/programs");
	if (access(link.s, F_OK) && place_link(link.s, cli->bin, &note))
		return cli_fail(cli, EX_CANTCREAT, "%s", note.why);
	if (!place_samples(link.s, &samples))
		return cli_fail(cli, EX_NOINPUT, "no samples for web servers belong "
				"to the programs in use");
	snprintf(b->subject, sizeof(b->subject), "what ran before the first update");
	if (build_new(home, b, &note))
		return cli_fail(cli, EX_CANTCREAT, "%s", note.why);
	status = copy_dir(cli, link.s, build_path(&to, home, b->id, PROGRAMS));
	if (!status)
		status = copy_samples(cli, samples.s,
				      build_path(&to, home, b->id, SAMPLES));
	if (!status && build_write(home, b, &note))
		status = cli_fail(cli, EX_CANTCREAT, "%s", note.why);
	return status;
}
