/* test_loop_after.c - what runs right behind a callback. */
#include "../../shared/loop.h"
#include "test.h"

static struct loop *loop;

struct step {
	struct loop_after a;
	struct loop_timer t;
	int runs;
};

static struct step steps[3];
static char order[16];

static void note_step(char c)
{
	size_t len = strlen(order);

	if (len + 1 < sizeof(order))
		order[len] = c;
}

/* 0 asks for 1, which so runs before the next callback, too. */
static void on_after(struct loop_after *a)
{
	struct step *k = CONTAINER_OF(a, struct step, a);

	k->runs++;
	note_step((char)('a' + (k - steps)));
	if (k == &steps[0])
		loop_after(loop, &steps[1].a);
}

static void on_step(struct loop_timer *t)
{
	struct step *k = CONTAINER_OF(t, struct step, t);

	note_step((char)('0' + (k - steps)));
	if (k == &steps[2])
		loop_stop(loop);
	if (k != &steps[0])
		return;
	loop_after(loop, &steps[0].a);
	loop_after(loop, &steps[0].a);
	loop_after(loop, &steps[2].a);
	loop_after(loop, &steps[1].a);
	loop_after_cancel(&steps[2].a);
	loop_after_cancel(&steps[2].a);
	check_int(steps[0].runs, 0);		/* never inside */
}

static void test_after(void)
{
	for (int i = 0; i < 3; i++) {
		steps[i] = (struct step){ .a.fn = on_after, .t.fn = on_step };
		loop_timer_in(loop, &steps[i].t, i);
	}
	loop_run(loop);
	check_int(steps[0].runs, 1);
	check_int(steps[2].runs, 0);
	check_str(span_of(order), "0bab12");
}

int main(void)
{
	loop = loop_new();
	if (!check(loop != NULL))
		return 1;
	test_after();
	loop_free(loop);
	return test_end("test_loop_after");
}
