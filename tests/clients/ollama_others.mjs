// ollama_others.mjs - what stands upon Ollama's API: Vercel's AI SDK with the
// provider ollama-ai-provider-v2, and ChatOllama of @langchain/ollama.
import { HumanMessage } from "@langchain/core/messages";
import { tool as langchainTool } from "@langchain/core/tools";
import { concat } from "@langchain/core/utils/stream";
import { ChatOllama, Ollama } from "@langchain/ollama";
import { generateText, isStepCount, Output, streamText, tool } from "ai";
import { createOllama } from "ollama-ai-provider-v2";
import { z } from "zod";
import { all, assert, BOTH, fails, PIXEL, withGateway } from "./harness.mjs";

const MODEL = "gpt-5.5";
const prompt = "Say hello.";
const Point = z.object({ x: z.number(), label: z.string() });
const call = { name: "weather", call_id: "call_rome", arguments: { city: "Rome" } };

async function vercel(t, g) {
	const model = createOllama({ baseURL: g.base + "/api" })(MODEL);
	const weather = tool({ description: "Tells the weather.",
		inputSchema: z.object({ city: z.string() }),
		execute: async ({ city }) => `sun in ${city}` });

	await t.test(g, "ai: generateText()", async () => {
		await g.script({ say: "Hello there" });
		const r = await generateText({ model, prompt, system: "Be brief." });
		assert.equal(r.text, "Hello there");
		assert.equal(r.finishReason, "stop");
		assert.equal(r.usage.inputTokens, 21);
		assert.equal(r.usage.outputTokens, 13);
	});

	await t.test(g, "ai: streamText() with reasoning", async () => {
		await g.script({ think: "Hm.", say: "one two three" });
		const r = streamText({ model, prompt,
			providerOptions: { ollama: { think: true } } });
		assert.equal((await all(r.textStream)).join(""), "one two three");
		assert.equal(await r.reasoningText, "Hm.");
		assert.equal(await r.finishReason, "stop");
		assert.equal((await r.usage).outputTokens, 13);
	});

	await t.test(g, "ai: a tool, there and back", async () => {
		await g.script({ calls: [call] }, { say: "Sunny." });
		const r = await generateText({ model, prompt, tools: { weather },
			stopWhen: isStepCount(3) });
		assert.equal(r.text, "Sunny.");
		const { input } = (await g.sent(2))[1].body;
		assert.deepEqual(input.filter((i) => i.type === "function_call_output")
			.map((i) => [i.call_id, i.output]), [["call_rome", "sun in Rome"]]);
	});

	await t.test(g, "ai: tool calls, streamed", async () => {
		await g.script({ calls: [call, { ...call, call_id: "call_2", arguments: { city: "Oslo" } }] });
		const r = streamText({ model, prompt, tools: { weather }, stopWhen: isStepCount(1) });
		assert.deepEqual((await r.toolCalls).map((c) => c.input),
			[{ city: "Rome" }, { city: "Oslo" }]);
		assert.equal(await r.finishReason, "tool-calls");
	});

	await t.test(g, "ai: an object", async () => {
		await g.script({ say: JSON.stringify({ x: 3, label: "three" }) });
		const r = await generateText({ model, prompt, output: Output.object({ schema: Point }) });
		assert.deepEqual(r.output, { x: 3, label: "three" });
		assert.equal((await g.sent(1))[0].body.text.format.type, "json_schema");
	});

	await t.test(g, "ai: a limit, and an end by length", async () => {
		await g.script({ say: "one", incomplete: "max_output_tokens" });
		const r = await generateText({ model, prompt, maxOutputTokens: 77 });
		assert.equal(r.finishReason, "length");
	});

	await t.test(g, "ai: an error", async () => {
		await g.script({ status: 400, body: { error: { message: "No.", type: "x" } } });
		const e = await fails(() => generateText({ model, prompt, maxRetries: 0 }), Error);
		assert.equal(e.statusCode, 400);
		await g.sent(1);
	});

	await t.test(g, "ai: an abort reaches upstream", async () => {
		const abort = new AbortController();

		await g.script({ say: "word ".repeat(2000), interval_ms: 20 });
		const r = streamText({ model, prompt, abortSignal: abort.signal, onError() {} });
		let count = 0;
		for await (const piece of r.textStream)
			if (piece && ++count === 3)
				abort.abort();
		await g.aborted();
	});
}

async function langchain(t, g) {
	const chat = (more) => new ChatOllama({ model: MODEL, baseUrl: g.base, maxRetries: 0, ...more });
	const weather = langchainTool(async ({ city }) => `sun in ${city}`, {
		name: "weather", description: "Tells the weather.",
		schema: z.object({ city: z.string() }) });

	await t.test(g, "langchain: invoke()", async () => {
		await g.script({ say: "Hello there" });
		const r = await chat({ checkOrPullModel: true }).invoke(prompt);
		assert.equal(r.text, "Hello there");
		assert.equal(r.usage_metadata.total_tokens, 34);
		assert.equal(r.response_metadata.done_reason, "stop");
	});

	await t.test(g, "langchain: stream()", async () => {
		const pieces = [];

		await g.script({ say: "one two three", interval_ms: 40 });
		for await (const chunk of await chat().stream(prompt))
			if (chunk.text && pieces.push(chunk.text) === 1)
				await g.unfinished();
		assert.deepEqual(pieces, ["one ", "two ", "three"]);
	});

	await t.test(g, "langchain: thinking", async () => {
		await g.script({ think: "Hm.", say: "Hello." });
		const chunks = await all(await chat({ think: true }).stream(prompt));
		assert.equal(chunks.map((c) => c.additional_kwargs.reasoning_content ?? "").join(""), "Hm.");
		assert.equal(chunks.map((c) => c.text).join(""), "Hello.");
	});

	await t.test(g, "langchain: a tool, there and back", async () => {
		const model = chat().bindTools([weather]);
		const talk = [new HumanMessage("Weather in Rome?")];

		await g.script({ calls: [call] }, { say: "Sunny." });
		talk.push(await model.invoke(talk));
		assert.deepEqual(talk[1].tool_calls.map((c) => [c.name, c.args]),
			[["weather", { city: "Rome" }]]);
		talk.push(await weather.invoke(talk[1].tool_calls[0]));
		assert.equal((await model.invoke(talk)).text, "Sunny.");
		const { input } = (await g.sent(2))[1].body;
		assert.equal(input.at(-1).output, "sun in Rome");
	});

	await t.test(g, "langchain: two calls at once, streamed", async () => {
		let whole;

		await g.script({ calls: [call, { ...call, call_id: "call_2", arguments: { city: "Oslo" } }] });
		for await (const c of await chat().bindTools([weather]).stream(prompt))
			whole = whole ? concat(whole, c) : c;
		assert.deepEqual(whole.tool_calls.map((c) => c.args), [{ city: "Rome" }, { city: "Oslo" }]);
	});

	await t.test(g, "langchain: withStructuredOutput()", async () => {
		await g.script({ say: JSON.stringify({ x: 3, label: "three" }) });
		assert.deepEqual(await chat().withStructuredOutput(Point).invoke(prompt),
			{ x: 3, label: "three" });
	});

	await t.test(g, "langchain: a picture", async () => {
		await chat().invoke([new HumanMessage({ content: [
			{ type: "text", text: "What?" },
			{ type: "image_url", image_url: PIXEL },
		] })]);
		assert.equal((await g.sent(1))[0].body.input.at(-1).content.at(-1).image_url, PIXEL);
	});

	await t.test(g, "langchain: a prompt", async () => {
		await g.script({ say: " a time." });
		assert.equal(await new Ollama({ model: MODEL, baseUrl: g.base }).invoke("Once upon"), " a time.");
	});

	await t.test(g, "langchain: a stream that fails", async () => {
		await g.script({ say: "one", failed: { code: "server_error", message: "Sorry." } });
		const e = await fails(async () => all(await chat().stream(prompt)), Error);
		assert.match(e.message, /Sorry/);
	});
}

export default async function (t) {
	for (const options of BOTH) {
		await withGateway(options, async (g) => {
			await vercel(t, g);
			await langchain(t, g);
		});
	}
}
