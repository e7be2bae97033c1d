/* test_board.c - what workers see of each other. */
#include "../../fcgi/process/board.h"
#include "test.h"

static void test_board(void)
{
	struct board *b = board_new(4);
	int64_t streams, retries;

	check(b != NULL);
	check_int(board_sibling_average(b, &b->slots[0], 5000000), -1);
	for (int i = 0; i < 4; i++) {
		slot_take(&b->slots[i], 7, 5000000);
		atomic_store(&b->slots[i].streams, 10 * i);
		atomic_store(&b->slots[i].conns, 70 * i);
		atomic_store(&b->slots[i].state, SLOT_ACCEPTING);
	}
	check_int(board_sibling_average(b, &b->slots[0], 5000000), 20);
	atomic_store(&b->slots[3].state, SLOT_DRAINING);
	check_int(board_sibling_average(b, &b->slots[0], 5000000), 15);
	atomic_store(&b->slots[2].heartbeat_us, 1000000);
	check_int(board_sibling_average(b, &b->slots[0], 5000000), 10);
	check_int(board_sibling_conns(b, &b->slots[0], 5000000), 70);
	slot_clear(&b->slots[1]);
	check_int(board_sibling_average(b, &b->slots[0], 5000000), -1);
	check_int(board_sibling_conns(b, &b->slots[0], 5000000), -1);
	/* what a dead worker had under way does not count */
	atomic_store(&b->slots[0].streams, 7);
	atomic_store(&b->slots[0].retries, 2);
	atomic_store(&b->slots[1].retries, 1);
	board_load(b, &streams, &retries);
	check(streams >= 7);
	check_int(retries, 3);
	slot_clear(&b->slots[0]);
	slot_take(&b->slots[1], 1, 0);
	board_load(b, &streams, &retries);
	check_int(retries, 0);
	board_free(b);
	board_free(NULL);
}

int main(void)
{
	test_board();
	return test_end("test_board");
}
