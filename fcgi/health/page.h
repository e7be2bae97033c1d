/*
 * page.h - the pages of health.fcgi: a table of paths and who writes them.
 *
 * Blocking (files are read): on a thread, never on the loop.
 */
#ifndef CHATMOCK_PAGE_H
#define CHATMOCK_PAGE_H

#include "../../shared/config.h"

/* No page is larger; one that would be is cut off as ERR_TOO_LARGE. */
#define MAX_PAGE (256u << 10)

struct page;

/* What is asked, and the answer. The caller owns body. */
struct page_call {
	const struct config *config;
	const char *accept;		/* the header, NULL: none */
	bool terse;			/* a probe's: the verdict alone */
	bool keys_wanted;		/* as findings_keys() has them */
	size_t keys_in_force;
	char keys_fault[200];
	int status;
	const char *content_type;
	struct buf body;
};

/* The page at a path, trailing slashes aside; NULL: none. */
const struct page *page_find(const char *path);

/* One that says no more than whether it is well. */
bool page_is_probe(const struct page *page);

/* Fills status, content_type and body; a failure sticks in the body. */
void page_write(const struct page *page, struct page_call *call);

#endif
