/*
 * options.h - the command line of chatmock-fetch: a table.
 */
#ifndef CHATMOCK_CACHE_OPTIONS_H
#define CHATMOCK_CACHE_OPTIONS_H

#include "../shared/buf.h"

enum fetch_act { FETCH_RUN, FETCH_LIST, FETCH_HELP, FETCH_VERSION,
		 FETCH_PAGE };

struct fetch_options {
	enum fetch_act act;
	bool force, now;
	const char **jobs, **sets;	/* strings borrowed from argv */
	size_t job_count, set_count;
};

/* ERR_CONFIG with one sentence in tell; ERR_NO_MEMORY. Names of jobs are not
 * looked up here. */
MUST_USE enum err fetch_options_read(struct fetch_options *o, int argc,
				     char *const argv[], struct err_note *note);
void fetch_options_free(struct fetch_options *o);	/* safe twice */

void fetch_options_help(struct buf *out);

/* The options as its manual page has them. */
void fetch_options_page(struct buf *out);

#endif
