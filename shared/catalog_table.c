/*
 * catalog_table.c - the models known without asking anyone.
 *
 * What the Codex client ships with, in its order, and behind it the older
 * names that people still have in their settings: known, so that an effort
 * suffix is read off them, but not listed, since an account may not have them
 * any more. Output limits are not published there: 0, the setting's fallback
 * is told.
 */
#include "catalog_table.h"

#define BIT(effort) (1u << EFFORT_##effort)
#define TO_HIGH	 (BIT(LOW) | BIT(MEDIUM) | BIT(HIGH))
#define TO_XHIGH (TO_HIGH | BIT(XHIGH))
#define TO_MAX	 (TO_XHIGH | BIT(MAX))
#define TO_ULTRA (TO_MAX | BIT(ULTRA))

/* slug, name, priority, listed, context, efforts, default, fast tier, verbosity */
#define MODEL(slug_, name_, prio, listed, context, efforts_, dflt, fast, verb) \
	{ .slug = slug_, .name = name_, .priority = prio, .visible = listed, \
	  .detailed = true, \
	  .context_window = context, .efforts = efforts_, \
	  .default_effort = EFFORT_##dflt, .has_priority_tier = fast, \
	  .vision = true, .tools = true, .verbosity = verb }

const struct model catalog_builtin[] = {
	MODEL("gpt-6.1-sol", "GPT-6.1 Sol", 1, true, 272000, TO_ULTRA, MEDIUM, true, true),
	MODEL("gpt-6-astra", "GPT-6 Astra", 2, true, 272000, TO_ULTRA, MEDIUM, true, true),
	MODEL("gpt-6-sol", "GPT-6 Sol", 3, true, 272000, TO_ULTRA, MEDIUM, true, true),
	MODEL("gpt-6-luna", "GPT-6 Luna", 4, true, 272000, TO_MAX, MEDIUM, true, true),
	MODEL("gpt-5.6-sol", "GPT-5.6 Sol", 5, true, 272000, TO_MAX, MEDIUM, true, true),
	MODEL("gpt-6.1-terra", "GPT-6.1 Terra", 7, true, 500000, TO_ULTRA, MEDIUM, true, true),
	MODEL("gpt-5.6-terra", "GPT-5.6 Terra", 8, true, 272000, TO_MAX, MEDIUM, true, true),
	MODEL("gpt-5.6-luna", "GPT-5.6 Luna", 9, true, 272000, TO_MAX, MEDIUM, true, true),
	MODEL("gpt-daybreak-blue-latest", "GPT Daybreak Blue", 11, false, 272000,
	      TO_MAX, MEDIUM, false, true),
	MODEL("gpt-daybreak-red-latest", "GPT Daybreak Red", 12, false, 372000,
	      TO_MAX, MEDIUM, false, true),
	MODEL("gpt-5.5", "GPT-5.5", 13, true, 272000, TO_XHIGH, MEDIUM, true, true),
	MODEL("codex-auto-review", "Codex Auto Review", 43, false, 272000, TO_XHIGH,
	      MEDIUM, false, true),

	MODEL("gpt-5.4", "GPT-5.4", 101, false, 272000, BIT(NONE) | TO_XHIGH, MEDIUM,
	      true, true),
	MODEL("gpt-5.4-mini", "GPT-5.4 mini", 102, false, 272000,
	      BIT(NONE) | TO_XHIGH, MEDIUM, false, true),
	MODEL("gpt-5.3-codex", "GPT-5.3 Codex", 103, false, 272000, TO_XHIGH, MEDIUM,
	      false, false),
	MODEL("gpt-5.2", "GPT-5.2", 104, false, 272000, BIT(NONE) | TO_XHIGH, MEDIUM,
	      false, true),
	MODEL("gpt-5.2-codex", "GPT-5.2 Codex", 105, false, 272000, TO_XHIGH, MEDIUM,
	      false, false),
	MODEL("gpt-5.1", "GPT-5.1", 106, false, 272000, BIT(NONE) | TO_HIGH, MEDIUM,
	      false, true),
	MODEL("gpt-5.1-codex-max", "GPT-5.1 Codex Max", 107, false, 272000, TO_XHIGH,
	      MEDIUM, false, false),
	MODEL("gpt-5.1-codex", "GPT-5.1 Codex", 108, false, 272000, TO_HIGH, MEDIUM,
	      false, false),
	MODEL("gpt-5.1-codex-mini", "GPT-5.1 Codex Mini", 109, false, 272000,
	      TO_HIGH, MEDIUM, false, false),
	MODEL("gpt-5-codex", "GPT-5 Codex", 110, false, 272000, TO_HIGH, MEDIUM,
	      false, false),
	MODEL("gpt-5-codex-mini", "GPT-5 Codex Mini", 111, false, 272000, TO_HIGH,
	      MEDIUM, false, false),
	MODEL("gpt-5", "GPT-5", 112, false, 272000, BIT(MINIMAL) | TO_HIGH, MEDIUM,
	      false, true),
};
const size_t catalog_builtin_count = ARRAY_LEN(catalog_builtin);
