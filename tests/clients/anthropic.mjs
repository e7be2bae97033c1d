// anthropic.mjs - Anthropic's SDK: streams, whole answers, helpers, tools,
// thinking, structured output, what a message may hold, counts, models.
import Anthropic from "@anthropic-ai/sdk";
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { z } from "zod";
import { all, assert, BOTH, fails, header, PIXEL, withGateway } from "./harness.mjs";

const MODEL = "gpt-5.5";
const hello = [{ role: "user", content: "Say hello." }];
const Point = z.object({ x: z.number(), label: z.string() });
const schema = {
	type: "object",
	properties: { city: { type: "string" } },
	required: ["city"],
};
const weather = { name: "weather", description: "Tells the weather.", input_schema: schema };
const clock = { name: "clock", description: "Tells the time.",
	input_schema: { type: "object", properties: {} } };
const two = [
	{ name: "weather", call_id: "call_rome", arguments: { city: "Rome" } },
	{ name: "weather", call_id: "call_oslo",
		arguments: { city: "Oslo", note: "a longer text, so that it comes in pieces" } },
];
// upstream's 21 with 8 of them cached, as Anthropic counts
const USAGE = { input_tokens: 13, cache_creation_input_tokens: 0,
	cache_read_input_tokens: 8, output_tokens: 13 };
const NONE = { input_tokens: 0, cache_creation_input_tokens: 0,
	cache_read_input_tokens: 0, output_tokens: 0 };

const full = (more) => ({ model: MODEL, max_tokens: 1024, messages: hello, ...more });
const ask = (client, more, options) => client.messages.create(full(more), options);
const items = (sent, type) => sent.body.input.filter((i) => i.type === type);
const sleepless = { maxRetries: 0 };

// What a stream consists of, and that it keeps to the grammar: one message,
// its blocks numbered and one behind the other, each with its own deltas.
function grammar(events) {
	const OF = { text: ["text_delta", "citations_delta"], tool_use: ["input_json_delta"],
		server_tool_use: ["input_json_delta"], web_search_tool_result: [],
		thinking: ["thinking_delta", "signature_delta"], redacted_thinking: [] };
	const types = [];
	let open, count = 0;

	assert.equal(events[0].type, "message_start");
	assert.equal(events.at(-1).type, "message_stop");
	assert.equal(events.at(-2).type, "message_delta");
	for (const e of events.slice(1, -2)) {
		switch (e.type) {
		case "content_block_start":
			assert.equal(open, undefined, "two blocks open");
			assert.equal(e.index, count++);
			open = e.content_block.type;
			types.push(open);
			break;
		case "content_block_delta":
			assert.equal(e.index, count - 1);
			assert.ok(OF[open].includes(e.delta.type), `${e.delta.type} in ${open}`);
			break;
		case "content_block_stop":
			assert.equal(e.index, count - 1);
			assert.ok(open);
			open = undefined;
			break;
		default:
			assert.fail(`${e.type} within a message`);
		}
	}
	assert.equal(open, undefined, "a block stayed open");
	return types;
}

async function streams(t, g, client) {
	await t.test(g, "a stream's events in order, and as they come", async () => {
		const events = [];
		let texts = 0;

		await g.script({ say: "one two three four five six", interval_ms: 40 });
		for await (const e of await ask(client, { stream: true })) {
			events.push(e);
			if (e.type === "content_block_delta" && ++texts === 1)
				await g.unfinished();
		}
		assert.deepEqual(grammar(events), ["text"]);
		const { message } = events[0];
		assert.match(message.id, /^msg_/);
		assert.deepEqual({ ...message, id: 0 }, { id: 0, type: "message",
			role: "assistant", model: MODEL, content: [], stop_reason: null,
			stop_sequence: null, usage: NONE });
		assert.deepEqual(events.filter((e) => e.delta?.type === "text_delta")
			.map((e) => e.delta.text), ["one ", "two ", "three ", "four ", "five ", "six"]);
		assert.deepEqual(events.at(-2).delta, { stop_reason: "end_turn", stop_sequence: null });
		assert.deepEqual(events.at(-2).usage, USAGE);
	});

	await t.test(g, "stream(): its events and the final message", async () => {
		await g.script({ say: "Hello to you", interval_ms: 2 });
		const seen = [], kinds = [];
		const stream = client.messages.stream(full());
		stream.on("text", (delta, snapshot) => seen.push([delta, snapshot]));
		for (const kind of ["connect", "contentBlock", "message", "finalMessage", "end"])
			stream.on(kind, () => kinds.push(kind));
		const final = await stream.finalMessage();
		assert.deepEqual(seen, [["Hello ", "Hello "], ["to ", "Hello to "],
			["you", "Hello to you"]]);
		assert.equal(await stream.finalText(), "Hello to you");
		await stream.done();
		assert.deepEqual(kinds, ["connect", "contentBlock", "message", "finalMessage", "end"]);
		assert.equal(final.stop_reason, "end_turn");
		assert.deepEqual(final.usage, USAGE);
		assert.match(stream.request_id, /^req_/);
	});

	await t.test(g, "upstream cut into single bytes reads the same", async () => {
		const say = "Grüße — 你好 🙂 “quotes” and \\ backslashes";

		await g.script({ say, cut_every: 1 });
		assert.equal(await client.messages.stream(full()).finalText(), say);
	});

	await t.test(g, "a stream and a whole answer are the same message", async () => {
		const answer = { think: "Hm.", encrypted: "ZW5j", say: "Let me see.", calls: two };
		const params = full({ tools: [weather], thinking: { type: "adaptive" } });

		await g.script(answer, answer);
		const streamed = await client.messages.stream(params).finalMessage();
		const whole = await client.messages.create(params);
		const bare = (m) => JSON.parse(JSON.stringify({ ...m, id: 0, parsed_output: 0 },
			(key, value) => key === "parsed_output" || key === "signature" ? undefined : value));
		assert.deepEqual(bare(streamed), bare(whole));
		assert.deepEqual(whole.content.map((b) => b.type),
			["thinking", "text", "tool_use", "tool_use"]);
	});
}

async function wholes(t, g, client) {
	await t.test(g, "a whole answer", async () => {
		await g.script({ say: "Hello there" });
		const { data, response, request_id: id } = await ask(client).withResponse();
		assert.match(data.id, /^msg_/);
		assert.deepEqual({ ...data, id: 0 }, { id: 0, type: "message",
			role: "assistant", model: MODEL, content: [{ type: "text", text: "Hello there" }],
			stop_reason: "end_turn", stop_sequence: null, usage: USAGE });
		assert.match(id, /^req_/);
		assert.equal(data._request_id, id);
		assert.equal(response.headers.get("content-type"), "application/json");
	});

	await t.test(g, "who upstream is asked as", async () => {
		for (const who of [{ apiKey: "sk-client" }, { authToken: "sk-client", apiKey: null }])
			await ask(new Anthropic({ baseURL: g.base, ...sleepless, ...who }));
		for (const sent of await g.sent(2)) {
			assert.doesNotMatch(JSON.stringify(sent), /sk-client|anthropic/);
			assert.match(header(sent, "authorization"),
				g.kind === "chatgpt" ? /^Bearer ey/ : /^Bearer sk-upstream$/);
		}
	});

	await t.test(g, "system and messages keep their order", async () => {
		await ask(client, { system: [{ type: "text", text: "One." },
			{ type: "text", text: "Two.", cache_control: { type: "ephemeral" } }],
		messages: [
			{ role: "user", content: "Three." },
			{ role: "assistant", content: [{ type: "text", text: "Four." }] },
			{ role: "user", content: [{ type: "text", text: "Five." },
				{ type: "text", text: "Six." }] },
		] });
		const [sent] = await g.sent(1);
		const got = sent.body.input.flatMap((m) => typeof m.content === "string" ?
			[[m.role, m.content]] : m.content.map((p) => [m.role, p.text]));
		assert.deepEqual(got, [["developer", "One."], ["developer", "Two."],
			["user", "Three."], ["assistant", "Four."], ["user", "Five."], ["user", "Six."]]);
	});

	await t.test(g, "parameters that upstream lacks are dropped and named", async () => {
		const { response } = await ask(client, {
			temperature: 0.5, top_k: 5, metadata: { user_id: "me" },
		}).withResponse();
		const dropped = response.headers.get("x-chatmock-dropped-params").split(", ");
		const [sent] = await g.sent(1);
		if (g.kind === "chatgpt") {
			assert.deepEqual(dropped.sort(),
				["max_tokens", "metadata.user_id", "temperature", "top_k"]);
		} else {
			assert.deepEqual(dropped, ["top_k"]);
			assert.equal(sent.body.temperature, 0.5);
			assert.equal(sent.body.safety_identifier, "me");
			assert.equal(sent.body.max_output_tokens, 1024);
		}
	});

	const ends = [
		["end_turn", { say: "one two" }, {}, "one two"],
		["max_tokens", { say: "one two", incomplete: "max_output_tokens" }, {}, "one two"],
		["refusal", { refusal: "I can not." }, {}, "I can not."],
		["refusal", { say: "one", incomplete: "content_filter" }, {}, "one"],
		["stop_sequence", { say: "alpha beta gamma delta", interval_ms: 5 },
			{ stop_sequences: ["zeta", "gamma"] }, "alpha beta "],
	];
	for (const [reason, script, more, text] of ends)
		await t.test(g, `ends with ${reason}, whole and streamed: ${text}`, async () => {
			await g.script(script, script);
			const streamed = await client.messages.stream(full(more)).finalMessage();
			for (const m of [await ask(client, more), streamed]) {
				assert.equal(m.stop_reason, reason);
				assert.equal(m.stop_sequence, reason === "stop_sequence" ? "gamma" : null);
				assert.equal(m.content.map((b) => b.text).join(""), text);
			}
		});
}

async function tools(t, g, client) {
	await t.test(g, "parallel calls, streamed", async () => {
		await g.script({ say: "Let me see.", calls: two });
		const pieces = [];
		const stream = client.messages.stream(full({ tools: [weather, clock] }));
		stream.on("inputJson", (piece) => pieces.push(piece));
		const events = await all(stream);
		const m = await stream.finalMessage();
		assert.deepEqual(grammar(events), ["text", "tool_use", "tool_use"]);
		assert.equal(m.stop_reason, "tool_use");
		assert.ok(pieces.length > 2, "arguments came in one piece");
		const calls = m.content.slice(1);
		assert.deepEqual(calls.map((c) => [c.name, c.input]),
			two.map((c) => [c.name, c.arguments]));
		assert.equal(new Set(calls.map((c) => c.id)).size, 2);
		for (const c of calls)
			assert.match(c.id, /^toolu_[a-zA-Z0-9_-]+$/);
		const [sent] = await g.sent(1);
		assert.deepEqual(sent.body.tools.map((d) => [d.type, d.name, d.strict]),
			[["function", "weather", false], ["function", "clock", false]]);
		assert.deepEqual(sent.body.tools[0].parameters, schema);
	});

	await t.test(g, "calls of an upstream that sends no deltas", async () => {
		await g.script({ calls: two, done_only: true });
		const m = await client.messages.stream(full({ tools: [weather] })).finalMessage();
		assert.deepEqual(m.content.map((c) => c.input), two.map((c) => c.arguments));
	});

	await t.test(g, "a call without arguments", async () => {
		const script = { calls: [{ name: "clock", arguments: {} }] };

		await g.script(script, script);
		for (const m of [await ask(client, { tools: [clock] }),
			await client.messages.stream(full({ tools: [clock] })).finalMessage()])
			assert.deepEqual(m.content.map((c) => [c.name, c.input]), [["clock", {}]]);
	});

	await t.test(g, "results go back with their calls", async () => {
		const png = { type: "base64", media_type: "image/png", data: PIXEL.split(",")[1] };

		await g.script({ calls: two }, { say: "Sun and snow." });
		const first = await ask(client, { tools: [weather] });
		const [rome, oslo] = first.content;
		const r = await ask(client, { tools: [weather], messages: [...hello,
			{ role: "assistant", content: first.content },
			{ role: "user", content: [
				{ type: "tool_result", tool_use_id: oslo.id, is_error: true,
					content: "no such city" },
				{ type: "tool_result", tool_use_id: rome.id, content: [
					{ type: "text", text: "sun" }, { type: "image", source: png }] },
				{ type: "text", text: "Well?" },
			] }] });
		assert.equal(r.content[0].text, "Sun and snow.");
		const [, sent] = await g.sent(2);
		assert.deepEqual(items(sent, "function_call").map((i) =>
			[i.call_id, i.name, JSON.parse(i.arguments)]),
			two.map((c) => [c.call_id, c.name, c.arguments]));
		const outputs = Object.fromEntries(items(sent, "function_call_output")
			.map((i) => [i.call_id, i.output]));
		assert.equal(outputs.call_oslo, "Error: no such city");
		assert.deepEqual(outputs.call_rome.map((p) => p.text ?? p.image_url), ["sun", PIXEL]);
		assert.equal(sent.body.input.at(-1).role, "user");
	});

	const choices = [
		[{ type: "auto" }, "auto"], [{ type: "any" }, "required"], [{ type: "none" }, "none"],
		[{ type: "tool", name: "clock" }, { type: "function", name: "clock" }],
	];
	await t.test(g, "every tool_choice", async () => {
		for (const [choice] of choices)
			await ask(client, { tools: [weather, clock],
				tool_choice: { ...choice, ...(choice.type === "none" ? {} :
					{ disable_parallel_tool_use: true }) } });
		const sent = await g.sent(choices.length);
		assert.deepEqual(sent.map((s) => s.body.tool_choice), choices.map(([, want]) => want));
		assert.deepEqual(sent.map((s) => s.body.parallel_tool_calls === false),
			choices.map(([c]) => c.type !== "none"));
	});

	await t.test(g, "names that upstream finds too long", async () => {
		const name = "mcp__a_server_with_a_long_name__a_tool_whose_name_is_longer_than_upstream_takes";
		const long = { ...weather, name };

		await ask(client, { tools: [long] });
		const short = (await g.sent(1))[0].body.tools[0].name;
		assert.ok(short.length <= 64);
		await g.script({ calls: [{ ...two[0], name: short }] });
		const m = await client.messages.stream(full({ tools: [long] })).finalMessage();
		assert.equal(m.content[0].name, name);
	});

	for (const stream of [false, true])
		await t.test(g, `toolRunner(), ${stream ? "streamed" : "whole"}`, async () => {
			const asked = [];

			await g.script({ say: "I look.", calls: two },
				{ calls: [{ name: "clock", arguments: {} }] }, { say: "Rome: sun, Oslo: snow." });
			const runner = client.beta.messages.toolRunner({ ...full(), stream, tools: [
				betaZodTool({ name: "weather", description: "Tells the weather.",
					inputSchema: z.object({ city: z.string() }),
					run: ({ city }) => {
						asked.push(city);
						return { Rome: "sun", Oslo: "snow" }[city];
					} }),
				betaZodTool({ name: "clock", description: "Tells the time.",
					inputSchema: z.object({}), run: () => {
						throw new Error("it stands still");
					} }),
			] });
			const reasons = [];
			for await (const turn of runner)
				reasons.push((stream ? await turn.finalMessage() : turn).stop_reason);
			assert.deepEqual(reasons, ["tool_use", "tool_use", "end_turn"]);
			assert.equal((await runner.done()).content[0].text, "Rome: sun, Oslo: snow.");
			assert.deepEqual(asked.sort(), ["Oslo", "Rome"]);
			const sent = await g.sent(3);
			const [sun, snow, failed] = items(sent[2], "function_call_output")
				.map((i) => i.output);
			assert.deepEqual([sun, snow], ["sun", "snow"]);
			assert.match(failed, /^Error: .*it stands still/);
			const keys = new Set(sent.map((s) => s.body.prompt_cache_key));
			assert.equal(keys.size, 1, "one conversation, one cache key");
			const prefix = sent[1].text.slice(0, sent[1].text.indexOf('],"tools"'));
			assert.ok(prefix.includes("call_oslo") && sent[2].text.startsWith(prefix),
				"the prefix that upstream caches has changed");
		});

	await t.test(g, "web search, its results and citations", async () => {
		const script = { search: "cats", say: "See here.", annotations: [{
			type: "url_citation", url: "https://example.com/", title: "Cats",
			start_index: 4, end_index: 8 }] };
		const more = { tools: [{ type: "web_search_20250305", name: "web_search" }] };

		await g.script(script, script);
		const stream = client.messages.stream(full(more));
		const cited = [];
		stream.on("citation", (c) => cited.push(c.url));
		assert.deepEqual(grammar(await all(stream)),
			["server_tool_use", "web_search_tool_result", "text"]);
		for (const m of [await stream.finalMessage(), await ask(client, more)]) {
			assert.equal(m.stop_reason, "end_turn");
			assert.equal(m.usage.server_tool_use.web_search_requests, 1);
			const [search, result, text] = m.content;
			assert.match(search.id, /^srvtoolu_/);
			assert.deepEqual(search.input, { query: "cats" });
			assert.equal(result.tool_use_id, search.id);
			assert.equal(text.citations[0].title, "Cats");
		}
		assert.deepEqual(cited, ["https://example.com/"]);

		// and what came of it goes back as history
		const { content } = await stream.finalMessage();
		await ask(client, { ...more, messages: [...hello, { role: "assistant", content },
			{ role: "user", content: "More." }] });
		const sent = (await g.sent(3))[2];
		assert.deepEqual(sent.body.input.map((i) => i.role), ["user", "assistant", "user"]);
	});
}

async function thinking(t, g, client) {
	await t.test(g, "thinking, there and back", async () => {
		const params = full({ tools: [weather], max_tokens: 4096,
			thinking: { type: "enabled", budget_tokens: 3000 } });
		const thoughts = [];
		const signatures = [];

		await g.script({ think: ["First this.", "Then that."], encrypted: "ZW5jcnlwdGVk",
			calls: [two[0]] }, { say: "Done." });
		const stream = client.messages.stream(params);
		stream.on("thinking", (piece) => thoughts.push(piece));
		stream.on("signature", (s) => signatures.push(s));
		const events = await all(stream);
		const { content } = await stream.finalMessage();
		assert.deepEqual(grammar(events), ["thinking", "tool_use"]);
		assert.ok(thoughts.length > 2, "it came in one piece");
		assert.equal(content[0].thinking, "First this.\n\nThen that.");
		assert.deepEqual(signatures, [content[0].signature]);
		await ask(client, { ...params, messages: [...hello, { role: "assistant", content },
			{ role: "user", content: [{ type: "tool_result", tool_use_id: content[1].id,
				content: "sun" }] }] });
		const [first, second] = await g.sent(2);
		assert.equal(first.body.reasoning.effort, "low");
		assert.deepEqual(second.body.input.map((i) => i.type ?? "message").slice(1),
			["reasoning", "function_call", "function_call_output"]);
		assert.equal(second.body.input[1].encrypted_content, "ZW5jcnlwdGVk");
	});

	await t.test(g, "redacted thinking, there and back", async () => {
		const params = full({ thinking: { type: "adaptive" } });

		await g.script({ think: [], encrypted: "ZW5j", say: "Yes." },
			{ think: [], encrypted: "ZW5j", say: "Yes." }, { say: "Done." });
		const streamed = await client.messages.stream(params).finalMessage();
		const { content } = await client.messages.create(params);
		for (const c of [content, streamed.content])
			assert.deepEqual(c.map((b) => b.type), ["redacted_thinking", "text"]);
		await ask(client, { ...params, messages: [...hello, { role: "assistant", content },
			{ role: "user", content: "On." }] });
		assert.equal((await g.sent(3))[2].body.input[1].encrypted_content, "ZW5j");
	});

	await t.test(g, "efforts", async () => {
		await ask(client, { output_config: { effort: "high" } });
		await ask(client, { thinking: { type: "enabled", budget_tokens: 8000 },
			max_tokens: 9000 });
		await ask(client, { thinking: { type: "disabled" } });
		assert.deepEqual((await g.sent(3)).map((s) => s.body.reasoning.effort),
			["high", "medium", "low"]);
	});
}

async function structured(t, g, client) {
	const output_config = { format: zodOutputFormat(Point) };
	const say = '{"x": 3, "label": "three"}';

	await t.test(g, "parse(): an answer after a schema", async () => {
		await g.script({ say }, { say });
		const m = await client.messages.parse(full({ output_config }));
		assert.deepEqual(m.parsed_output, { x: 3, label: "three" });
		const s = await client.messages.stream(full({ output_config })).finalMessage();
		assert.deepEqual(s.parsed_output, { x: 3, label: "three" });
		for (const { body } of await g.sent(2)) {
			const { format } = body.text;
			assert.equal(format.type, "json_schema");
			assert.deepEqual(format.schema.required, ["x", "label"]);
			assert.ok(format.name);
		}
	});

	await t.test(g, "parse(): one that is no such thing", async () => {
		await g.script({ say: "no JSON" });
		await fails(() => client.messages.parse(full({ output_config })),
			Anthropic.AnthropicError);
	});
}

async function contents(t, g, client) {
	await t.test(g, "pictures by URL and as data", async () => {
		const url = "https://example.com/cat.png";

		await ask(client, { messages: [{ role: "user", content: [
			{ type: "text", text: "What is this?" },
			{ type: "image", source: { type: "url", url } },
			{ type: "image", source: { type: "base64", media_type: "image/png",
				data: PIXEL.split(",")[1] }, cache_control: { type: "ephemeral" } },
		] }] });
		const [, ...pictures] = (await g.sent(1))[0].body.input[0].content;
		assert.deepEqual(pictures.map((p) => [p.type, p.image_url]),
			[["input_image", url], ["input_image", PIXEL]]);
	});

	await t.test(g, "documents: PDF, URL, text, blocks, search results", async () => {
		const url = "https://example.com/a.pdf";

		await ask(client, { messages: [{ role: "user", content: [
			{ type: "document", title: "a.pdf", source: { type: "base64",
				media_type: "application/pdf", data: "JVBERi0xLjQK" } },
			{ type: "document", source: { type: "url", url } },
			{ type: "document", source: { type: "text", media_type: "text/plain",
				data: "plain words" } },
			{ type: "document", source: { type: "content",
				content: [{ type: "text", text: "block words" }] } },
			{ type: "search_result", source: "https://example.com/s", title: "Found",
				content: [{ type: "text", text: "found words" }] },
		] }] });
		const parts = (await g.sent(1))[0].body.input[0].content;
		assert.deepEqual(parts[0], { type: "input_file", filename: "a.pdf",
			file_data: "data:application/pdf;base64,JVBERi0xLjQK" });
		assert.deepEqual(parts[1], { type: "input_file", file_url: url });
		const words = parts.slice(2).map((p) => p.text);
		for (const want of ["plain words", "block words", "Found", "found words"])
			assert.ok(words.includes(want), want);
	});
}

async function others(t, g, client) {
	await t.test(g, "countTokens()", async () => {
		const short = await client.messages.countTokens({ model: MODEL, messages: hello });
		const long = await client.messages.countTokens({ model: MODEL, tools: [weather],
			system: "Be brief.", messages: hello });
		assert.ok(short.input_tokens > 2);
		assert.ok(long.input_tokens > short.input_tokens + 10);
		await g.sent(0);
	});

	await t.test(g, "models: pages, and one", async () => {
		const everything = await all(client.models.list());
		const paged = await all(client.models.list({ limit: 2 }));
		const ids = paged.map((m) => m.id);
		assert.ok(ids.includes(MODEL) && ids.length > 4);
		assert.deepEqual(ids, everything.map((m) => m.id));
		const page = await client.models.list({ limit: 2 });
		assert.equal(page.data.length, 2);
		assert.ok(page.hasNextPage());
		const m = await client.models.retrieve(MODEL);
		assert.equal(m.type, "model");
		assert.equal(m.id, MODEL);
		assert.ok(m.display_name && !Number.isNaN(Date.parse(m.created_at)));
		await fails(() => client.models.retrieve("nobody"), Anthropic.NotFoundError);
		await g.sent(0);
	});

	await t.test(g, "beta headers and parameters ask for nothing", async () => {
		await g.script({ say: "Fine." });
		const m = await client.beta.messages.create({ ...full(),
			betas: ["context-1m-2025-08-07", "no-such-beta-2030-01-01"],
			context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] } });
		assert.equal(m.content[0].text, "Fine.");
	});

	await t.test(g, "fifty streams at once", async () => {
		const names = Array.from({ length: 50 }, (_, i) => `<stream ${i} of fifty>`);

		await g.script(...names.map((match) => (
			{ match, say: `${match} one two three`, interval_ms: 5 })));
		await Promise.all(names.map(async (content) => assert.equal(
			await client.messages.stream(full({ messages: [{ role: "user", content }] }))
				.finalText(), `${content} one two three`)));
		await g.sent(50);
	});
}

export default async function (t) {
	for (const options of BOTH) {
		await withGateway({ ...options, workers: 2 }, async (g) => {
			const client = new Anthropic({ baseURL: g.base, apiKey: "sk-client", ...sleepless });

			for (const part of [streams, wholes, tools, thinking, structured, contents, others])
				await part(t, g, client);
		});
	}
}
