// websocket.mjs - responses by WebSocket: OpenAI's SDK, the packages `ws` and
// Node's own WebSocket, and a browser.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import readline from "node:readline";
import OpenAI from "openai";
import { ResponsesWS } from "openai/resources/responses/ws";
import WS from "ws";
import { assert, BOTH, withGateway } from "./harness.mjs";

const MODEL = "gpt-5.5";
const ENDS = ["response.completed", "response.failed", "response.incomplete", "error"];
const BROWSER_MS = 60000;

const text = (events) => events.filter((e) => e.type === "response.output_text.delta")
	.map((e) => e.delta).join("");

// --- OpenAI's SDK

// One answer over the SDK's connection.
function answer(ws, message) {
	return new Promise((resolve, reject) => {
		const events = [];
		const over = (end, value) => {
			ws.off("event", take);
			ws.off("error", fail);
			end(value);
		};
		const fail = (e) => over(reject, e);
		const take = (event) => {
			events.push(event);
			if (event.type !== "error" && ENDS.includes(event.type))
				over(resolve, events);
		};

		ws.on("event", take);
		ws.on("error", fail);
		ws.send({ type: "response.create", model: MODEL, ...message });
	});
}

async function sdk(t, g) {
	const client = new OpenAI({ baseURL: g.url, apiKey: "sk-client", maxRetries: 0 });
	const open = async (fn) => {
		const ws = new ResponsesWS(client);

		try {
			await fn(ws);
		} finally {
			ws.close();
		}
	};

	await t.test(g, "the SDK: a response, and one that follows", () => open(async (ws) => {
		await g.script({ say: "Hello there", calls: [{ name: "f", arguments: {},
			call_id: "call_1" }] }, { say: "Done" });
		const one = await answer(ws, { input: "Hi" });
		assert.equal(text(one), "Hello there");
		const two = await answer(ws, { previous_response_id: one.at(-1).response.id,
			input: [{ type: "function_call_output", call_id: "call_1", output: "42" }] });
		assert.equal(text(two), "Done");
		const [, sent] = await g.sent(2);
		assert.deepEqual(sent.body.input.map((i) => i.type ?? "message"),
			["message", "message", "function_call", "function_call_output"]);
	}));

	await t.test(g, "the SDK: a limit", () => open(async (ws) => {
		await g.script({ status: 429, body: { error: { type: "usage_limit_reached",
			message: "No more." } } });
		const e = await answer(ws, { input: "Hi" }).then(() => null, (error) => error);
		assert.match(String(e?.message), /No more\./);
	}));
}

// --- clients that know nothing of responses

// All messages of one answer of a socket with the browser's interface.
function ask(socket, message) {
	return new Promise((resolve, reject) => {
		const events = [];

		socket.onmessage = ({ data }) => {
			events.push(JSON.parse(data));
			if (ENDS.includes(events.at(-1).type))
				resolve(events);
		};
		socket.onclose = (e) => reject(new Error(`closed: ${e.code} ${e.reason}`));
		socket.onerror = (e) => reject(new Error(`failed: ${e.message}`));
		const say = () => socket.send(JSON.stringify({ type: "response.create",
			model: MODEL, ...message }));
		if (socket.readyState === 1)
			say();
		else
			socket.onopen = say;
	});
}

function closed(socket) {
	return new Promise((resolve) => {
		socket.onclose = (e) => resolve([e.code, e.wasClean]);
	});
}

async function plain(t, g, name, open) {
	await t.test(g, `${name}: two responses`, async () => {
		const socket = open(g.url.replace("http", "ws") + "/responses");

		await g.script({ say: "Hello there" }, { say: "Gr\u00fc\u00dfe \u{1f600}" });
		assert.equal(text(await ask(socket, { input: "Hi" })), "Hello there");
		assert.equal(text(await ask(socket, { input: "Hi" })), "Gr\u00fc\u00dfe \u{1f600}");
		const end = closed(socket);
		socket.close(1000, "done");
		assert.deepEqual(await end, [1000, true]);
	});

	await t.test(g, `${name}: a client that goes`, async () => {
		const socket = open(g.url.replace("http", "ws") + "/responses");

		await g.script({ say: "word ".repeat(2000), interval_ms: 20 });
		ask(socket, { input: "Hi" }).catch(() => {});
		await g.until("upstream is asked", (got) => got.length > 0);
		socket.close();
		await g.aborted();
	});
}

async function limits(t, g) {
	await t.test(g, "ws: its pings, and fragments", async () => {
		const socket = new WS(g.url.replace("http", "ws") + "/responses");
		const pong = new Promise((resolve) => socket.once("pong", resolve));

		await new Promise((resolve, reject) => {
			socket.once("open", resolve);
			socket.once("error", reject);
		});
		assert.equal(socket.extensions, "", "no extension");
		socket.ping("hello");
		assert.equal(String(await pong), "hello");
		const got = ask(socket, { input: "x" });
		assert.equal((await got).at(-1).type, "response.completed");
		const message = JSON.stringify({ type: "response.create", model: MODEL, input: "y" });
		const second = new Promise((resolve) => {
			socket.onmessage = ({ data }) => ENDS.includes(JSON.parse(data).type) &&
				resolve(JSON.parse(data));
		});
		for (const [i, c] of [...message].entries())
			socket.send(c, { fin: i === message.length - 1 });
		assert.equal((await second).type, "response.completed");
		const end = closed(socket);
		socket.send(Buffer.from([1, 2]), { binary: true });
		assert.equal((await end)[0], 1003);
	});

	await t.test(g, "ws: a foreign page is refused", async () => {
		const socket = new WS(g.url.replace("http", "ws") + "/responses",
			{ origin: "https://evil.example" });
		const e = await new Promise((resolve) => socket.once("error", resolve));
		assert.match(e.message, /403/);
	});
}

// --- a browser

// Chromium by its debugging protocol: what a page's script comes to.
class Browser {
	static async start() {
		const b = new Browser();

		b.home = await mkdtemp(join(tmpdir(), "cm-browser-"));
		b.process = spawn("chromium", ["--headless=new", "--no-sandbox", "--disable-gpu",
			"--no-first-run", "--disable-dev-shm-usage", "--no-proxy-server",
			"--disable-background-networking", "--disable-component-update",
			"--remote-debugging-port=0", `--user-data-dir=${b.home}`, "about:blank"],
		{ stdio: ["ignore", "ignore", "pipe"], detached: true,
			env: { PATH: process.env.PATH, HOME: b.home } });
		b.gone = new Promise((resolve) => b.process.once("exit", resolve));
		const address = await new Promise((resolve, reject) => {
			const lines = readline.createInterface({ input: b.process.stderr });

			lines.on("line", (line) => {
				const m = /DevTools listening on (ws:\S+)/.exec(line);
				if (m)
					resolve(m[1]);
			});
			b.process.once("error", reject);
			b.gone.then(() => reject(new Error("the browser ended")));
		});
		b.waiting = new Map();
		b.count = 0;
		b.socket = new WS(address);
		await new Promise((resolve) => b.socket.once("open", resolve));
		b.socket.on("message", (data) => {
			const m = JSON.parse(data);
			b.waiting.get(m.id)?.(m);
		});
		return b;
	}

	async call(method, params = {}, sessionId) {
		const id = ++this.count;

		this.socket.send(JSON.stringify({ id, method, params, sessionId }));
		const m = await new Promise((resolve) => this.waiting.set(id, resolve));
		assert.equal(m.error, undefined, `${method}: ${m.error?.message}`);
		return m.result;
	}

	// A page at url runs the function (its text) with the arguments.
	async run(url, fn, ...args) {
		const { targetId } = await this.call("Target.createTarget", { url });
		const { sessionId } = await this.call("Target.attachToTarget",
			{ targetId, flatten: true });
		const evaluate = (expression) => this.call("Runtime.evaluate",
			{ expression, awaitPromise: true, returnByValue: true }, sessionId);

		for (;;) {
			const at = await evaluate("document.readyState + location.href");
			if (at.result.value === `complete${url}`)
				break;
		}
		const r = await evaluate(`(${fn})(...${JSON.stringify(args)})`);
		assert.equal(r.exceptionDetails, undefined,
			JSON.stringify(r.exceptionDetails?.exception));
		await this.call("Target.closeTarget", { targetId });
		return r.result.value;
	}

	async stop() {
		this.socket?.close();
		try {
			process.kill(-this.process.pid, "SIGKILL");
		} catch { /* it has ended */ }
		await this.gone;
		await rm(this.home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
	}
}

// In the page.
function inPage(url, messages) {
	return new Promise((resolve) => {
		const socket = new WebSocket(url), got = [];
		const next = () => {
			const message = messages.shift();
			if (message)
				socket.send(JSON.stringify({ type: "response.create", ...message }));
			else
				socket.close(1000);
		};

		socket.onopen = next;
		socket.onclose = (e) => resolve({ got, code: e.code, clean: e.wasClean });
		socket.onmessage = ({ data }) => {
			const event = JSON.parse(data);
			if (event.type === "response.output_text.delta")
				got.push(event.delta);
			if (event.type === "response.completed")
				next();
			else if (event.type === "error")
				resolve({ got, error: event.error.code });
		};
	});
}

async function browser(t, g) {
	const url = g.url.replace("http", "ws") + "/responses";
	const elsewhere = createServer((q, r) => r.end("another page"));
	let b;

	await new Promise((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
	try {
		b = await Browser.start();
		await t.test(g, "a browser: from the gateway's own page", async () => {
			await g.script({ say: "Hello there" }, { say: "Again" });
			const r = await b.run(g.base + "/", inPage, url,
				[{ model: MODEL, input: "Hi" }, { model: MODEL, input: "Hi" }]);
			assert.equal(r.got.join(""), "Hello thereAgain");
			assert.deepEqual([r.code, r.clean], [1000, true]);
		}, { ms: BROWSER_MS });

		await t.test(g, "a browser: from another page it is refused", async () => {
			const r = await b.run(`http://127.0.0.1:${elsewhere.address().port}/`, inPage,
				url, [{ model: MODEL, input: "Hi" }]);
			assert.deepEqual([r.got.length, r.code], [0, 1006]);
			await g.sent(0);
		}, { ms: BROWSER_MS });
	} finally {
		await b?.stop();
		elsewhere.close();
	}
}

export default async function (t) {
	for (const options of BOTH)
		await withGateway({ ...options, settings: { CHATMOCK_HEARTBEAT: "0.3" } },
			async (g) => {
				await sdk(t, g);
				await plain(t, g, "ws", (url) => new WS(url));
				await plain(t, g, "Node's own", (url) => new WebSocket(url));
				await limits(t, g);
				if (options.kind === "chatgpt")
					await browser(t, g);
			});
}
