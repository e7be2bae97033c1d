// run.mjs - runs the suites, and says how it went in the words of tests/run.py.
import { Checks } from "./harness.mjs";

const suites = {
	"openai-chat": "./openai_chat.mjs",
	"openai-tools": "./openai_tools.mjs",
	"openai-errors": "./openai_errors.mjs",
	"openai-more": "./openai_more.mjs",
	ai: "./ai.mjs",
	langchain: "./langchain.mjs",
	opencode: "./opencode.mjs",
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !suites[name]);
if (unknown.length) {
	console.log(`no such suite: ${unknown.join(", ")}`);
	process.exit(64);
}

const checks = new Checks();
for (const [name, file] of Object.entries(suites)) {
	if (wanted.length && !wanted.includes(name))
		continue;
	const begun = performance.now();
	const before = checks.passed + checks.failed;
	checks.suite = name;
	try {
		await (await import(file)).default(checks);
	} catch (e) {
		checks.fault("as a whole", e);
	}
	console.log(`${name.padEnd(16)} ${checks.passed + checks.failed - before}` +
		` tests in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
}
console.log(`clients-node: ${checks.passed} passed, ${checks.failed} failed` +
	(checks.skipped ? `, ${checks.skipped} skipped` : ""));
process.exit(checks.failed ? 1 : 0);
