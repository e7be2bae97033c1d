/*
 * findings.h - what the facts mean: the rules, a function each.
 */
#ifndef CHATMOCK_FINDINGS_H
#define CHATMOCK_FINDINGS_H

#include "facts.h"

/* Fills f->findings from what was read, and looks at login and disk. */
void findings_make(struct facts *f, enum facts_depth depth);

/* What is known of the keys: does a request need one, how many are in force,
 * and "" or why nobody is let in. */
void findings_keys(struct facts *f, bool wanted, size_t in_force,
		   const char *fault);

#endif
