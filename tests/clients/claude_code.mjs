// claude_code.mjs - Claude Code, the program itself, with a home of its own.
//
// It takes some seconds a run. Nothing of it goes out: what is not asked of
// the gateway ends at a closed port of this machine. Its tools are allowed by
// name, for what allows all of them does not run as root.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, BOTH, withGateway } from "./harness.mjs";
import * as programs from "./program.mjs";

const program = programs.installed("@anthropic-ai", `claude-code-linux-${process.arch}`, "claude");
const RUN_MS = 90000;
const BILLING = /x-anthropic-billing-header/;

const environment = (g, home) => ({
	...programs.alone,
	HOME: home,
	TMPDIR: join(home, "tmp"),
	ANTHROPIC_BASE_URL: g.base,
	ANTHROPIC_AUTH_TOKEN: "sk-client",
	CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
	DISABLE_TELEMETRY: "1",
	DISABLE_ERROR_REPORTING: "1",
	DISABLE_AUTOUPDATER: "1",
});

// Runs it with a prompt. All that it started ends with it: they are a group.
const run = (g, home, words, { args = [], during } = {}) =>
	programs.run(program, ["-p", ...args, "--", words], {
		cwd: join(home, "project"), env: environment(g, home), ms: RUN_MS, during,
		group: true,
	});

const JSON_LINES = ["--output-format", "stream-json", "--verbose"];
const events = (r) => programs.events(r.out);
const blocks = (got, type) => got.filter((e) => e.type === "assistant" || e.type === "user")
	.flatMap((e) => e.message.content).filter((b) => b.type === type);

// What it asks upstream in all of its requests.
function check(sent) {
	const { body } = sent;

	assert.doesNotMatch(sent.text, BILLING);
	assert.doesNotMatch(sent.text, /sk-client/);
	assert.equal(body.stream, true);
	assert.equal(body.input[0].role, "developer");
	assert.match(body.input[0].content[0].text, /Claude/);
	assert.ok(body.tools.every((tool) => tool.type === "function" && tool.strict === false &&
		tool.parameters.type === "object"));
	for (const name of ["Bash", "Read"])
		assert.ok(body.tools.some((tool) => tool.name === name), name);
}

// Nothing that it asked of the gateway was refused.
async function served(g) {
	const lines = (await g.log()).filter((line) => line.tongue === "anthropic");

	assert.ok(lines.length);
	for (const line of lines)
		assert.equal(line.status, 200, JSON.stringify(line));
	return lines;
}

const scenes = {
	"a prompt": async (g, home) => {
		await g.script({ say: "Hello from upstream." });
		const r = await run(g, home, "Say hello.");
		assert.equal(r.code, 0, r.out + r.err);
		assert.equal(r.out.trim(), "Hello from upstream.");
		const [sent] = await g.sent(1);
		check(sent);
		assert.match(JSON.stringify(sent.body.input.filter((i) => i.role === "user").at(-1)),
			/Say hello\./);
		const [line] = await served(g);
		assert.equal(line.stream, true);
	},

	"its tools, there and back": async (g, home) => {
		const file = join(home, "project", "note.txt");

		await g.script({
			think: "I should look.",
			encrypted: "ZW5jcnlwdGVk",
			say: "I look.",
			calls: [
				{ name: "Read", call_id: "call_read", arguments: { file_path: file } },
				{ name: "Bash", call_id: "call_bash", arguments: {
					command: "echo $((6*7)) apples", description: "counts" } },
			],
		}, { say: "It is heliotrope." });
		const r = await run(g, home, "What is in note.txt?", { args: [...JSON_LINES,
			"--model", "gpt-5.5", "--allowedTools", "Read", "Bash(echo:*)"] });
		assert.equal(r.code, 0, r.out + r.err);
		const got = events(r);
		assert.equal(got[0].subtype, "init");
		assert.deepEqual(blocks(got, "text").map((b) => b.text),
			["I look.", "It is heliotrope."]);
		assert.deepEqual(blocks(got, "tool_use").map((b) => b.name), ["Read", "Bash"]);
		assert.deepEqual(blocks(got, "tool_result").map((b) => !!b.is_error), [false, false]);
		const end = got.at(-1);
		assert.equal(end.subtype, "success");
		assert.equal(end.result, "It is heliotrope.");
		assert.equal(end.stop_reason, "end_turn");
		assert.deepEqual([end.usage.input_tokens, end.usage.cache_read_input_tokens,
			end.usage.output_tokens], [26, 16, 26]);

		const [first, second] = await g.sent(2);
		for (const sent of [first, second]) {
			check(sent);
			assert.equal(sent.body.model, "gpt-5.5");
		}
		const items = (type) => second.body.input.filter((i) => i.type === type);
		const outputs = items("function_call_output");
		assert.deepEqual(items("function_call").map((i) => i.call_id),
			["call_read", "call_bash"]);
		assert.deepEqual(outputs.map((i) => i.call_id), ["call_read", "call_bash"]);
		assert.match(JSON.stringify(outputs[0].output), /heliotrope/);
		assert.match(JSON.stringify(outputs[1].output), /42 apples/);
		// its thoughts go back to upstream as they were
		assert.deepEqual(items("reasoning").map((i) => i.encrypted_content),
			["ZW5jcnlwdGVk"]);
		assert.equal(first.body.prompt_cache_key, second.body.prompt_cache_key);
		// what upstream has in its cache stays as it was
		const common = first.body.input.filter((item, i) =>
			JSON.stringify(item) === JSON.stringify(second.body.input[i]));
		assert.equal(common.length, first.body.input.length);
		assert.deepEqual(first.body.tools, second.body.tools);
		await served(g);
	},

	"a tool that it looks for first": async (g, home) => {
		await g.script({ calls: [{ name: "ToolSearch", call_id: "call_1",
			arguments: { query: "select:CronList", max_results: 3 } }] },
		{ calls: [{ name: "CronList", call_id: "call_2", arguments: {} }] },
		{ say: "There is nothing to do." });
		const r = await run(g, home, "What is planned?", {
			args: ["--allowedTools", "CronList"] });
		assert.equal(r.code, 0, r.out + r.err);
		assert.equal(r.out.trim(), "There is nothing to do.");
		const sent = await g.sent(3);
		sent.forEach(check);
		assert.deepEqual(sent.map((s) => s.body.tools.some((o) => o.name === "CronList")),
			[false, true, true]);
		assert.match(JSON.stringify(sent[2].body.input.find((i) =>
			i.type === "function_call_output" && i.call_id === "call_1").output), /CronList/);
		await served(g);
	},

	"a tool that fails": async (g, home) => {
		await g.script({ calls: [{ name: "Read", call_id: "call_1",
			arguments: { file_path: join(home, "project", "nowhere.txt") } }] },
		{ say: "There is none." });
		const r = await run(g, home, "What is in nowhere.txt?", {
			args: ["--allowedTools", "Read"] });
		assert.equal(r.code, 0, r.out + r.err);
		assert.equal(r.out.trim(), "There is none.");
		const [, second] = await g.sent(2);
		assert.match(JSON.stringify(second.body.input.find((i) =>
			i.type === "function_call_output").output), /error|not exist/i);
		await served(g);
	},

	"/context: what fills the window": async (g, home) => {
		const r = await run(g, home, "/context");
		assert.equal(r.code, 0, r.out + r.err);
		assert.match(r.out, /Context Usage/);
		const row = (name) => {
			const m = new RegExp(`${name} \\| ([0-9.]+)(k?) `).exec(r.out);

			assert.ok(m, `no row ${name}: ${r.out}`);
			return m[1] * (m[2] ? 1000 : 1);
		};
		assert.ok(row("System prompt") > 300);
		assert.ok(row("System tools") > 1000);
		const counts = await served(g);
		assert.ok(counts.length > 3);
		assert.ok(counts.every((line) => line.path === "/v1/messages/count_tokens"));
		await g.sent(0);
	},

	"what upstream refuses, it hears": async (g, home) => {
		await g.script({ status: 400, repeat: 9, body: { detail: "Not today, thank you." } });
		const r = await run(g, home, "Say hello.");
		assert.equal(r.code, 1);
		assert.match(r.out, /400.*Not today, thank you\./);
	},

	"a limit that lasts is said at once": async (g, home) => {
		await g.script({ status: 429, repeat: 9, body: { error: { type: "usage_limit_reached",
			message: "The usage limit has been reached", plan_type: "plus",
			resets_in_seconds: 3600 } } });
		const r = await run(g, home, "Say hello.", { args: JSON_LINES });
		const end = events(r).at(-1);
		assert.equal(r.code, 1);
		assert.equal(end.is_error, true);
		assert.equal(end.api_error_status, 429);
		assert.equal((await g.requests()).length, 1);
	},

	"a stream that breaks is asked for again, whole": async (g, home) => {
		await g.script({ think: "Hm, let me see.", say: "Never said.",
			stop_before: "response.output_item.done", then: "reset" },
		{ say: "Here it is." });
		const r = await run(g, home, "Say hello.");
		assert.equal(r.code, 0, r.out + r.err);
		assert.equal(r.out.trim(), "Here it is.");
		for (const sent of await g.sent(2))
			check(sent);
		assert.deepEqual((await g.log()).map((line) => [line.stream, line.end]),
			[[true, "upstream_broke"], [false, "ok"]]);
	},

	"interrupted, it lets upstream go": async (g, home) => {
		await g.script({ say: "word ".repeat(5000), interval_ms: 20 });
		await run(g, home, "Tell me all.", { during: async (child) => {
			await g.until("upstream is asked", (got) => got.length > 0, RUN_MS);
			child.kill("SIGINT");
			await g.until("upstream sees it go", (got) => got.some((r) => r.aborted), 10000);
		} });
	},
};

const names = Object.keys(scenes);
const of_kind = {
	chatgpt: names.slice(0, 6),
	responses: [names[1], ...names.slice(6)],
};

export default async function (t) {
	if (!existsSync(program)) {
		t.skip("all of it", `no Claude Code for ${process.arch}`);
		return;
	}
	await programs.withDirectory("cm-claude-", async (home) => {
		for (const options of BOTH)
			await withGateway(options, async (g) => {
				const dir = await programs.workplace(join(home, g.kind), "tmp");

				for (const what of of_kind[g.kind]) {
					const log = g.home + "/log/access.log";
					const before = (await readFile(log, "utf8")).length;

					g.log = async () => programs.events(
						(await readFile(log, "utf8")).slice(before));
					await t.test(g, what, () => scenes[what](g, dir),
						{ ms: RUN_MS + 5000, faults: what.includes("refuses") });
				}
			});
	});
}
