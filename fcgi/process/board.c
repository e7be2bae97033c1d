#include "board.h"

#include <sys/mman.h>

/* A sibling that was silent for so long does not count: it may be stuck, and
 * nobody must wait for it to take its share. */
#define LIVE_US 2000000

static size_t board_size(size_t count)
{
	return sizeof(struct board) + count * sizeof(struct slot);
}

struct board *board_new(size_t count)
{
	struct board *b;

	b = mmap(NULL, board_size(count), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b == MAP_FAILED)
		return NULL;
	b->count = count;
	return b;
}

void board_free(struct board *b)
{
	if (b)
		munmap(b, board_size(b->count));
}

/* *conns: as well. */
static int64_t average(const struct board *b, const struct slot *self,
		       int64_t now_us, int64_t *conns)
{
	int64_t sum = 0, count = 0, all = 0;

	for (size_t i = 0; i < b->count; i++) {
		const struct slot *s = &b->slots[i];

		if (s == self || atomic_load(&s->state) != SLOT_ACCEPTING ||
		    now_us - atomic_load(&s->heartbeat_us) > LIVE_US)
			continue;
		sum += atomic_load(&s->streams);
		all += atomic_load(&s->conns);
		count++;
	}
	*conns = count ? all / count : -1;
	return count ? sum / count : -1;
}

int64_t board_sibling_average(const struct board *b, const struct slot *self,
			      int64_t now_us)
{
	int64_t conns;

	return average(b, self, now_us, &conns);
}

int64_t board_sibling_conns(const struct board *b, const struct slot *self,
			    int64_t now_us)
{
	int64_t conns;

	(void)average(b, self, now_us, &conns);
	return conns;
}

void board_load(const struct board *b, int64_t *streams, int64_t *retries)
{
	*streams = *retries = 0;
	for (size_t i = 0; i < b->count; i++) {
		*streams += atomic_load(&b->slots[i].streams);
		*retries += atomic_load(&b->slots[i].retries);
	}
}

void slot_take(struct slot *s, uint32_t generation, int64_t now_us)
{
	atomic_store(&s->pid, 0);
	atomic_store(&s->heartbeat_us, now_us);
	atomic_store(&s->streams, 0);
	atomic_store(&s->conns, 0);
	atomic_store(&s->served, 0);
	atomic_store(&s->retries, 0);
	atomic_store(&s->generation, generation);
	atomic_store(&s->wants_rest, 0);
	atomic_store(&s->state, SLOT_STARTING);
}

void slot_clear(struct slot *s)
{
	atomic_store(&s->state, SLOT_FREE);
	atomic_store(&s->pid, 0);
	atomic_store(&s->streams, 0);
	atomic_store(&s->conns, 0);
	atomic_store(&s->retries, 0);
}
