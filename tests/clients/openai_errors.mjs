// openai_errors.mjs - the official SDK: error classes, retries, aborts, and
// streams that break.
import OpenAI from "openai";
import {
	all, assert, BOTH, fails, sleep, withGateway,
} from "./harness.mjs";

const MODEL = "gpt-5.5";
const hello = [{ role: "user", content: "Say hello." }];
const long = { say: "word ".repeat(2000), interval_ms: 20 };

const ask = (client, more, options) => client.chat.completions.create(
	{ model: MODEL, messages: hello, ...more }, options);

const body = (message, code, type = "invalid_request_error") =>
	({ error: { message, type, param: null, code } });

// What upstream says, what the SDK throws: class, status, code, type, words;
// and how often upstream is asked: the gateway tries its failures again.
const refusals = [
	["400", { status: 400, body: body("No such thing.", "invalid_value") },
		OpenAI.BadRequestError, 400, "invalid_value", "invalid_request_error",
		/No such thing/, 1],
	["400 with a detail", { status: 400, body: { detail: "Unsupported parameter: x" } },
		OpenAI.BadRequestError, 400, "upstream_refused", "invalid_request_error",
		/Unsupported parameter: x/, 1],
	["a context that is too long", { status: 400, body: body("Too long.",
		"context_length_exceeded") }, OpenAI.BadRequestError, 400,
		"context_length_exceeded", "invalid_request_error", /Too long/, 1],
	["403", { status: 403, body: body("Not for you.", "country") },
		OpenAI.PermissionDeniedError, 403, "country", "invalid_request_error",
		/Not for you/, 1],
	["a challenge page", { status: 403, headers: { "cf-mitigated": "challenge",
		"cf-ray": "8f1e-FRA", "content-type": "text/html" },
		body: "<html><title>Just a moment...</title></html>" },
		OpenAI.PermissionDeniedError, 403, "upstream_blocked", "upstream_error",
		/8f1e-FRA/, 1],
	["404", { status: 404, body: body("The model `x` does not exist", "model_not_found") },
		OpenAI.NotFoundError, 404, "model_not_found", "invalid_request_error",
		/does not exist/, 1],
	["413", { status: 413, body: "request entity too large" },
		OpenAI.APIError, 413, "upstream_refused", "invalid_request_error",
		/too large/, 1],
	["422", { status: 422, body: { detail: [{ loc: ["body", "x"], msg: "is wrong",
		type: "value_error" }] } }, OpenAI.UnprocessableEntityError, 422,
		"upstream_refused", "invalid_request_error", /is wrong/, 1],
	["429", { status: 429, headers: { "retry-after": "7" }, body: body("Slower.",
		"rate_limit_exceeded", "rate_limit_error") }, OpenAI.RateLimitError, 429,
		"rate_limit_exceeded", "rate_limit_error", /Slower/, 1],
	["500", { status: 500, repeat: 3, body: body("Oops.", "server_error", "server_error") },
		OpenAI.InternalServerError, 500, "server_error", "server_error", /Oops/, 3],
	["500 not to be tried again", { status: 500, headers: { "x-should-retry": "false" },
		body: body("Oops.", null, "server_error") }, OpenAI.InternalServerError, 500,
		"upstream_error", "server_error", /Oops/, 1],
	["502 of a proxy", { status: 502, repeat: 3, headers: { "content-type": "text/html" },
		body: "<html><h1>502 Bad Gateway</h1></html>" }, OpenAI.InternalServerError,
		502, "upstream_error", "upstream_error", /./, 3],
	["200 with a page", { status: 200, headers: { "content-type": "text/html" },
		body: "<html>Welcome</html>" }, OpenAI.InternalServerError, 502,
		"upstream_garbled", "upstream_error", /./, 1],
	["a failure at once", { failed: { code: "server_error", message: "Sorry." }, repeat: 3 },
		OpenAI.InternalServerError, 502, "server_error", "upstream_error", /Sorry/, 3],
	["a limit at once", { failed: { code: "rate_limit_exceeded", message: "Slower." } },
		OpenAI.RateLimitError, 429, "rate_limit_exceeded", "rate_limit_error",
		/Slower/, 1],
];

async function classes(t, g, client) {
	for (const [what, script, Type, status, code, type, words, count] of refusals) {
		const stream = what.length % 2 === 0;

		await t.test(g, `${what}${stream ? ", streamed" : ""}`, async () => {
			await g.script(script);
			const e = await fails(() => ask(client, { stream }), Type);
			assert.equal(e.status, status);
			assert.equal(e.code, code);
			assert.equal(e.type, type);
			assert.match(e.message, words);
			assert.doesNotMatch(e.message, /<html|<h1/i);
			assert.equal(e.param, status === 422 ? "x" : null);
			assert.ok(e.requestID);
			assert.equal(e.requestID, e.headers.get("x-request-id"));
			if (what === "429")
				assert.equal(e.headers.get("retry-after"), "7");
			await g.sent(count);
		});
	}

	await t.test(g, "a usage limit keeps its plan and its end", async () => {
		const resets_at = Math.round(Date.now() / 1000) + 3600;

		await g.script({ status: 429, body: { error: { type: "usage_limit_reached",
			message: "The usage limit has been reached", plan_type: "plus",
			resets_at, resets_in_seconds: 3600 } } });
		const e = await fails(() => ask(client), OpenAI.RateLimitError);
		assert.equal(e.type, "usage_limit_reached");
		assert.match(e.message, /usage limit/);
		assert.equal(e.error.plan_type, "plus");
		assert.equal(e.error.resets_at, resets_at);
		assert.ok(Math.abs(e.headers.get("retry-after") - 3600) <= 2);
	});

	await t.test(g, "401", async () => {
		await g.script({ status: 401, repeat: 3, body: body("Expired.", "token_expired") });
		const e = await fails(() => ask(client, {}, { maxRetries: 2 }),
			OpenAI.AuthenticationError);
		assert.equal(e.status, 401);
		if (g.kind === "chatgpt") {
			assert.equal(e.code, "upstream_auth_required");
			assert.equal(e.headers.get("x-should-retry"), "false");
			await g.sent(2);	// once more with a renewed login
		} else {
			assert.equal(e.code, "token_expired");
			await g.sent(1);
		}
	});
}

async function renewal(t, g, client) {
	// for a second after a renewal that upstream refuses there is no other
	await sleep(1100);
	await t.test(g, "a 401 is mended by a renewal", async () => {
		await g.script({ status: 401, body: body("Expired.", "token_expired") },
			{ say: "Now." });
		assert.equal((await ask(client)).choices[0].message.content, "Now.");
		await g.sent(2);
	});
}

async function renewals(t, g, client) {
	await t.test(g, "twenty at once with a token that ran out: one renewal", async () => {
		await g.control("POST", "/_script", { token: { config: { newest_only: true } } });
		// somebody else renews, and the gateway's token is no longer the newest
		await g.control("POST", "/oauth/token", { grant_type: "refresh_token",
			refresh_token: "rt_of_another", client_id: "another" });
		const before = (await g.control("GET", "/_stats")).token_requests;
		const answers = await Promise.all(Array.from({ length: 20 }, () => ask(client)));
		assert.ok(answers.every((r) => r.choices[0].finish_reason === "stop"));
		const stats = await g.control("GET", "/_stats");
		assert.equal(stats.token_requests, before + 1);
		assert.equal(stats.tokens_reused, 0);
		// upstream's only complaint is the old token
		for (const r of await g.requests())
			for (const problem of r.problems)
				assert.match(problem, /token is expired/);
	}, { faults: true });
}

async function ours(t, g, client) {
	const refused = [
		["n", { n: 2 }, "n", /n=2/],
		["logprobs", { logprobs: true, top_logprobs: 3 }, "logprobs",
			/logprobs=true.*top_logprobs=3/],
		["a wrong type", { temperature: "hot" }, "temperature", /temperature/],
		["a wrong role", { messages: [...hello, { role: "alien", content: "?" }] },
			"messages[1].role", /alien|role/],
		["no messages", { messages: undefined }, "messages", /messages/],
		["a wrong part", { messages: [{ role: "user", content: [{ type: "smell" }] }] },
			"messages[0].content[0].type", /smell|type/],
		["a result without its call", { messages: [...hello,
			{ role: "tool", tool_call_id: "call_x", content: "?" }] },
			"messages[1].tool_call_id", /call_x/],
	];
	for (const [what, params, param, words] of refused) {
		await t.test(g, `refused by us: ${what}`, async () => {
			const e = await fails(() => ask(client, params, { maxRetries: 2 }),
				OpenAI.BadRequestError);
			assert.equal(e.param, param);
			assert.match(e.message, words);
			assert.equal(e.type, "invalid_request_error");
			assert.ok(e.code && e.requestID);
			await g.sent(0);
		});
	}

	await t.test(g, "a body that is too large", async () => {
		const content = "x".repeat(32 << 20);
		const e = await fails(() => ask(client, { messages: [{ role: "user", content }] }),
			OpenAI.APIError);
		assert.equal(e.status, 413);
		assert.equal(e.code, "request_too_large");
		assert.match(e.message, /32 MiB/);
		// still larger ones are lighttpd's to refuse
		const more = content + content;
		assert.equal((await fails(() => ask(client, { messages:
			[{ role: "user", content: more }] }), OpenAI.APIError)).status, 413);
		await g.sent(0);
	});

	await t.test(g, "a path that is not there", async () => {
		const e = await fails(() => client.post("/nowhere", { body: {} }),
			OpenAI.NotFoundError);
		assert.equal(e.code, "unknown_url");
	});
}

async function retries(t, g, client) {
	await t.test(g, "the SDK comes again after a 429, as late as it is told", async () => {
		await g.script({ status: 429, headers: { "retry-after": "3" },
			body: body("Slower.", "rate_limit_exceeded") }, { say: "Now." });
		const begun = performance.now();
		const r = await ask(client, {}, { maxRetries: 2 });
		assert.equal(r.choices[0].message.content, "Now.");
		assert.ok(performance.now() - begun >= 2990);
		await g.sent(2);
	});

	await t.test(g, "no oftener than maxRetries", async () => {
		await g.script({ status: 429, repeat: 9, headers: { "retry-after": "3" },
			body: body("Slower.", "rate_limit_exceeded") });
		await fails(() => ask(client, {}, { maxRetries: 1 }), OpenAI.RateLimitError);
		await g.sent(2);
	});

	await t.test(g, "nobody comes again after a 4xx", async () => {
		for (const status of [400, 403, 404, 422]) {
			await g.script({ status, body: { detail: "no" } });
			await fails(() => ask(client, {}, { maxRetries: 2 }), OpenAI.APIError);
		}
		await g.sent(4);
	});

	await t.test(g, "x-should-retry: false holds the SDK back", async () => {
		await g.script({ status: 503, headers: { "x-should-retry": "false" },
			body: body("Closed.", null) });
		await fails(() => ask(client, {}, { maxRetries: 2 }), OpenAI.InternalServerError);
		await g.sent(1);
	});

	await t.test(g, "one failure of upstream is not seen by the client", async () => {
		await g.script({ status: 503, body: body("Busy.", null, "server_error") },
			{ say: "Now." });
		const r = await ask(client);
		assert.equal(r.choices[0].message.content, "Now.");
		await g.sent(2);
	});

	await t.test(g, "nor is a connection that was cut before its answer", async () => {
		await g.script({ raw: true, then: "reset" }, { say: "Now." });
		assert.equal((await ask(client)).choices[0].message.content, "Now.");
		await g.sent(2);
	});
}

async function broken(t, g, client) {
	const ends = [
		["fails", { failed: { code: "server_error", message: "Sorry." } }, /Sorry/],
		["an error event", { error: { code: "server_error", message: "Sorry." } }, /Sorry/],
		["is closed", { stop_before: "response.completed", then: "close" }, /broke off/],
		["is reset", { stop_before: "response.completed", then: "reset" }, /broke off/],
		["just ends", { stop_before: "response.completed" }, /broke off/],
		["is cut in the middle of an event", { stop_before: "response.output_text.done",
			steps: [{ send: 'event: response.output_text.done\ndata: {"ty' }] }, /broke off/],
	];
	for (const [what, end, words] of ends) {
		await t.test(g, `an answer that ${what}`, async () => {
			const script = { say: "one two three", ...end };
			const seen = [];

			await g.script(script, script, script);
			const e = await fails(async () => {
				for await (const c of await ask(client, { stream: true }))
					seen.push(c);
			}, OpenAI.APIError);
			assert.match(e.message, words);
			assert.ok(e.code);
			assert.equal(seen.map((c) => c.choices[0].delta.content ?? "").join(""),
				"one two three");
			assert.ok(seen.every((c) => !c.choices[0].finish_reason), "a clean end");

			const stream = client.chat.completions.stream({ model: MODEL, messages: hello });
			assert.match((await fails(() => stream.finalChatCompletion(),
				OpenAI.APIError)).message, words);

			// nor is there a good end for clients that read on behind an error
			await g.script(script);
			const raw = await client.chat.completions.create({ model: MODEL,
				messages: hello, stream: true }).asResponse();
			assert.doesNotMatch(await raw.text().catch(() => ""), /\[DONE\]/);

			const whole = await fails(() => ask(client), OpenAI.InternalServerError);
			assert.equal(whole.status, 502);
			assert.match(whole.message, words);
		});
	}
}

async function aborts(t, g, client) {
	await t.test(g, "an abort in a stream reaches upstream", async () => {
		const abort = new AbortController();
		let count = 0, at;

		await g.script(long);
		const stream = await ask(client, { stream: true }, { signal: abort.signal });
		for await (const c of stream) {
			if (c.choices[0].delta.content && ++count === 3) {
				at = performance.now();
				abort.abort();
			}
		}
		assert.ok(count >= 3 && count < 20);
		await g.aborted();
		assert.ok(performance.now() - at < 300, "upstream saw it late");
		assert.equal((await g.log()).at(-1).end, "client_gone");
	});

	await t.test(g, "so does leaving the loop", async () => {
		await g.script(long);
		for await (const c of await ask(client, { stream: true }))
			if (c.choices[0].delta.content)
				break;
		await g.aborted();
	});

	await t.test(g, "an abort before the first event", async () => {
		const abort = new AbortController();

		await g.script({ delay_ms: 20000, say: "late" });
		const asked = fails(() => ask(client, { stream: true }, { signal: abort.signal }),
			OpenAI.APIUserAbortError);
		await g.until("upstream is asked", (got) => got.length === 1);
		abort.abort();
		await asked;
		await g.aborted();
	});

	await t.test(g, "an abort of a whole answer", async () => {
		const abort = new AbortController();

		await g.script(long);
		const asked = fails(() => ask(client, {}, { signal: abort.signal }),
			OpenAI.APIUserAbortError);
		await g.until("upstream is asked", (got) => got.length === 1);
		await sleep(50);
		abort.abort();
		await asked;
		await g.aborted();
	});

	await t.test(g, "an abort while upstream says nothing", async () => {
		const abort = new AbortController();

		await g.script({ say: "one two", stop_before: "response.output_text.done",
			then: "stall" });
		const stream = await ask(client, { stream: true }, { signal: abort.signal });
		for await (const c of stream)
			if (c.choices[0].delta.content === "two")
				setTimeout(() => abort.abort(), 20);
		await g.aborted();
	});

	await t.test(g, "the client's own limit of time", async () => {
		await g.script({ delay_ms: 20000, say: "late" });
		await fails(() => ask(client, {}, { timeout: 1000 }),
			OpenAI.APIConnectionTimeoutError);
		await g.aborted();
	});

	await t.test(g, "twenty aborts leave nothing behind", async () => {
		await g.script({ ...long, repeat: 20 });
		await Promise.all(Array.from({ length: 20 }, async () => {
			const abort = new AbortController();
			const stream = await ask(client, { stream: true }, { signal: abort.signal });

			for await (const c of stream)
				if (c.choices[0].delta.content)
					abort.abort();
		}));
		await g.until("upstream sees all of them go",
			(got) => got.length === 20 && got.every((r) => r.aborted));
		assert.equal((await g.control("GET", "/_stats")).open, 0);
		assert.equal((await ask(client)).choices[0].finish_reason, "stop");
	});
}

export default async function (t) {
	const client = (g) => new OpenAI({
		baseURL: g.url, apiKey: "sk-client", maxRetries: 0,
	});

	for (const options of BOTH) {
		await withGateway(options, async (g) => {
			await classes(t, g, client(g));
			if (g.kind === "chatgpt")
				await renewal(t, g, client(g));
			await ours(t, g, client(g));
			await retries(t, g, client(g));
			await broken(t, g, client(g));
			await aborts(t, g, client(g));
		});
	}
	await withGateway({ kind: "chatgpt", workers: 2, label: "two workers" },
		(g) => renewals(t, g, client(g)));
	await withGateway({ kind: "chatgpt", login: false, label: "no login" }, async (g) => {
		await t.test(g, "the command that mends it, and no second try", async () => {
			const e = await fails(() => ask(client(g), {}, { maxRetries: 2 }),
				OpenAI.AuthenticationError);
			assert.equal(e.code, "upstream_auth_required");
			assert.match(e.message, /login/);
			await sleep(20);
			assert.equal((await g.log()).length, 2);	// the harness asked for /
		});
	});
	const dead = { CHATMOCK_UPSTREAM_URL: "http://127.0.0.1:9/v1" };
	await withGateway({ settings: dead, label: "nobody there" }, async (g) => {
		await t.test(g, "502 after the gateway's own attempts", async () => {
			const e = await fails(() => ask(client(g)), OpenAI.InternalServerError);
			assert.equal(e.status, 502);
			assert.equal(e.code, "upstream_connect");
		});
	});
}
