#include "metrics_parts.h"

#include <sched.h>
#include <unistd.h>

#include "metrics_page.h"
#include "proc.h"

static void put_prompt_age(struct exposition *e, const struct facts *f)
{
	int64_t fetched;

	expose_family(e, "chatmock_prompt_cache_age_seconds", "gauge",
		      "Since the prompts were fetched or found unchanged.");
	if (!metrics_gauge_get(&f->snap, GAUGE_PROMPT_FETCHED, &fetched))
		return;
	expose_begin(e, "chatmock_prompt_cache_age_seconds", "");
	expose_micros(e, f->wall_us - fetched);
}

void metrics_workers(struct exposition *e, const struct facts *f)
{
	const struct { const char *state; int64_t count; } rows[] = {
		{ "accepting", f->accepting }, { "starting", f->starting },
		{ "draining", f->draining }, { "silent", f->silent },
	};

	expose_family(e, "chatmock_workers", "gauge",
		      "Workers of the API; silent: no sign of life for 5 s.");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		expose_begin(e, "chatmock_workers", "");
		expose_label(e, "state", rows[i].state);
		expose_int(e, rows[i].count);
	}
	expose_family(e, "chatmock_workers_wanted", "gauge",
		      "Workers that the API is to have.");
	expose_begin(e, "chatmock_workers_wanted", "");
	expose_int(e, f->wanted);
	expose_family(e, "chatmock_masters", "gauge",
		      "Masters of the API that show signs of life.");
	expose_begin(e, "chatmock_masters", "");
	expose_int(e, f->findings[FINDING_MASTER].value);
	expose_family(e, "chatmock_requests_in_flight", "gauge",
		      "Clients that wait for an answer or its end.");
	expose_begin(e, "chatmock_requests_in_flight", "");
	expose_int(e, f->in_flight);
	put_prompt_age(e, f);
	expose_family(e, "chatmock_uptime_seconds", "gauge",
		      "Since the gateway was started or reloaded; 0: it does "
		      "not run.");
	expose_begin(e, "chatmock_uptime_seconds", "");
	expose_micros(e, f->uptime_us);
}

/* --- the fetcher */

enum job_value { JOB_SUCCEEDED, JOB_ENDED, JOB_DURATION, JOB_RUNS, JOB_FAILURES };

static void put_job(struct exposition *e, const char *family,
		    const struct metrics_job *job, const char *name,
		    enum job_value value)
{
	expose_begin(e, family, "");
	expose_label(e, "task", name);
	switch (value) {
	case JOB_SUCCEEDED:
		expose_micros(e, (int64_t)metrics_get(&job->succeeded_us));
		break;
	case JOB_ENDED:
		expose_micros(e, (int64_t)metrics_get(&job->ended_us));
		break;
	case JOB_DURATION:
		expose_micros(e, (int64_t)metrics_get(&job->duration_us));
		break;
	case JOB_RUNS:
		expose_uint(e, metrics_get(&job->runs));
		break;
	case JOB_FAILURES:
		expose_uint(e, metrics_get(&job->failures));
		break;
	}
}

/* The label is not "job": Prometheus gives that one to all it scrapes. */
void metrics_jobs(struct exposition *e, const struct facts *f)
{
	static const struct {
		const char *name, *type, *help;
		enum job_value value;
	} families[] = {
		{ "chatmock_fetch_last_success_timestamp_seconds", "gauge",
		  "When the fetcher's job last went well, Unix time; 0: never.",
		  JOB_SUCCEEDED },
		{ "chatmock_fetch_last_run_timestamp_seconds", "gauge",
		  "When the fetcher's job last ended, Unix time; 0: never.",
		  JOB_ENDED },
		{ "chatmock_fetch_duration_seconds", "gauge",
		  "How long the fetcher's job took the last time.",
		  JOB_DURATION },
		{ "chatmock_fetch_runs_total", "counter",
		  "Runs of the fetcher's job.", JOB_RUNS },
		{ "chatmock_fetch_failures_total", "counter",
		  "Runs of the fetcher's job that failed.", JOB_FAILURES },
	};
	char name[METRICS_NAME + 1];

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		expose_family(e, families[i].name, families[i].type,
			      families[i].help);
		for (size_t j = 0; j < METRICS_JOBS; j++) {
			const struct metrics_job *job = &f->snap.file->jobs[j];

			if (metrics_name_get(&job->name, name))
				put_job(e, families[i].name, job, name,
					families[i].value);
		}
	}
}

/* --- breakers */

void metrics_breakers(struct exposition *e, const struct facts *f)
{
	char name[METRICS_NAME + 1];

	expose_family(e, "chatmock_circuit_state", "gauge",
		      "Circuit breaker of an upstream: 0 closed, 1 open, 2 half "
		      "open.");
	for (size_t i = 0; i < METRICS_BREAKERS; i++) {
		const struct metrics_breaker *b = &f->snap.file->breakers[i];

		if (!metrics_name_get(&b->name, name))
			continue;
		expose_begin(e, "chatmock_circuit_state", "");
		expose_label(e, "upstream", name);
		expose_int(e, breaker_level(f, b));
	}
}

/* --- processes */

struct process {
	const struct metrics_slot *slot;
	size_t number;			/* of the slot */
	struct proc proc;
};

static size_t find_processes(const struct facts *f, struct process *found)
{
	size_t count = 0;

	for (size_t i = 0; i < METRICS_SLOTS && count < MAX_PROCESS_SERIES; i++) {
		struct process p = { .slot = &f->snap.file->slots[i], .number = i };

		if (metrics_slot_lives(&f->snap, p.slot, SILENT_US) &&
		    proc_read((int64_t)metrics_get(&p.slot->pid), &p.proc))
			found[count++] = p;
	}
	return count;
}

static void process_labels(struct exposition *e, const struct process *p)
{
	char slot[24];

	snprintf(slot, sizeof(slot), "%zu", p->number);
	expose_label(e, "role", metrics_role_name(slot_role(p->slot)));
	expose_label(e, "slot", slot);
}

void metrics_machine(struct exposition *e, const struct facts *f)
{
	cpu_set_t cores;
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	expose_family(e, "chatmock_machine_memory_bytes", "gauge",
		      "Memory of the machine.");
	expose_begin(e, "chatmock_machine_memory_bytes", "");
	expose_int(e, pages > 0 && page > 0 ? (int64_t)pages * page : 0);
	expose_family(e, "chatmock_machine_cpus", "gauge",
		      "Cores that the gateway may use.");
	expose_begin(e, "chatmock_machine_cpus", "");
	expose_int(e, sched_getaffinity(0, sizeof(cores), &cores) ? 1 :
		      CPU_COUNT(&cores));
	expose_family(e, "chatmock_home_free_bytes", "gauge",
		      "Free space on the disk of the state directory.");
	if (f->free_bytes < 0)
		return;
	expose_begin(e, "chatmock_home_free_bytes", "");
	expose_int(e, f->free_bytes);
}

void metrics_processes(struct exposition *e, const struct facts *f)
{
	struct process found[MAX_PROCESS_SERIES];
	size_t count = find_processes(f, found);
	int64_t born_us = f->wall_us - f->snap.taken_us;

	expose_family(e, "chatmock_slot_requests_in_flight", "gauge",
		      "Requests in flight in the process in this slot.");
	for (size_t i = 0; i < count; i++) {
		expose_begin(e, "chatmock_slot_requests_in_flight", "");
		process_labels(e, &found[i]);
		expose_uint(e, metrics_get(&found[i].slot->in_flight));
	}
	expose_family(e, "process_cpu_seconds_total", "counter",
		      "CPU time of the process in this slot.");
	for (size_t i = 0; i < count; i++) {
		expose_begin(e, "process_cpu_seconds_total", "");
		process_labels(e, &found[i]);
		expose_micros(e, found[i].proc.cpu_us);
	}
	expose_family(e, "process_resident_memory_bytes", "gauge",
		      "Memory that the process in this slot has in RAM.");
	for (size_t i = 0; i < count; i++) {
		expose_begin(e, "process_resident_memory_bytes", "");
		process_labels(e, &found[i]);
		expose_int(e, found[i].proc.resident);
	}
	expose_family(e, "process_start_time_seconds", "gauge",
		      "When the process in this slot was started, Unix time.");
	for (size_t i = 0; i < count; i++) {
		expose_begin(e, "process_start_time_seconds", "");
		process_labels(e, &found[i]);
		expose_micros(e, born_us + (int64_t)metrics_get(
						   &found[i].slot->started_us));
	}
}
