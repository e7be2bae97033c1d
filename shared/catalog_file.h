/*
 * catalog_file.h - $CHATMOCK_HOME/models.json: the list of models as upstream
 * last gave it, and to whom.
 *
 * {"version":1,"upstream":BASE,"account_id":ID,"client_version":V,
 *  "fetched_at":SECONDS,"etag":E,"announced":E,"models":[...]}
 *
 * models is upstream's own array, to the letter: Codex' entries ("slug") or
 * OpenAI's ("id"). announced is the x-models-etag that caused the fetch: an
 * upstream that names its list otherwise on its answers than on the list
 * itself is not asked again and again. Replaced whole, mode 0600; holds no
 * secret. Blocking: never called on the loop but at start.
 */
#ifndef CHATMOCK_CATALOG_FILE_H
#define CHATMOCK_CATALOG_FILE_H

#include "catalog.h"
#include "file.h"
#include "login.h"

/* "$CHATMOCK_HOME/models.json" and its lock, into out of size bytes. False:
 * too long. */
bool catalog_path(const struct config *c, const char *suffix, char *out,
		  size_t size);

/*
 * Whose list it is: the account's id, or a fingerprint of the key where there
 * is no account, or "" where upstream is asked without either. authorization
 * is "Bearer ..." or NULL.
 */
#define CATALOG_ACCOUNT_SIZE 128
void catalog_account(const struct login *login, const char *authorization,
		     char out[CATALOG_ACCOUNT_SIZE]);

/* True when the list was made for this upstream and account. */
bool catalog_is_for(const struct catalog_origin *o, const struct config *c,
		    const char *account);

/* True when it need not be asked for anew within ahead_s seconds. */
bool catalog_is_fresh(const struct catalog_origin *o, const struct config *c,
		      int64_t now_s, int64_t ahead_s);

/*
 * Reads and parses the file; NULL: note says why (ERR_SYSTEM with errno
 * ENOENT when there is none, ERR_TOO_LARGE, ERR_BAD_JSON, ...).
 */
struct catalog *catalog_load(const struct config *c, struct file_stamp *stamp,
			     struct err_note *note);

/* What counts here: the file's list where it can be read and settings let it,
 * else the built-in one. NULL: no memory. */
struct catalog *catalog_here(const struct config *c);

/* Takes the file away, under the lock of who writes it (ERR_BUSY). */
MUST_USE enum err catalog_clear(const struct config *c, int wait_ms,
				struct err_note *note);

/* A catalogue of such a text, which is taken over. NULL: note says why. */
struct catalog *catalog_parse(const struct config *c, struct buf *text,
			      struct err_note *note);

/* Appends the text of the file; models is the array. */
void catalog_write(struct buf *out, const struct catalog_origin *o,
		   struct span models);

#endif
