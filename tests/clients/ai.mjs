// ai.mjs - Vercel's AI SDK: the provider for OpenAI-compatible servers, and
// OpenAI's own with chat().
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import {
	APICallError, generateText, isStepCount, Output, RetryError, streamText, tool,
} from "ai";
import { z } from "zod";
import { all, assert, BOTH, fails, PIXEL, withGateway } from "./harness.mjs";

const MODEL = "gpt-5.5";
const prompt = "Say hello.";
const quiet = { maxRetries: 0, onError: () => {} };

globalThis.AI_SDK_LOG_WARNINGS = false;

const providers = {
	compatible: (g) => createOpenAICompatible({
		name: "chatmock", baseURL: g.url, apiKey: "sk-client", includeUsage: true,
		supportsStructuredOutputs: true,
	})(MODEL),
	openai: (g) => createOpenAI({ baseURL: g.url, apiKey: "sk-client" }).chat(MODEL),
};

const tools = {
	weather: tool({
		description: "Tells the weather.",
		inputSchema: z.object({ city: z.string() }),
		execute: async ({ city }) => `sun in ${city}`,
	}),
};
const two = [
	{ name: "weather", call_id: "call_rome", arguments: { city: "Rome" } },
	{ name: "weather", call_id: "call_oslo", arguments: { city: "Oslo" } },
];
const outputs = (sent) => sent.body.input
	.filter((i) => i.type === "function_call_output").map((i) => i.output);

async function texts(t, g, model, name) {
	await t.test(g, `${name}: streamText`, async () => {
		const pieces = [];

		await g.script({ say: "one two three four five", interval_ms: 40 });
		const r = streamText({ model, prompt, ...quiet });
		for await (const piece of r.textStream) {
			if (pieces.push(piece) === 1)
				await g.unfinished();
		}
		assert.deepEqual(pieces, ["one ", "two ", "three ", "four ", "five"]);
		assert.equal(await r.finishReason, "stop");
		const usage = await r.totalUsage;
		assert.equal(usage.inputTokens, 21);
		assert.equal(usage.outputTokens, 13);
		assert.equal(usage.totalTokens, 34);
		assert.equal(usage.inputTokenDetails.cacheReadTokens, 8);
		assert.equal(usage.outputTokenDetails.reasoningTokens, 4);
	});

	await t.test(g, `${name}: generateText`, async () => {
		await g.script({ say: "Hello there" });
		const r = await generateText({ model, system: "Be brief.", prompt, maxRetries: 0 });
		assert.equal(r.text, "Hello there");
		assert.equal(r.finishReason, "stop");
		assert.equal(r.usage.totalTokens, 34);
		assert.match(r.response.id, /^chatcmpl-/);
		assert.equal(r.response.modelId, MODEL);
		assert.ok(r.response.headers["x-request-id"]);
		assert.match((await g.sent(1))[0].text, /Be brief\./);
	});

	for (const [reason, want] of [["max_output_tokens", "length"],
		["content_filter", "content-filter"]]) {
		await t.test(g, `${name}: ends with ${want}`, async () => {
			const cut = { say: "one two", incomplete: reason };

			await g.script(cut, cut);
			assert.equal((await generateText({ model, prompt, maxRetries: 0 }))
				.finishReason, want);
			const r = streamText({ model, prompt, ...quiet });
			assert.equal(await r.text, "one two");
			assert.equal(await r.finishReason, want);
		});
	}

	await t.test(g, `${name}: pictures`, async () => {
		const url = "https://example.com/cat.png";
		const content = [
			{ type: "text", text: "What is this?" },
			{ type: "file", mediaType: "image/png", data: PIXEL.split(",")[1] },
		];

		// the provider for compatible servers downloads it itself
		if (name === "openai")
			content.push({ type: "file", mediaType: "image/*", data: new URL(url) });
		await generateText({ model, maxRetries: 0, messages: [{ role: "user", content }] });
		const [, ...pictures] = (await g.sent(1))[0].body.input.at(-1).content;
		assert.deepEqual(pictures.map((p) => [p.type, p.image_url]),
			[PIXEL, url].slice(0, pictures.length).map((p) => ["input_image", p]));
		assert.equal(pictures.length, content.length - 1);
	});

	await t.test(g, `${name}: output after a schema, whole and streamed`, async () => {
		const say = '{"x": 3, "label": "three"}';
		const output = Output.object({ schema: z.object({
			x: z.number(), label: z.string() }) });

		await g.script({ say }, { say });
		const r = await generateText({ model, prompt, output, maxRetries: 0 });
		assert.deepEqual(r.output, { x: 3, label: "three" });
		const s = streamText({ model, prompt, output, ...quiet });
		const partial = await all(s.partialOutputStream);
		assert.deepEqual(partial.at(-1), { x: 3, label: "three" });
		for (const { body } of await g.sent(2))
			assert.equal(body.text.format.type, "json_schema");
	});
}

async function toolLoops(t, g, model, name) {
	const loop = { model, prompt, tools, stopWhen: isStepCount(5) };

	await t.test(g, `${name}: generateText with tools, there and back`, async () => {
		await g.script({ calls: two }, { say: "Sun everywhere." });
		const r = await generateText({ ...loop, maxRetries: 0 });
		assert.equal(r.text, "Sun everywhere.");
		assert.equal(r.steps.length, 2);
		assert.equal(r.steps[0].finishReason, "tool-calls");
		assert.deepEqual(r.steps[0].toolCalls.map((c) => [c.toolCallId, c.input.city]),
			[["call_rome", "Rome"], ["call_oslo", "Oslo"]]);
		assert.deepEqual(outputs((await g.sent(2))[1]), ["sun in Rome", "sun in Oslo"]);
	});

	await t.test(g, `${name}: streamText with tools, there and back`, async () => {
		await g.script({ say: "Let me see.", calls: two }, { say: "Sun everywhere." });
		const r = streamText({ ...loop, ...quiet });
		const parts = await all(r.stream);
		const types = parts.map((p) => p.type);
		assert.ok(types.filter((s) => s === "tool-input-delta").length > 2,
			"arguments came in one piece");
		assert.equal(types.filter((s) => s === "tool-call").length, 2);
		assert.ok(!types.includes("error"));
		assert.equal(await r.text, "Sun everywhere.");
		assert.deepEqual(outputs((await g.sent(2))[1]), ["sun in Rome", "sun in Oslo"]);
	});

	await t.test(g, `${name}: a tool that must be called`, async () => {
		await g.script({ calls: [two[0]] });
		await generateText({ ...loop, maxRetries: 0, stopWhen: isStepCount(1),
			toolChoice: { type: "tool", toolName: "weather" } });
		assert.deepEqual((await g.sent(1))[0].body.tool_choice,
			{ type: "function", name: "weather" });
	});
}

async function errors(t, g, model, name) {
	const refuse = (status, headers = {}) => ({ status, headers, body: { error: {
		message: `It is a ${status}.`, type: "some_error", param: null, code: "some" } } });

	for (const [status, again] of [[400, false], [403, false], [404, false], [429, true]]) {
		await t.test(g, `${name}: ${status}`, async () => {
			await g.script(refuse(status));
			const e = await fails(() => generateText({ model, prompt, maxRetries: 0 }),
				APICallError);
			assert.equal(e.statusCode, status);
			assert.equal(e.isRetryable, again);
			assert.match(e.message, new RegExp(`It is a ${status}`));
			assert.equal(e.data.error.code, "some");
			await g.sent(1);
		});
	}

	await t.test(g, `${name}: comes again after a 429`, async () => {
		await g.script(refuse(429, { "retry-after": "3" }), { say: "Now." });
		const begun = performance.now();
		assert.equal((await generateText({ model, prompt, maxRetries: 1 })).text, "Now.");
		assert.ok(performance.now() - begun > 2990);
		await g.sent(2);
	});

	await t.test(g, `${name}: gives up after maxRetries`, async () => {
		await g.script({ ...refuse(429, { "retry-after": "3" }), repeat: 5 });
		const e = await fails(() => generateText({ model, prompt, maxRetries: 1 }),
			RetryError);
		assert.equal(e.lastError.statusCode, 429);
		await g.sent(2);
	});

	for (const end of [{ failed: { code: "server_error", message: "Sorry." } },
		{ stop_before: "response.completed", then: "reset" }]) {
		await t.test(g, `${name}: a stream that ${end.failed ? "fails" : "breaks"}`, async () => {
			const script = { say: "one two", ...end };

			await g.script(script, script);
			const r = streamText({ model, prompt, ...quiet });
			const parts = await all(r.stream);
			const error = parts.find((p) => p.type === "error");
			assert.ok(error, "no error part");
			assert.match(JSON.stringify(error.error) + error.error?.message,
				/Sorry|broke off/);
			assert.equal(parts.filter((p) => p.type === "text-delta")
				.map((p) => p.text).join(""), "one two");
			assert.notEqual(await r.finishReason, "stop");
			await fails(() => generateText({ model, prompt, maxRetries: 0 }), APICallError);
		});
	}

	await t.test(g, `${name}: an abort reaches upstream`, async () => {
		const abort = new AbortController();

		await g.script({ say: "word ".repeat(2000), interval_ms: 20 });
		const r = streamText({ model, prompt, ...quiet, abortSignal: abort.signal });
		let count = 0;
		for await (const part of r.stream)
			if (part.type === "text-delta" && ++count === 3)
				abort.abort();
		assert.ok(count < 20);
		await g.aborted();
	});
}

async function many(t, g, model, name) {
	await t.test(g, `${name}: fifty streams at once`, async () => {
		const names = Array.from({ length: 50 }, (_, i) => `<stream ${i} of fifty>`);

		await g.script(...names.map((match) => (
			{ match, say: `${match} one two three`, interval_ms: 5 })));
		await Promise.all(names.map(async (one) => assert.equal(
			await streamText({ model, prompt: one, ...quiet }).text,
			`${one} one two three`)));
		await g.sent(50);
	});
}

export default async function (t) {
	for (const options of BOTH) {
		await withGateway(options, async (g) => {
			for (const [name, make] of Object.entries(providers)) {
				const model = make(g);

				await texts(t, g, model, name);
				await toolLoops(t, g, model, name);
				await errors(t, g, model, name);
				await many(t, g, model, name);
			}
			await t.test(g, "compatible: reasoning, there and back", async () => {
				const model = providers.compatible(g);

				await g.script({ think: "Hm, Rome.", calls: [two[0]] },
					{ think: "Well.", say: "Sun." });
				const r = streamText({ model, prompt, tools, ...quiet,
					stopWhen: isStepCount(3),
					providerOptions: { chatmock: { reasoningEffort: "high" } } });
				const parts = await all(r.stream);
				assert.equal(parts.filter((p) => p.type === "reasoning-delta")
					.map((p) => p.text).join("|"), "Hm, |Rome.|Well.");
				assert.equal(await r.text, "Sun.");
				const sent = await g.sent(2);
				assert.equal(sent[0].body.reasoning.effort, "high");
				assert.deepEqual(outputs(sent[1]), ["sun in Rome"]);
			});
		});
	}
}
