// run.mjs - runs the suites, and says how it went in the words of tests/run.py.
import { Checks } from "./harness.mjs";

// Most of a suite's time is waiting: two lanes at once.
const lanes = [
	{
		"openai-chat": "./openai_chat.mjs",
		"openai-tools": "./openai_tools.mjs",
		"openai-errors": "./openai_errors.mjs",
		"openai-more": "./openai_more.mjs",
		langchain: "./langchain.mjs",
		"claude-code": "./claude_code.mjs",
		ollama: "./ollama.mjs",
		"ollama-others": "./ollama_others.mjs",
		"openai-responses": "./responses.mjs",
		agents: "./agents.mjs",
		"ai-responses": "./ai_responses.mjs",
	},
	{
		"codex-models": "./codex_models.mjs",
		opencode: "./opencode.mjs",
		continue: "./continue.mjs",
		ai: "./ai.mjs",
		tokens: "./tokens.mjs",
		keys: "./keys.mjs",
		codex: "./codex.mjs",
		"codex-ws": "./codex_ws.mjs",
		"codex-auth": "./codex_auth.mjs",
		websocket: "./websocket.mjs",
		anthropic: "./anthropic.mjs",
		"anthropic-errors": "./anthropic_errors.mjs",
		"ai-anthropic": "./ai_anthropic.mjs",
		"langchain-anthropic": "./langchain_anthropic.mjs",
	},
];

const wanted = process.argv.slice(2);
const known = lanes.flatMap((lane) => Object.keys(lane));
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length) {
	console.log(`no such suite: ${unknown.join(", ")}; there are ${known.join(", ")}`);
	process.exit(64);
}

const total = { passed: 0, failed: 0, skipped: 0 };

// A promise that a test left behind when it failed.
process.on("unhandledRejection", (e) => {
	total.failed++;
	console.log(`FAIL beside the tests: ${e?.stack ?? e}`);
});

async function run(name, file) {
	const begun = performance.now();
	const checks = new Checks(name);

	try {
		await (await import(file)).default(checks);
	} catch (e) {
		checks.fault("as a whole", e);
	}
	for (const key of Object.keys(total))
		total[key] += checks[key];
	console.log(`${name.padEnd(14)} ${checks.passed + checks.failed} tests in ` +
		`${((performance.now() - begun) / 1000).toFixed(1)} s`);
}

await Promise.all(lanes.map(async (lane) => {
	for (const [name, file] of Object.entries(lane))
		if (!wanted.length || wanted.includes(name))
			await run(name, file);
}));
console.log(`clients-node: ${total.passed} passed, ${total.failed} failed` +
	(total.skipped ? `, ${total.skipped} skipped` : ""));
process.exit(total.failed ? 1 : 0);
