// codex.mjs - Codex CLI itself, over HTTP: its binary, a home of its own, and
// nothing but the gateway to talk to.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { assert, header, withGateway } from "./harness.mjs";

export const program = join(process.env.CLIENTS_PACKAGES, "node_modules", "@openai",
	`codex-linux-${process.arch}`, "vendor", "x86_64-unknown-linux-musl", "bin", "codex");
export const RUN_MS = 60000;

// Few attempts, for each waits longer than the one before.
const config = (g, more) => `
model = "${more.model ?? "gpt-5.5"}"
model_provider = "chatmock"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.chatmock]
name = "chatmock"
base_url = "${g.url}"
wire_api = "responses"
env_key = "CHATMOCK_KEY"
request_max_retries = 1
stream_max_retries = 1
stream_idle_timeout_ms = ${more.idle ?? 30000}
${more.socket ? "supports_websockets = true" : ""}
`;

// A home of its own; it makes no helpers in one under /tmp, and says so.
export async function withHome(fn) {
	await mkdir(join(homedir(), ".cache", "chatmock-tests"), { recursive: true });
	const home = await mkdtemp(join(homedir(), ".cache", "chatmock-tests", "codex-"));

	try {
		await fn(home);
	} finally {
		await rm(home, { recursive: true, force: true });
	}
}

// Runs it with a prompt: its exit code, its events, and what went wrong.
export async function run(g, home, words, more = {}) {
	const dir = await mkdtemp(join(home, "run-"));

	await mkdir(join(dir, "project"));
	await writeFile(join(dir, "config.toml"), config(g, more));
	const child = spawn(program, ["exec", "--json", "--skip-git-repo-check",
		"--dangerously-bypass-approvals-and-sandbox", words], {
		cwd: join(dir, "project"),
		env: {
			PATH: process.env.PATH, HOME: dir, CODEX_HOME: dir, CHATMOCK_KEY: "sk-client",
			NO_PROXY: "127.0.0.1", HTTP_PROXY: "http://127.0.0.1:9",
			HTTPS_PROXY: "http://127.0.0.1:9",
		},
		stdio: ["ignore", "pipe", "pipe"],
	});
	const ended = new Promise((resolve) => child.once("close", resolve));
	const timer = setTimeout(() => child.kill("SIGKILL"), RUN_MS);
	let out = "", err = "";

	child.stdout.on("data", (d) => out += d);
	child.stderr.on("data", (d) => err += d);
	try {
		await more.during?.(child);
		const code = await ended;
		const events = out.split("\n").filter(Boolean).map((line) => JSON.parse(line));

		return {
			code, events, err,
			items: (type) => events.filter((e) => e.type === "item.completed" &&
				e.item.type === type).map((e) => e.item),
			failure: events.filter((e) => e.type === "turn.failed").at(-1)?.error.message,
			usage: events.find((e) => e.type === "turn.completed")?.usage,
		};
	} finally {
		clearTimeout(timer);
		child.kill("SIGKILL");
		await ended;
	}
}

// How often it asked the gateway since the test began.
async function asked(g, before) {
	return (await g.log()).filter((l) => l.path === "/v1/responses").length - before;
}

export const texts = (r) => r.items("agent_message").map((i) => i.text);

const scenes = {
	"a prompt": async (g, home) => {
		await g.script({ think: "I should greet.", say: "Hello from upstream",
			rate_limits: { primary: { used_percent: 4 } } });
		const r = await run(g, home, "Say hello.");
		assert.equal(r.code, 0, r.err);
		assert.deepEqual(texts(r), ["Hello from upstream"]);
		assert.deepEqual(r.items("reasoning").map((i) => i.text), ["I should greet."]);
		assert.equal(r.usage.input_tokens, 21);
		assert.equal(r.usage.cached_input_tokens, 8);
		assert.equal(r.usage.output_tokens, 13);
		assert.equal(r.usage.reasoning_output_tokens, 4);
		const [sent] = await g.sent(1);
		assert.ok(sent.body.tools.some((tool) => tool.type === "custom" &&
			tool.format.syntax === "lark"), "apply_patch as it came");
		assert.match(JSON.stringify(sent.body.input.at(-1)), /Say hello\./);
		assert.equal(header(sent, "session-id"), sent.body.prompt_cache_key);
		assert.ok(header(sent, "x-codex-turn-metadata"));
		assert.ok(header(sent, "thread-id"));
	},

	"its tools, there and back": async (g, home) => {
		await g.script({ say: "I count.", calls: [{ name: "exec_command", call_id: "call_1",
			arguments: { cmd: "echo $((6*7)) apples" } }] }, { say: "42 apples." });
		const r = await run(g, home, "Count.");
		assert.equal(r.code, 0, r.err);
		assert.deepEqual(r.items("command_execution").map((i) =>
			[i.aggregated_output, i.exit_code]), [["42 apples\n", 0]]);
		assert.deepEqual(texts(r), ["I count.", "42 apples."]);
		const [, second] = await g.sent(2);
		const output = second.body.input.find((i) => i.type === "function_call_output");
		assert.equal(output.call_id, "call_1");
		assert.match(output.output, /42 apples/);
		assert.ok(second.body.input.some((i) => i.type === "function_call" &&
			i.call_id === "call_1"));
	},

	"a custom tool": async (g, home) => {
		const patch = "*** Begin Patch\n*** Add File: a.txt\n+heliotrope\n*** End Patch\n";

		await g.script({ custom_calls: [{ name: "apply_patch", call_id: "call_p",
			input: patch }] }, { say: "Written." });
		const r = await run(g, home, "Write.");
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
		const r = await run(g, home, "Say hello.", { model: "gpt-6.1-sol" });
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
		const r = await run(g, home, "Think long.", { idle: 2000 });
		assert.equal(r.code, 0, r.err);
		assert.deepEqual(texts(r), ["At last"]);
		await g.sent(1);
	},

	"400: once, with upstream's words": async (g, home, before) => {
		await g.script({ status: 400, body: { detail: "Not today, thank you." }, repeat: 9 });
		const r = await run(g, home, "Say hello.");
		assert.equal(r.code, 1);
		assert.match(r.failure, /Not today, thank you\./);
		await g.sent(1);
		assert.equal(await asked(g, before), 1);
	},

	"429 of a plan: once, and when it ends": async (g, home, before) => {
		await g.script({ status: 429, repeat: 9, body: { error: { type: "usage_limit_reached",
			message: "The usage limit has been reached", plan_type: "plus",
			resets_in_seconds: 3600, resets_at: Math.floor(Date.now() / 1000) + 3600 } } });
		const r = await run(g, home, "Say hello.");
		assert.equal(r.code, 1);
		assert.match(r.failure, /usage limit.*try again/is);
		await g.sent(1);
		assert.equal(await asked(g, before), 1);
	},

	"500 once is mended here": async (g, home, before) => {
		await g.script({ status: 500, body: { error: { message: "Oops" } } }, { say: "Hello" });
		const r = await run(g, home, "Say hello.");
		assert.equal(r.code, 0, r.err);
		assert.deepEqual(texts(r), ["Hello"]);
		await g.sent(2);
		assert.equal(await asked(g, before), 1);
	},

	"a model at capacity": async (g, home) => {
		await g.script({ status: 503, repeat: 99,
			body: { error: { code: "server_is_overloaded", message: "Busy." } } });
		const r = await run(g, home, "Say hello.");
		assert.equal(r.code, 1);
		assert.match(r.failure, /at capacity/);
	},

	"cut once: it asks again": async (g, home, before) => {
		await g.script({ say: "one two", stop_before: "response.output_text.done",
			then: "reset" }, { say: "Whole" });
		const r = await run(g, home, "Say hello.");
		assert.equal(r.code, 0, r.err);
		assert.equal(texts(r).at(-1), "Whole");
		await g.sent(2);
		assert.equal(await asked(g, before), 2);
	},

	"cut each time: an error, with our words": async (g, home, before) => {
		await g.script({ say: "one two", stop_before: "response.completed", repeat: 9 });
		const r = await run(g, home, "Say hello.");
		assert.equal(r.code, 1);
		assert.match(r.failure, /Upstream broke off its answer/);
		assert.equal(await asked(g, before), 2);
	},

	"failed for good: once": async (g, home, before) => {
		await g.script({ say: "So far", repeat: 9, failed: { code: "context_length_exceeded",
			message: "Too long." } });
		const r = await run(g, home, "Say hello.");
		assert.equal(r.code, 1);
		assert.match(r.failure, /context window/);
		assert.equal(await asked(g, before), 1);
	},

	"interrupted, it lets upstream go": async (g, home) => {
		await g.script({ say: "word ".repeat(5000), interval_ms: 20 });
		await run(g, home, "Tell me all.", { during: async (child) => {
			await g.until("upstream is asked", (got) => got.length > 0, RUN_MS);
			child.kill("SIGTERM");
			await g.aborted(0, 5000);
		} });
	},
};

// A plain upstream sees the same client: a part is enough.
const plain = ["a prompt", "its tools, there and back"];

export default async function (t) {
	if (!existsSync(program)) {
		t.skip("all of it", `no codex for ${process.arch}`);
		return;
	}
	await withHome(async (home) => play_all(t, home));
}

async function play_all(t, home) {
	const play = (options, names) => withGateway(options, async (g) => {
		for (const what of names) {
			const before = (await g.log()).filter((l) => l.path === "/v1/responses").length;

			await t.test(g, what, () => scenes[what](g, home, before), { ms: RUN_MS + 5000 });
		}
	});

	await play({ kind: "chatgpt", settings: { CHATMOCK_HEARTBEAT: "0.5" } },
		Object.keys(scenes));
	await play({ kind: "responses", key: "sk-upstream" }, plain);
	await withGateway({ kind: "chatgpt", login: false, label: "no login" }, async (g) => {
		await t.test(g, "401 says what to do", async () => {
			const r = await run(g, home, "Say hello.");

			assert.equal(r.code, 1);
			assert.match(r.failure, /401 Unauthorized.*chatmock login/s);
			await g.sent(0);
		}, { ms: RUN_MS + 5000 });
	});
}
