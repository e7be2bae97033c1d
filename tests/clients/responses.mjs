// responses.mjs - OpenAI's own SDK: responses.create and responses.stream.
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { all, assert, BOTH, fails, header, PIXEL, withGateway } from "./harness.mjs";

const MODEL = "gpt-5.5";
const input = "Say hello.";
const weather = { type: "function", name: "weather", description: "Tells the weather.",
	strict: true, parameters: { type: "object", additionalProperties: false,
		properties: { city: { type: "string" } }, required: ["city"] } };
const two = [
	{ name: "weather", call_id: "call_rome", arguments: { city: "Rome" } },
	{ name: "weather", call_id: "call_oslo", arguments: { city: "Oslo" } },
];

async function whole(t, g, client) {
	await t.test(g, "create", async () => {
		await g.script({ think: "Hm.", say: "Hello there" });
		const r = await client.responses.create({ model: MODEL, input,
			instructions: "Be brief.", temperature: 0.5, metadata: { a: "b" },
			max_output_tokens: 50 });
		assert.equal(r.output_text, "Hello there");
		assert.equal(r.status, "completed");
		assert.equal(r.object, "response");
		assert.equal(r.error, null);
		assert.deepEqual(r.output.map((i) => i.type), ["reasoning", "message"]);
		assert.equal(r.usage.total_tokens, 34);
		assert.equal(r.usage.input_tokens_details.cached_tokens, 8);
		// what was asked for stands in it, whatever upstream was told
		assert.equal(r.instructions, "Be brief.");
		assert.equal(r.max_output_tokens, 50);
		assert.equal(r.store, false);
		if (g.kind === "chatgpt") {
			assert.equal(r.temperature, 0.5);
			assert.deepEqual(r.metadata, { a: "b" });
		}
		const [sent] = await g.sent(1);
		assert.equal(sent.body.instructions, "Be brief.");
		assert.equal(sent.body.temperature, g.kind === "chatgpt" ? undefined : 0.5);
	});

	await t.test(g, "a turn that follows, with all that came", async () => {
		await g.script({ think: "I look.", calls: two }, { say: "Sun in both." });
		const first = await client.responses.create({ model: MODEL, input,
			tools: [weather], include: ["reasoning.encrypted_content"] });
		assert.deepEqual(first.output.filter((i) => i.type === "function_call")
			.map((i) => [i.name, i.call_id, JSON.parse(i.arguments).city]),
		[["weather", "call_rome", "Rome"], ["weather", "call_oslo", "Oslo"]]);
		const next = await client.responses.create({ model: MODEL, tools: [weather], input: [
			{ role: "user", content: input }, ...first.output,
			...two.map((c) => ({ type: "function_call_output", call_id: c.call_id,
				output: "sun" })),
		] });
		assert.equal(next.output_text, "Sun in both.");
		const [, sent] = await g.sent(2);
		const items = (type) => sent.body.input.filter((i) => i.type === type);
		assert.equal(items("reasoning")[0].encrypted_content,
			first.output[0].encrypted_content);
		assert.equal(items("function_call").length, 2);
		assert.equal(items("function_call_output").length, 2);
	});

	await t.test(g, "pictures, structured output, custom tools", async () => {
		await g.script({ say: '{"n":7}', custom_calls: [{ name: "shell", input: "ls -l",
			call_id: "call_c" }] });
		const r = await client.responses.parse({ model: MODEL,
			input: [{ role: "user", content: [{ type: "input_text", text: input },
				{ type: "input_image", image_url: PIXEL, detail: "auto" }] }],
			text: { format: zodTextFormat(z.object({ n: z.number() }), "thing") },
			tools: [{ type: "custom", name: "shell" }] });
		assert.deepEqual(r.output_parsed, { n: 7 });
		assert.equal(r.output.find((i) => i.type === "custom_tool_call").input, "ls -l");
		const [sent] = await g.sent(1);
		assert.equal(sent.body.text.format.name, "thing");
		assert.equal(sent.body.input[0].content[1].image_url, PIXEL);
	});

	await t.test(g, "incomplete", async () => {
		await g.script({ say: "Hel", incomplete: "max_output_tokens" });
		const r = await client.responses.create({ model: MODEL, input });
		assert.equal(r.status, "incomplete");
		assert.equal(r.incomplete_details.reason, "max_output_tokens");
		assert.equal(r.output_text, "Hel");
	});
}

async function streams(t, g, client) {
	await t.test(g, "create with stream", async () => {
		await g.script({ say: "one two three", interval_ms: 40 });
		const types = [];
		let text = "";
		const stream = await client.responses.create({ model: MODEL, input, stream: true });
		for await (const event of stream) {
			if (types.push(event.type) === 1)
				await g.unfinished();
			assert.equal(event.sequence_number, types.length - 1);
			if (event.type === "response.output_text.delta")
				text += event.delta;
		}
		assert.equal(text, "one two three");
		assert.equal(types[0], "response.created");
		assert.equal(types.at(-1), "response.completed");
	});

	await t.test(g, "stream", async () => {
		await g.script({ think: ["One.", "Two."], say: "Hello", calls: two,
			rate_limits: { primary: { used_percent: 1 } } });
		const stream = client.responses.stream({ model: MODEL, input, tools: [weather] });
		const seen = new Set();
		for await (const event of stream)
			seen.add(event.type);
		assert.ok(![...seen].some((type) => type.startsWith("codex.")));
		assert.ok(seen.has("response.reasoning_summary_text.delta"));
		assert.ok(seen.has("response.function_call_arguments.delta"));
		const r = await stream.finalResponse();
		assert.equal(r.output_text, "Hello");
		assert.equal(r.output.filter((i) => i.type === "function_call").length, 2);
		assert.deepEqual(r.output[0].summary.map((s) => s.text), ["One.", "Two."]);
		assert.equal(r.usage.total_tokens, 34);
	});

	await t.test(g, "heartbeats on the way", async () => {
		const response = { id: "resp_1", object: "response", output: [] };

		await g.script({ steps: [{ wait_ms: 900 },
			{ event: { type: "response.created", sequence_number: 0, response } },
			{ wait_ms: 900 },
			{ event: { type: "response.completed", sequence_number: 1,
				response: { ...response, status: "completed" } } }] });
		const stream = client.responses.stream({ model: MODEL, input });
		const events = await all(stream);
		assert.ok(events.some((e) => e.type === "keepalive"));
		assert.deepEqual(events.map((e) => e.sequence_number), events.map((_, i) => i));
		assert.equal((await stream.finalResponse()).status, "completed");
	});

	await t.test(g, "a stream that breaks has failed", async () => {
		await g.script({ say: "one two", stop_before: "response.completed" });
		const events = await all(await client.responses.create({ model: MODEL, input,
			stream: true }));
		const last = events.at(-1);
		assert.equal(last.type, "response.failed");
		assert.equal(last.response.status, "failed");
		assert.equal(last.response.error.code, "server_error");
		assert.ok(!events.some((e) => e.type === "response.completed"));
	});

	await t.test(g, "abort", async () => {
		await g.script({ say: "word ".repeat(2000), interval_ms: 20 });
		const stream = await client.responses.create({ model: MODEL, input, stream: true });
		let n = 0;
		for await (const event of stream)
			if (event.type.endsWith("delta") && ++n === 2)
				stream.controller.abort();
		await g.aborted();
	});
}

async function errors(t, g, client) {
	await t.test(g, "a limit", async () => {
		await g.script({ status: 429, headers: { "x-codex-primary-used-percent": "100" },
			body: { error: { type: "usage_limit_reached", message: "No more.",
				plan_type: "plus", resets_in_seconds: 60 } } });
		const e = await fails(() => client.responses.create({ model: MODEL, input }),
			OpenAI.RateLimitError);
		assert.match(e.message, /No more\./);
		assert.equal(e.headers.get("retry-after"), "60");
		assert.equal(e.headers.get("x-codex-primary-used-percent"), "100");
	});

	await t.test(g, "upstream's headers", async () => {
		await g.script({ say: "x", headers: { "openai-model": "gpt-real",
			"x-codex-plan-type": "plus", "set-cookie": "a=b" } });
		const { response } = await client.responses.create({ model: MODEL, input })
			.withResponse();
		assert.equal(response.headers.get("openai-model"), "gpt-real");
		assert.equal(response.headers.get("x-codex-plan-type"), "plus");
		assert.equal(response.headers.get("set-cookie"), null);
		const [sent] = await g.sent(1);
		assert.equal(header(sent, "user-agent").split("/")[0], "chatmock");
	});

	await t.test(g, "a memory that is not there", async () => {
		if (g.kind !== "chatgpt")
			return;
		const e = await fails(() => client.responses.create({ model: MODEL, input,
			previous_response_id: "resp_1" }), OpenAI.BadRequestError);
		assert.equal(e.param, "previous_response_id");
		assert.match(e.message, /Send the items/);
		await g.sent(0);
	});
}

export default async function (t) {
	for (const options of BOTH)
		await withGateway({ ...options, settings: { CHATMOCK_HEARTBEAT: "0.3" } }, async (g) => {
			const client = new OpenAI({ baseURL: g.url, apiKey: "sk-client", maxRetries: 0 });

			await whole(t, g, client);
			await streams(t, g, client);
			await errors(t, g, client);
		});
}
