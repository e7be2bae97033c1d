// codex_ws.mjs - Codex CLI over WebSocket: it prepares a turn, sends what is
// new, and goes back to POST where there is no WebSocket to be had.
import { asked, LIMIT, play, run, scenes, texts } from "./codex_scenes.mjs";
import { assert, withGateway } from "./harness.mjs";

const say = (g, home, words, more = {}) => run(g, home, words, { socket: true, ...more });
const common = scenes(say);

// Handshakes and responses since the test began.
async function counts(g, before) {
	const lines = await asked(g, before);

	return { sockets: lines.filter((l) => l.status === 101).length,
		refused: lines.filter((l) => l.status === 426).length,
		responses: lines.filter((l) => l.method === "POST") };
}

const all = {
	...common,

	"a prompt": async (g, home, before) => {
		const { sent } = await common["a prompt"](g, home);
		const got = await counts(g, before);

		assert.equal(sent.body.previous_response_id, undefined);
		assert.ok(sent.body.input.length > 1, "what was prepared is there too");
		assert.equal(got.sockets, 1);
		assert.deepEqual(got.responses.map((l) => l.end), ["ok", "ok"], "prepared, then asked");
		assert.ok(got.responses.every((l) => l.websocket), "all by WebSocket");
	},

	"its tools, there and back": async (g, home, before) => {
		const [first, second] = (await common["its tools, there and back"](g, home)).sent;

		assert.deepEqual(second.body.input.slice(0, first.body.input.length),
			first.body.input, "the same beginning");
		assert.equal((await counts(g, before)).sockets, 1, "over one connection");
	},

	"500 once is mended here": async (g, home, before) => {
		await common["500 once is mended here"](g, home);
		assert.equal((await counts(g, before)).sockets, 1);
	},
};

export default (t) => play(t, say, all, async (home) => {
	await withGateway({ kind: "chatgpt", label: "no WebSocket",
		settings: { CHATMOCK_WEBSOCKET: "0" } }, async (g) => {
		await t.test(g, "426: it goes on with POST at once", async () => {
			await g.script({ say: "By POST" });
			const r = await say(g, home, "Say hello.");
			const got = await counts(g, 0);

			assert.equal(r.code, 0, r.err);
			assert.deepEqual(texts(r), ["By POST"]);
			assert.deepEqual([got.sockets, got.refused], [0, 1]);
			assert.deepEqual(got.responses.map((l) => !!l.websocket), [false]);
		}, LIMIT);
	});
});
