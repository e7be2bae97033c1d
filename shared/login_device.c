/*
 * login_device.c - sign-in by device code, for machines without a browser:
 * the person types a short code on another one, and we ask until it is done.
 */
#include "ceilings.h"
#include "clock.h"
#include "login_file.h"
#include "login_new.h"
#include "text.h"

#define MAX_INTERVAL_S	60
#define MAX_TROUBLES	5	/* polls without an answer before we give up */

static void put_member(struct buf *b, const char *key, const char *value)
{
	buf_char(b, b->len ? ',' : '{');
	buf_json(b, span_of(key));
	buf_char(b, ':');
	buf_json(b, span_of(value));
}

/* Seconds, as a string or a number. */
static int read_interval(struct json_object *v)
{
	struct json_object *given = json_get(v, "interval");
	int64_t n = json_get_int(v, "interval", 5);

	if (json_is_str(given) && !text_int(json_str(given), &n))
		n = 5;
	return n < 1 ? 1 : n > MAX_INTERVAL_S ? MAX_INTERVAL_S : (int)n;
}

static enum err read_begin(struct span body, struct login_device *d,
			   struct err_note *note)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct json_object *v = json_parse(body, &ignored);
	struct span code = json_get_str(v, "user_code");
	struct span id = json_get_str(v, "device_auth_id");
	enum err err = ERR_NONE;

	if (!code.len)
		code = json_get_str(v, "usercode");
	d->interval_s = read_interval(v);
	if (!login_word_ok(code, sizeof(d->user_code) - 1) ||
	    !login_word_ok(id, sizeof(d->id) - 1))
		err = err_tell(note, ERR_LOGIN_RENEWAL, "The issuer's answer "
			       "holds no usable device code. Try again later, "
			       "or sign in with a browser: `chatmock login`.");
	(void)text_copy(d->user_code, sizeof(d->user_code), code);
	(void)text_copy(d->id, sizeof(d->id), id);
	json_object_put(v);
	return err;
}

enum err login_device_begin(const struct config *c,
			    const struct http_settings *http,
			    struct login_device *d, struct err_note *note)
{
	struct http_reply reply = { 0 };
	struct buf body;
	enum err err;

	*d = (struct login_device){ 0 };
	if (!login_issuer_url(c, "/codex/device", d->url, sizeof(d->url)))
		return err_tell(note, ERR_CONFIG, "The issuer's URL is too long.");
	buf_init(&body, 4096);
	put_member(&body, "client_id", c->oauth_client_id);
	buf_char(&body, '}');
	err = login_post(c, http, "/api/accounts/deviceauth/usercode",
			 LOGIN_JSON, &body, &reply, note);
	if (err)
		err = login_unreached(c, note);
	else if (reply.status == 404)
		err = err_tell(note, ERR_NOT_SERVED, "Device codes are not "
			       "enabled here for this issuer or workspace: sign "
			       "in with a browser, `chatmock login` (from another "
			       "machine, too: paste the address it ends at).");
	else if (reply.status < 200 || reply.status > 299)
		err = login_no(&reply, "a device code", SPAN(""), note);
	else
		err = read_begin(buf_span(&reply.body), d, note);
	d->until_us = clock_mono_us() + (int64_t)LOGIN_TRY_S * 1000000;
	login_reply_wipe(&reply);
	buf_free(&body);
	return err;
}

static enum err read_grant(const struct config *c, struct span body,
			   struct login_grant *g, struct err_note *note)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct json_object *v = json_parse(body, &ignored);
	struct span code = json_get_str(v, "authorization_code");
	struct span verifier = json_get_str(v, "code_verifier");
	enum err err = ERR_NONE;

	buf_init(&g->code, MAX_LOGIN_CODE);
	if (!login_word_ok(code, MAX_LOGIN_CODE) ||
	    !login_word_ok(verifier, sizeof(g->verifier) - 1) ||
	    !login_issuer_url(c, "/deviceauth/callback", g->redirect,
			      sizeof(g->redirect))) {
		err = err_tell(note, ERR_LOGIN_RENEWAL, "The issuer approved the "
			       "code, but its answer is not usable. Run `chatmock "
			       "login --headless` again.");
	} else {
		buf_span_add(&g->code, code);
		(void)text_copy(g->verifier, sizeof(g->verifier), verifier);
		err = buf_err(&g->code);
	}
	json_object_put(v);
	return err;
}

/* No answer, or a fault of the issuer's own: it may be over at the next poll. */
static enum err poll_trouble(struct login_device *d, enum err err,
			     struct err_note *note)
{
	if (++d->troubles > MAX_TROUBLES)
		return err;
	err_clear(note);
	return ERR_BUSY;
}

enum err login_device_poll(const struct config *c,
			   const struct http_settings *http,
			   struct login_device *d, struct login_grant *g,
			   struct err_note *note)
{
	struct http_reply reply = { 0 };
	struct buf body;
	enum err err;

	*g = (struct login_grant){ 0 };
	if (clock_mono_us() >= d->until_us)
		return err_tell(note, ERR_LOGIN_STALE, "The code was not used "
				"within 15 minutes and has run out. Run "
				"`chatmock login --headless` for a new one.");
	buf_init(&body, 4096);
	put_member(&body, "device_auth_id", d->id);
	put_member(&body, "user_code", d->user_code);
	buf_char(&body, '}');
	err = login_post(c, http, "/api/accounts/deviceauth/token", LOGIN_JSON,
			 &body, &reply, note);
	if (err) {
		err = poll_trouble(d, login_unreached(c, note), note);
	} else if (reply.status == 403 || reply.status == 404) {
		err = ERR_BUSY;
		d->troubles = 0;
	} else if (reply.status == 429 || reply.status >= 500) {
		err = login_no(&reply, "the device code", SPAN(""), note);
		err = poll_trouble(d, err, note);
	} else if (reply.status < 200 || reply.status > 299) {
		err = login_no(&reply, "the device code", SPAN(""), note);
	} else {
		err = read_grant(c, buf_span(&reply.body), g, note);
	}
	login_reply_wipe(&reply);
	buf_wipe_free(&body);
	return err;
}
