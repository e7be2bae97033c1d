// codex.mjs - Codex CLI over HTTP.
import { asked, play, run, scenes } from "./codex_scenes.mjs";
import { assert, header } from "./harness.mjs";

const common = scenes(run);

// The scene, and how often it asked the gateway then.
const asks = (what, times) => async (g, home, before) => {
	await common[what](g, home);
	assert.equal((await asked(g, before)).length, times);
};

const all = {
	...common,

	"a prompt": async (g, home) => {
		const { r, sent } = await common["a prompt"](g, home);

		assert.equal(r.usage.input_tokens, 21);
		assert.equal(r.usage.cached_input_tokens, 8);
		assert.equal(r.usage.reasoning_output_tokens, 4);
		assert.ok(sent.body.tools.some((tool) => tool.type === "custom" &&
			tool.format.syntax === "lark"), "apply_patch as it came");
		assert.equal(header(sent, "session-id"), sent.body.prompt_cache_key);
		assert.ok(header(sent, "x-codex-turn-metadata"));
		assert.ok(header(sent, "thread-id"));
	},

	...Object.fromEntries(Object.entries({
		"400: once, with upstream's words": 1,
		"429 of a plan: once, and when it ends": 1,
		"500 once is mended here": 1,
		"cut once: it asks again": 2,
		"cut each time: an error, with our words": 2,
		"failed for good: once": 1,
	}).map(([what, times]) => [what, asks(what, times)])),

	"a model at capacity": async (g, home) => {
		await g.script({ status: 503, repeat: 99,
			body: { error: { code: "server_is_overloaded", message: "Busy." } } });
		const r = await run(g, home, "Say hello.");
		assert.equal(r.code, 1);
		assert.match(r.failure, /at capacity/);
	},
};

export default (t) => play(t, run, all);
