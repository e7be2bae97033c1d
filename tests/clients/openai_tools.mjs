// openai_tools.mjs - the official SDK: tools, there and back.
import OpenAI from "openai";
import { zodFunction } from "openai/helpers/zod";
import { z } from "zod";
import { all, assert, BOTH, fails, withGateway } from "./harness.mjs";

const MODEL = "gpt-5.5";
const hello = [{ role: "user", content: "Weather in Rome and Oslo?" }];
const parameters = {
	type: "object",
	properties: { city: { type: "string" } },
	required: ["city"],
	additionalProperties: false,
};
const weather = { type: "function", function: {
	name: "weather", description: "Tells the weather.", parameters,
} };
const clock = { type: "function", function: { name: "clock" } };
const two = [
	{ name: "weather", call_id: "call_rome", arguments: { city: "Rome" } },
	{ name: "weather", call_id: "call_oslo",
		arguments: { city: "Oslo", note: "a longer text, so that it comes in pieces" } },
];
const LONG = "mcp__a_server_with_a_long_name__a_tool_whose_name_is_longer_than_upstream_takes";

const ask = (client, more, options) => client.chat.completions.create(
	{ model: MODEL, messages: hello, tools: [weather, clock], ...more }, options);

const items = (sent, type) => sent.body.input.filter((i) => i.type === type);

async function calls(t, g, client) {
	await t.test(g, "parallel calls, streamed", async () => {
		await g.script({ calls: two });
		const chunks = await all(await ask(client, { stream: true }));
		const deltas = chunks.flatMap((c) => c.choices[0].delta.tool_calls ?? []);
		const got = [];
		for (const d of deltas) {
			if (d.id) {
				assert.equal(d.index, got.length);
				assert.equal(d.type, "function");
				got.push({ id: d.id, name: d.function.name, args: "", pieces: 0 });
			} else {
				got[d.index].pieces++;
			}
			got[d.index].args += d.function.arguments;
		}
		assert.deepEqual(got.map((c) => [c.id, c.name]),
			[["call_rome", "weather"], ["call_oslo", "weather"]]);
		assert.deepEqual(got.map((c) => JSON.parse(c.args)),
			two.map((c) => c.arguments));
		assert.ok(got[1].pieces > 1, "arguments came in one piece");
		assert.deepEqual(chunks.map((c) => c.choices[0].finish_reason).filter(Boolean),
			["tool_calls"]);
	});

	await t.test(g, "parallel calls, whole", async () => {
		await g.script({ say: "Let me see.", calls: two });
		const [{ message, finish_reason: finish }] = (await ask(client)).choices;
		assert.equal(finish, "tool_calls");
		assert.equal(message.content, "Let me see.");
		assert.deepEqual(message.tool_calls.map((c) =>
			[c.id, c.type, c.function.name, JSON.parse(c.function.arguments)]),
			two.map((c) => [c.call_id, "function", c.name, c.arguments]));
	});

	await t.test(g, "calls of an upstream that sends no deltas", async () => {
		await g.script({ calls: two, done_only: true });
		const stream = client.chat.completions.stream(
			{ model: MODEL, messages: hello, tools: [weather] });
		const { message } = (await stream.finalChatCompletion()).choices[0];
		assert.deepEqual(message.tool_calls.map((c) => JSON.parse(c.function.arguments)),
			two.map((c) => c.arguments));
	});

	await t.test(g, "results go back with their calls", async () => {
		const call = (c) => ({ id: c.call_id, type: "function",
			function: { name: c.name, arguments: JSON.stringify(c.arguments) } });

		await g.script({ say: "Sun and snow." });
		const r = await ask(client, { messages: [
			...hello,
			{ role: "assistant", content: null, tool_calls: two.map(call) },
			{ role: "tool", tool_call_id: "call_rome", content: "sun" },
			{ role: "tool", tool_call_id: "call_oslo",
				content: [{ type: "text", text: "snow" }] },
		] });
		assert.equal(r.choices[0].message.content, "Sun and snow.");
		const [sent] = await g.sent(1);
		assert.deepEqual(items(sent, "function_call").map((i) =>
			[i.call_id, i.name, JSON.parse(i.arguments)]),
			two.map((c) => [c.call_id, c.name, c.arguments]));
		const text = (o) => typeof o === "string" ? o : o.map((p) => p.text).join("");
		assert.deepEqual(items(sent, "function_call_output").map((i) =>
			[i.call_id, text(i.output)]), [["call_rome", "sun"], ["call_oslo", "snow"]]);
	});
}

async function helpers(t, g, client) {
	for (const stream of [false, true]) {
		await t.test(g, `runTools(), ${stream ? "streamed" : "whole"}`, async () => {
			const asked = [];

			await g.script({ calls: two }, { calls: [{ name: "clock", arguments: {} }] },
				{ say: "Rome: sun, Oslo: snow." });
			const runner = client.chat.completions.runTools({
				model: MODEL, messages: hello, stream,
				tools: [
					{ type: "function", function: {
						name: "weather", parameters, parse: JSON.parse,
						description: "Tells the weather.",
						function: ({ city }) => {
							asked.push(city);
							return { Rome: "sun", Oslo: "snow" }[city];
						},
					} },
					{ type: "function", function: {
						name: "clock", description: "Tells the time.",
						parameters: { type: "object", properties: {} },
						function: () => "noon",
					} },
				],
			});
			assert.equal(await runner.finalContent(), "Rome: sun, Oslo: snow.");
			assert.deepEqual(asked.sort(), ["Oslo", "Rome"]);
			assert.equal((await runner.totalUsage()).total_tokens || 0,
				stream ? 0 : 102);
			const sent = await g.sent(3);
			assert.deepEqual(items(sent[2], "function_call_output").map((i) => i.output),
				["sun", "snow", "noon"]);
			const keys = new Set(sent.map((s) => s.body.prompt_cache_key));
			assert.equal(keys.size, 1, "one conversation, one cache key");
			const prefix = sent[1].text.slice(0, sent[1].text.indexOf('],"tools"'));
			assert.ok(prefix.includes("call_oslo") && sent[2].text.startsWith(prefix),
				"the prefix that upstream caches has changed");
		});
	}

	await t.test(g, "parse(): a function's arguments after a schema", async () => {
		const tool = zodFunction({ name: "weather",
			parameters: z.object({ city: z.string() }) });

		await g.script({ calls: [{ name: "weather", arguments: { city: "Rome" } }] });
		const r = await client.chat.completions.parse(
			{ model: MODEL, messages: hello, tools: [tool] });
		assert.deepEqual(r.choices[0].message.tool_calls[0].function.parsed_arguments,
			{ city: "Rome" });
		assert.equal((await g.sent(1))[0].body.tools[0].strict, true);
	});
}

async function choices(t, g, client) {
	await t.test(g, "how tools reach upstream", async () => {
		await ask(client, { parallel_tool_calls: false });
		const [{ body }] = await g.sent(1);
		assert.equal(body.parallel_tool_calls, false);
		assert.deepEqual(body.tools[0], { type: "function", name: "weather",
			description: "Tells the weather.", parameters, strict: false });
		assert.equal(body.tools[1].name, "clock");
		assert.equal(body.tools[1].parameters.type, "object");
		assert.equal(body.tools[1].strict, false);
	});

	const named = { type: "function", function: { name: "weather" } };
	const forms = [
		["auto", "auto"],
		["none", "none"],
		["required", "required"],
		[named, { type: "function", name: "weather" }],
		[{ type: "allowed_tools", allowed_tools: { mode: "required", tools: [named] } },
			{ type: "allowed_tools", mode: "required",
				tools: [{ type: "function", name: "weather" }] }],
	];
	for (const [given, want] of forms) {
		await t.test(g, `tool_choice ${JSON.stringify(given)}`, async () => {
			await ask(client, { tool_choice: given });
			assert.deepEqual((await g.sent(1))[0].body.tool_choice ?? "auto", want);
		});
	}

	await t.test(g, "a name too long for upstream comes back in full", async () => {
		const tools = [{ type: "function", function: { name: LONG, parameters } }];

		// upstream calls by the name it was given, which is not known before
		await ask(client, { tools });
		const [{ body: { tools: [{ name }] } }] = await g.sent(1);
		assert.ok(name.length <= 64 && name !== LONG);
		const script = { calls: [{ name, arguments: { city: "Rome" } }] };
		await g.script(script, script);
		const { message } = (await ask(client, { tools })).choices[0];
		assert.equal(message.tool_calls[0].function.name, LONG);
		const stream = client.chat.completions.stream({ model: MODEL, messages: hello, tools });
		const final = await stream.finalChatCompletion();
		assert.equal(final.choices[0].message.tool_calls[0].function.name, LONG);
		await ask(client, { tools, messages: [...hello, message,
			{ role: "tool", tool_call_id: message.tool_calls[0].id, content: "sun" }] });
		assert.equal(items((await g.sent(4))[3], "function_call")[0].name, name);
	});

	await t.test(g, "a custom tool", async () => {
		await g.script({ custom_calls: [{ name: "shell", input: "ls -l" }] });
		const { message } = (await ask(client, { tools: [{ type: "custom",
			custom: { name: "shell", description: "Runs it." } }] })).choices[0];
		assert.equal(message.tool_calls[0].type, "custom");
		assert.deepEqual(message.tool_calls[0].custom, { name: "shell", input: "ls -l" });
		const [{ body }] = await g.sent(1);
		assert.equal(body.tools[0].type, "custom");
		assert.equal(body.tools[0].name, "shell");
	});
}

async function legacy(t, g, client) {
	const functions = [weather.function];
	const call = { calls: [{ name: "weather", call_id: "call_1", arguments: { city: "Rome" } }] };

	await t.test(g, "legacy functions are answered in the legacy shape", async () => {
		await g.script(call, call, { say: "Sun." });
		const params = { model: MODEL, messages: hello, functions,
			function_call: { name: "weather" } };
		const { message, finish_reason: finish } =
			(await client.chat.completions.create(params)).choices[0];
		assert.equal(finish, "function_call");
		assert.equal(message.tool_calls, undefined);
		assert.equal(message.function_call.name, "weather");
		assert.deepEqual(JSON.parse(message.function_call.arguments), { city: "Rome" });

		const chunks = await all(await client.chat.completions.create(
			{ ...params, stream: true }));
		const parts = chunks.map((c) => c.choices[0].delta.function_call).filter(Boolean);
		assert.equal(parts[0].name, "weather");
		assert.equal(parts.filter((p) => p.name).length, 1);
		assert.deepEqual(JSON.parse(parts.map((p) => p.arguments).join("")),
			{ city: "Rome" });
		assert.equal(chunks.at(-1).choices[0].finish_reason, "function_call");

		const r = await client.chat.completions.create({ model: MODEL, functions,
			messages: [...hello, message,
				{ role: "function", name: "weather", content: "sun" }] });
		assert.equal(r.choices[0].message.content, "Sun.");
		const sent = await g.sent(3);
		assert.deepEqual(sent[0].body.tool_choice, { type: "function", name: "weather" });
		const [made] = items(sent[2], "function_call");
		const [given] = items(sent[2], "function_call_output");
		assert.equal(made.call_id, given.call_id);
		assert.equal(given.output, "sun");
	});

	await t.test(g, "tool faults name their place", async () => {
		const e = await fails(() => ask(client, { tools: [{ type: "function" }] }),
			OpenAI.BadRequestError);
		assert.match(e.param, /^tools\[0\]/);
		const unknown = await fails(() => ask(client, { tool_choice: { type: "function",
			function: { name: "nowhere" } } }), OpenAI.BadRequestError);
		assert.match(unknown.message, /nowhere/);
		await g.sent(0);
	});
}

export default async function (t) {
	for (const options of BOTH) {
		await withGateway(options, async (g) => {
			const client = new OpenAI({
				baseURL: g.url, apiKey: "sk-client", maxRetries: 0,
			});

			await calls(t, g, client);
			await helpers(t, g, client);
			await choices(t, g, client);
			await legacy(t, g, client);
		});
	}
}
