// opencode.mjs - the coding agent itself: its binary, a home of its own, and
// nothing but the gateway to talk to.
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, BOTH, withGateway } from "./harness.mjs";
import * as programs from "./program.mjs";

const program = programs.installed(`opencode-linux-${process.arch}-baseline`, "bin", "opencode");
const RUN_MS = 60000;
// it asks for a title of the conversation beside the answer
const title = { match: "You are a title generator", say: "A title" };

const config = (g) => ({
	model: "chatmock/gpt-5.5",
	small_model: "chatmock/gpt-5.5",
	enabled_providers: ["chatmock"],
	permission: { "*": "allow" },
	autoupdate: false,
	share: "disabled",
	provider: { chatmock: {
		npm: "@ai-sdk/openai-compatible",
		name: "ChatMock",
		options: { baseURL: g.url, apiKey: "sk-client" },
		models: { "gpt-5.5": {
			name: "GPT-5.5", reasoning: true, tool_call: true,
			limit: { context: 200000, output: 8192 },
		} },
	} },
});

// No updates, no lists of models, no packages.
const environment = (g, home) => ({
	...programs.alone,
	HOME: home,
	TMPDIR: join(home, "tmp"),
	npm_config_registry: "http://127.0.0.1:9/",
	OPENCODE_CONFIG_CONTENT: JSON.stringify(config(g)),
	OPENCODE_MODELS_PATH: join(home, "models.json"),
	OPENCODE_DISABLE_MODELS_FETCH: "1",
	OPENCODE_DISABLE_AUTOUPDATE: "1",
	OPENCODE_DISABLE_DEFAULT_PLUGINS: "1",
	OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
	OPENCODE_DISABLE_SHARE: "1",
	OPENCODE_DISABLE_CLAUDE_CODE: "1",
	OPENCODE_PURE: "1",
});

// Runs it with a prompt: its exit code, events, and words on stderr.
async function run(g, home, words, { during, args = [] } = {}) {
	const r = await programs.run(program, ["run", "--format", "json", ...args, words], {
		cwd: join(home, "project"), env: environment(g, home), ms: RUN_MS, during,
	});

	return { ...r, events: programs.events(r.out) };
}

const answers = (sent) => sent.filter((s) => !s.text.includes(title.match));

// Each is a run of its own, which takes seconds: few of them.
const scenes = {
	"its tools, there and back": async (g, home) => {
		const file = join(home, "project", "note.txt");

		await g.script(title, {
			think: "I should look.",
			say: "I look.",
			calls: [
				{ name: "read", arguments: { filePath: file } },
				{ name: "bash", arguments: { command: "echo $((6*7)) apples",
					description: "counts" } },
			],
		}, { say: "It is heliotrope." });
		const r = await run(g, home, "What is in note.txt?", { args: ["--thinking"] });
		const parts = (type) => r.events.filter((e) => e.type === type).map((e) => e.part);
		assert.equal(r.code, 0, r.err);
		assert.deepEqual(parts("reasoning").map((p) => p.text), ["I should look."]);
		assert.deepEqual(parts("text").map((p) => p.text), ["I look.", "It is heliotrope."]);
		assert.deepEqual(parts("tool_use").map((p) => [p.tool, p.state.status]).sort(),
			[["bash", "completed"], ["read", "completed"]]);
		const ends = parts("step_finish");
		assert.deepEqual(ends.map((p) => p.reason), ["tool-calls", "stop"]);
		assert.equal(ends[1].tokens.total, 34);
		assert.equal(ends[1].tokens.cache.read, 8);

		const [first, second] = answers(await g.requests());
		assert.equal(first.body.input[0].role, "developer");
		assert.match(JSON.stringify(first.body.input.at(-1)), /What is in note/);
		assert.ok(first.body.tools.some((tool) => tool.name === "bash"));
		assert.ok(first.body.tools.every((tool) => tool.strict === false));
		const items = (type) => second.body.input.filter((i) => i.type === type);
		const outputs = items("function_call_output");
		assert.match(outputs[0].output, /heliotrope/);
		assert.match(outputs[1].output, /^42 apples/);
		assert.deepEqual(items("function_call").map((i) => i.call_id),
			outputs.map((i) => i.call_id));
	},

	"what upstream refuses, it hears": async (g, home) => {
		await g.script(title, { status: 400, body: { detail: "Not today, thank you." } });
		const r = await run(g, home, "Say hello.");
		const { error } = r.events.find((e) => e.type === "error");
		assert.equal(r.code, 1);
		assert.equal(error.data.message, "Not today, thank you.");
		assert.equal(error.data.statusCode, 400);
		assert.equal(error.data.isRetryable, false);
		assert.equal(answers(await g.requests()).length, 1);
	},

	"a stream that breaks is an error": async (g, home) => {
		await g.script(title, { say: "one two", stop_before: "response.completed" });
		const r = await run(g, home, "Say hello.");
		assert.equal(r.code, 1);
		assert.match(JSON.stringify(r.events.find((e) => e.type === "error")), /broke off/);
	},

	"interrupted, it lets upstream go": async (g, home) => {
		const mine = (r) => r.text.includes("Tell me all") && !r.text.includes(title.match);

		await g.script(title, { match: "Tell me all", say: "word ".repeat(5000),
			interval_ms: 20 });
		await run(g, home, "Tell me all.", { during: async (child) => {
			await g.until("upstream is asked", (got) => got.some(mine), RUN_MS);
			child.kill("SIGTERM");
			await g.until("upstream sees it go",
				(got) => got.some((r) => mine(r) && r.aborted), 5000);
		} });
	},
};

const of_kind = {
	responses: Object.keys(scenes).slice(0, 2),
	chatgpt: [Object.keys(scenes)[0], ...Object.keys(scenes).slice(2)],
};

export default async function (t) {
	if (!existsSync(program)) {
		t.skip("all of it", `no opencode for ${process.arch}`);
		return;
	}
	await programs.withDirectory("cm-opencode-", async (home) => {
		// its start takes seconds: one on each core
		await Promise.all(BOTH.map((options) => withGateway(options, async (g) => {
			const dir = await programs.workplace(join(home, g.kind), "tmp");

			await writeFile(join(dir, "models.json"), "{}");
			for (const what of of_kind[g.kind])
				await t.test(g, what, () => scenes[what](g, dir), { ms: RUN_MS + 5000 });
		})));
	});
}
