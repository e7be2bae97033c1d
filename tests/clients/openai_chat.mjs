// openai_chat.mjs - the official SDK: streams, whole answers, helpers,
// structured output, pictures, how an answer may end.
import OpenAI from "openai";
import {
	ContentFilterFinishReasonError, LengthFinishReasonError,
} from "openai/core/error";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { all, assert, BOTH, fails, header, PIXEL, withGateway } from "./harness.mjs";

const MODEL = "gpt-5.5";
const hello = [{ role: "user", content: "Say hello." }];
const Point = z.object({ x: z.number(), label: z.string() });

const ask = (client, more, options) => client.chat.completions.create(
	{ model: MODEL, messages: hello, ...more }, options);

function text(chunks) {
	return chunks.map((c) => c.choices[0]?.delta.content ?? "").join("");
}

async function streams(t, g, client) {
	await t.test(g, "a stream's pieces come in order, and as they come", async () => {
		const chunks = [];

		await g.script({ say: "one two three four five six", interval_ms: 40 });
		for await (const c of await ask(client, { stream: true })) {
			if (chunks.push(c) === 2)
				await g.unfinished();
		}
		const deltas = chunks.map((c) => c.choices[0].delta);
		assert.deepEqual(deltas.map((d) => d.content).filter(Boolean),
			["one ", "two ", "three ", "four ", "five ", "six"]);
		assert.equal(deltas[0].role, "assistant");
		assert.equal(deltas.filter((d) => d.role).length, 1);
		assert.deepEqual(chunks.map((c) => c.choices[0].finish_reason).filter(Boolean),
			["stop"]);
		assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
		for (const c of chunks) {
			assert.equal(c.object, "chat.completion.chunk");
			assert.equal(c.id, chunks[0].id);
			assert.equal(c.created, chunks[0].created);
			assert.equal(c.model, MODEL);
			assert.equal(c.choices[0].index, 0);
			assert.ok(!c.usage);
		}
	});

	await t.test(g, "usage where it is asked for, behind all choices", async () => {
		const chunks = await all(await ask(client, {
			stream: true, stream_options: { include_usage: true },
		}));
		const last = chunks.pop();

		assert.deepEqual(last.choices, []);
		assert.deepEqual(last.usage, {
			prompt_tokens: 21, completion_tokens: 13, total_tokens: 34,
			prompt_tokens_details: { cached_tokens: 8 },
			completion_tokens_details: { reasoning_tokens: 4 },
		});
		for (const c of chunks) {
			assert.equal(c.choices.length, 1);
			assert.ok(!c.usage);
		}
	});

	await t.test(g, "upstream cut into single bytes reads the same", async () => {
		const say = "Grüße — 你好 🙂 “quotes” and \\ backslashes";

		await g.script({ say, cut_every: 1 });
		assert.equal(text(await all(await ask(client, { stream: true }))), say);
	});

	await t.test(g, "an upstream that sends no deltas", async () => {
		await g.script({ say: "all in one piece", done_only: true });
		assert.equal(text(await all(await ask(client, { stream: true }))),
			"all in one piece");
	});

	await t.test(g, "stream(): events and the final answer", async () => {
		await g.script({ say: "Hello to you", interval_ms: 2 });
		const seen = [];
		const stream = client.chat.completions.stream({
			model: MODEL, messages: hello, stream_options: { include_usage: true },
		});
		stream.on("content", (delta, snapshot) => seen.push([delta, snapshot]));
		const final = await stream.finalChatCompletion();
		assert.deepEqual(seen, [["Hello ", "Hello "], ["to ", "Hello to "],
			["you", "Hello to you"]]);
		assert.equal(final.choices[0].message.content, "Hello to you");
		assert.equal(final.choices[0].finish_reason, "stop");
		assert.equal(final.usage.total_tokens, 34);
		assert.equal((await stream.finalMessage()).role, "assistant");
	});

	await t.test(g, "reasoning beside the text", async () => {
		await g.script({ think: ["First this.", "Then that."], say: "Done." });
		const chunks = await all(await ask(client, {
			stream: true, reasoning_effort: "high",
		}));
		const thought = chunks.map((c) => c.choices[0].delta.reasoning_content ?? "");
		assert.equal(thought.join(""), "First this.\n\nThen that.");
		assert.equal(text(chunks), "Done.");
		const [sent] = await g.sent(1);
		assert.equal(sent.body.reasoning.effort, "high");
	});
}

async function wholes(t, g, client) {
	await t.test(g, "a whole answer", async () => {
		await g.script({ say: "Hello there", think: "Hm." });
		const { data, response, request_id: id } = await ask(client).withResponse();
		assert.match(data.id, /^chatcmpl-/);
		assert.equal(data.object, "chat.completion");
		assert.ok(Math.abs(data.created - Date.now() / 1000) < 60);
		assert.equal(data.choices.length, 1);
		assert.equal(data.choices[0].finish_reason, "stop");
		assert.equal(data.choices[0].message.role, "assistant");
		assert.equal(data.choices[0].message.content, "Hello there");
		assert.equal(data.choices[0].message.refusal, null);
		assert.equal(data.choices[0].message.reasoning_content, "Hm.");
		assert.equal(data.usage.prompt_tokens_details.cached_tokens, 8);
		assert.equal(data.usage.completion_tokens_details.reasoning_tokens, 4);
		assert.ok(id);
		assert.equal(data._request_id, id);
		assert.equal(response.headers.get("content-type"), "application/json");
	});

	await t.test(g, "who upstream is asked as", async () => {
		await ask(client);
		const [sent] = await g.sent(1);
		if (g.kind === "chatgpt") {
			assert.match(header(sent, "authorization"), /^Bearer ey/);
			assert.equal(header(sent, "chatgpt-account-id"), "acct_test");
			assert.equal(header(sent, "originator"), "chatmock");
		} else {
			assert.equal(header(sent, "authorization"), "Bearer sk-upstream");
		}
		assert.doesNotMatch(JSON.stringify(sent), /sk-client/);
	});

	await t.test(g, "messages keep their roles and order", async () => {
		await ask(client, { messages: [
			{ role: "system", content: "One." },
			{ role: "developer", content: "Two." },
			{ role: "user", content: "Three." },
			{ role: "assistant", content: "Four." },
			{ role: "system", content: "Five." },
			{ role: "user", content: [{ type: "text", text: "Six." }] },
		] });
		const [sent] = await g.sent(1);
		const input = sent.body.input.map((m) => [m.role,
			typeof m.content === "string" ? m.content : m.content[0].text]);
		const texts = [sent.body.instructions, ...input.map(([, s]) => s)];
		assert.deepEqual(texts.filter(Boolean),
			["One.", "Two.", "Three.", "Four.", "Five.", "Six."]);
		for (const [role, s] of input)
			assert.equal(role, { "Three.": "user", "Six.": "user",
				"Four.": "assistant" }[s] ?? "developer", s);
	});

	await t.test(g, "parameters that upstream lacks are dropped and named", async () => {
		const { response } = await ask(client, {
			temperature: 0.5, seed: 7, user: "me", max_completion_tokens: 500,
		}).withResponse();
		const dropped = response.headers.get("x-chatmock-dropped-params").split(", ");
		const [sent] = await g.sent(1);
		if (g.kind === "chatgpt") {
			assert.deepEqual(dropped.sort(),
				["max_completion_tokens", "seed", "temperature", "user"]);
		} else {
			assert.deepEqual(dropped, ["seed"]);
			assert.equal(sent.body.temperature, 0.5);
			assert.equal(sent.body.user, "me");
			assert.equal(sent.body.max_output_tokens, 500);
		}
	});

	await t.test(g, "stop strings cut the answer", async () => {
		await g.script({ say: "alpha beta gamma delta", interval_ms: 5 });
		const r = await ask(client, { stop: ["gamma"] });
		assert.equal(r.choices[0].message.content, "alpha beta ");
		assert.equal(r.choices[0].finish_reason, "stop");
	});

	await t.test(g, "citations become annotations", async () => {
		await g.script({ say: "See here.", annotations: [{
			type: "url_citation", url: "https://example.com/", title: "Example",
			start_index: 4, end_index: 8,
		}] });
		const r = await ask(client);
		assert.deepEqual(r.choices[0].message.annotations, [{
			type: "url_citation",
			url_citation: { url: "https://example.com/", title: "Example",
				start_index: 4, end_index: 8 },
		}]);
	});
}

async function structured(t, g, client) {
	const format = zodResponseFormat(Point, "point");
	const params = { model: MODEL, messages: hello, response_format: format };

	await t.test(g, "parse(): an answer after a schema", async () => {
		await g.script({ say: '{"x":3,"label":"three"}' });
		const r = await client.chat.completions.parse(params);
		assert.deepEqual(r.choices[0].message.parsed, { x: 3, label: "three" });
		const { format: got } = (await g.sent(1))[0].body.text;
		assert.equal(got.type, "json_schema");
		assert.equal(got.name, "point");
		assert.equal(got.strict, true);
		assert.deepEqual(got.schema, format.json_schema.schema);
	});

	await t.test(g, "stream() after a schema", async () => {
		await g.script({ say: '{"x": 4, "label": "four"}' });
		const stream = client.chat.completions.stream(params);
		const final = await stream.finalChatCompletion();
		assert.deepEqual(final.choices[0].message.parsed, { x: 4, label: "four" });
	});

	await t.test(g, "json_object", async () => {
		await g.script({ say: '{"a":1}' });
		const r = await ask(client, { response_format: { type: "json_object" } });
		assert.deepEqual(JSON.parse(r.choices[0].message.content), { a: 1 });
		assert.deepEqual((await g.sent(1))[0].body.text.format, { type: "json_object" });
	});

	await t.test(g, "a length finish", async () => {
		const cut = { say: '{"x":', incomplete: "max_output_tokens" };

		await g.script(cut, cut, cut, cut);
		assert.equal((await ask(client)).choices[0].finish_reason, "length");
		const chunks = await all(await ask(client, { stream: true }));
		assert.equal(chunks.at(-1).choices[0].finish_reason, "length");
		await fails(() => client.chat.completions.parse(params), LengthFinishReasonError);
		await fails(() => client.chat.completions.stream(params).finalChatCompletion(),
			LengthFinishReasonError);
	});

	await t.test(g, "a content filter finish", async () => {
		const cut = { say: "{", incomplete: "content_filter" };

		await g.script(cut, cut, cut);
		assert.equal((await ask(client)).choices[0].finish_reason, "content_filter");
		await fails(() => client.chat.completions.parse(params),
			ContentFilterFinishReasonError);
		await fails(() => client.chat.completions.stream(params).finalChatCompletion(),
			ContentFilterFinishReasonError);
	});

	await t.test(g, "a refusal", async () => {
		const no = { refusal: "I cannot do that." };

		await g.script(no, no, no);
		const r = await client.chat.completions.parse(params);
		assert.equal(r.choices[0].message.refusal, "I cannot do that.");
		assert.equal(r.choices[0].message.content, null);
		assert.equal(r.choices[0].message.parsed, null);
		const pieces = [];
		const stream = client.chat.completions.stream(params);
		stream.on("refusal.delta", (e) => pieces.push(e.delta));
		const final = await stream.finalChatCompletion();
		assert.equal(pieces.join(""), "I cannot do that.");
		assert.equal(final.choices[0].message.refusal, "I cannot do that.");
		const chunks = await all(await ask(client, { stream: true }));
		assert.equal(chunks.map((c) => c.choices[0].delta.refusal ?? "").join(""),
			"I cannot do that.");
	});
}

async function parts(t, g, client) {
	await t.test(g, "pictures by URL and as data, with their detail", async () => {
		const url = "https://example.com/cat.png";

		await ask(client, { messages: [{ role: "user", content: [
			{ type: "text", text: "What is this?" },
			{ type: "image_url", image_url: { url, detail: "high" } },
			{ type: "image_url", image_url: { url: PIXEL, detail: "low" } },
			{ type: "image_url", image_url: { url: PIXEL } },
		] }] });
		const [sent] = await g.sent(1);
		const [said, ...pictures] = sent.body.input.at(-1).content;
		assert.deepEqual(said, { type: "input_text", text: "What is this?" });
		assert.deepEqual(pictures.map((p) => [p.type, p.image_url, p.detail ?? "auto"]), [
			["input_image", url, "high"],
			["input_image", PIXEL, "low"],
			["input_image", PIXEL, "auto"],
		]);
	});

	await t.test(g, "a file", async () => {
		const file_data = "data:application/pdf;base64,JVBERi0xLjQK";

		await ask(client, { messages: [{ role: "user", content: [
			{ type: "file", file: { filename: "a.pdf", file_data } },
			{ type: "text", text: "Sum it up." },
		] }] });
		const [file] = (await g.sent(1))[0].body.input.at(-1).content;
		assert.deepEqual(file, { type: "input_file", filename: "a.pdf", file_data });
	});

	await t.test(g, "a request of three megabytes", async () => {
		const content = "0123456789abcdef".repeat(196608);

		await g.script({ say: "Long." });
		const r = await ask(client, { messages: [{ role: "user", content }] });
		assert.equal(r.choices[0].message.content, "Long.");
		const [sent] = await g.sent(1);
		assert.ok(sent.bytes > content.length);
		assert.ok(sent.text.includes(content));
	});

	await t.test(g, "an answer of two megabytes", async () => {
		const say = "word ".repeat(1000) + "x".repeat(2000000);

		await g.script({ say }, { say });
		assert.equal((await ask(client)).choices[0].message.content, say);
		assert.equal(text(await all(await ask(client, { stream: true }))), say);
	});
}

export default async function (t) {
	for (const options of BOTH) {
		await withGateway(options, async (g) => {
			const client = new OpenAI({
				baseURL: g.url, apiKey: "sk-client", maxRetries: 0,
			});

			await streams(t, g, client);
			await wholes(t, g, client);
			await structured(t, g, client);
			await parts(t, g, client);
		});
	}
}
