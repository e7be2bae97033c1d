/*
 * metrics_private.h - between the files of the metrics: nobody else's.
 *
 *	metrics.c	counting, slots, jobs, breakers
 *	metrics_names.c	labels that are claimed
 *	metrics_layout.c its header, and what can not be in the file
 *	metrics_file.c	finding and making the file
 *	metrics_open.c	a process's hold on it
 *	metrics_absorb.c moving to another
 *	metrics_fault.c	a mapping that lost its file
 *	metrics_read.c	a reader's copy
 */
#ifndef CHATMOCK_METRICS_PRIVATE_H
#define CHATMOCK_METRICS_PRIVATE_H

#include <limits.h>

#include "metrics.h"

struct metrics_private {
	char path[PATH_MAX];		/* "<home>/metrics" */
	char used[PATH_MAX];		/* what is mapped: that or path-<hash> */
	int fd;				/* what is mapped; -1: plain memory */
	uint64_t dev, ino;
	bool shared;			/* the mapping is the file's */
	int64_t tried_us;		/* last time that it could not be had */
	int region;			/* in metrics_fault.c; -1: none */
	/* what the slot says of us, to be said again in another file */
	enum metric_role role;
	uint32_t generation;
	int64_t started_us;
};

/* --- names */

/* The place of a label, claimed when it is new; 0: all are taken. */
unsigned metrics_name_claim(struct metrics_name *names, size_t count,
			    const struct metrics_label *label);
/* Is this the label's place, or free and so its place from now on? */
bool metrics_name_claim_one(struct metrics_name *n,
			    const struct metrics_label *label);
/* The label that stands in a place; false: none, or one being written. */
bool metrics_name_label(const struct metrics_name *n, struct metrics_label *out);

/* --- the file */

uint64_t metrics_layout(void);

/* A header of this version and boot. */
void metrics_head_fill(struct metrics_head *head);

enum metrics_kind { KIND_GOOD, KIND_OTHER_BOOT, KIND_OTHER_VERSION, KIND_BAD };
enum metrics_kind metrics_head_look(const struct metrics_head *head);

/* Nothing in it that counting can not have written. */
bool metrics_is_sane(const struct metrics_file *f);

/* "path-<hash>" into out. */
void metrics_own_path(const char *path, char out[PATH_MAX]);

/*
 * The file of our version at path or beside it, made when there is none: *fd,
 * and its name in used. Sums of an earlier boot's are taken over.
 */
MUST_USE enum err metrics_file_get(const char *path, char used[PATH_MAX],
				   int *fd, struct err_note *note);

/* Opens without following or waiting; -1: errno, ESTALE when it is no file
 * of ours to be used. */
int metrics_file_open(const char *path, int flags);

/* A copy, and what it is: a bad one and another version's is NULL, note says
 * why. */
struct metrics_file *metrics_file_copy(int fd, enum metrics_kind *kind,
				       struct err_note *note);

/* --- moving */

/* Takes all sums out of from and adds them to to, each exactly once whoever
 * does the same; what is no sum is copied where it is newer. same_boot: also
 * what means nothing in another boot. */
void metrics_absorb(struct metrics_file *to, struct metrics_file *from,
		    bool same_boot);

/* --- faults */

/* Watches over a mapping of sizeof(struct metrics_file) bytes; -1: no place. */
int metrics_region_add(void *at);
void metrics_region_del(int region);
/* A fault befell it: it is private memory now. */
bool metrics_region_faulted(int region);
/* Forgets the fault, before a file is mapped there again; the descriptor of
 * the memory that is there until then, the caller's, or -1. */
int metrics_region_mended(int region);

/* New shared memory without a file: its descriptor, or -1. */
int metrics_memory(void);

#endif
