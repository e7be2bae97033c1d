// ollama.mjs - the official Ollama SDK from npm.
import { Ollama } from "ollama";
import { all, assert, BOTH, fails, PIXEL, withGateway } from "./harness.mjs";

const MODEL = "gpt-5.5";
const messages = [{ role: "user", content: "Say hello." }];
const png = PIXEL.split(",")[1];
const weather = { type: "function", function: {
	name: "weather", description: "Tells the weather.", parameters: {
		type: "object", properties: { city: { type: "string" } }, required: ["city"] } } };
const two = [
	{ name: "weather", call_id: "call_rome", arguments: { city: "Rome" } },
	{ name: "weather", call_id: "call_oslo", arguments: { city: "Oslo" } },
];
const client = (g) => new Ollama({ host: g.base });
const text = (chunks) => chunks.map((c) => c.message.content).join("");

async function chats(t, g) {
	const ollama = client(g);
	const chat = (more) => ollama.chat({ model: MODEL, messages, ...more });

	await t.test(g, "chat", async () => {
		await g.script({ think: "Hm.", say: "Hello there" });
		const r = await chat();
		assert.deepEqual(r.message, { role: "assistant", content: "Hello there", thinking: "Hm." });
		assert.deepEqual([r.model, r.done, r.done_reason, r.prompt_eval_count, r.eval_count],
			[MODEL, true, "stop", 21, 13]);
		assert.ok(r.total_duration > 0);
		assert.ok(!Number.isNaN(Date.parse(r.created_at)));
	});

	await t.test(g, "chat, streamed", async () => {
		const pieces = [];
		let last;

		await g.script({ say: "one two three four five", interval_ms: 40 });
		for await (const chunk of await chat({ stream: true })) {
			last = chunk;
			if (chunk.message.content && pieces.push(chunk.message.content) === 1)
				await g.unfinished();
		}
		assert.deepEqual(pieces, ["one ", "two ", "three ", "four ", "five"]);
		assert.deepEqual([last.done, last.eval_count], [true, 13]);
		assert.ok(last.eval_duration >= 100e6, `${last.eval_duration} ns`);
		assert.equal(last.total_duration, last.prompt_eval_duration + last.eval_duration);
	});

	await t.test(g, "think", async () => {
		const script = { think: "Hm, hello.", say: "Hello." };

		await g.script(script, script, script);
		const chunks = await all(await chat({ stream: true, think: "low" }));
		assert.equal(chunks.map((c) => c.message.thinking ?? "").join(""), "Hm, hello.");
		assert.equal(text(chunks), "Hello.");
		assert.equal((await chat({ think: false })).message.thinking, undefined);
		assert.equal((await chat({ think: true })).message.thinking, "Hm, hello.");
		const sent = await g.sent(3);
		assert.deepEqual(sent.map((s) => s.body.reasoning.effort), ["low", "low", "medium"]);
		assert.deepEqual(sent.map((s) => s.body.reasoning.summary), ["auto", undefined, "auto"]);
	});

	await t.test(g, "format", async () => {
		const schema = { type: "object", properties: { x: { type: "number" } } };

		await g.script({ say: "{\"x\":1}" }, { say: "{}" });
		assert.deepEqual(JSON.parse((await chat({ format: schema })).message.content), { x: 1 });
		await chat({ format: "json" });
		const [first, second] = await g.sent(2);
		assert.deepEqual(first.body.text.format.schema, schema);
		assert.equal(second.body.text.format.type, "json_object");
		assert.match(second.text, /Answer with JSON/);
	});

	await t.test(g, "images", async () => {
		await chat({ messages: [{ role: "user", content: "What?", images: [png] }] });
		await ollama.generate({ model: MODEL, prompt: "What?", images: [Buffer.from(png, "base64")] });
		for (const { body } of await g.sent(2))
			assert.equal(body.input[0].content[1].image_url, PIXEL);
	});

	await t.test(g, "options", async () => {
		await g.script({ say: "one two" }, { say: "one", incomplete: "max_output_tokens" });
		assert.equal((await chat({ keep_alive: "5m",
			options: { num_predict: 64, num_ctx: 4096, temperature: 0.5, stop: [" two"] } }))
			.message.content, "one");
		assert.equal((await chat()).done_reason, "length");
		const [{ body }] = await g.sent(2);
		assert.equal(body.max_output_tokens, g.kind === "chatgpt" ? undefined : 64);
		assert.equal(body.temperature, g.kind === "chatgpt" ? undefined : 0.5);
	});

	await t.test(g, "generate, whole and streamed", async () => {
		await g.script({ say: "Hello" }, { think: "Hm", say: "one two" });
		assert.equal((await ollama.generate({ model: MODEL, prompt: "Hi" })).response, "Hello");
		const chunks = await all(await ollama.generate({ model: MODEL, prompt: "Hi", stream: true }));
		assert.equal(chunks.map((c) => c.response).join(""), "one two");
		assert.equal(chunks.map((c) => c.thinking ?? "").join(""), "Hm");
		assert.equal(chunks.at(-1).done_reason, "stop");
	});
}

async function tools(t, g) {
	await t.test(g, "tools, there and back", async () => {
		const talk = [...messages];
		const ollama = client(g);

		await g.script({ calls: two }, { say: "Sun everywhere." });
		const asked = await ollama.chat({ model: MODEL, messages: talk, tools: [weather] });
		assert.deepEqual(asked.message.tool_calls.map((c) => c.function.arguments),
			[{ city: "Rome" }, { city: "Oslo" }]);
		talk.push(asked.message);
		for (const call of asked.message.tool_calls.toReversed())
			talk.push({ role: "tool", tool_name: "weather", tool_call_id: call.id,
				content: `sun in ${call.function.arguments.city}` });
		assert.equal((await ollama.chat({ model: MODEL, messages: talk, tools: [weather] }))
			.message.content, "Sun everywhere.");
		const { input } = (await g.sent(2))[1].body;
		assert.deepEqual(input.filter((i) => i.type === "function_call_output")
			.map((i) => [i.call_id, i.output]),
			[["call_oslo", "sun in Oslo"], ["call_rome", "sun in Rome"]]);
	});

	await t.test(g, "tool calls, streamed", async () => {
		await g.script({ say: "Let me see.", calls: two });
		const chunks = await all(await client(g).chat(
			{ model: MODEL, messages, tools: [weather], stream: true }));
		assert.deepEqual(chunks.flatMap((c) => c.message.tool_calls ?? [])
			.map((c) => [c.function.name, c.function.arguments]),
			[["weather", { city: "Rome" }], ["weather", { city: "Oslo" }]]);
		assert.equal(text(chunks), "Let me see.");
	});
}

async function models(t, g) {
	const ollama = client(g);

	await t.test(g, "list, show, ps, version", async () => {
		assert.ok((await ollama.list()).models.some((m) => m.model === MODEL));
		const shown = await ollama.show({ model: MODEL });
		assert.deepEqual(shown.capabilities, ["completion", "tools", "vision", "thinking"]);
		const arch = shown.model_info["general.architecture"];
		assert.equal(shown.model_info[`${arch}.context_length`], 272000);
		assert.deepEqual((await ollama.ps()).models, []);
		assert.match((await ollama.version()).version, /^\d+\.\d+\.\d+$/);
		assert.equal((await fetch(g.base, { method: "HEAD" })).status, 200);
		const e = await fails(() => ollama.show({ model: "none" }), Error);
		assert.deepEqual([e.name, e.status_code], ["ResponseError", 404]);
	});

	await t.test(g, "what is not served", async () => {
		for (const ask of [() => ollama.embed({ model: MODEL, input: "x" }),
			() => ollama.pull({ model: "x" }), () => ollama.delete({ model: "x" }),
			() => ollama.create({ model: "a", from: "b" }),
			() => ollama.copy({ source: "a", destination: "b" })]) {
			const e = await fails(ask, Error);
			assert.equal(e.status_code, 501);
			assert.match(e.message, /not served here/);
		}
		await g.sent(0);
	});
}

async function errors(t, g) {
	const ollama = client(g);

	for (const status of [400, 403, 404, 429]) {
		await t.test(g, `${status}`, async () => {
			await g.script({ status, body: { error: { message: `It is a ${status}.`, type: "x" } } });
			const e = await fails(() => ollama.chat({ model: MODEL, messages, stream: true }), Error);
			assert.equal(e.status_code, status);
			assert.match(e.message, new RegExp(`It is a ${status}`));
			await g.sent(1);
		});
	}

	for (const end of [{ failed: { code: "server_error", message: "Sorry." } },
		{ stop_before: "response.completed", then: "reset" }]) {
		await t.test(g, `a stream that ${end.failed ? "fails" : "breaks"}`, async () => {
			const got = [];

			await g.script({ say: "one two", ...end });
			const e = await fails(async () => {
				for await (const c of await ollama.chat({ model: MODEL, messages, stream: true }))
					got.push(c);
			}, Error);
			assert.match(e.message, /Sorry|broke off/);
			assert.equal(text(got), "one two");
		});
	}

	await t.test(g, "an abort reaches upstream", async () => {
		let count = 0;

		await g.script({ say: "word ".repeat(2000), interval_ms: 20 });
		const stream = await ollama.chat({ model: MODEL, messages, stream: true });
		await fails(async () => {
			for await (const c of stream)
				if (c.message.content && ++count === 3)
					stream.abort();
		}, Error);
		await g.aborted();
	});
}

async function silence(t, g) {
	await t.test(g, "a silent stream is kept alive", async () => {
		await g.script({ say: "one two", delay_ms: 700 });
		const chunks = await all(await client(g).chat({ model: MODEL, messages, stream: true }));
		assert.ok(chunks.filter((c) => !c.done && !c.message.content).length >= 2, "heartbeats");
		assert.equal(text(chunks), "one two");
		assert.ok(chunks.at(-1).prompt_eval_duration >= 600e6);
	});
}

export default async function (t) {
	for (const options of BOTH) {
		await withGateway(options, async (g) => {
			await chats(t, g);
			await tools(t, g);
			await models(t, g);
			await errors(t, g);
		});
	}
	await withGateway({ kind: "chatgpt", settings: { CHATMOCK_HEARTBEAT: "0.2" } },
		(g) => silence(t, g));
}
