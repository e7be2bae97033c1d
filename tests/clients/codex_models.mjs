// codex_models.mjs - Codex CLI asks which models there are: it takes upstream's
// list as the gateway hands it on, and keeps to its own where there is none.
import { existsSync } from "node:fs";
import { copyFile, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { codex, settings } from "./codex_scenes.mjs";
import { assert, sleep, withGateway } from "./harness.mjs";
import { alone, run, withDirectory } from "./program.mjs";

const RUN_MS = 25000;

const config = (g) => settings(g, "requires_openai_auth = true",
	`chatgpt_base_url = "${g.base}/backend-api"`);

// The models that it has then, and what it keeps of the answer.
async function models(g) {
	let got;

	await withDirectory("cm-codex-", async (dir) => {
		await copyFile(join(g.home, "auth.json"), join(dir, "auth.json"));
		await writeFile(join(dir, "config.toml"), config(g));
		const { code, out, err } = await run(codex, ["debug", "models"], {
			cwd: dir, ms: RUN_MS, env: { ...alone, HOME: dir, CODEX_HOME: dir },
		});
		const kept = join(dir, "models_cache.json");

		assert.equal(code, 0, err);
		got = {
			list: JSON.parse(out).models,
			kept: existsSync(kept) ? JSON.parse(await readFile(kept, "utf8")) : null,
		};
	});
	return got;
}

async function put(g, list, etag) {
	const path = join(g.home, "models.json");

	await writeFile(path + ".new", JSON.stringify({
		version: 1, upstream: g.upstream + "/backend-api/codex", account_id: "acct_test",
		client_version: "0.169.0", fetched_at: 1, etag, announced: "", models: list,
	}), { mode: 0o600 });
	await rename(path + ".new", path);
	// until the worker has looked
	for (let i = 0; i < 100; i++) {
		const r = await fetch(g.url + "/models?client_version=0.169.0");

		if (r.headers.get("etag") === etag)
			return;
		await sleep(100);
	}
	throw new Error("the list is not seen");
}

export default async function (t) {
	if (!existsSync(codex)) {
		t.skip("all of it", `no codex for ${process.arch}`);
		return;
	}
	await withGateway({ kind: "chatgpt" }, async (g) => {
		let own;

		await t.test(g, "without upstream's list it keeps its own", async () => {
			const r = await models(g);

			assert.ok(r.list.length > 3);
			assert.ok(r.list.every((m) => m.base_instructions || m.model_messages),
				"with its own prompts");
			own = r.list[0];
			await g.sent(0);
		});
		await t.test(g, "upstream's list is its list", async () => {
			const mine = { ...own, slug: "gpt-9-mine", display_name: "GPT-9 Mine" };

			await put(g, [mine], 'W/"list-9"');
			const r = await models(g);

			assert.deepEqual(r.list.map((m) => [m.slug, m.display_name]),
				[["gpt-9-mine", "GPT-9 Mine"]]);
			assert.deepEqual(r.list[0].base_instructions, own.base_instructions);
			assert.equal(r.kept?.etag, 'W/"list-9"');
			await g.sent(0);
		});
	});
}
