/*
 * metrics_table.h - everything that is counted, as tables.
 *
 * To count something new, add a line: the file's layout, the page and its HELP
 * text follow from it. A file with other tables than ours is another version's
 * (see metrics.h), so lines may be added, moved and taken away freely.
 *
 * Lines of one exported name stand together; label is what is in its braces.
 */
#ifndef CHATMOCK_METRICS_TABLE_H
#define CHATMOCK_METRICS_TABLE_H

/* Only ever added to. Kept and printed as counted.
 *	enum COUNT_..., exported name, label, help */
#define METRICS_COUNTERS(X) \
	X(UPSTREAM_OK, "chatmock_upstream_requests_total", "outcome=\"ok\"", \
	  "Calls to upstream, each attempt one, by how they ended.") \
	X(UPSTREAM_REFUSED, "chatmock_upstream_requests_total", "outcome=\"refused\"", \
	  "Calls to upstream, each attempt one, by how they ended.") \
	X(UPSTREAM_FAILED, "chatmock_upstream_requests_total", "outcome=\"failed\"", \
	  "Calls to upstream, each attempt one, by how they ended.") \
	X(UPSTREAM_ABORTED, "chatmock_upstream_requests_total", "outcome=\"aborted\"", \
	  "Calls to upstream, each attempt one, by how they ended.") \
	X(ABORT_CLIENT, "chatmock_stream_aborts_total", "side=\"client\"", \
	  "Answers that ended early, by who left.") \
	X(ABORT_UPSTREAM, "chatmock_stream_aborts_total", "side=\"upstream\"", \
	  "Answers that ended early, by who left.") \
	X(ABORT_GATEWAY, "chatmock_stream_aborts_total", "side=\"gateway\"", \
	  "Answers that ended early, by who left.") \
	X(TRUNCATED, "chatmock_stream_truncated_total", "", \
	  "Streams that had begun and ended with an error event.") \
	X(PARAMS_DROPPED, "chatmock_params_dropped_total", "", \
	  "Requests of which a parameter was dropped.") \
	X(LOGIN_RENEWED, "chatmock_token_refresh_total", "result=\"ok\"", \
	  "Renewals of the login.") \
	X(LOGIN_FAILED, "chatmock_token_refresh_total", "result=\"failed\"", \
	  "Renewals of the login.") \
	X(LOGIN_REFUSED, "chatmock_token_refresh_total", "result=\"refused\"", \
	  "Renewals of the login.") \
	X(BREAKER_OPENED, "chatmock_circuit_transitions_total", "to=\"open\"", \
	  "Changes of a circuit breaker.") \
	X(BREAKER_PROBED, "chatmock_circuit_transitions_total", "to=\"half_open\"", \
	  "Changes of a circuit breaker.") \
	X(BREAKER_CLOSED, "chatmock_circuit_transitions_total", "to=\"closed\"", \
	  "Changes of a circuit breaker.") \
	X(BREAKER_REFUSED, "chatmock_circuit_rejected_total", "", \
	  "Requests refused because a circuit was open.") \
	X(RETRY_DENIED, "chatmock_retry_budget_exhausted_total", "", \
	  "Further attempts not made because the budget was spent.") \
	X(WORKER_CRASHED, "chatmock_worker_restarts_total", "reason=\"crash\"", \
	  "Workers that ended, by reason.") \
	X(WORKER_HUNG, "chatmock_worker_restarts_total", "reason=\"hung\"", \
	  "Workers that ended, by reason.") \
	X(WORKER_OVERDUE, "chatmock_worker_restarts_total", "reason=\"overdue\"", \
	  "Workers that ended, by reason.") \
	X(WORKER_RECYCLED, "chatmock_worker_restarts_total", "reason=\"recycled\"", \
	  "Workers that ended, by reason.") \
	X(WORKER_STOPPED, "chatmock_worker_restarts_total", "reason=\"told\"", \
	  "Workers that ended, by reason.") \
	X(MASTER_STARTED, "chatmock_master_starts_total", "", \
	  "Starts of a master, reloads too.") \
	X(CONN_MOVED, "chatmock_kept_connections_moved_total", "", \
	  "Kept connections that a worker took over from one that left.") \
	X(LOG_DROPPED, "chatmock_log_dropped_total", "", \
	  "Log lines that could not be written.") \
	X(USAGE_COMPLETE, "chatmock_answers_total", "usage=\"complete\"", \
	  "Answers of upstream, by what is known of their tokens.") \
	X(USAGE_PARTIAL, "chatmock_answers_total", "usage=\"partial\"", \
	  "Answers of upstream, by what is known of their tokens.") \
	X(USAGE_UNKNOWN, "chatmock_answers_total", "usage=\"unknown\"", \
	  "Answers of upstream, by what is known of their tokens.") \
	X(STORE_WRITTEN, "chatmock_store_writes_total", "result=\"ok\"", \
	  "Writes to the store of responses.") \
	X(STORE_FAILED, "chatmock_store_writes_total", "result=\"failed\"", \
	  "Writes to the store of responses.") \
	X(STORE_REJECTED, "chatmock_store_writes_total", "result=\"queue_full\"", \
	  "Writes to the store of responses.") \
	X(STORE_BYTES, "chatmock_store_written_bytes_total", "", \
	  "Bytes of what was written to the store of responses.") \
	X(STORE_LATE, "chatmock_store_late_total", "", \
	  "Answers that did not wait for the store any longer.") \
	X(METRICS_REPLACED, "chatmock_metrics_file_total", "event=\"replaced\"", \
	  "What befell the metrics file.") \
	X(METRICS_FAULT, "chatmock_metrics_file_total", "event=\"fault\"", \
	  "What befell the metrics file.")

/* Set, never added to; the last who knows wins. Signed. unit: what one is.
 *	enum GAUGE_..., exported name, label, unit, help */
#define METRICS_GAUGES(X) \
	X(LIMIT_PRIMARY_USED, "chatmock_limit_used_percent", "window=\"primary\"", MILLI, \
	  "How much of the plan's limit is used.") \
	X(LIMIT_SECONDARY_USED, "chatmock_limit_used_percent", "window=\"secondary\"", MILLI, \
	  "How much of the plan's limit is used.") \
	X(LIMIT_PRIMARY_WINDOW, "chatmock_limit_window_seconds", "window=\"primary\"", ONE, \
	  "Length of the limit's window.") \
	X(LIMIT_SECONDARY_WINDOW, "chatmock_limit_window_seconds", "window=\"secondary\"", ONE, \
	  "Length of the limit's window.") \
	X(LIMIT_PRIMARY_RESET, "chatmock_limit_reset_timestamp_seconds", "window=\"primary\"", ONE, \
	  "When the limit begins anew, Unix time.") \
	X(LIMIT_SECONDARY_RESET, "chatmock_limit_reset_timestamp_seconds", "window=\"secondary\"", ONE, \
	  "When the limit begins anew, Unix time.") \
	X(LIMIT_REACHED, "chatmock_limit_reached", "", ONE, \
	  "1 while the plan's limit is reached.") \
	X(CREDITS, "chatmock_credits", "", MILLI, \
	  "Credits left, where the plan has some.") \
	X(CREDITS_UNLIMITED, "chatmock_credits_unlimited", "", ONE, \
	  "1 where credits have no end.") \
	X(LIMITS_SEEN, "chatmock_limit_seen_timestamp_seconds", "", MICRO, \
	  "When upstream last told the limits, Unix time.") \
	X(LOGIN_EXPIRY, "chatmock_token_expiry_timestamp_seconds", "", ONE, \
	  "When the login's access token runs out, Unix time.") \
	X(PROMPT_FETCHED, "chatmock_prompt_fetch_timestamp_seconds", "", MICRO, \
	  "When the prompts were last fetched or found unchanged, Unix time.") \
	X(PROMPT_EXPIRES, "chatmock_prompt_expiry_timestamp_seconds", "", MICRO, \
	  "When the prompts become stale, Unix time.") \
	X(MODELS_FETCHED, "chatmock_models_fetch_timestamp_seconds", "", MICRO, \
	  "When the model catalogue was last fetched or found unchanged, Unix time.") \
	X(STORE_ON, "chatmock_store_up", "", ONE, \
	  "1 while responses can be stored.") \
	X(STORE_SIZE, "chatmock_store_size_bytes", "", ONE, \
	  "What the store of responses holds.") \
	X(STORE_QUEUE, "chatmock_store_queue", "", ONE, \
	  "Writes that waited for the store when the last batch was taken.") \
	X(LAST_REQUEST, "chatmock_last_request_timestamp_seconds", "", MICRO, \
	  "When a request last ended, Unix time.")

/* Times, kept in microseconds, printed in seconds; one of each per tongue.
 *	enum HIST_..., bounds (below), exported name, help */
#define METRICS_HISTOGRAMS(X) \
	X(REQUEST, LONG, "http_request_duration_seconds", \
	  "From a request's arrival to the end of its answer.") \
	X(TTFT, LONG, "chatmock_time_to_first_token_seconds", \
	  "From a request's arrival to the first piece of upstream's answer.") \
	X(UPSTREAM, LONG, "chatmock_upstream_duration_seconds", \
	  "From the last call to upstream to the end of its answer.") \
	X(OWN, SHORT, "chatmock_own_duration_seconds", \
	  "What the gateway itself added before the call and after its end.")

/* Upper bounds of the buckets, microseconds, rising. */
#define METRICS_BOUNDS_LONG \
	1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, \
	1000000, 2500000, 5000000, 7500000, 10000000, 15000000, 20000000, \
	30000000, 45000000, 60000000, 90000000, 120000000, 180000000, \
	300000000, 600000000
#define METRICS_BOUNDS_SHORT \
	50, 100, 150, 200, 300, 400, 500, 750, 1000, 1500, 2000, 3000, 5000, \
	7500, 10000, 20000, 50000, 100000, 250000, 500000, 1000000, 2000000, \
	5000000, 10000000

/* Labels with a fixed set of values; the first stands for all others. */
#define METRICS_TONGUES(X) \
	X(OTHER, "other") X(CHAT, "chat") X(COMPLETION, "completion") \
	X(RESPONSES, "responses") X(OLLAMA, "ollama") X(ANTHROPIC, "anthropic")

#define METRICS_STATUSES(X) \
	X(0) X(101) X(200) X(201) X(202) X(204) X(304) X(400) X(401) X(402) \
	X(403) X(404) X(405) X(406) X(408) X(409) X(410) X(413) X(414) X(415) \
	X(422) X(424) X(426) X(429) X(431) X(499) X(500) X(501) X(502) X(503) \
	X(504) X(529)

#define METRICS_TOKENS(X) \
	X(INPUT, "input") X(CACHED, "cached") X(CACHE_WRITE, "cache_write") \
	X(OUTPUT, "output") X(REASONING, "reasoning")

/* Who writes into a slot. */
#define METRICS_ROLES(X) \
	X(FREE, "free") X(API, "api") X(HEALTH, "health") \
	X(API_MASTER, "api_master") X(HEALTH_MASTER, "health_master")

/* As on the board of fcgi/process/. */
#define METRICS_STATES(X) \
	X(FREE, "free") X(STARTING, "starting") X(ACCEPTING, "accepting") \
	X(DRAINING, "draining")

#endif
