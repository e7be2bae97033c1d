// ai_anthropic.mjs - Vercel's AI SDK with its provider for Anthropic.
import { createAnthropic } from "@ai-sdk/anthropic";
import {
	APICallError, generateText, isStepCount, Output, RetryError, streamText, tool,
} from "ai";
import { z } from "zod";
import { all, assert, BOTH, fails, PIXEL, withGateway } from "./harness.mjs";

const MODEL = "gpt-5.5";
const prompt = "Say hello.";
const quiet = { maxRetries: 0, onError: () => {} };

globalThis.AI_SDK_LOG_WARNINGS = false;

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
const thinks = { anthropic: { thinking: { type: "enabled", budgetTokens: 5000 } } };
const items = (sent, type) => sent.body.input.filter((i) => i.type === type);
const outputs = (sent) => items(sent, "function_call_output").map((i) => i.output);

async function texts(t, g, model) {
	await t.test(g, "streamText", async () => {
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
	});

	await t.test(g, "generateText", async () => {
		await g.script({ say: "Hello there" });
		const r = await generateText({ model, system: "Be brief.", prompt, maxRetries: 0 });
		assert.equal(r.text, "Hello there");
		assert.equal(r.finishReason, "stop");
		assert.equal(r.usage.totalTokens, 34);
		assert.match(r.response.id, /^msg_/);
		assert.equal(r.response.modelId, MODEL);
		assert.ok(r.response.headers["request-id"]);
		assert.match((await g.sent(1))[0].text, /Be brief\./);
	});

	for (const [script, want] of [[{ incomplete: "max_output_tokens" }, "length"],
		[{ incomplete: "content_filter" }, "content-filter"]]) {
		await t.test(g, `ends with ${want}`, async () => {
			const cut = { say: "one two", ...script };

			await g.script(cut, cut);
			assert.equal((await generateText({ model, prompt, maxRetries: 0 }))
				.finishReason, want);
			const r = streamText({ model, prompt, ...quiet });
			assert.equal(await r.text, "one two");
			assert.equal(await r.finishReason, want);
		});
	}

	await t.test(g, "pictures and documents", async () => {
		const url = "https://example.com/cat.png";

		await generateText({ model, maxRetries: 0, messages: [{ role: "user", content: [
			{ type: "text", text: "What is this?" },
			{ type: "file", mediaType: "image/png", data: PIXEL.split(",")[1] },
			{ type: "file", mediaType: "image/*", data: new URL(url) },
			{ type: "file", mediaType: "application/pdf", data: "JVBERi0xLjQK" },
		] }] });
		const [, ...parts] = (await g.sent(1))[0].body.input.at(-1).content;
		assert.deepEqual(parts.map((p) => [p.type, p.image_url ?? p.file_data]), [
			["input_image", PIXEL], ["input_image", url],
			["input_file", "data:application/pdf;base64,JVBERi0xLjQK"]]);
	});

	await t.test(g, "output after a schema, whole and streamed", async () => {
		const value = { x: 3, label: "three" };
		const output = Output.object({ schema: z.object({
			x: z.number(), label: z.string() }) });
		// of a model that it does not know it asks for a tool's arguments
		const script = { calls: [{ name: "json", arguments: value }] };

		await g.script(script, script);
		const r = await generateText({ model, prompt, output, maxRetries: 0 });
		assert.deepEqual(r.output, value);
		const s = streamText({ model, prompt, output, ...quiet });
		const partial = await all(s.partialOutputStream);
		assert.deepEqual(partial.at(-1), value);
		for (const { body } of await g.sent(2)) {
			assert.deepEqual(body.tools[0].parameters.required, ["x", "label"]);
			assert.equal(body.tool_choice, "required");
		}
	});
}

async function toolLoops(t, g, model) {
	const loop = { model, prompt, tools, stopWhen: isStepCount(5) };

	await t.test(g, "generateText with tools, there and back", async () => {
		await g.script({ calls: two }, { say: "Sun everywhere." });
		const r = await generateText({ ...loop, maxRetries: 0 });
		assert.equal(r.text, "Sun everywhere.");
		assert.equal(r.steps.length, 2);
		assert.equal(r.steps[0].finishReason, "tool-calls");
		assert.deepEqual(r.steps[0].toolCalls.map((c) => c.input.city), ["Rome", "Oslo"]);
		const [, second] = await g.sent(2);
		assert.deepEqual(items(second, "function_call").map((i) => i.call_id),
			["call_rome", "call_oslo"]);
		assert.deepEqual(outputs(second), ["sun in Rome", "sun in Oslo"]);
	});

	await t.test(g, "streamText with tools and reasoning, there and back", async () => {
		await g.script({ think: "Hm, Rome.", encrypted: "ZW5j", say: "Let me see.",
			calls: two }, { say: "Sun everywhere." });
		const r = streamText({ ...loop, ...quiet, providerOptions: thinks });
		const parts = await all(r.stream);
		const of = (type) => parts.filter((p) => p.type === type);
		assert.equal(of("reasoning-delta").map((p) => p.text).join(""), "Hm, Rome.");
		assert.ok(of("tool-input-delta").length > 2, "arguments came in one piece");
		assert.equal(of("tool-call").length, 2);
		assert.equal(of("error").length, 0);
		assert.equal(await r.text, "Sun everywhere.");
		const [first, second] = await g.sent(2);
		assert.equal(first.body.reasoning.effort, "medium");
		assert.deepEqual(items(second, "reasoning").map((i) => i.encrypted_content), ["ZW5j"]);
		assert.deepEqual(outputs(second), ["sun in Rome", "sun in Oslo"]);
	});

	await t.test(g, "a tool that must be called", async () => {
		await g.script({ calls: [two[0]] });
		await generateText({ ...loop, maxRetries: 0, stopWhen: isStepCount(1),
			toolChoice: { type: "tool", toolName: "weather" } });
		assert.deepEqual((await g.sent(1))[0].body.tool_choice,
			{ type: "function", name: "weather" });
	});
}

async function errors(t, g, model) {
	const refuse = (status, headers = {}) => ({ status, headers, body: { error: {
		message: `It is a ${status}.`, type: "some_error", param: null, code: "some" } } });

	for (const [status, type, again] of [[400, "invalid_request_error", false],
		[403, "permission_error", false], [404, "not_found_error", false],
		[429, "rate_limit_error", true]]) {
		await t.test(g, `${status}`, async () => {
			await g.script(refuse(status));
			const e = await fails(() => generateText({ model, prompt, maxRetries: 0 }),
				APICallError);
			assert.equal(e.statusCode, status);
			assert.equal(e.isRetryable, again);
			assert.match(e.message, new RegExp(`It is a ${status}`));
			assert.equal(e.data.error.type, type);
			await g.sent(1);
		});
	}

	await t.test(g, "gives up after maxRetries", async () => {
		await g.script({ ...refuse(429, { "retry-after": "3" }), repeat: 5 });
		const e = await fails(() => generateText({ model, prompt, maxRetries: 1 }),
			RetryError);
		assert.equal(e.lastError.statusCode, 429);
		await g.sent(2);
	});

	for (const end of [{ failed: { code: "server_error", message: "Sorry." } },
		{ stop_before: "response.completed", then: "reset" }]) {
		await t.test(g, `a stream that ${end.failed ? "fails" : "breaks"}`, async () => {
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

	await t.test(g, "an abort reaches upstream", async () => {
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

export default async function (t) {
	for (const options of BOTH)
		await withGateway(options, async (g) => {
			const model = createAnthropic({ baseURL: g.url, apiKey: "sk-client" })(MODEL);

			for (const part of [texts, toolLoops, errors])
				await part(t, g, model);
		});
}
