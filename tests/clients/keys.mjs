// keys.mjs - callers' keys through the SDKs: a right one, a wrong one, one that
// may not.
import Anthropic from "@anthropic-ai/sdk";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { assert, BOTH, fails, withGateway } from "./harness.mjs";

const MODEL = "gpt-5.5";
const messages = [{ role: "user", content: "Say hello." }];

async function openai(t, g) {
	const client = (apiKey) => new OpenAI({ baseURL: g.url, apiKey });
	const ask = (key, more) => client(key).chat.completions.create(
		{ model: MODEL, messages, ...more });

	await t.test(g, "openai: a right key", async () => {
		await g.script({ say: "Hello" }, { say: "Hello" });
		assert.equal((await ask(g.keys.ann)).choices[0].message.content, "Hello");
		const r = await client(g.keys.ann).responses.create({ model: MODEL, input: "Hi" });
		assert.equal(r.output_text, "Hello");
		assert.ok((await client(g.keys.ann).models.list()).data.length > 1);
		for (const s of await g.sent(2))
			assert.ok(!JSON.stringify(s).includes(g.keys.ann), "upstream got the key");
		const [line] = (await g.log()).slice(-1);
		assert.equal(line.key_name, "ann");
	});

	await t.test(g, "openai: a wrong key", async () => {
		for (const key of ["unused", g.keys.gone, g.keys.old]) {
			const e = await fails(() => ask(key, { stream: true }),
				OpenAI.AuthenticationError);
			assert.deepEqual([e.status, e.code, e.type],
				[401, "invalid_api_key", "invalid_request_error"]);
			assert.ok(!e.message.includes(key), e.message);
		}
		await g.sent(0);
	});

	await t.test(g, "openai: a key that may not", async () => {
		const e = await fails(() => ask(g.keys.look), OpenAI.PermissionDeniedError);
		assert.deepEqual([e.status, e.code], [403, "insufficient_scope"]);
		assert.match(e.message, /generate/);
		await client(g.keys.look).models.list();
		await g.sent(0);
	});
}

async function anthropic(t, g) {
	const ask = (options, more) => new Anthropic({ baseURL: g.base, ...options })
		.messages.create({ model: MODEL, max_tokens: 64, messages, ...more });

	await t.test(g, "anthropic: a right key, as x-api-key and as bearer", async () => {
		for (const options of [{ apiKey: g.keys.ann, authToken: null },
			{ apiKey: null, authToken: g.keys.ann }]) {
			await g.script({ say: "Hello" });
			assert.equal((await ask(options)).content[0].text, "Hello");
		}
		await g.sent(2);
	});

	await t.test(g, "anthropic: a wrong key, and one that may not", async () => {
		for (const options of [{ apiKey: "unused", authToken: null },
			{ apiKey: null, authToken: g.keys.gone }]) {
			const e = await fails(() => ask(options, { stream: true }),
				Anthropic.AuthenticationError);
			assert.deepEqual([e.status, e.error.error.type],
				[401, "authentication_error"]);
		}
		const e = await fails(
			() => ask({ apiKey: g.keys.look, authToken: null }),
			Anthropic.PermissionDeniedError);
		assert.equal(e.error.error.type, "permission_error");
		await g.sent(0);
	});
}

async function ollama(t, g) {
	const client = (key) => new Ollama({ host: g.base,
		headers: { Authorization: `Bearer ${key}` } });

	await t.test(g, "ollama: a right key and a wrong one", async () => {
		await g.script({ say: "Hello" });
		const r = await client(g.keys.ann).chat({ model: MODEL, messages });
		assert.equal(r.message.content, "Hello");
		await assert.rejects(client("unused").chat({ model: MODEL, messages }),
			(e) => e.status_code === 401 && /API key/.test(e.message));
		await assert.rejects(client("unused").list(), (e) => e.status_code === 401);
		await g.sent(1);
	});
}

export default async function (t) {
	for (const options of BOTH)
		await withGateway({ ...options, keys: "ann=generate,models look=models " +
			"gone=generate;revoked old=generate;expired" }, async (g) => {
			await openai(t, g);
			await anthropic(t, g);
			await ollama(t, g);
		});
}
