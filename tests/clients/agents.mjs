// agents.mjs - OpenAI's Agents SDK with its Responses model.
import {
	Agent, OpenAIResponsesModel, run, setTracingDisabled, tool,
} from "@openai/agents";
import OpenAI from "openai";
import { z } from "zod";
import { assert, BOTH, withGateway } from "./harness.mjs";

setTracingDisabled(true);

const weather = tool({
	name: "weather", description: "Tells the weather.",
	parameters: z.object({ city: z.string() }),
	execute: async ({ city }) => `sun in ${city}`,
});
const calls = [
	{ name: "weather", call_id: "call_rome", arguments: { city: "Rome" } },
	{ name: "weather", call_id: "call_oslo", arguments: { city: "Oslo" } },
];

export default async function (t) {
	for (const options of BOTH)
		await withGateway(options, async (g) => {
			const client = new OpenAI({ baseURL: g.url, apiKey: "sk-client", maxRetries: 0 });
			const model = new OpenAIResponsesModel(client, "gpt-5.5");
			const agent = new Agent({ name: "Helper", instructions: "Be brief.", model,
				tools: [weather] });

			await t.test(g, "an answer", async () => {
				await g.script({ say: "Hello there" });
				const r = await run(agent, "Say hello.");
				assert.equal(r.finalOutput, "Hello there");
				const [sent] = await g.sent(1);
				assert.equal(sent.body.instructions, "Be brief.");
			});

			await t.test(g, "tools, there and back", async () => {
				await g.script({ think: "I look.", calls }, { say: "Sun in both." });
				const r = await run(agent, "What is the weather?");
				assert.equal(r.finalOutput, "Sun in both.");
				const [, second] = await g.sent(2);
				assert.deepEqual(second.body.input.filter((i) =>
					i.type === "function_call_output").map((i) => i.call_id),
				["call_rome", "call_oslo"]);
			});

			await t.test(g, "streamed, with tools", async () => {
				await g.script({ calls }, { say: "Sun in both." });
				const r = await run(agent, "What is the weather?", { stream: true });
				let text = "";
				for await (const piece of r.toTextStream())
					text += piece;
				await r.completed;
				assert.equal(text, "Sun in both.");
				assert.equal(r.finalOutput, "Sun in both.");
				await g.sent(2);
			});

			await t.test(g, "a handoff", async () => {
				const poet = new Agent({ name: "Poet", instructions: "Rhyme.", model });
				const desk = new Agent({ name: "Desk", instructions: "Hand over.", model,
					handoffs: [poet] });

				await g.script({ calls: [{ name: "transfer_to_Poet", call_id: "call_h",
					arguments: {} }] }, { say: "Roses are red." });
				const r = await run(desk, "A poem.");
				assert.equal(r.finalOutput, "Roses are red.");
				assert.equal(r.lastAgent.name, "Poet");
				const [, second] = await g.sent(2);
				assert.equal(second.body.instructions, "Rhyme.");
			});

			await t.test(g, "structured output", async () => {
				const counter = new Agent({ name: "Counter", instructions: "Count.", model,
					outputType: z.object({ n: z.number() }) });

				await g.script({ say: '{"n":7}' });
				const r = await run(counter, "How many?");
				assert.deepEqual(r.finalOutput, { n: 7 });
			});

			await t.test(g, "a turn that follows by its id", async () => {
				if (g.kind !== "chatgpt")
					return;
				await g.script({ calls }, { say: "Sun in both." }, { say: "Both." });
				const first = await run(agent, "What is the weather?");
				const next = await run(agent, "Where?",
					{ previousResponseId: first.lastResponseId });
				assert.equal(next.finalOutput, "Both.");
				const [, , third] = await g.sent(3);
				assert.deepEqual(third.body.input.map((i) => i.type), ["message",
					"function_call", "function_call", "function_call_output",
					"function_call_output", "message", "message"]);
			});

			await t.test(g, "a conversation", async () => {
				if (g.kind !== "chatgpt")
					return;
				const { id } = await client.conversations.create({});
				await g.script({ calls }, { say: "Sun in both." }, { say: "Both." });
				await run(agent, "What is the weather?", { conversationId: id });
				const next = await run(agent, "Where?", { conversationId: id });
				assert.equal(next.finalOutput, "Both.");
				const [, , third] = await g.sent(3);
				assert.deepEqual(third.body.input.map((i) => i.type), ["message",
					"function_call", "function_call", "function_call_output",
					"function_call_output", "message", "message"]);
			});

			await t.test(g, "a stream that breaks is an error", async () => {
				await g.script({ say: "one two", stop_before: "response.completed" });
				await assert.rejects(async () => {
					const r = await run(agent, "Say hello.", { stream: true });
					for await (const _ of r.toTextStream());
					await r.completed;
					if (r.error)
						throw r.error;
				});
			});
		});
}
