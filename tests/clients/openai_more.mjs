// openai_more.mjs - the official SDK: models, legacy completions, paths, many
// streams at once.
import OpenAI from "openai";
import { all, assert, BOTH, fails, header, withGateway } from "./harness.mjs";

const MODEL = "gpt-5.5";
const hello = [{ role: "user", content: "Say hello." }];

const ask = (client, more, options) => client.chat.completions.create(
	{ model: MODEL, messages: hello, ...more }, options);

async function models(t, g, client) {
	await t.test(g, "models.list() and models.retrieve()", async () => {
		const models = await all(client.models.list());
		assert.ok(models.length > 3);
		for (const m of models) {
			assert.equal(m.object, "model");
			assert.ok(m.id && m.owned_by && Number.isInteger(m.created));
			assert.equal((await client.models.retrieve(m.id)).id, m.id);
		}
		assert.ok(models.some((m) => m.id === MODEL));
		await g.sent(0);
	});

	await t.test(g, "a model that is not there, with suggestions", async () => {
		const e = await fails(() => client.models.retrieve("gpt-5.5x"),
			OpenAI.NotFoundError);
		assert.equal(e.code, "model_not_found");
		assert.match(e.message, /gpt-5\.5/);
	});

	await t.test(g, "a name that only upstream could know goes there", async () => {
		await g.script({ say: "New." }, { status: 404, body: { error: {
			message: "The model `gpt-5.5-sool` does not exist", param: null,
			type: "invalid_request_error", code: "model_not_found" } } });
		const r = await ask(client, { model: "gpt-9-nova" });
		assert.equal(r.model, "gpt-9-nova");
		const e = await fails(() => ask(client, { model: "gpt-5.6-sool" }),
			OpenAI.NotFoundError);
		assert.equal(e.code, "model_not_found");
		assert.match(e.message, /Did you mean .*gpt-5\.6-sol/);
		assert.deepEqual((await g.sent(2)).map((s) => s.body.model),
			["gpt-9-nova", "gpt-5.6-sool"]);
	});

	for (const model of ["gpt-5.5-high", "gpt-5.5:high", "gpt-5.5_high"]) {
		await t.test(g, `effort as a suffix: ${model}`, async () => {
			const r = await ask(client, { model });
			assert.equal(r.model, model);
			const [{ body }] = await g.sent(1);
			assert.equal(body.model, "gpt-5.5");
			assert.equal(body.reasoning.effort, "high");
		});
	}
}

async function completions(t, g, client) {
	const complete = (more, options) => client.completions.create(
		{ model: MODEL, prompt: "Once upon", ...more }, options);

	await t.test(g, "a legacy completion, whole", async () => {
		await g.script({ say: " a time." });
		const r = await complete({ max_tokens: 50 });
		assert.match(r.id, /^cmpl-/);
		assert.equal(r.object, "text_completion");
		assert.equal(r.choices[0].text, " a time.");
		assert.equal(r.choices[0].finish_reason, "stop");
		assert.equal(r.choices[0].index, 0);
		assert.equal(r.usage.total_tokens, 34);
		assert.match((await g.sent(1))[0].text, /Once upon/);
	});

	await t.test(g, "a legacy completion, streamed", async () => {
		await g.script({ say: "there was a king", incomplete: "max_output_tokens" });
		const chunks = await all(await complete({
			stream: true, stream_options: { include_usage: true },
		}));
		const last = chunks.pop();
		assert.deepEqual(last.choices, []);
		assert.equal(last.usage.total_tokens, 34);
		assert.equal(chunks.map((c) => c.choices[0].text).join(""), "there was a king");
		assert.ok(chunks.length > 3);
		assert.deepEqual(chunks.map((c) => c.choices[0].finish_reason).filter(Boolean),
			["length"]);
		assert.ok(chunks.every((c) => c.object === "text_completion"));
	});

	await t.test(g, "what comes behind it, too", async () => {
		await complete({ suffix: "happily ever after." });
		const [{ text }] = await g.sent(1);
		assert.match(text, /Once upon/);
		assert.match(text, /happily ever after/);
	});

	for (const more of [{ echo: true }, { n: 2 }, { best_of: 3 }, { logprobs: 2 },
		{ prompt: ["two", "prompts"] }]) {
		await t.test(g, `refused clearly: ${JSON.stringify(more)}`, async () => {
			const e = await fails(() => complete(more), OpenAI.BadRequestError);
			assert.equal(e.param, Object.keys(more)[0]);
			await g.sent(0);
		});
	}

	await t.test(g, "a legacy completion that breaks", async () => {
		await g.script({ say: "there was", stop_before: "response.completed" });
		const e = await fails(async () => all(await complete({ stream: true })),
			OpenAI.APIError);
		assert.match(e.message, /broke off/);
	});
}

async function sessions(t, g, client) {
	await t.test(g, "one conversation, one session; another one, another", async () => {
		const more = [...hello, { role: "assistant", content: "Hello." },
			{ role: "user", content: "And now?" }];

		await ask(client);
		await ask(client, { messages: more });
		await ask(client, { messages: [{ role: "user", content: "Something else." }] });
		const [a, b, c] = await g.sent(3);
		assert.equal(a.body.prompt_cache_key, b.body.prompt_cache_key);
		assert.equal(header(a, "session-id"), header(b, "session-id"));
		assert.notEqual(a.body.prompt_cache_key, c.body.prompt_cache_key);
	});

	await t.test(g, "a session by header, by path, and a key of the client's", async () => {
		await ask(client, {}, { headers: { "X-Session-Id": "mine" } });
		const byPath = client.withOptions({ baseURL: g.base + "/codex/yours" });
		await ask(byPath);
		await ask(client, { prompt_cache_key: "ours" });
		const sent = await g.sent(3);
		assert.deepEqual(sent.slice(0, 2).map((s) => header(s, "session-id")),
			["mine", "yours"]);
		assert.deepEqual(sent.map((s) => s.body.prompt_cache_key),
			["mine", "yours", "ours"]);
	});

	for (const path of ["", "/", "/v1/", "/v1/v1", "/codex", "/codex/v1"]) {
		await t.test(g, `the base URL may end in "${path}"`, async () => {
			const there = client.withOptions({ baseURL: g.base + path });
			assert.equal((await ask(there)).choices[0].finish_reason, "stop");
			await g.sent(1);
		});
	}
}

async function many(t, g, client) {
	const names = Array.from({ length: 50 }, (_, i) => `<stream ${i} of fifty>`);
	const said = (name) => `${name} ` + Array.from({ length: 30 }, (_, i) => i).join(" ");
	const messages = (name) => [{ role: "user", content: name }];

	await t.test(g, "fifty streams at once, each its own", async () => {
		await g.script(...names.map((name) => (
			{ match: name, say: said(name), interval_ms: 10 })));
		const begun = performance.now();
		await Promise.all(names.map(async (name) => {
			const chunks = await all(await ask(client, {
				stream: true, messages: messages(name),
				stream_options: { include_usage: true },
			}));
			assert.equal(chunks.map((c) => c.choices[0]?.delta.content ?? "").join(""),
				said(name));
			assert.equal(chunks.at(-2).choices[0].finish_reason, "stop");
			assert.equal(chunks.at(-1).usage.total_tokens, 34);
		}));
		// one behind the other they would take 50 times 0.4 s
		assert.ok(performance.now() - begun < 5000, "not at once");
		await g.sent(50);
	});

	await t.test(g, "fifty whole answers at once", async () => {
		await g.script(...names.map((name) => ({ match: name, say: said(name) })));
		const answers = await Promise.all(names.map((name) =>
			ask(client, { messages: messages(name) })));
		assert.deepEqual(answers.map((r) => r.choices[0].message.content),
			names.map(said));
		assert.equal(new Set(answers.map((r) => r.id)).size, 50);
		assert.equal(new Set(answers.map((r) => r._request_id)).size, 50);
	});
}

export default async function (t) {
	for (const options of BOTH) {
		await withGateway(options, async (g) => {
			const client = new OpenAI({
				baseURL: g.url, apiKey: "sk-client", maxRetries: 0,
			});

			await models(t, g, client);
			await completions(t, g, client);
			await sessions(t, g, client);
			await many(t, g, client);
		});
	}
}
