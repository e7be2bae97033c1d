/*
 * status_page.h - everything on one page, for a person.
 */
#ifndef CHATMOCK_STATUS_PAGE_H
#define CHATMOCK_STATUS_PAGE_H

#include "facts.h"

/* Plain text. No secret. */
void status_page(const struct facts *f, struct buf *out);

#endif
