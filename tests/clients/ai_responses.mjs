// ai_responses.mjs - Vercel's AI SDK with OpenAI's provider as it comes: its
// models speak Responses.
import { createOpenAI } from "@ai-sdk/openai";
import {
	APICallError, generateText, isStepCount, Output, streamText, tool,
} from "ai";
import { z } from "zod";
import { assert, BOTH, fails, withGateway } from "./harness.mjs";

const prompt = "Say hello.";
const quiet = { maxRetries: 0, onError: () => {} };
const tools = {
	weather: tool({
		description: "Tells the weather.",
		inputSchema: z.object({ city: z.string() }),
		execute: async ({ city }) => `sun in ${city}`,
	}),
};
const calls = [
	{ name: "weather", call_id: "call_rome", arguments: { city: "Rome" } },
	{ name: "weather", call_id: "call_oslo", arguments: { city: "Oslo" } },
];
// nothing is kept upstream: reasoning travels with the conversation
const providerOptions = { openai: { store: false,
	include: ["reasoning.encrypted_content"] } };

globalThis.AI_SDK_LOG_WARNINGS = false;

export default async function (t) {
	for (const options of BOTH)
		await withGateway({ ...options, settings: { CHATMOCK_HEARTBEAT: "0.3" } }, async (g) => {
			const model = createOpenAI({ baseURL: g.url, apiKey: "sk-client" })("gpt-5.5");

			await t.test(g, "generateText", async () => {
				await g.script({ think: "Hm.", say: "Hello there" });
				const r = await generateText({ model, system: "Be brief.", prompt,
					maxRetries: 0, providerOptions });
				assert.equal(r.text, "Hello there");
				assert.equal(r.reasoningText, "Hm.");
				assert.equal(r.finishReason, "stop");
				assert.equal(r.usage.totalTokens, 34);
				assert.equal((await g.sent(1))[0].path.split("/").at(-1), "responses");
			});

			await t.test(g, "streamText", async () => {
				const pieces = [];

				await g.script({ say: "one two three", interval_ms: 40 });
				const r = streamText({ model, prompt, ...quiet, providerOptions });
				for await (const piece of r.textStream)
					if (pieces.push(piece) === 1)
						await g.unfinished();
				assert.deepEqual(pieces, ["one ", "two ", "three"]);
				assert.equal(await r.finishReason, "stop");
				assert.equal((await r.totalUsage).totalTokens, 34);
			});

			await t.test(g, "heartbeats on the way", async () => {
				await g.script({ say: "one two", interval_ms: 450 });
				const r = streamText({ model, prompt, ...quiet, providerOptions });
				assert.equal(await r.text, "one two");
				assert.equal(await r.finishReason, "stop");
			});

			await t.test(g, "tools, there and back", async () => {
				await g.script({ think: "I look.", calls }, { say: "Sun in both." });
				const r = streamText({ model, prompt, tools, ...quiet, providerOptions,
					stopWhen: isStepCount(3) });
				assert.equal(await r.text, "Sun in both.");
				const [, second] = await g.sent(2);
				const items = (type) => second.body.input.filter((i) => i.type === type);
				assert.deepEqual(items("function_call_output").map((i) => i.output),
					["sun in Rome", "sun in Oslo"]);
				assert.ok(items("reasoning")[0].encrypted_content);
			});

			// where the API keeps what was said, later steps only name it
			for (const [how, ask] of [["streamed", streamText], ["whole", generateText]])
				await t.test(g, `tools, what is stored by its ids, ${how}`, async () => {
					if (g.kind !== "chatgpt")
						return;
					await g.script({ think: "I look.", encrypted: "gAAA-kept", calls },
						{ think: "Both.", say: "Sun in both." }, { say: "You are welcome." });
					const r = await ask({ model, prompt, tools, ...quiet,
						stopWhen: isStepCount(3) });
					assert.equal(await r.text, "Sun in both.");
					const thanks = await ask({ model, tools, ...quiet, messages: [
						{ role: "user", content: prompt },
						...await r.responseMessages,
						{ role: "user", content: "Thanks." }] });
					assert.equal(await thanks.text, "You are welcome.");
					const [first, second, third] = await g.sent(3);
					const types = (sent) => sent.body.input.map((i) => i.type);
					assert.deepEqual(types(second), ["message", "reasoning", "function_call",
						"function_call", "function_call_output", "function_call_output"]);
					assert.deepEqual(second.body.input[0], first.body.input[0]);
					assert.equal(second.body.input[1].encrypted_content, "gAAA-kept");
					assert.equal(second.body.input[1].summary[0].text, "I look.");
					assert.deepEqual(second.body.input.slice(2, 4).map((i) =>
						[i.call_id, JSON.parse(i.arguments)]),
					calls.map((c) => [c.call_id, c.arguments]));
					assert.deepEqual(third.body.input.slice(0, 6), second.body.input);
					assert.deepEqual(types(third).slice(6), ["reasoning", "message", "message"]);
				});

			await t.test(g, "a turn that follows by its id", async () => {
				if (g.kind !== "chatgpt")
					return;
				await g.script({ say: "Hello Ann" }, { say: "You are Ann." });
				const first = await generateText({ model, prompt: "I am Ann.",
					maxRetries: 0 });
				const r = streamText({ model, prompt: "Who am I?", ...quiet,
					providerOptions: { openai: { previousResponseId:
						first.providerMetadata.openai.responseId } } });
				assert.equal(await r.text, "You are Ann.");
				const [, sent] = await g.sent(2);
				assert.deepEqual(sent.body.input.map((i) => i.content[0].text),
					["I am Ann.", "Hello Ann", "Who am I?"]);
			});

			await t.test(g, "structured output", async () => {
				await g.script({ say: '{"n":7}' });
				const r = await generateText({ model, prompt, maxRetries: 0, providerOptions,
					output: Output.object({ schema: z.object({ n: z.number() }) }) });
				assert.deepEqual(r.output, { n: 7 });
			});

			for (const [reason, want] of [["max_output_tokens", "length"],
				["content_filter", "content-filter"]])
				await t.test(g, `ends with ${want}`, async () => {
					await g.script({ say: "one two", incomplete: reason });
					const r = streamText({ model, prompt, ...quiet, providerOptions });
					assert.equal(await r.text, "one two");
					assert.equal(await r.finishReason, want);
				});

			await t.test(g, "a stream that breaks is no good end", async () => {
				await g.script({ say: "one two", stop_before: "response.completed" });
				const r = streamText({ model, prompt, ...quiet, providerOptions });
				let error;

				for await (const part of r.fullStream)
					if (part.type === "error")
						error = part.error;
				const reason = await r.finishReason.catch(() => "error");
				assert.ok(error || reason === "error", reason);
				assert.notEqual(reason, "stop");
			});

			await t.test(g, "what upstream refuses, it hears", async () => {
				await g.script({ status: 400, body: { detail: "Not today." } });
				const e = await fails(() => generateText({ model, prompt, maxRetries: 0,
					providerOptions }), APICallError);
				assert.equal(e.statusCode, 400);
				assert.match(e.message, /Not today\./);
			});
		});
}
