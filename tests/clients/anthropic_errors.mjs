// anthropic_errors.mjs - Anthropic's SDK: error classes, retries, aborts, and
// streams that break.
import Anthropic from "@anthropic-ai/sdk";
import { all, assert, BOTH, fails, sleep, withGateway } from "./harness.mjs";

const MODEL = "gpt-5.5";
const hello = [{ role: "user", content: "Say hello." }];
const long = { say: "word ".repeat(2000), interval_ms: 20 };

const full = (more) => ({ model: MODEL, max_tokens: 1024, messages: hello, ...more });
const ask = (client, more, options) => client.messages.create(full(more), options);
const body = (message, code, type = "invalid_request_error") =>
	({ error: { message, type, param: null, code } });
const text = (events) => events.map((e) => e.delta?.text ?? "").join("");

// What upstream says, what the SDK throws: class, status, type, words; and how
// often upstream is asked: the gateway tries its failures again.
const refusals = [
	["400", { status: 400, body: body("No such thing.", "invalid_value") },
		Anthropic.BadRequestError, 400, "invalid_request_error", /No such thing/, 1],
	["400 with a detail", { status: 400, body: { detail: "Unsupported parameter: x" } },
		Anthropic.BadRequestError, 400, "invalid_request_error",
		/Unsupported parameter: x/, 1],
	// by these words Claude Code knows that it must shorten the conversation
	["a context that is too long", { status: 400, body: body("Too many tokens.",
		"context_length_exceeded") }, Anthropic.BadRequestError, 400,
		"invalid_request_error", /prompt is too long: Too many/, 1],
	["402", { status: 402, body: { detail: { code: "deactivated_workspace" } } },
		Anthropic.APIError, 402, "billing_error", /./, 1],
	["403", { status: 403, body: body("Not for you.", "country") },
		Anthropic.PermissionDeniedError, 403, "permission_error", /Not for you/, 1],
	["a challenge page", { status: 403, headers: { "cf-mitigated": "challenge",
		"cf-ray": "8f1e-FRA", "content-type": "text/html" },
		body: "<html><title>Just a moment...</title></html>" },
		Anthropic.PermissionDeniedError, 403, "permission_error", /8f1e-FRA/, 1],
	["404", { status: 404, body: body("The model `x` does not exist", "model_not_found") },
		Anthropic.NotFoundError, 404, "not_found_error", /does not exist/, 1],
	["413", { status: 413, body: "request entity too large" },
		Anthropic.APIError, 413, "request_too_large", /too large/, 1],
	["422", { status: 422, body: { detail: [{ loc: ["body", "x"], msg: "is wrong",
		type: "value_error" }] } }, Anthropic.UnprocessableEntityError, 422,
		"invalid_request_error", /is wrong/, 1],
	["429", { status: 429, headers: { "retry-after": "7" }, body: body("Slower.",
		"rate_limit_exceeded", "rate_limit_error") }, Anthropic.RateLimitError, 429,
		"rate_limit_error", /Slower/, 1],
	["500", { status: 500, repeat: 3, body: body("Oops.", "server_error", "server_error") },
		Anthropic.InternalServerError, 500, "api_error", /Oops/, 3],
	["529", { status: 529, repeat: 3, body: body("Busy.", null, "overloaded_error") },
		Anthropic.InternalServerError, 529, "overloaded_error", /Busy/, 3],
	["503 as overloaded", { status: 503, repeat: 3, body: body("Busy.",
		"server_is_overloaded", "server_error") },
		Anthropic.InternalServerError, 529, "overloaded_error", /Busy/, 3],
	["502 of a proxy", { status: 502, repeat: 3, headers: { "content-type": "text/html" },
		body: "<html><h1>502 Bad Gateway</h1></html>" }, Anthropic.InternalServerError,
		502, "api_error", /./, 3],
	["200 with a page", { status: 200, headers: { "content-type": "text/html" },
		body: "<html>Welcome</html>" }, Anthropic.InternalServerError, 502,
		"api_error", /./, 1],
	["a failure at once", { failed: { code: "server_error", message: "Sorry." }, repeat: 3 },
		Anthropic.InternalServerError, 502, "api_error", /Sorry/, 3],
	["a limit at once", { failed: { code: "rate_limit_exceeded", message: "Slower." } },
		Anthropic.RateLimitError, 429, "rate_limit_error", /Slower/, 1],
];

async function classes(t, g, client) {
	for (const [what, script, Type, status, type, words, count] of refusals) {
		const stream = what.length % 2 === 0;

		await t.test(g, `${what}${stream ? ", streamed" : ""}`, async () => {
			await g.script(script);
			const e = await fails(() => ask(client, { stream }), Type);
			assert.equal(e.status, status);
			assert.equal(e.type, type);
			assert.equal(e.error.type, "error");
			assert.match(e.error.error.message, words);
			assert.doesNotMatch(e.message, /<html|<h1/i);
			assert.match(e.requestID, /^req_/);
			assert.equal(e.error.request_id, e.requestID);
			if (what === "429")
				assert.equal(e.headers.get("retry-after"), "7");
			await g.sent(count);
		});
	}

	await t.test(g, "a usage limit keeps its plan and its end, and is not tried again", async () => {
		const resets_at = Math.round(Date.now() / 1000) + 3600;

		await g.script({ status: 429, body: { error: { type: "usage_limit_reached",
			message: "The usage limit has been reached", plan_type: "plus",
			resets_at, resets_in_seconds: 3600 } } });
		const e = await fails(() => ask(client, {}, { maxRetries: 2 }),
			Anthropic.RateLimitError);
		assert.equal(e.type, "rate_limit_error");
		assert.equal(e.error.error.resets_at, resets_at);
		assert.equal(e.headers.get("x-should-retry"), "false");
		assert.ok(Math.abs(e.headers.get("retry-after") - 3600) <= 2);
		await g.sent(1);
	});

	await t.test(g, "401", async () => {
		await g.script({ status: 401, repeat: 3, body: body("Expired.", "token_expired") });
		const e = await fails(() => ask(client, {}, { maxRetries: 2 }),
			Anthropic.AuthenticationError);
		assert.equal(e.status, 401);
		assert.equal(e.type, "authentication_error");
		await g.sent(g.kind === "chatgpt" ? 2 : 1);	// with a renewed login
	});
}

async function ours(t, g, client) {
	const user = (content) => ({ messages: [{ role: "user", content }] });
	const refused = [
		["no limit", { max_tokens: undefined }, "max_tokens"],
		["a wrong type", { temperature: "hot" }, "temperature"],
		["a wrong role", { messages: [...hello, { role: "alien", content: "?" }] },
			"messages[1].role"],
		["no messages", { messages: undefined }, "messages"],
		["a wrong block", user([{ type: "smell" }]), "messages[0].content[0].type"],
		["a result without its call", user([{ type: "tool_result", tool_use_id: "toolu_x",
			content: "?" }]), "messages[0].content[0].tool_use_id"],
		["a file", user([{ type: "image", source: { type: "file", file_id: "file_1" } }]),
			"messages[0].content[0].source.type"],
		["a tool of Anthropic's", { tools: [{ type: "bash_20250124", name: "bash" }] },
			"tools[0].type"],
		["a server to call", { mcp_servers: [{ type: "url", url: "https://example.com",
			name: "x" }] }, "mcp_servers"],
	];
	for (const [what, params, param] of refused) {
		await t.test(g, `refused by us: ${what}`, async () => {
			const e = await fails(() => ask(client, params, { maxRetries: 2 }),
				Anthropic.BadRequestError);
			assert.equal(e.type, "invalid_request_error");
			assert.equal(e.error.error.param, param);
			assert.ok(e.error.error.message && e.requestID);
			await g.sent(0);
		});
	}

	await t.test(g, "a body that is too large", async () => {
		const e = await fails(() => ask(client, user("x".repeat(32 << 20))),
			Anthropic.APIError);
		assert.equal(e.status, 413);
		assert.equal(e.type, "request_too_large");
		await g.sent(0);
	});

	await t.test(g, "a path that is not there", async () => {
		const e = await fails(() => client.get("/v1/messages/batches"),
			Anthropic.NotFoundError);
		assert.equal(e.type, "not_found_error");
		await fails(() => client.messages.batches.create({ requests: [] }),
			Anthropic.NotFoundError);
	});

	await t.test(g, "threads are refused so that one can do without", async () => {
		const thread = client.beta.messages.thread(full({ messages: undefined }));
		const e = await fails(() => thread.send(hello[0]), Anthropic.BadRequestError);
		assert.equal(e.errorCode, "thread_unsupported_request");
		await g.sent(0);

		await g.script({ say: "One." }, { say: "Two." });
		const other = client.beta.messages.thread(full({ messages: undefined,
			unsupportedRequestBehavior: "continue_unthreaded" }));
		await other.send(hello[0]);
		assert.equal((await other.send({ role: "user", content: "On." })).content[0].text,
			"Two.");
		assert.deepEqual((await g.sent(2))[1].body.input.map((i) => i.role),
			["user", "assistant", "user"]);
	});
}

async function retries(t, g, client) {
	await t.test(g, "the SDK comes again after a 429, as late as it is told", async () => {
		await g.script({ status: 429, headers: { "retry-after": "3" },
			body: body("Slower.", "rate_limit_exceeded") }, { say: "Now." });
		const begun = performance.now();
		const r = await ask(client, {}, { maxRetries: 2 });
		assert.equal(r.content[0].text, "Now.");
		assert.ok(performance.now() - begun >= 2990);
		await g.sent(2);
	});

	await t.test(g, "no oftener than maxRetries", async () => {
		await g.script({ status: 429, repeat: 9, headers: { "retry-after": "3" },
			body: body("Slower.", "rate_limit_exceeded") });
		await fails(() => ask(client, {}, { maxRetries: 1 }), Anthropic.RateLimitError);
		await g.sent(2);
	});

	await t.test(g, "nobody comes again after a 4xx", async () => {
		for (const status of [400, 403, 404, 422]) {
			await g.script({ status, body: { detail: "no" } });
			await fails(() => ask(client, {}, { maxRetries: 2 }), Anthropic.APIError);
		}
		await g.sent(4);
	});

	await t.test(g, "one failure of upstream is not seen by the client", async () => {
		await g.script({ status: 503, body: body("Busy.", null, "server_error") },
			{ raw: true, then: "reset" }, { say: "Now." });
		assert.equal((await ask(client)).content[0].text, "Now.");
		await g.sent(3);
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

			await g.script(script, script, script, script);
			const e = await fails(async () => {
				for await (const event of await ask(client, { stream: true }))
					seen.push(event);
			}, Anthropic.APIError);
			assert.match(e.message, words);
			assert.equal(e.type, "api_error");
			assert.equal(text(seen), "one two three");
			assert.ok(!seen.some((s) => /^message_(delta|stop)$/.test(s.type)),
				"a clean end");

			const stream = client.messages.stream(full());
			assert.match((await fails(() => stream.finalMessage(),
				Anthropic.APIError)).message, words);

			// nor is there a good end for clients that read on behind an error
			const raw = await ask(client, { stream: true }).asResponse();
			assert.doesNotMatch(await raw.text().catch(() => ""), /message_stop/);

			const whole = await fails(() => ask(client), Anthropic.InternalServerError);
			assert.equal(whole.status, 502);
			assert.match(whole.message, words);
		});
	}
}

async function aborts(t, g, client) {
	await t.test(g, "an abort in a stream reaches upstream", async () => {
		const abort = new AbortController();
		let count = 0;

		await g.script(long);
		const stream = await ask(client, { stream: true }, { signal: abort.signal });
		for await (const e of stream)
			if (e.delta?.text && ++count === 3)
				abort.abort();
		assert.ok(count >= 3 && count < 20);
		await g.aborted();
		assert.equal((await g.log()).at(-1).end, "client_gone");
	});

	await t.test(g, "so does leaving the loop", async () => {
		await g.script(long);
		for await (const e of await ask(client, { stream: true }))
			if (e.delta?.text)
				break;
		await g.aborted();
	});

	await t.test(g, "and the helper's abort()", async () => {
		await g.script(long);
		const stream = client.messages.stream(full());
		stream.on("text", () => stream.abort());
		await fails(() => stream.done(), Anthropic.APIUserAbortError);
		assert.ok(stream.aborted);
		await g.aborted();
	});

	await t.test(g, "an abort before the first event", async () => {
		const abort = new AbortController();

		await g.script({ delay_ms: 20000, say: "late" });
		const asked = fails(() => all(client.messages.stream(full(),
			{ signal: abort.signal })), Anthropic.APIUserAbortError);
		await g.until("upstream is asked", (got) => got.length === 1);
		abort.abort();
		await asked;
		await g.aborted();
	});

	await t.test(g, "an abort of a whole answer", async () => {
		const abort = new AbortController();

		await g.script(long);
		const asked = fails(() => ask(client, {}, { signal: abort.signal }),
			Anthropic.APIUserAbortError);
		await g.until("upstream is asked", (got) => got.length === 1);
		await sleep(50);
		abort.abort();
		await asked;
		await g.aborted();
	});

	await t.test(g, "the client's own limit of time", async () => {
		await g.script({ delay_ms: 20000, say: "late" });
		await fails(() => ask(client, {}, { timeout: 1000 }),
			Anthropic.APIConnectionTimeoutError);
		await g.aborted();
	});
}

export default async function (t) {
	const client = (g) => new Anthropic({
		baseURL: g.base, apiKey: "sk-client", maxRetries: 0,
	});

	for (const options of BOTH) {
		await withGateway(options, async (g) => {
			for (const part of [classes, ours, retries, broken, aborts])
				await part(t, g, client(g));
		});
	}
	await withGateway({ kind: "chatgpt", login: false, label: "no login" }, async (g) => {
		await t.test(g, "the command that mends it, and no second try", async () => {
			const e = await fails(() => ask(client(g), {}, { maxRetries: 2 }),
				Anthropic.AuthenticationError);
			assert.equal(e.type, "authentication_error");
			assert.match(e.message, /login/);
			assert.equal(e.headers.get("x-should-retry"), "false");
		});
	});
	const dead = { CHATMOCK_UPSTREAM_URL: "http://127.0.0.1:9/v1" };
	await withGateway({ settings: dead, label: "nobody there" }, async (g) => {
		await t.test(g, "502 after the gateway's own attempts", async () => {
			const e = await fails(() => ask(client(g)), Anthropic.InternalServerError);
			assert.equal(e.status, 502);
			assert.equal(e.type, "api_error");
		});
	});
}
