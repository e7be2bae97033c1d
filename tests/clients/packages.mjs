// packages.mjs - lets the tests import packages that lie outside the clone.
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

const here = new URL("./", import.meta.url).href;
const there = pathToFileURL(process.env.CLIENTS_PACKAGES + "/package.json").href;

registerHooks({
	resolve(name, context, next) {
		const ours = context.parentURL?.startsWith(here);
		const bare = !/^(\.|\/|node:|file:)/.test(name);

		return next(name, ours && bare ? { ...context, parentURL: there } : context);
	},
});
