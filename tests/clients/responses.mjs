// responses.mjs - OpenAI's own SDK: responses.create and responses.stream.
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { all, assert, BOTH, fails, header, PIXEL, sleep, withGateway } from "./harness.mjs";

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
		assert.equal(r.store, g.kind === "chatgpt");
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
}

// What the store here is for; an upstream with its own is asked itself.
async function stored(t, g, client) {
	await t.test(g, "a response, found again, gone on with, and deleted", async () => {
		await g.script({ think: "Hm.", say: "Hello Ann" }, { say: "You are Ann." });
		const first = await client.responses.create({ model: MODEL, input: "I am Ann.",
			instructions: "Be brief.", metadata: { a: "b" } });
		const again = await client.responses.retrieve(first.id);
		assert.equal(again.id, first.id);
		assert.equal(again.store, true);
		assert.equal(again.instructions, "Be brief.");
		assert.deepEqual(again.metadata, { a: "b" });
		assert.equal(again.output_text ?? again.output[1].content[0].text, "Hello Ann");
		assert.equal(again.output[0].encrypted_content, undefined);
		const full = await client.responses.retrieve(first.id,
			{ include: ["reasoning.encrypted_content"] });
		assert.equal(full.output[0].encrypted_content, first.output[0].encrypted_content);
		const next = await client.responses.create({ model: MODEL, input: "Who am I?",
			previous_response_id: first.id });
		assert.equal(next.previous_response_id, first.id);
		assert.equal(next.output_text, "You are Ann.");
		const [, sent] = await g.sent(2);
		assert.equal(sent.body.store, false);
		assert.equal(sent.body.previous_response_id, undefined);
		assert.equal(sent.body.instructions, undefined);
		assert.deepEqual(sent.body.input.map((i) => i.type),
			["message", "reasoning", "message", "message"]);
		await client.responses.delete(first.id);
		await fails(() => client.responses.retrieve(first.id), OpenAI.NotFoundError);
		const e = await fails(() => client.responses.create({ model: MODEL, input,
			previous_response_id: first.id }), OpenAI.BadRequestError);
		assert.equal(e.code, "previous_response_not_found");
		assert.equal(e.param, "previous_response_id");
	});

	await t.test(g, "the pages of its input", async () => {
		const texts = Array.from({ length: 25 }, (_, i) => `text ${i}`);

		await g.script({ say: "x" });
		const r = await client.responses.create({ model: MODEL,
			input: texts.map((content) => ({ role: "user", content })) });
		const seen = [];
		for await (const item of client.responses.inputItems.list(r.id,
			{ limit: 10, order: "asc" }))
			seen.push(item.content[0].text);
		assert.deepEqual(seen, texts);
		const page = await client.responses.inputItems.list(r.id);
		assert.equal(page.data.length, 20);
		assert.equal(page.has_more, true);
		assert.equal(page.data[0].content[0].text, "text 24");
	});

	await t.test(g, "a stream is there when it has ended", async () => {
		for (let i = 0; i < 20; i++) {
			await g.script({ say: "one two" });
			const stream = client.responses.stream({ model: MODEL, input });
			for await (const event of stream)
				if (event.type === "response.completed")
					assert.equal((await client.responses.retrieve(event.response.id))
						.status, "completed");
		}
	});

	await t.test(g, "one that was left", async () => {
		let id;

		await g.script({ say: "word ".repeat(2000), interval_ms: 20 });
		const stream = await client.responses.create({ model: MODEL, input, stream: true });
		for await (const event of stream) {
			id ??= event.response?.id;
			if (event.type.endsWith("delta"))
				break;
		}
		await g.aborted();
		let r;
		for (let i = 0; i < 100 && !r; i++) {
			r = await client.responses.retrieve(id).catch(() => undefined);
			await sleep(20);
		}
		assert.equal(r.status, "cancelled");
	});

	await t.test(g, "one that runs in the background", async () => {
		await g.script({ say: "one two three", interval_ms: 20 });
		let r = await client.responses.create({ model: MODEL, input, background: true });
		assert.equal(r.background, true);
		for (let i = 0; i < 500 && ["queued", "in_progress"].includes(r.status); i++) {
			await sleep(20);
			r = await client.responses.retrieve(r.id);
		}
		assert.equal(r.status, "completed");
		assert.equal(r.output[0].content[0].text, "one two three");
	});

	await t.test(g, "a stream of it, lost and taken up again", async () => {
		const words = Array.from({ length: 40 }, (_, i) => `w${i}`).join(" ");
		const got = [];

		await g.script({ say: words, interval_ms: 10 });
		for await (const event of await client.responses.create(
			{ model: MODEL, input, background: true, stream: true })) {
			got.push(event);
			if (got.length === 12)
				break;
		}
		const { id } = got[0].response;
		for await (const event of await client.responses.retrieve(id,
			{ stream: true, starting_after: got.at(-1).sequence_number }))
			got.push(event);
		assert.deepEqual(got.map((e) => e.sequence_number), got.map((_, i) => i));
		assert.equal(got.filter((e) => e.type === "response.output_text.delta")
			.map((e) => e.delta).join(""), words);
		assert.equal(got.at(-1).type, "response.completed");
	});

	await t.test(g, "one that is cancelled", async () => {
		await g.script({ say: "word ".repeat(500), interval_ms: 20 });
		const { id } = await client.responses.create(
			{ model: MODEL, input, background: true });
		assert.equal((await client.responses.cancel(id)).status, "cancelled");
		assert.equal((await client.responses.retrieve(id)).status, "cancelled");
	});

	await t.test(g, "compact", async () => {
		const response = { id: "resp_compact", object: "response", status: "completed",
			output: [], usage: { input_tokens: 9, input_tokens_details: { cached_tokens: 0 },
				output_tokens: 3, output_tokens_details: { reasoning_tokens: 0 },
				total_tokens: 12 } };

		await g.script({ steps: [{ event: { type: "response.output_item.done",
			output_index: 0, item: { type: "compaction", id: "cmp_1",
				encrypted_content: "gCCC" } } },
		{ event: { type: "response.completed", response } }] });
		const r = await client.responses.compact({ model: MODEL,
			input: [{ role: "user", content: "A long story." }] });
		assert.equal(r.object, "response.compaction");
		assert.deepEqual(r.output, [{ type: "compaction", id: "cmp_1",
			encrypted_content: "gCCC" }]);
		assert.equal(r.usage.total_tokens, 12);
		const [sent] = await g.sent(1);
		assert.deepEqual(sent.body.input.at(-1), { type: "compaction_trigger" });
	});

	await t.test(g, "conversations", async () => {
		const items = [{ type: "message", role: "user", content: "I am Ann." }];
		const conversation = await client.conversations.create({ items,
			metadata: { topic: "x" } });
		assert.deepEqual(conversation.metadata, { topic: "x" });
		await g.script({ say: "Hello Ann" }, { say: "You are Ann." });
		const r = await client.responses.create({ model: MODEL, input,
			conversation: conversation.id });
		assert.equal(r.conversation.id, conversation.id);
		const stream = client.responses.stream({ model: MODEL, input: "Who am I?",
			conversation: conversation.id });
		assert.equal((await stream.finalResponse()).output_text, "You are Ann.");
		const [, sent] = await g.sent(2);
		assert.deepEqual(sent.body.input.map((i) => i.content[0].text),
			["I am Ann.", input, "Hello Ann", "Who am I?"]);
		const texts = [];
		for await (const item of client.conversations.items.list(conversation.id,
			{ limit: 2, order: "asc" }))
			texts.push(item.content[0].text);
		assert.deepEqual(texts, ["I am Ann.", input, "Hello Ann", "Who am I?", "You are Ann."]);
		const added = await client.conversations.items.create(conversation.id, { items });
		const { id } = added.data[0];
		assert.equal((await client.conversations.items.retrieve(id,
			{ conversation_id: conversation.id })).content[0].text, "I am Ann.");
		await client.conversations.items.delete(id, { conversation_id: conversation.id });
		await fails(() => client.conversations.items.retrieve(id,
			{ conversation_id: conversation.id }), OpenAI.NotFoundError);
		assert.deepEqual((await client.conversations.update(conversation.id,
			{ metadata: { topic: "y" } })).metadata, { topic: "y" });
		assert.equal((await client.conversations.delete(conversation.id)).deleted, true);
		await fails(() => client.conversations.retrieve(conversation.id),
			OpenAI.NotFoundError);
	});
}

// An upstream that keeps them itself.
async function forwarded(t, g, client) {
	await t.test(g, "what upstream keeps, it is asked for", async () => {
		await g.script({ path: "/responses/resp_u1", status: 200, body: { id: "resp_u1",
			object: "response", output: [] } });
		assert.equal((await client.responses.retrieve("resp_u1")).id, "resp_u1");
		await g.script({ path: "/responses/resp_u2", status: 404, body: { error: {
			message: "Not here.", type: "invalid_request_error" } } });
		const e = await fails(() => client.responses.delete("resp_u2"),
			OpenAI.NotFoundError);
		assert.match(e.message, /Not here\./);
		await g.script({ path: "/conversations", status: 200, body: { id: "conv_u",
			object: "conversation", metadata: {}, created_at: 1 } });
		assert.equal((await client.conversations.create({})).id, "conv_u");
	});
}

export default async function (t) {
	for (const options of BOTH)
		await withGateway({ ...options, settings: { CHATMOCK_HEARTBEAT: "0.3" } }, async (g) => {
			const client = new OpenAI({ baseURL: g.url, apiKey: "sk-client", maxRetries: 0 });

			await whole(t, g, client);
			await streams(t, g, client);
			await errors(t, g, client);
			await (g.kind === "chatgpt" ? stored : forwarded)(t, g, client);
		});
}
