#include "fetch_job.h"

#include "../../shared/text.h"

#define MAX_SAID (1u << 20)

/* Its output in a pipe is a line of JSON for each job. */
static int read_line(struct cli *cli, struct span line, bool force,
		     struct buf *did)
{
	struct json_object *v = json_parse(line, NULL);
	struct span event = json_get_str(v, "event");
	struct span result = json_get_str(v, "result");
	struct span msg = json_get_str(v, "msg");
	int status = 0;

	if (span_eq(event, "fetch_busy"))
		status = cli_fail(cli, EX_TEMPFAIL, "another run of chatmock-fetch "
				  "is at work; try again in a moment");
	else if (span_eq(event, "fetch_failed") || span_eq(result, "failed"))
		status = cli_fail(cli, EX_TEMPFAIL, "%.*s", (int)msg.len, msg.ptr);
	else if (force && span_eq(result, "idle"))
		status = cli_fail(cli, EX_UNAVAILABLE, "nothing was fetched: %.*s",
				  (int)msg.len, msg.ptr);
	else if (span_eq(event, "fetch_job"))
		buf_span_add(did, msg);
	json_object_put(v);
	return status;
}

int cli_fetch(struct cli *cli, const char *job, bool force, const char *doing,
	      struct buf *did)
{
	char path[4200], word[32], *argv[] = { path, (char[]){ "--job" }, word,
		force ? (char[]){ "--force" } : (char[]){ "--now" }, NULL };
	struct span rest, line;
	struct buf out, err;
	int code, status = 0;

	snprintf(word, sizeof(word), "%s", job);
	if (!cli_program(cli, "chatmock-fetch", path, sizeof(path)))
		return cli_fail(cli, EX_UNAVAILABLE, "%s is not there; run make",
				path);
	buf_init(&out, MAX_SAID);
	buf_init(&err, MAX_SAID);
	cli_progress(cli, doing);
	code = cli_run(cli, argv, &out, &err);
	cli_progress_end(cli);
	rest = buf_span(&out);
	while (!status && text_next(&rest, '\n', &line))
		status = read_line(cli, line, force, did);
	if (code && !status)
		status = cli_fail(cli, code == 100 ? EX_CONFIG : EX_UNAVAILABLE,
				  "chatmock-fetch ended with %d: %.600s", code,
				  err.ptr);
	buf_free(&out);
	buf_free(&err);
	return status;
}
