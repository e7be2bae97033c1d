/*
 * admit.h - may it ask health.fcgi, and for which page?
 */
#ifndef CHATMOCK_ADMIT_H
#define CHATMOCK_ADMIT_H

#include "../../shared/keys.h"
#include "../wire/request.h"
#include "page.h"

/*
 * Fills *page, and of call what is known of keys. 0, or the code in note.
 * Probes are answered to all, but who has no key that may hear nothing of what
 * is wrong.
 */
enum err admit_request(const struct keyring *keys, const struct request *r,
		       const struct page **page, struct page_call *call,
		       struct err_note *note);

#endif
