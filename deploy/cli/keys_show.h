/*
 * keys_show.h - a caller's key as the commands say it; never the key itself.
 */
#ifndef CHATMOCK_CLI_KEYS_SHOW_H
#define CHATMOCK_CLI_KEYS_SHOW_H

#include "../../shared/keys.h"
#include "cli.h"

/* "in force", "revoked" or "expired". */
const char *keys_state(const struct key *k, int64_t now_s);

/* {"id","name","state","scopes","created","expires","revoked"}; the caller's.
 * NULL: no memory. */
struct json_object *keys_json(const struct key *k, int64_t now_s);

/* The words of a note that shared/keys.h set, and its exit code: EX_DATAERR
 * for what was asked for and can not be. */
int keys_fail(struct cli *cli, const struct err_note *note);

#endif
