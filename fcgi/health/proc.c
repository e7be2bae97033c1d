#include "proc.h"

#include <unistd.h>

#include "../../shared/file.h"
#include "../../shared/text.h"

/* Fields of /proc/PID/stat, counted from 1 as in proc(5). */
enum field {
	FIELD_NAME = 2, FIELD_STATE = 3, FIELD_USER = 14, FIELD_SYSTEM = 15,
	FIELD_RESIDENT = 24
};

static void take(struct proc *p, int field, struct span word)
{
	long hertz = sysconf(_SC_CLK_TCK), page = sysconf(_SC_PAGESIZE);
	int64_t n;

	if (field == FIELD_STATE)
		p->state = word.ptr[0];
	if (!text_int(word, &n))
		return;
	if (field == FIELD_USER || field == FIELD_SYSTEM)
		p->cpu_us += n * (1000000 / (hertz > 0 ? hertz : 100));
	else if (field == FIELD_RESIDENT)
		p->resident = n * page;
}

/* The second field is a name in brackets that may hold anything. */
bool proc_read(int64_t pid, struct proc *p)
{
	struct err_note ignored = ERR_NOTE_INIT;
	int field = FIELD_NAME;
	struct span rest, word;
	const char *end = NULL;
	char path[64];
	struct buf text;

	*p = (struct proc){ 0 };
	snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
	buf_init(&text, 4096);
	if (file_read(path, &text, NULL, &ignored) == ERR_OK)
		end = strrchr(text.ptr, ')');
	rest = span_of(end ? end + 1 : NULL);
	while (field < FIELD_RESIDENT && text_next(&rest, ' ', &word))
		take(p, ++field, word);
	buf_free(&text);
	return field == FIELD_RESIDENT;
}
