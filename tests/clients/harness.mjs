// harness.mjs - a gateway for tests, its upstream, and the counting.
//
//	export default async function (checks) {
//		await withGateway({ kind: "chatgpt" }, async (g) => {
//			await checks.test(g, "what must hold", async () => {
//				await g.script({ say: "Hello" });
//				... ask g.url ...
//				const [sent] = await g.sent(1);
//				assert.equal(sent.body.model, "gpt-5.5");
//			});
//		});
//	}
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import readline from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const TEST_MS = 30000;
const here = new URL("./", import.meta.url).pathname;
const program = fileURLToPath(new URL("../lib/gateway.py", import.meta.url));

export { assert, sleep };

// An error's words, where in a test it arose, and what it came of.
function story(e) {
	const [words, ...places] = String(e?.stack ?? e).split(/\n(?=\s+at )/);
	const ours = places.filter((line) => line.includes(here)).slice(0, 3);
	const cause = e?.cause ? `\n  because of ${story(e.cause)}` : "";

	return [words, ...ours].join("\n") + cause;
}

export class Checks {
	passed = 0;
	failed = 0;
	skipped = 0;

	constructor(suite) {
		this.suite = suite;
	}

	fault(what, e) {
		this.failed++;
		console.log(`FAIL ${this.suite}: ${what}: ${story(e)}`);
	}

	skip(what, why) {
		this.skipped++;
		console.log(`SKIP ${this.suite}: ${what}: ${why}`);
	}

	// One test: fn holds, in time, and upstream found no fault in what it was
	// sent. How many requests that were is fn's to check (g.sent).
	async test(g, what, fn, { ms = TEST_MS, faults = false } = {}) {
		const label = `${g.label}: ${what}`;
		const late = new AbortController();

		try {
			await Promise.race([
				fn(),
				sleep(ms, null, { signal: late.signal }).then(() => {
					throw new Error(`took more than ${ms} ms`);
				}),
			]);
			if (!faults)
				await g.faultless();
			this.passed++;
		} catch (e) {
			this.fault(label, e);
		} finally {
			late.abort();
			await g.clear();
		}
	}
}

export class Gateway {
	// options: kind, key, login (false: none), workers, keys (callers'), settings {NAME: value}
	static async start(options = {}) {
		const { kind = "responses", key, login = true, settings = {} } = options;
		const args = [program, "--serve", "--kind", kind];
		const g = new Gateway();

		if (key)
			args.push("--key", key);
		if (!login)
			args.push("--no-login");
		if (options.keys)
			args.push("--keys", options.keys);
		if (options.workers)
			args.push("--workers", String(options.workers));
		for (const [name, value] of Object.entries(settings))
			args.push(`${name}=${value}`);
		g.process = spawn("python3", args, { stdio: ["pipe", "pipe", "inherit"] });
		g.ended = new Promise((resolve) => g.process.once("exit", resolve));
		const lines = readline.createInterface({ input: g.process.stdout });
		const line = await Promise.race([
			new Promise((resolve) => lines.once("line", resolve)),
			g.ended.then(() => null),
		]);
		if (!line)
			throw new Error("the gateway did not start");
		Object.assign(g, JSON.parse(line), { label: options.label ?? kind });
		g.url = g.base + "/v1";
		return g;
	}

	async stop() {
		this.process.stdin.end();
		assert.equal(await this.ended, 0, "the gateway's end");
	}

	// --- its upstream ---

	async control(method, path, body) {
		const r = await fetch(this.upstream + path, {
			method,
			headers: { "content-type": "application/json" },
			body: body === undefined ? undefined : JSON.stringify(body),
		});
		const text = await r.text();

		assert.equal(r.status, 200, `${method} ${path}: ${text}`);
		return JSON.parse(text);
	}

	// What upstream answers to the next requests; see tests/tools/README.md.
	script(...answers) {
		return this.control("POST", "/_script", answers);
	}

	async clear() {
		await this.control("DELETE", "/_script");
		await this.control("DELETE", "/_requests");
	}

	async requests() {
		return (await this.control("GET", "/_requests")).requests;
	}

	// The requests that upstream got; there must be so many.
	async sent(count) {
		const got = await this.requests();

		assert.equal(got.length, count, "requests that upstream got");
		return got;
	}

	async faultless() {
		for (const r of await this.requests())
			assert.deepEqual(r.problems, [], `upstream on ${r.text}`);
	}

	// Waits for what holds of the requests; for what happens just behind the
	// client's back.
	async until(what, holds, ms = 3000) {
		const end = performance.now() + ms;

		for (;;) {
			const got = await this.requests();
			if (holds(got))
				return got;
			if (performance.now() > end)
				assert.fail(`${what}: not within ${ms} ms`);
			await sleep(5);
		}
	}

	// What the client has by now, it got before upstream's answer was complete.
	async unfinished() {
		const got = await this.requests();

		assert.ok(!got.at(-1).finished, "it came when all was there");
	}

	// Upstream saw the client of request n go.
	aborted(n = 0, ms = 1000) {
		return this.until("upstream sees the connection closed",
			(got) => got[n]?.aborted, ms);
	}

	// --- the gateway's own words ---

	async log() {
		await sleep(50);
		const text = await readFile(this.home + "/log/access.log", "utf8");
		return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
	}
}

export async function withGateway(options, fn) {
	const g = await Gateway.start(options);

	try {
		await fn(g);
	} finally {
		await g.stop();
	}
}

// The two kinds of upstream, each with a gateway of its own.
export const BOTH = [
	{ kind: "responses", key: "sk-upstream" },
	{ kind: "chatgpt" },
];

export function header(request, name) {
	return request.headers.find(([k]) => k.toLowerCase() === name)?.[1];
}

// What fn throws, which must be a Type.
export async function fails(fn, Type) {
	let value;

	try {
		value = await fn();
	} catch (e) {
		if (!(e instanceof Type))
			throw new Error(`${e?.constructor?.name}, not ${Type.name}`, { cause: e });
		return e;
	}
	assert.fail(`no ${Type.name} but ${JSON.stringify(value)}`);
}

export async function all(stream) {
	const got = [];

	for await (const item of stream)
		got.push(item);
	return got;
}

// A picture of one pixel.
export const PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAA" +
	"ADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
