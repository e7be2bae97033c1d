// codex_scenes.mjs - Codex CLI itself: its binary, a home of its own, and what
// happens to it alike over HTTP and over WebSocket.
import { existsSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { assert, header, withGateway } from "./harness.mjs";
import * as programs from "./program.mjs";

export const codex = programs.installed("@openai", `codex-linux-${process.arch}`, "vendor",
	"x86_64-unknown-linux-musl", "bin", "codex");
const RUN_MS = 60000;
// of a test: its run, and what comes before and behind it
export const LIMIT = { ms: RUN_MS + 5000 };

// It makes no helpers in a home under /tmp, and says so.
export const withHome = (fn) =>
	programs.withDirectory("codex-", fn, join(homedir(), ".cache", "chatmock-tests"));

// Its settings: the gateway, and what else is said of it and above.
export const settings = (g, provider, above = "") => `
model_provider = "chatmock"
check_for_update_on_startup = false
${above}
[analytics]
enabled = false
[model_providers.chatmock]
name = "chatmock"
base_url = "${g.url}"
wire_api = "responses"
${provider}
`;

// Few attempts, for each waits longer than the one before.
const config = (g, more) => settings(g, `
env_key = "CHATMOCK_KEY"
request_max_retries = 1
stream_max_retries = 1
stream_idle_timeout_ms = ${more.idle ?? 30000}
${more.socket ? "supports_websockets = true" : ""}
`, `model = "${more.model ?? "gpt-5.5"}"`);

// Runs it with a prompt: its exit code, its events, and what went wrong.
export async function run(g, home, words, more = {}) {
	const dir = await programs.workplace(await mkdtemp(join(home, "run-")));

	await writeFile(join(dir, "config.toml"), config(g, more));
	const { code, out, err } = await programs.run(codex, ["exec", "--json",
		"--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", words], {
		cwd: join(dir, "project"), ms: RUN_MS, during: more.during,
		env: { ...programs.alone, HOME: dir, CODEX_HOME: dir, CHATMOCK_KEY: "sk-client" },
	});
	const events = programs.events(out);

	return {
		code, events, err,
		items: (type) => events.filter((e) => e.type === "item.completed" &&
			e.item.type === type).map((e) => e.item),
		failure: events.filter((e) => e.type === "turn.failed").at(-1)?.error.message,
		usage: events.find((e) => e.type === "turn.completed")?.usage,
	};
}

export const texts = (r) => r.items("agent_message").map((i) => i.text);

// What the gateway was asked for responses since the test began.
export async function asked(g, before) {
	return (await g.log()).filter((l) => l.path === "/v1/responses").slice(before);
}

// What holds whichever way say(g, home, words, more) runs it; each gives what
// is left to look at.
export const scenes = (say) => ({
	"a prompt": async (g, home) => {
		await g.script({ think: "I should greet.", say: "Hello from upstream",
			rate_limits: { primary: { used_percent: 4 } } });
		const r = await say(g, home, "Say hello.");
		assert.equal(r.code, 0, r.err);
		assert.deepEqual(texts(r), ["Hello from upstream"]);
		assert.deepEqual(r.items("reasoning").map((i) => i.text), ["I should greet."]);
		assert.equal(r.usage.output_tokens, 13);
		const [sent] = await g.sent(1);
		assert.match(JSON.stringify(sent.body.input.at(-1)), /Say hello\./);
		return { r, sent };
	},

	"its tools, there and back": async (g, home) => {
		await g.script({ say: "I count.", calls: [{ name: "exec_command", call_id: "call_1",
			arguments: { cmd: "echo $((6*7)) apples" } }] }, { say: "42 apples." });
		const r = await say(g, home, "Count.");
		assert.equal(r.code, 0, r.err);
		assert.deepEqual(r.items("command_execution").map((i) =>
			[i.aggregated_output, i.exit_code]), [["42 apples\n", 0]]);
		assert.deepEqual(texts(r), ["I count.", "42 apples."]);
		const sent = await g.sent(2);
		const { input } = sent[1].body;
		const output = input.find((i) => i.type === "function_call_output");
		assert.equal(output.call_id, "call_1");
		assert.match(output.output, /42 apples/);
		assert.ok(input.some((i) => i.type === "function_call" && i.call_id === "call_1"));
		return { sent };
	},

	"a custom tool": async (g, home) => {
		const patch = "*** Begin Patch\n*** Add File: a.txt\n+heliotrope\n*** End Patch\n";

		await g.script({ custom_calls: [{ name: "apply_patch", call_id: "call_p",
			input: patch }] }, { say: "Written." });
		const r = await say(g, home, "Write.");
		assert.equal(r.code, 0, r.err);
		assert.equal(r.items("file_change").length, 1);
		assert.deepEqual(texts(r), ["Written."]);
		const [, second] = await g.sent(2);
		assert.equal(second.body.input.find((i) => i.type === "custom_tool_call").input, patch);
		assert.equal(second.body.input.find((i) =>
			i.type === "custom_tool_call_output").call_id, "call_p");
	},

	"a model of the lite shape": async (g, home) => {
		await g.script({ say: "Hello, lite" });
		const r = await say(g, home, "Say hello.", { model: "gpt-6.1-sol" });
		assert.equal(r.code, 0, r.err);
		assert.deepEqual(texts(r), ["Hello, lite"]);
		const [sent] = await g.sent(1);
		assert.equal(header(sent, "x-openai-internal-codex-responses-lite"), "true");
		assert.equal(sent.body.input[0].type, "additional_tools");
		assert.equal(sent.body.tools, undefined);
		assert.equal(sent.body.reasoning.context, "all_turns");
	},

	"silence is no end while we say so": async (g, home) => {
		await g.script({ delay_ms: 100, steps: [
			{ say: "x", stop_before: "response.output_item.added" }, { wait_ms: 5000 },
			{ event: { type: "response.output_item.done", output_index: 0, sequence_number: 2,
				item: { type: "message", id: "msg_1", role: "assistant",
					content: [{ type: "output_text", text: "At last", annotations: [] }] } } },
			{ event: { type: "response.completed", sequence_number: 3, response: {
				id: "resp_1", status: "completed", output: [] } } },
		] });
		const r = await say(g, home, "Think long.", { idle: 2000 });
		assert.equal(r.code, 0, r.err);
		assert.deepEqual(texts(r), ["At last"]);
		await g.sent(1);
	},

	"400: once, with upstream's words": async (g, home) => {
		await g.script({ status: 400, body: { detail: "Not today, thank you." }, repeat: 9 });
		const r = await say(g, home, "Say hello.");
		assert.equal(r.code, 1);
		assert.match(r.failure, /Not today, thank you\./);
		await g.sent(1);
	},

	"429 of a plan: once, and when it ends": async (g, home) => {
		await g.script({ status: 429, repeat: 9, body: { error: { type: "usage_limit_reached",
			message: "The usage limit has been reached", plan_type: "plus",
			resets_in_seconds: 3600, resets_at: Math.floor(Date.now() / 1000) + 3600 } } });
		const r = await say(g, home, "Say hello.");
		assert.equal(r.code, 1);
		assert.match(r.failure, /usage limit.*try again/is);
		await g.sent(1);
	},

	"500 once is mended here": async (g, home) => {
		await g.script({ status: 500, body: { error: { message: "Oops" } } }, { say: "Hello" });
		const r = await say(g, home, "Say hello.");
		assert.equal(r.code, 0, r.err);
		assert.deepEqual(texts(r), ["Hello"]);
		await g.sent(2);
	},

	"cut once: it asks again": async (g, home) => {
		await g.script({ say: "one two", stop_before: "response.output_text.done",
			then: "reset" }, { say: "Whole" });
		const r = await say(g, home, "Say hello.");
		assert.equal(r.code, 0, r.err);
		assert.equal(texts(r).at(-1), "Whole");
		await g.sent(2);
	},

	"cut each time: an error, with our words": async (g, home) => {
		await g.script({ say: "one two", stop_before: "response.completed", repeat: 99 });
		const r = await say(g, home, "Say hello.");
		assert.equal(r.code, 1);
		assert.match(r.failure, /Upstream broke off its answer/);
	},

	"failed for good: once": async (g, home) => {
		await g.script({ say: "So far", repeat: 9, failed: { code: "context_length_exceeded",
			message: "Too long." } });
		const r = await say(g, home, "Say hello.");
		assert.equal(r.code, 1);
		assert.match(r.failure, /context window/);
		await g.sent(1);
	},

	"interrupted, it lets upstream go": async (g, home) => {
		await g.script({ say: "word ".repeat(5000), interval_ms: 20 });
		await say(g, home, "Tell me all.", { during: async (child) => {
			await g.until("upstream is asked", (got) => got.length > 0, RUN_MS);
			child.kill("SIGTERM");
			await g.aborted(0, 5000);
		} });
	},
});

// A plain upstream sees the same client: a part is enough.
const PLAIN = ["a prompt", "its tools, there and back"];

// All of them, in a home, and without a login; then(home): what else there is.
export async function play(t, say, all, then) {
	if (!existsSync(codex)) {
		t.skip("all of it", `no codex for ${process.arch}`);
		return;
	}
	const scenes_of = (home, options, names) => withGateway(options, async (g) => {
		for (const what of names) {
			const before = (await asked(g, 0)).length;

			await t.test(g, what, () => all[what](g, home, before), LIMIT);
		}
	});

	await withHome(async (home) => {
		await scenes_of(home, { kind: "chatgpt", settings: { CHATMOCK_HEARTBEAT: "0.5" } },
			Object.keys(all));
		await scenes_of(home, { kind: "responses", key: "sk-upstream" }, PLAIN);
		await withGateway({ kind: "chatgpt", login: false, label: "no login" }, async (g) => {
			await t.test(g, "401 says what to do", async () => {
				const r = await say(g, home, "Say hello.");

				assert.equal(r.code, 1);
				assert.match(r.failure, /401 Unauthorized.*chatmock login/s);
				await g.sent(0);
			}, LIMIT);
		});
		await then?.(home);
	});
}
