/*
 * health_help.h - facts made by hand and a home with a metrics file, for tests
 * of what health.fcgi says.
 */
#ifndef CHATMOCK_HEALTH_HELP_H
#define CHATMOCK_HEALTH_HELP_H

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../fcgi/health/facts.h"
#include "../../shared/clock.h"
#include "home_help.h"

#define NOW_US INT64_C(1763805791482000)

static const struct config config = {
	.home = "/h", .workers = 2, .prompt_ttl_ms = 86400000,
};

static inline void facts_good(struct facts *f)
{
	*f = (struct facts){
		.config = &config, .wall_us = NOW_US, .have = true,
		.accepting = 2, .wanted = 2, .in_flight = 3,
		.uptime_us = 5200000, .total = 1, .last_request_us = NOW_US - 2000000,
	};
	buf_init(&f->prompts, 4096);
	f->findings[FINDING_WORKERS].known = true;
	f->findings[FINDING_WORKERS].value = 2;
}

static char home[64] = "/tmp/test_health.XXXXXX";

static inline void home_begin(void)
{
	if (!mkdtemp(home))
		abort();
	/* no login of whoever runs this */
	setenv("HOME", home, 1);
	unsetenv("CODEX_HOME");
	unsetenv("CHATGPT_LOCAL_HOME");
}

static inline void home_end(void)
{
	static const char *const names[] = { "metrics", "metrics.lock" };

	home_remove(home, names, ARRAY_LEN(names));
}

#endif
