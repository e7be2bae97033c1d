// continue_world.mjs - runs before Continue in its process: its waits between
// attempts, minutes in all, are short, and no name but this machine's is found.
// Each that it looks for is told on stderr.
import dns from "node:dns";

const wait = globalThis.setTimeout;

globalThis.setTimeout = (fn, ms, ...args) =>
	wait(fn, ms >= 400 && ms <= 30000 ? ms / 100 : ms, ...args);

const local = ["localhost", "127.0.0.1", "::1"];
const lookup = dns.lookup;

dns.lookup = (name, options, done = options) => {
	if (local.includes(name))
		return lookup(name, options, done);
	process.stderr.write(`outside: ${name}\n`);
	return process.nextTick(done, Object.assign(new Error(`no ${name} here`),
		{ code: "ENOTFOUND" }));
};
