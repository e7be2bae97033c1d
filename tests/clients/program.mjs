// program.mjs - clients that are programs: each in a home of its own, with
// nothing but the gateway to talk to.
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

// Where a package of npm has its program.
export const installed = (...names) =>
	join(process.env.CLIENTS_PACKAGES, "node_modules", ...names);

// What would go out ends at a closed port of this machine.
export const alone = {
	PATH: process.env.PATH,
	NO_PROXY: "127.0.0.1",
	HTTP_PROXY: "http://127.0.0.1:9",
	HTTPS_PROXY: "http://127.0.0.1:9",
};

// A directory that goes when fn is over.
export async function withDirectory(name, fn, under = tmpdir()) {
	await mkdir(under, { recursive: true });
	const dir = await mkdtemp(join(under, name));

	try {
		await fn(dir);
	} finally {
		await rm(dir, { recursive: true, force: true });
	}
}

// A place to work in: the directories named, and a project with a note.
export async function workplace(dir, ...names) {
	for (const name of ["project", ...names])
		await mkdir(join(dir, name), { recursive: true });
	await writeFile(join(dir, "project", "note.txt"), "the word is heliotrope\n");
	return dir;
}

// Runs it to its end, which comes by force after ms: its exit code and what it
// said. during(child) goes on beside it; group: all that it started ends with it.
export async function run(program, args, { cwd, env, ms, during, group = false }) {
	const child = spawn(program, args, {
		cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: group,
	});
	const ended = new Promise((resolve) => child.once("close", resolve));
	const stop = () => {
		if (!group)
			return child.kill("SIGKILL");
		try {
			return process.kill(-child.pid, "SIGKILL");
		} catch {
			return false;	// nobody of them is left
		}
	};
	const timer = setTimeout(stop, ms);
	let out = "", err = "";

	child.stdout.on("data", (d) => out += d);
	child.stderr.on("data", (d) => err += d);
	try {
		await during?.(child);
		return { code: await ended, out, err };
	} finally {
		clearTimeout(timer);
		stop();
		await ended;
	}
}

// A line of JSON each.
export const events = (out) => out.split("\n").filter(Boolean).map((line) => JSON.parse(line));
