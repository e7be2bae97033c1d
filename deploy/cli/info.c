/*
 * info.c - `chatmock info`: whose account it is and what is left of its plan.
 */
#include "info.h"

#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "../../shared/usage.h"
#include "login_flow.h"

#define FRESH_S		60
#define LOCK_WAIT_MS	15000

static void trouble(struct info *i, const struct err_note *note)
{
	if (!i->trouble[0])
		(void)text_copy(i->trouble, sizeof(i->trouble),
				span_of(err_words(note)));
}

/* refused: the token that upstream did not take, or NULL. */
static bool renew(struct cli *cli, struct info *i, const char *refused)
{
	struct http_settings http = login_http(&cli->config);
	struct err_note note = ERR_NOTE_INIT;

	if (!login_renew(&cli->config, &http, &i->login, refused,
			 refused ? "unauthorized_recovery" : "proactive_expiry",
			 LOCK_WAIT_MS, &note))
		return true;
	trouble(i, &note);
	return false;
}

static void ask(struct cli *cli, struct info *i)
{
	struct http_settings http = login_http(&cli->config);
	struct err_note note = ERR_NOTE_INIT;
	struct plan plan;
	char *refused;
	int again_ms;
	enum err err;

	err = usage_ask(&cli->config, &http, NULL, &i->login, &plan, &again_ms,
			&note);
	if (err == ERR_LOGIN_RENEWAL && i->login.refresh_token) {
		refused = strdup(i->login.access_token);
		if (refused && renew(cli, i, refused)) {
			note = ERR_NOTE_INIT;
			err = usage_ask(&cli->config, &http, NULL, &i->login,
					&plan, &again_ms, &note);
		}
		if (refused)
			explicit_bzero(refused, strlen(refused));
		free(refused);
	}
	if (plan.captured_s)
		i->plan = plan;
	else if (err == ERR_LOGIN_RENEWAL && !i->trouble[0])
		snprintf(i->trouble, sizeof(i->trouble), "Upstream refuses this "
			 "login: run `chatmock login`.");
	else if (err)
		trouble(i, &note);
}

/* Fresh figures, and a login that is good for asking. */
static void refresh(struct cli *cli, struct info *i)
{
	struct err_note ignored = ERR_NOTE_INIT;
	int64_t age_s;

	cli_progress(cli, "asking upstream");
	if (login_due(&i->login, i->now_s, LOGIN_SKEW_S))
		(void)renew(cli, i, NULL);
	if (plan_read(cli->config.home, &i->plan, &ignored))
		plan_init(&i->plan);
	age_s = i->now_s - i->plan.captured_s;
	if (i->login.access_token && (age_s < 0 || age_s > FRESH_S))
		ask(cli, i);
	cli_progress_end(cli);
	i->now_s = clock_wall_us() / 1000000;
}

static int read_all(struct cli *cli, struct info *i)
{
	struct err_note note = ERR_NOTE_INIT;

	plan_init(&i->plan);
	i->now_s = clock_wall_us() / 1000000;
	i->has_login = usage_known(&cli->config);
	if (!i->has_login)
		return 0;
	if (login_read(&cli->config, &i->login, &note))
		return cli_fail_note(cli, &note);
	if (!i->login.api_key)
		refresh(cli, i);
	login_account(&i->login, &i->account);
	return 0;
}

/* --- as JSON */

static struct json_object *word(const char *s)
{
	return s && *s ? json_new_str(span_of(s)) : NULL;
}

static struct json_object *moment(int64_t at_s)
{
	char text[32];

	if (!at_s)
		return NULL;
	clock_rfc3339(text, at_s * 1000000);
	return json_new_str(span_of(text));
}

static bool add_account(struct json_object *root, const struct info *i)
{
	struct json_object *o = json_object_new_object();
	const char *plan = i->plan.captured_s && i->plan.plan[0] ? i->plan.plan :
			   i->login.plan;

	return o && json_set(o, "email", word(i->account.email)) &&
	       json_set(o, "account_id", word(i->login.account_id)) &&
	       json_set(o, "user_id", word(i->account.user)) &&
	       json_set(o, "workspace", word(i->account.workspace)) &&
	       json_set(o, "plan", word(plan)) && json_set(root, "account", o);
}

static bool add_login(struct json_object *root, const struct info *i)
{
	struct json_object *o = json_object_new_object();
	const struct login *l = &i->login;

	return o && json_set(o, "path", word(l->path)) &&
	       json_set_cstr(o, "kind", l->api_key ? "key" : "chatgpt") &&
	       json_set(o, "imported_from", word(l->imported_from)) &&
	       json_set(o, "expires_at", moment(l->expires_at)) &&
	       json_set(o, "expires_in_seconds", l->expires_at ?
			json_object_new_int64(l->expires_at - i->now_s) : NULL) &&
	       json_set(o, "last_refresh", moment(l->last_refresh)) &&
	       json_set_bool(o, "renewable", l->refresh_token != NULL) &&
	       json_set(root, "login", o);
}

/* The document of the limits as GET /v1/usage has it. */
static bool add_limits(struct json_object *root, const struct info *i)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct json_object *document = NULL;
	struct buf text;

	buf_init(&text, 64u << 10);
	if (i->plan.captured_s) {
		plan_json(&i->plan, i->now_s, (struct plan_style){ .age = true },
			  &text);
		document = json_parse(buf_span(&text), &ignored);
	}
	buf_free(&text);
	return json_set(root, "limits", document);
}

static struct json_object *as_json(const struct cli *cli, const struct info *i)
{
	struct json_object *root = json_object_new_object();
	bool ok = root && json_set(root, "upstream", word(cli->config.upstream_base));

	if (ok && i->has_login)
		ok = add_account(root, i) && add_login(root, i) &&
		     add_limits(root, i);
	else if (ok)
		ok = json_set(root, "account", NULL) &&
		     json_set(root, "login", NULL) &&
		     json_set(root, "limits", NULL);
	if (ok && json_set(root, "trouble", word(i->trouble)))
		return root;
	json_object_put(root);
	return NULL;
}

static int run(struct cli *cli)
{
	struct info i = { 0 };
	int status = read_all(cli, &i);

	if (!status && cli_has(cli, "json"))
		status = cli_json(cli, as_json(cli, &i));
	else if (!status)
		info_show(cli, &i);
	if (!status && i.trouble[0]) {
		cli_warn(cli, "%s", i.trouble);
		status = EX_TEMPFAIL;
	}
	login_free(&i.login);
	return status;
}

const struct cli_command cli_info = {
	.name = "info", .section = CLI_SIGN_IN,
	.flags = CLI_CONFIG | CLI_HTTP,
	.purpose = "account, plan, and what is left of its limits",
	.options = (const struct cli_option[]){
		{ .name = "json", .help = "as JSON" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock info", NULL },
		{ "chatmock info --json | jq .limits.rate_limit", NULL },
		{ .line = NULL } },
	.more = "Upstream is asked anew, without spending a request, when the "
		"figures are older than a minute; else they are those of the last "
		"answer that the gateway had.",
	.exits = "75  shown, but upstream or the issuer did not answer: the figures "
		"are old or missing\n"
		"77  there is no login",
	.run = run,
};
