// langchain_anthropic.mjs - ChatAnthropic of @langchain/anthropic.
import { ChatAnthropic } from "@langchain/anthropic";
import { HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { concat } from "@langchain/core/utils/stream";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import { all, assert, BOTH, fails, PIXEL, withGateway } from "./harness.mjs";

const MODEL = "gpt-5.5";
const prompt = "Say hello.";
const Point = z.object({ x: z.number(), label: z.string() });
const weather = tool(async ({ city }) => `sun in ${city}`, {
	name: "weather", description: "Tells the weather.",
	schema: z.object({ city: z.string() }),
});
const two = [
	{ name: "weather", call_id: "call_rome", arguments: { city: "Rome" } },
	{ name: "weather", call_id: "call_oslo", arguments: { city: "Oslo" } },
];

const chat = (g, more) => new ChatAnthropic({
	model: MODEL, apiKey: "sk-client", anthropicApiUrl: g.base, maxRetries: 0,
	maxTokens: 1024, ...more,
});
const sum = (chunks) => chunks.reduce((a, b) => concat(a, b));

function usage(r) {
	assert.equal(r.usage_metadata.input_tokens, 21);
	assert.equal(r.usage_metadata.output_tokens, 13);
	assert.equal(r.usage_metadata.total_tokens, 34);
	assert.equal(r.usage_metadata.input_token_details.cache_read, 8);
}

async function texts(t, g) {
	await t.test(g, "invoke()", async () => {
		await g.script({ say: "Hello there" });
		const r = await chat(g).invoke([new SystemMessage("Be brief."),
			new HumanMessage(prompt)]);
		assert.equal(r.text, "Hello there");
		assert.equal(r.response_metadata.stop_reason, "end_turn");
		usage(r);
		assert.match((await g.sent(1))[0].text, /Be brief\./);
	});

	await t.test(g, "stream()", async () => {
		const chunks = [];

		await g.script({ say: "one two three four five", interval_ms: 40 });
		for await (const chunk of await chat(g).stream(prompt)) {
			chunks.push(chunk);
			if (chunk.text === "one ")
				await g.unfinished();
		}
		assert.deepEqual(chunks.map((c) => c.text).filter(Boolean),
			["one ", "two ", "three ", "four ", "five"]);
		// the input's it takes from the stream's beginning, where nobody knows it
		assert.equal(sum(chunks).usage_metadata.output_tokens, 13);
	});

	await t.test(g, "thinking, there and back", async () => {
		const model = chat(g, { maxTokens: 8000,
			thinking: { type: "enabled", budget_tokens: 5000 } });

		await g.script({ think: "Hm, hello.", encrypted: "ZW5j", say: "Hello." },
			{ think: "Hm, hello.", encrypted: "ZW5j", say: "Hello." }, { say: "Bye." });
		const whole = await model.invoke(prompt);
		const streamed = sum(await all(await model.stream(prompt)));
		for (const r of [whole, streamed]) {
			assert.equal(r.content.find((b) => b.type === "thinking").thinking, "Hm, hello.");
			assert.equal(r.text, "Hello.");
		}
		await model.invoke([new HumanMessage(prompt), streamed, new HumanMessage("On.")]);
		const [, , sent] = await g.sent(3);
		assert.deepEqual(sent.body.input.filter((i) => i.type === "reasoning")
			.map((i) => i.encrypted_content), ["ZW5j"]);
	});

	await t.test(g, "ends with max_tokens", async () => {
		await g.script({ say: "one two", incomplete: "max_output_tokens" });
		const r = await chat(g).invoke(prompt);
		assert.equal(r.text, "one two");
		assert.equal(r.response_metadata.stop_reason, "max_tokens");
	});

	await t.test(g, "pictures by URL and as data", async () => {
		const url = "https://example.com/cat.png";

		await chat(g).invoke([new HumanMessage({ content: [
			{ type: "text", text: "What is this?" },
			{ type: "image_url", image_url: { url } },
			{ type: "image_url", image_url: { url: PIXEL } },
		] })]);
		const [, ...pictures] = (await g.sent(1))[0].body.input.at(-1).content;
		assert.deepEqual(pictures.map((p) => [p.type, p.image_url]), [
			["input_image", url], ["input_image", PIXEL]]);
	});
}

async function tools(t, g) {
	await t.test(g, "tools, there and back", async () => {
		const model = chat(g).bindTools([weather]);
		const messages = [new HumanMessage("Weather in Rome and Oslo?")];

		await g.script({ say: "Let me see.", calls: two }, { say: "Sun everywhere." });
		const asked = await model.invoke(messages);
		assert.deepEqual(asked.tool_calls.map((c) => [c.name, c.args]),
			two.map((c) => [c.name, c.arguments]));
		messages.push(asked);
		for (const call of asked.tool_calls)
			messages.push(await weather.invoke(call));
		assert.ok(messages.at(-1) instanceof ToolMessage);
		assert.equal((await model.invoke(messages)).text, "Sun everywhere.");
		const { input } = (await g.sent(2))[1].body;
		assert.deepEqual(input.filter((i) => i.type === "function_call_output")
			.map((i) => [i.call_id, i.output]),
			[["call_rome", "sun in Rome"], ["call_oslo", "sun in Oslo"]]);
	});

	await t.test(g, "tool calls, streamed", async () => {
		await g.script({ calls: two });
		const chunks = await all(await chat(g).bindTools([weather]).stream(prompt));
		const whole = sum(chunks);
		assert.ok(chunks.flatMap((c) => c.tool_call_chunks ?? []).length > 2);
		assert.deepEqual(whole.tool_calls.map((c) => [c.name, c.args]),
			two.map((c) => [c.name, c.arguments]));
	});

	await t.test(g, "a tool that must be called", async () => {
		await g.script({ calls: [two[0]] });
		await chat(g).bindTools([weather], { tool_choice: "weather" }).invoke(prompt);
		assert.deepEqual((await g.sent(1))[0].body.tool_choice,
			{ type: "function", name: "weather" });
	});

	for (const method of ["jsonSchema", "functionCalling"]) {
		await t.test(g, `withStructuredOutput(), ${method}`, async () => {
			const value = { x: 3, label: "three" };

			await g.script(method === "functionCalling" ?
				{ calls: [{ name: "point", arguments: value }] } :
				{ say: JSON.stringify(value) });
			const model = chat(g).withStructuredOutput(Point, { name: "point", method });
			assert.deepEqual(await model.invoke(prompt), value);
			const { body } = (await g.sent(1))[0];
			if (method === "functionCalling")
				assert.deepEqual(body.tool_choice, { type: "function", name: "point" });
			else
				assert.equal(body.text.format.type, "json_schema");
		});
	}
}

async function errors(t, g) {
	const refuse = (status, headers = {}) => ({ status, headers, body: { error: {
		message: `It is a ${status}.`, type: "some_error", param: null, code: "some" } } });

	for (const status of [400, 403, 404, 422]) {
		await t.test(g, `${status}`, async () => {
			await g.script(refuse(status));
			const e = await fails(() => chat(g).invoke(prompt), Error);
			assert.equal(e.status, status);
			assert.match(e.message, new RegExp(`It is a ${status}`));
			await g.sent(1);
		});
	}

	await t.test(g, "comes again after a 429", async () => {
		await g.script(refuse(429, { "retry-after": "3" }), { say: "Now." });
		assert.equal((await chat(g, { maxRetries: 2 }).invoke(prompt)).text, "Now.");
		await g.sent(2);
	});

	for (const end of [{ failed: { code: "server_error", message: "Sorry." } },
		{ stop_before: "response.completed", then: "reset" }]) {
		await t.test(g, `a stream that ${end.failed ? "fails" : "breaks"}`, async () => {
			const script = { say: "one two", ...end };
			const seen = [];

			await g.script(script, script);
			const e = await fails(async () => {
				for await (const c of await chat(g).stream(prompt))
					seen.push(c.text);
			}, Error);
			assert.match(e.message, /Sorry|broke off/);
			assert.equal(seen.join(""), "one two");
			await fails(() => chat(g).invoke(prompt), Error);
		});
	}

	await t.test(g, "leaving a stream reaches upstream", async () => {
		const abort = new AbortController();
		let count = 0;

		await g.script({ say: "word ".repeat(2000), interval_ms: 20 });
		await fails(async () => {
			for await (const c of await chat(g).stream(prompt, { signal: abort.signal }))
				if (c.text && ++count === 3)
					abort.abort();
		}, Error);
		assert.ok(count < 20);
		await g.aborted();
	});
}

export default async function (t) {
	for (const options of BOTH)
		await withGateway(options, async (g) => {
			for (const part of [texts, tools, errors])
				await part(t, g);
		});
}
