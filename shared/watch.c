#include "watch.h"

#include <stdlib.h>

#include "clock.h"
#include "file.h"

#define LOOK_US 1000000

/* seen and loaded belong to the thread from loop_submit() to done(). */
struct watch {
	struct loop *loop;
	const struct watch_ops *ops;
	void *arg, *ctx;
	struct loop_timer timer;
	struct loop_job job;
	bool running, gone;
	char *path[WATCH_MAX];
	struct file_stamp seen[WATCH_MAX];
	size_t count;
	void *loaded;
};

/* True when one of the files is another than at the last look. */
static bool look(struct watch *w)
{
	bool changed = false;

	for (size_t i = 0; i < w->count; i++) {
		struct file_stamp now;

		(void)file_stat(w->path[i], &now);
		changed = changed || !file_stamp_eq(&now, &w->seen[i]);
		w->seen[i] = now;
	}
	return changed;
}

static void let_go(struct watch *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->path[i]);
	free(w);
}

static void work(struct loop_job *job)
{
	struct watch *w = CONTAINER_OF(job, struct watch, job);

	w->loaded = look(w) ? w->ops->load(w->arg) : NULL;
}

static void done(struct loop_job *job)
{
	struct watch *w = CONTAINER_OF(job, struct watch, job);
	void *loaded = w->loaded;

	w->running = false;
	w->loaded = NULL;
	if (loaded && w->gone)
		w->ops->drop(loaded);
	else if (loaded)
		w->ops->take(w->ctx, loaded);
	if (w->gone)
		let_go(w);
}

static int64_t pause_us(const struct watch *w)
{
	return w->ops->every_us ? w->ops->every_us : LOOK_US;
}

static void on_time(struct loop_timer *timer)
{
	struct watch *w = CONTAINER_OF(timer, struct watch, timer);

	if (!w->running)
		w->running = loop_submit(w->loop, LANE_WORK, &w->job);
	(void)loop_timer_in(w->loop, &w->timer, pause_us(w));
}

struct watch *watch_new(struct loop *l, const char *const *paths, size_t count,
			const struct watch_ops *ops, void *arg, void *ctx)
{
	struct watch *w = count <= WATCH_MAX ? calloc(1, sizeof(*w)) : NULL;
	uint32_t spread;

	if (!w)
		return NULL;
	w->loop = l;
	w->ops = ops;
	w->arg = arg;
	w->ctx = ctx;
	w->timer.fn = on_time;
	w->job = (struct loop_job){ .work = work, .done = done };
	for (; w->count < count; w->count++) {
		w->path[w->count] = strdup(paths[w->count]);
		if (!w->path[w->count])
			goto fail;
	}
	(void)look(w);
	/* workers that start together do not all look at the same moment */
	random_bytes(&spread, sizeof(spread));
	if (loop_timer_in(l, &w->timer, pause_us(w) / 2 + spread % (pause_us(w) / 2)))
		return w;
fail:
	let_go(w);
	return NULL;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	loop_timer_cancel(w->loop, &w->timer);
	w->gone = true;
	if (!w->running)
		let_go(w);
}
