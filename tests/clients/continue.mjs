// continue.mjs - Continue's command line, cn, without its hub: its program, a
// home of its own, and nothing but the gateway to talk to.
//
// It asks for models called gpt-5 or o1 at /v1/responses and for all others at
// /v1/chat/completions. Its own waits and names are those of continue_world.mjs.
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, BOTH, withGateway } from "./harness.mjs";
import * as programs from "./program.mjs";

const program = programs.installed("@continuedev", "cli", "dist", "cn.js");
const world = new URL("continue_world.mjs", import.meta.url).href;
const RUN_MS = 90000;
const CHAT = { model: "gpt-4.1", path: "/v1/chat/completions" };
const RESPONSES = { model: "gpt-5.5", path: "/v1/responses" };

const config = (g, model) => JSON.stringify({
	name: "test", version: "1.0.0", schema: "v1",
	models: [{ name: "mine", provider: "openai", model, apiBase: g.url,
		apiKey: "sk-client", roles: ["chat"], capabilities: ["tool_use"] }],
});

// Runs it with a prompt: its exit code, and its words.
async function run(g, home, { model }, words, during) {
	const dir = await programs.workplace(await mkdtemp(join(home, "run-")), "continue", "tmp");

	await writeFile(join(dir, "config.yaml"), config(g, model));
	const { code, out, err } = await programs.run(process.execPath, ["--import", world, program,
		"-p", "--auto", "--config", join(dir, "config.yaml"), words], {
		cwd: join(dir, "project"), ms: RUN_MS, during,
		env: {
			PATH: process.env.PATH, HOME: dir, TMPDIR: join(dir, "tmp"),
			CONTINUE_GLOBAL_DIR: join(dir, "continue"),
			CONTINUE_CLI_ENABLE_TELEMETRY: "0",
		},
	});

	assert.doesNotMatch(err, /^outside: /m, "whom it looked for");
	return { code, out: out.trim(), err };
}

// The statuses with which the gateway answered it since the test began.
async function statuses(g, { path }, before) {
	return (await g.log()).slice(before).filter((l) => l.path === path)
		.map((l) => l.status);
}

async function round_trip(g, home, before, via) {
	await g.script({ think: "I should look.", say: "I look.",
		calls: [{ name: "Read", call_id: "call_1", arguments: { filepath: "note.txt" } }] },
	{ say: "It is heliotrope." });
	const r = await run(g, home, via, "What is in note.txt?");
	assert.equal(r.code, 0, r.err);
	assert.equal(r.out, "It is heliotrope.");
	assert.deepEqual(await statuses(g, via, before), [200, 200]);
	const [first, second] = await g.sent(2);
	assert.equal(first.body.model, via.model);
	assert.match(JSON.stringify(first.body.input.at(-1)), /What is in note/);
	assert.ok(first.body.tools.some((tool) => tool.name === "Read"));
	if (via === RESPONSES)
		assert.ok(first.body.tools.every((tool) => (g.kind === "chatgpt" ?
			tool.strict === false : tool.strict === null)));
	const items = (type) => second.body.input.filter((i) => i.type === type);
	const [output] = items("function_call_output");
	assert.equal(output.call_id, "call_1");
	assert.match(JSON.stringify(output.output), /heliotrope/);
	assert.deepEqual(items("function_call").map((i) => i.call_id), ["call_1"]);
}

async function limited(g, home, before, via) {
	await g.script({ status: 429, repeat: 99, body: { error: {
		type: "usage_limit_reached", message: "No more of this.", plan_type: "plus",
		resets_in_seconds: 99 } } });
	const r = await run(g, home, via, "Say hello.");
	assert.equal(r.code, 1);
	assert.equal(r.out, "");
	assert.match(r.err, /429 No more of this\./);
	const got = await statuses(g, via, before);
	assert.ok(got.length > 1 && got.every((status) => status === 429), String(got));
}

async function refused(g, home, before, via) {
	await g.script({ status: 400, body: { detail: "Not today, thank you." } });
	const r = await run(g, home, via, "Say hello.");
	assert.equal(r.code, 1);
	assert.equal(r.out, "");
	assert.match(r.err, /400 Not today, thank you\./);
	assert.deepEqual(await statuses(g, via, before), [400]);
}

const scenes = {
	"chat: a tool, there and back": (...a) => round_trip(...a, CHAT),
	"responses: a tool, there and back": (...a) => round_trip(...a, RESPONSES),
	"chat: refused": (...a) => refused(...a, CHAT),
	"responses: a limit": (...a) => limited(...a, RESPONSES),

	"chat: a stream that breaks is an error": async (g, home) => {
		await g.script({ say: "one two", repeat: 99, stop_before: "response.completed" });
		const r = await run(g, home, CHAT, "Say hello.");
		assert.equal(r.code, 1);
		assert.equal(r.out, "");
		assert.match(r.err, /Upstream broke off its answer/);
	},

	// it is told by response.failed, which cn passes over: the log knows
	"responses: a stream that breaks is no success here": async (g, home, before) => {
		await g.script({ say: "one two", repeat: 99, stop_before: "response.completed" });
		await run(g, home, RESPONSES, "Say hello.");
		assert.deepEqual((await g.log()).slice(before).filter((l) =>
			l.path === RESPONSES.path).map((l) => l.end), ["upstream_broke"]);
	},

	"responses: no stream at all is an error": async (g, home, before) => {
		await g.script({ say: "one", stop_before: "response.created", repeat: 99 });
		const r = await run(g, home, RESPONSES, "Say hello.");
		assert.equal(r.code, 1);
		assert.equal(r.out, "");
		assert.ok((await statuses(g, RESPONSES, before)).every((s) => s >= 500));
	},

	"responses: interrupted, it lets upstream go": async (g, home) => {
		await g.script({ say: "word ".repeat(5000), interval_ms: 20 });
		await run(g, home, RESPONSES, "Tell me all.", async (child) => {
			await g.until("upstream is asked", (got) => got.length > 0, RUN_MS);
			child.kill("SIGTERM");
			await g.aborted(0, 5000);
		});
	},
};

const names = Object.keys(scenes);
const of_kind = {
	responses: names.slice(0, 2),
	chatgpt: names,
};

export default (t) => programs.withDirectory("cm-continue-", async (home) => {
	// its start takes seconds: one on each core
	await Promise.all(BOTH.map((options) => withGateway(options, async (g) => {
		for (const what of of_kind[g.kind]) {
			const before = (await g.log()).length;

			await t.test(g, what, () => scenes[what](g, home, before),
				{ ms: RUN_MS + 5000 });
		}
	})));
});
