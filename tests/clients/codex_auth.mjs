// codex_auth.mjs - Codex CLI that is signed in itself (requires_openai_auth): its
// login stays with it and the gateway's goes to upstream, unless the setting
// lets its own go on.
import { existsSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { asked, codex, LIMIT, settings, texts, withHome } from "./codex_scenes.mjs";
import { assert, header, withGateway } from "./harness.mjs";
import * as programs from "./program.mjs";

const ACCOUNT = "acct_cli";
const FORWARD = { CHATMOCK_FORWARD_AUTH: "1" };

const config = (g, more) => settings(g, `
requires_openai_auth = true
request_max_retries = 1
stream_max_retries = 1
${more.socket ? "supports_websockets = true" : ""}
${more.key ? `http_headers = { "x-api-key" = "${more.key}" }` : ""}
`, `model = "gpt-5.5"
cli_auth_credentials_store = "file"`);

// Runs it with a login of its own; tokens: the one it had, and has afterwards.
async function run(g, home, more = {}) {
	const dir = await programs.workplace(await mkdtemp(join(home, "run-")));
	const path = join(dir, "auth.json");
	const { access_token: token } = await g.control("GET", `/_token?account=${ACCOUNT}`);
	const login = more.api ? { auth_mode: "apikey", OPENAI_API_KEY: more.api } : {
		auth_mode: "chatgpt", OPENAI_API_KEY: null,
		tokens: { id_token: token, access_token: token, refresh_token: "rt_" + Math.random(),
			account_id: ACCOUNT },
		last_refresh: new Date().toISOString(),
	};

	await writeFile(join(dir, "config.toml"), config(g, more));
	await writeFile(path, JSON.stringify(login), { mode: 0o600 });
	const { code, out, err } = await programs.run(codex, ["exec", "--json",
		"--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox",
		"Say hello."], {
		cwd: join(dir, "project"), ms: LIMIT.ms - 5000,
		env: { ...programs.alone, HOME: dir, CODEX_HOME: dir,
			CODEX_REFRESH_TOKEN_URL_OVERRIDE: g.upstream + "/oauth/token" },
	});
	const events = programs.events(out);

	return {
		code, err, token,
		now: JSON.parse(await readFile(path, "utf8")).tokens?.access_token,
		items: (type) => events.filter((e) => e.type === "item.completed" &&
			e.item.type === type).map((e) => e.item),
		failure: events.filter((e) => e.type === "turn.failed").at(-1)?.error.message,
	};
}

// With whose login upstream was asked.
const logins = (sent) => sent.map((r) => [header(r, "authorization"),
	header(r, "chatgpt-account-id")]);

// The gateway's own, as it was made.
const ours = async (g) =>
	JSON.parse(await readFile(join(g.home, "auth.json"), "utf8")).tokens.access_token;

const renewed = async (g) => (await g.control("GET", "/_stats")).token_requests;

const refusal = { status: 401, body: { error: { message: "Provided authentication token is " +
	"expired. Please try signing in again.", type: null, code: "token_expired",
	param: null }, status: 401 } };

const scenes = {
	"its own login arrives": async (g, home, more) => {
		await g.script({ say: "I count.", calls: [{ name: "exec_command", call_id: "call_1",
			arguments: { cmd: "echo apples" } }] }, { say: "Apples." });
		const r = await run(g, home, more);

		assert.equal(r.code, 0, r.err);
		assert.deepEqual(texts(r), ["I count.", "Apples."]);
		assert.deepEqual(logins(await g.sent(2)),
			Array(2).fill([`Bearer ${r.token}`, ACCOUNT]));
	},

	"401 once: it asks again, with its own": async (g, home, more) => {
		const before = await renewed(g), kept = await ours(g);

		await g.script(refusal, { say: "Back again" });
		const r = await run(g, home, more);
		assert.equal(r.code, 0, r.err);
		assert.deepEqual(texts(r), ["Back again"]);
		const got = logins(await g.sent(2));
		assert.deepEqual(got[0], [`Bearer ${r.token}`, ACCOUNT]);
		assert.deepEqual(got[1], [`Bearer ${r.now}`, ACCOUNT]);
		// it renews its own at most; the gateway nothing
		assert.equal(await renewed(g) - before, r.now === r.token ? 0 : 1);
		assert.equal(await ours(g), kept);
	},

	"401 twice: it renews its own and goes on": async (g, home, more) => {
		const before = await renewed(g), kept = await ours(g);

		await g.script(refusal, refusal, { say: "Renewed" });
		const r = await run(g, home, more);
		assert.equal(r.code, 0, r.err);
		assert.deepEqual(texts(r), ["Renewed"]);
		const got = logins(await g.sent(3));
		assert.deepEqual(got.map(([, account]) => account), Array(3).fill(ACCOUNT));
		assert.equal(got[2][0], `Bearer ${r.now}`);
		assert.notEqual(r.now, r.token);
		assert.equal(await renewed(g) - before, 1);
		assert.equal(await ours(g), kept);
	},

	"401 for good: it hears so": async (g, home, more) => {
		const kept = await ours(g);

		await g.script({ ...refusal, repeat: 99 });
		const r = await run(g, home, more);
		assert.equal(r.code, 1);
		assert.match(r.failure, /401|sign(ed|ing)? in|expired/i);
		assert.doesNotMatch(r.failure, /chatmock login/);
		assert.ok(logins(await g.requests()).every(([, account]) => account === ACCOUNT),
			"ours never steps in");
		assert.equal(await ours(g), kept);
		const lines = await asked(g, 0);
		assert.equal(lines.at(-1).own_credential, true);
	},
};

export default async function (t) {
	if (!existsSync(codex)) {
		t.skip("all of it", `no codex for ${process.arch}`);
		return;
	}
	await withHome(async (home) => {
		const play = (options, names, more = {}) => withGateway(options, async (g) => {
			for (const what of names)
				await t.test(g, what, () => scenes[what](g, home, { key: g.keys?.ann,
					...more }), LIMIT);
		});

		await withGateway({ kind: "chatgpt", label: "off" }, async (g) => {
			for (const socket of [false, true])
				await t.test(g, `ours arrives, its own does not${socket ? " (WebSocket)" : ""}`,
					async () => {
						const r = await run(g, home, { socket });

						assert.equal(r.code, 0, r.err);
						const got = logins(await g.sent(1));
						assert.deepEqual(got, [[`Bearer ${await ours(g)}`, "acct_test"]]);
						assert.notEqual(got[0][0], `Bearer ${r.token}`);
					}, LIMIT);
		});
		await play({ kind: "chatgpt", label: "forwarded", settings: FORWARD },
			Object.keys(scenes));
		await play({ kind: "chatgpt", label: "forwarded, WebSocket", settings: FORWARD },
			["its own login arrives", "401 for good: it hears so"], { socket: true });
		await play({ kind: "chatgpt", label: "forwarded, no login of ours", login: false,
			settings: FORWARD }, ["its own login arrives"]);
		await play({ kind: "chatgpt", label: "forwarded, with a key of ours",
			keys: "ann=generate,models,read", settings: FORWARD },
			["its own login arrives"]);
		await withGateway({ kind: "responses", key: "sk-codex", label: "a key of its own",
			settings: { ...FORWARD, CHATMOCK_UPSTREAM_KEY: "sk-gateway" } }, async (g) => {
			await t.test(g, "it arrives, and upstream takes no other", async () => {
				const r = await run(g, home, { api: "sk-codex" });

				assert.equal(r.code, 0, r.err);
				assert.deepEqual(logins(await g.sent(1)), [["Bearer sk-codex", undefined]]);
			}, LIMIT);
		});
		await withGateway({ kind: "responses", key: "sk-upstream",
			label: "not to another upstream", settings: FORWARD }, async (g) => {
			await t.test(g, "the key arrives, its login does not", async () => {
				const r = await run(g, home);

				assert.equal(r.code, 0, r.err);
				assert.deepEqual(logins(await g.sent(1)), [["Bearer sk-upstream", undefined]]);
			}, LIMIT);
		});
	});
}
