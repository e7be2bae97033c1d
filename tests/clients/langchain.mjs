// langchain.mjs - ChatOpenAI of @langchain/openai.
import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { concat } from "@langchain/core/utils/stream";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI, OpenAI as Completions } from "@langchain/openai";
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

const chat = (g, more) => new ChatOpenAI({
	model: MODEL, apiKey: "sk-client", maxRetries: 0,
	configuration: { baseURL: g.url }, ...more,
});

async function texts(t, g) {
	await t.test(g, "invoke()", async () => {
		await g.script({ say: "Hello there" });
		const r = await chat(g).invoke([new SystemMessage("Be brief."),
			new HumanMessage(prompt)]);
		assert.equal(r.text, "Hello there");
		assert.equal(r.response_metadata.finish_reason, "stop");
		assert.equal(r.usage_metadata.input_tokens, 21);
		assert.equal(r.usage_metadata.output_tokens, 13);
		assert.equal(r.usage_metadata.total_tokens, 34);
		assert.equal(r.usage_metadata.input_token_details.cache_read, 8);
		assert.equal(r.usage_metadata.output_token_details.reasoning, 4);
		assert.match((await g.sent(1))[0].text, /Be brief\./);
	});

	await t.test(g, "stream()", async () => {
		const pieces = [];
		let whole;

		await g.script({ say: "one two three four five", interval_ms: 40 });
		for await (const chunk of await chat(g).stream(prompt)) {
			if (chunk.text && pieces.push(chunk.text) === 1)
				await g.unfinished();
			whole = whole ? concat(whole, chunk) : chunk;
		}
		assert.deepEqual(pieces, ["one ", "two ", "three ", "four ", "five"]);
		assert.equal(whole.usage_metadata.total_tokens, 34);
		assert.equal(whole.usage_metadata.output_tokens, 13);
		assert.equal(whole.response_metadata.finish_reason, "stop");
	});

	await t.test(g, "reasoning beside the text", async () => {
		const script = { think: "Hm, hello.", say: "Hello." };

		await g.script(script, script);
		const r = await chat(g, { reasoning: { effort: "high" } }).invoke(prompt);
		assert.equal(r.additional_kwargs.reasoning_content, "Hm, hello.");
		const chunks = await all(await chat(g).stream(prompt));
		assert.equal(chunks.map((c) => c.additional_kwargs.reasoning_content ?? "").join(""),
			"Hm, hello.");
		assert.equal((await g.sent(2))[0].body.reasoning.effort, "high");
	});

	await t.test(g, "ends with length", async () => {
		await g.script({ say: "one two", incomplete: "max_output_tokens" });
		const r = await chat(g).invoke(prompt);
		assert.equal(r.text, "one two");
		assert.equal(r.response_metadata.finish_reason, "length");
	});

	await t.test(g, "pictures by URL and as data", async () => {
		const url = "https://example.com/cat.png";

		await chat(g).invoke([new HumanMessage({ content: [
			{ type: "text", text: "What is this?" },
			{ type: "image_url", image_url: { url, detail: "high" } },
			{ type: "image_url", image_url: { url: PIXEL } },
		] })]);
		const [, ...pictures] = (await g.sent(1))[0].body.input.at(-1).content;
		assert.deepEqual(pictures.map((p) => [p.type, p.image_url, p.detail ?? "auto"]), [
			["input_image", url, "high"], ["input_image", PIXEL, "auto"]]);
	});

	await t.test(g, "a legacy completion", async () => {
		await g.script({ say: " a time." }, { say: " a time." });
		const llm = new Completions({ model: MODEL, apiKey: "sk-client", maxRetries: 0,
			configuration: { baseURL: g.url } });
		assert.equal(await llm.invoke("Once upon"), " a time.");
		assert.equal((await all(await llm.stream("Once upon"))).join(""), " a time.");
	});
}

async function tools(t, g) {
	await t.test(g, "tools, there and back", async () => {
		const model = chat(g).bindTools([weather]);
		const messages = [new HumanMessage("Weather in Rome and Oslo?")];

		await g.script({ calls: two }, { say: "Sun everywhere." });
		const asked = await model.invoke(messages);
		assert.deepEqual(asked.tool_calls.map((c) => [c.id, c.name, c.args]),
			two.map((c) => [c.call_id, c.name, c.arguments]));
		assert.deepEqual(asked.invalid_tool_calls, []);
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
		let whole;

		await g.script({ calls: two });
		const chunks = await all(await chat(g).bindTools([weather]).stream(prompt));
		for (const c of chunks)
			whole = whole ? concat(whole, c) : c;
		assert.ok(chunks.flatMap((c) => c.tool_call_chunks ?? []).length > 2);
		assert.deepEqual(whole.tool_calls.map((c) => [c.id, c.name, c.args]),
			two.map((c) => [c.call_id, c.name, c.arguments]));
		assert.equal(whole.response_metadata.finish_reason, "tool_calls");
	});

	await t.test(g, "a tool that must be called", async () => {
		await g.script({ calls: [two[0]] });
		await chat(g).bindTools([weather], { tool_choice: "weather" }).invoke(prompt);
		assert.deepEqual((await g.sent(1))[0].body.tool_choice,
			{ type: "function", name: "weather" });
	});

	for (const method of ["jsonSchema", "functionCalling", "jsonMode"]) {
		await t.test(g, `withStructuredOutput(), ${method}`, async () => {
			const value = { x: 3, label: "three" };

			await g.script(method === "functionCalling" ?
				{ calls: [{ name: "point", arguments: value }] } :
				{ say: JSON.stringify(value) });
			const model = chat(g).withStructuredOutput(Point, { name: "point", method });
			assert.deepEqual(await model.invoke(prompt + " As JSON."), value);
			const { body } = (await g.sent(1))[0];
			if (method === "functionCalling")
				assert.deepEqual(body.tool_choice, { type: "function", name: "point" });
			else
				assert.equal(body.text.format.type,
					method === "jsonMode" ? "json_object" : "json_schema");
		});
	}
}

async function errors(t, g) {
	const refuse = (status, headers = {}) => ({ status, headers, body: { error: {
		message: `It is a ${status}.`, type: "some_error", param: null, code: "some" } } });

	for (const [status, name] of [[400, "BadRequestError"], [403, "PermissionDeniedError"],
		[404, "NotFoundError"], [422, "UnprocessableEntityError"]]) {
		await t.test(g, `${status}`, async () => {
			await g.script(refuse(status));
			const e = await fails(() => chat(g).invoke(prompt), Error);
			assert.equal(e.status, status, name);
			assert.match(e.message, new RegExp(`It is a ${status}`));
			await g.sent(1);
		});
	}

	await t.test(g, "comes again after a 429", async () => {
		await g.script(refuse(429, { "retry-after": "3" }), { say: "Now." });
		assert.equal((await chat(g, { maxRetries: 2 }).invoke(prompt)).text, "Now.");
		await g.sent(2);
	});

	await t.test(g, "does not come again after a 400", async () => {
		await g.script(refuse(400));
		await fails(() => chat(g, { maxRetries: 2 }).invoke(prompt), Error);
		await g.sent(1);
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

	await t.test(g, "an abort reaches upstream", async () => {
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

	await t.test(g, "fifty streams at once", async () => {
		const names = Array.from({ length: 50 }, (_, i) => `<stream ${i} of fifty>`);
		const model = chat(g);

		await g.script(...names.map((match) => (
			{ match, say: `${match} one two three`, interval_ms: 5 })));
		await Promise.all(names.map(async (name) => {
			const chunks = await all(await model.stream(name));
			assert.equal(chunks.map((c) => c.text).join(""), `${name} one two three`);
		}));
		await g.sent(50);
	});

	await t.test(g, "a conversation goes back as it was", async () => {
		await g.script({ say: "Four." });
		await chat(g).invoke([new HumanMessage("One."), new AIMessage("Two."),
			new HumanMessage("Three.")]);
		const { input } = (await g.sent(1))[0].body;
		assert.deepEqual(input.map((m) => [m.role, typeof m.content === "string" ?
			m.content : m.content[0].text]),
			[["user", "One."], ["assistant", "Two."], ["user", "Three."]]);
	});
}

export default async function (t) {
	for (const options of BOTH) {
		await withGateway(options, async (g) => {
			await texts(t, g);
			await tools(t, g);
			await errors(t, g);
		});
	}
}
