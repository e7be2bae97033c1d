// codex_ws.mjs - Codex CLI over WebSocket: it prepares a turn, sends what is
// new, and goes back to POST where there is no WebSocket to be had.
import { existsSync } from "node:fs";
import { program, run, RUN_MS, texts, withHome } from "./codex.mjs";
import { assert, header, withGateway } from "./harness.mjs";

const say = (g, home, words, more = {}) => run(g, home, words, { socket: true, ...more });

// What the gateway was asked since the test began: handshakes and responses.
async function asked(g, before) {
	const lines = (await g.log()).filter((l) => l.path === "/v1/responses").slice(before);

	return { sockets: lines.filter((l) => l.status === 101).length,
		refused: lines.filter((l) => l.status === 426).length,
		responses: lines.filter((l) => l.method === "POST") };
}

const scenes = {
	"a prompt": async (g, home, before) => {
		await g.script({ think: "I should greet.", say: "Hello from upstream" });
		const r = await say(g, home, "Say hello.");
		assert.equal(r.code, 0, r.err);
		assert.deepEqual(texts(r), ["Hello from upstream"]);
		assert.deepEqual(r.items("reasoning").map((i) => i.text), ["I should greet."]);
		assert.equal(r.usage.output_tokens, 13);
		const [sent] = await g.sent(1);
		assert.equal(sent.body.previous_response_id, undefined);
		assert.match(JSON.stringify(sent.body.input.at(-1)), /Say hello\./);
		assert.ok(sent.body.input.length > 1, "what was prepared is there too");
		const got = await asked(g, before);
		assert.equal(got.sockets, 1);
		assert.deepEqual(got.responses.map((l) => l.end), ["ok", "ok"], "prepared, then asked");
		assert.ok(got.responses.every((l) => l.websocket), "all by WebSocket");
	},

	"its tools, there and back": async (g, home, before) => {
		await g.script({ say: "I count.", calls: [{ name: "exec_command", call_id: "call_1",
			arguments: { cmd: "echo $((6*7)) apples" } }] }, { say: "42 apples." });
		const r = await say(g, home, "Count.");
		assert.equal(r.code, 0, r.err);
		assert.deepEqual(r.items("command_execution").map((i) =>
			[i.aggregated_output, i.exit_code]), [["42 apples\n", 0]]);
		assert.deepEqual(texts(r), ["I count.", "42 apples."]);
		const [first, second] = await g.sent(2);
		const output = second.body.input.find((i) => i.type === "function_call_output");
		assert.match(output.output, /42 apples/);
		assert.ok(second.body.input.some((i) => i.type === "function_call" &&
			i.call_id === "call_1"));
		assert.deepEqual(second.body.input.slice(0, first.body.input.length),
			first.body.input, "the same beginning");
		assert.equal((await asked(g, before)).sockets, 1, "over one connection");
	},

	"a custom tool": async (g, home) => {
		const patch = "*** Begin Patch\n*** Add File: a.txt\n+heliotrope\n*** End Patch\n";

		await g.script({ custom_calls: [{ name: "apply_patch", call_id: "call_p",
			input: patch }] }, { say: "Written." });
		const r = await say(g, home, "Write.");
		assert.equal(r.code, 0, r.err);
		assert.deepEqual(texts(r), ["Written."]);
		const [, second] = await g.sent(2);
		assert.equal(second.body.input.find((i) => i.type === "custom_tool_call").input, patch);
	},

	"a model of the lite shape": async (g, home) => {
		await g.script({ say: "Hello, lite" });
		const r = await say(g, home, "Say hello.", { model: "gpt-6.1-sol" });
		assert.equal(r.code, 0, r.err);
		assert.deepEqual(texts(r), ["Hello, lite"]);
		const [sent] = await g.sent(1);
		assert.equal(header(sent, "x-openai-internal-codex-responses-lite"), "true");
		assert.equal(sent.body.tools, undefined);
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

	"500 once is mended here": async (g, home, before) => {
		await g.script({ status: 500, body: { error: { message: "Oops" } } }, { say: "Hello" });
		const r = await say(g, home, "Say hello.");
		assert.equal(r.code, 0, r.err);
		assert.deepEqual(texts(r), ["Hello"]);
		await g.sent(2);
		assert.equal((await asked(g, before)).sockets, 1);
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
};

// A plain upstream sees the same client: a part is enough.
const plain = ["a prompt", "its tools, there and back"];

export default async function (t) {
	if (!existsSync(program)) {
		t.skip("all of it", `no codex for ${process.arch}`);
		return;
	}
	await withHome(async (home) => {
		const play = (options, names) => withGateway(options, async (g) => {
			for (const what of names) {
				const before = (await g.log()).filter((l) =>
					l.path === "/v1/responses").length;

				await t.test(g, what, () => scenes[what](g, home, before),
					{ ms: RUN_MS + 5000 });
			}
		});

		await play({ kind: "chatgpt", settings: { CHATMOCK_HEARTBEAT: "0.5" } },
			Object.keys(scenes));
		await play({ kind: "responses", key: "sk-upstream" }, plain);
		await withGateway({ kind: "chatgpt", login: false, label: "no login" }, async (g) => {
			await t.test(g, "401 says what to do", async () => {
				const r = await say(g, home, "Say hello.");

				assert.equal(r.code, 1);
				assert.match(r.failure, /chatmock login/s);
				await g.sent(0);
			}, { ms: RUN_MS + 5000 });
		});
		await withGateway({ kind: "chatgpt", label: "no WebSocket",
			settings: { CHATMOCK_WEBSOCKET: "0" } }, async (g) => {
			await t.test(g, "426: it goes on with POST at once", async () => {
				await g.script({ say: "By POST" });
				const r = await say(g, home, "Say hello.");
				const got = await asked(g, 0);

				assert.equal(r.code, 0, r.err);
				assert.deepEqual(texts(r), ["By POST"]);
				assert.deepEqual([got.sockets, got.refused], [0, 1]);
				assert.deepEqual(got.responses.map((l) => !!l.websocket), [false]);
			}, { ms: RUN_MS + 5000 });
		});
	});
}
