// tokens.mjs - how far the estimate of tokens is off, against a tokenizer.
//
// The corpus is what lies in the clone, and a text in each of a dozen
// languages and kinds. What stands around a text is known, and taken off.
import Anthropic from "@anthropic-ai/sdk";
import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import OpenAI from "openai";
import { assert, withGateway } from "./harness.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const AROUND = 7;		// of a request with one message
const OVERALL = 0.05, KIND = 0.10, LANGUAGE = 0.20;

async function files(dir, ends) {
	const names = await readdir(join(root, dir));
	return Promise.all(names.filter((n) => n.endsWith(ends)).sort()
		.map((n) => readFile(join(root, dir, n), "utf8")));
}

const languages = {
	german: "Der Zug nach München fährt heute leider zwanzig Minuten später ab. Bitte beachten Sie die Durchsagen am Bahnsteig und halten Sie Ihre Fahrkarte bereit. Wer unterwegs etwas essen möchte, findet im Speisewagen belegte Brötchen, Suppe und heißen Kaffee. Die Rückfahrt am Sonntag ist ausgebucht, deshalb empfehlen wir eine frühere Verbindung über Nürnberg.",
	french: "Le marché du samedi commence dès l'aube, quand les maraîchers installent leurs étals sur la place. On y trouve des légumes de saison, du fromage de chèvre et du pain encore chaud. Les habitués prennent leur temps, goûtent une pêche, discutent du temps qu'il fera demain, puis rentrent chez eux avec un panier bien rempli et quelques nouvelles du village.",
	spanish: "La biblioteca del barrio abre todos los días a las nueve, y los estudiantes esperan en la puerta con sus mochilas. Dentro hay mesas largas, buena luz y un silencio que ayuda a pensar. Por la tarde llegan los niños para escuchar cuentos, y los mayores leen el periódico junto a la ventana hasta que suena la campana que anuncia el cierre.",
	italian: "Mia nonna preparava la pasta ogni domenica mattina, con le uova delle sue galline e la farina del mulino vicino. Noi bambini guardavamo le sue mani che lavoravano veloci, e aspettavamo il momento in cui ci lasciava tagliare le tagliatelle. Poi tutta la famiglia si sedeva a tavola e nessuno si alzava prima delle quattro.",
	portuguese: "O barco saía do porto antes do nascer do sol, quando a cidade ainda dormia. Os pescadores conversavam pouco, bebiam café quente e olhavam para o horizonte à procura de nuvens. Ao meio-dia voltavam com as redes cheias, e as gaivotas acompanhavam o caminho de regresso até à praia, onde as famílias já esperavam.",
	dutch: "Langs het kanaal staan oude huizen met smalle gevels en hoge ramen. In de zomer zitten de bewoners op stoelen voor de deur en praten met iedereen die langskomt. De fietsen staan in lange rijen tegen de brug, en wie zijn eigen fiets wil vinden heeft geduld nodig, want ze lijken allemaal op elkaar en niemand weet meer waar hij hem heeft neergezet.",
	polish: "W małym miasteczku nad rzeką stoi stary młyn, który od lat nie działa. Dzieci bawią się tam w chowanego, a starsi opowiadają, że nocą słychać jeszcze kamienie. Wiosną woda podnosi się wysoko i zalewa łąki, więc mieszkańcy zostawiają łodzie przy samych domach. Latem wszystko wysycha i nikt nie pamięta już o powodzi.",
	russian: "Осенью лес становится тихим, и под ногами шуршат сухие листья. По утрам над озером стоит туман, а к полудню солнце ещё греет, как летом. Дети собирают грибы и ягоды, взрослые готовят дрова на зиму. Вечером вся деревня собирается у печи, пьёт чай с вареньем и слушает истории о том, как жили раньше.",
	chinese: "春天来了，公园里的花都开了。早上有很多老人在湖边打太极拳，孩子们在草地上放风筝。中午的时候，大家坐在树下吃饭聊天。下午天气变暖，小船慢慢地划过水面，远处传来音乐的声音。到了晚上，街上的灯一盏一盏亮起来，人们才慢慢回家，准备明天的工作和学习。",
	japanese: "週末に友達と一緒に山へ行きました。朝早く駅で会って、電車で二時間ぐらいかかりました。天気がとてもよくて、頂上から富士山がはっきり見えました。お弁当を食べたあとで、温泉に入ってゆっくり休みました。帰りの電車では、みんな疲れて眠ってしまいましたが、とても楽しい一日でした。",
	korean: "지난 주말에 가족과 함께 바닷가에 다녀왔습니다. 아침 일찍 출발했지만 길이 막혀서 점심때가 되어서야 도착했습니다. 아이들은 모래사장에서 놀고 어른들은 시장에서 신선한 생선을 샀습니다. 저녁에는 해가 지는 모습을 보면서 따뜻한 국물을 먹었습니다. 다음에는 하루 더 머물고 싶습니다.",
	arabic: "في الصباح الباكر يفتح الخباز دكانه وتنتشر رائحة الخبز في الحي كله. يقف الناس في الصف ويتحدثون عن أخبار اليوم، ويركض الأطفال إلى المدرسة وهم يحملون حقائبهم. وعند الظهر تصبح الشوارع هادئة لأن الجميع يعودون إلى بيوتهم لتناول الغداء والراحة قليلا قبل أن يبدأ العمل من جديد.",
	emoji: "Great job team! 🎉🎉 The launch went well 🚀 and nobody lost any sleep 😴. Next week: fixes 🔧, docs 📚, and cake 🍰 for everyone who stayed late 🌙. See you on Monday 👋😊",
};

const log = Array.from({ length: 120 }, (_, i) =>
	`2026-11-${String(i % 28 + 1).padStart(2, "0")}T0${i % 10}:15:${i % 50 + 10}.${i * 7919 % 1000}Z ` +
	`level=info request=${(i * 2654435761 % 4294967296).toString(16)} status=${200 + i % 5} ` +
	`took=${i * 37 % 900}.${i % 10}ms path=/v1/items/${i * 104729 % 99991}`).join("\n");

async function corpus() {
	return {
		prose: await files(".", ".md"),
		c: await files("shared", ".c"),
		headers: await files("fcgi/tongues", ".h"),
		python: await files("tests/servers", ".py"),
		javascript: await files("tests/clients", ".mjs"),
		json: [await readFile(join(root, "tests/clients/package-lock.json"), "utf8")],
		numbers: [log],
	};
}

const off = (got, want) => (got - want) / want;
const percent = (x) => `${(x * 100).toFixed(1)} %`;

export default async function (t) {
	await withGateway({ kind: "chatgpt" }, async (g) => {
		const client = new Anthropic({ baseURL: g.base, apiKey: "any", maxRetries: 0 });
		const openai = new OpenAI({ baseURL: g.url, apiKey: "any", maxRetries: 0 });
		const count = async (content, more) => (await client.messages.countTokens({
			model: "gpt-5.5", messages: [{ role: "user", content }], ...more,
		})).input_tokens;
		const all = { got: 0, want: 0 };

		const measure = async (texts) => {
			const sum = { got: 0, want: 0 };
			for (const text of texts) {
				sum.got += await count(text) - AROUND;
				sum.want += encode(text).length;
			}
			all.got += sum.got;
			all.want += sum.want;
			return off(sum.got, sum.want);
		};

		for (const [kind, texts] of Object.entries(await corpus()))
			await t.test(g, `tokens of ${kind}`, async () => {
				const error = await measure(texts);
				console.log(`tokens: ${kind}: ${percent(error)}`);
				assert.ok(Math.abs(error) <= KIND, `${kind}: ${percent(error)}`);
			});
		const errors = [];
		for (const [language, text] of Object.entries(languages))
			await t.test(g, `tokens of ${language}`, async () => {
				const error = await measure([text]);
				console.log(`tokens: ${language}: ${percent(error)}`);
				errors.push(Math.abs(error));
				assert.ok(Math.abs(error) <= LANGUAGE, `${language}: ${percent(error)}`);
			});
		await t.test(g, "tokens of all languages, each alike", async () => {
			const mean = errors.reduce((a, b) => a + b, 0) / errors.length;
			console.log(`tokens: languages: ${percent(mean)} on average`);
			assert.ok(mean <= 0.10, percent(mean));
		});
		await t.test(g, "tokens of everything", async () => {
			console.log(`tokens: overall: ${percent(off(all.got, all.want))} of ${all.want}`);
			assert.ok(Math.abs(off(all.got, all.want)) <= OVERALL);
		});

		await t.test(g, "what stands around a text counts", async () => {
			const plain = await count("Say hello.");
			const tools = [{ name: "weather", description: "Tells the weather.",
				input_schema: { type: "object", properties: { city: { type: "string" } } } }];

			assert.equal(plain, encode("Say hello.").length + AROUND);
			assert.ok(await count("Say hello.", { system: "You are kind." }) > plain + 4);
			assert.ok(await count("Say hello.", { tools }) > plain + 15);
			const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
			assert.equal(await count([{ type: "text", text: "Say hello." },
				{ type: "image", source: { type: "base64", media_type: "image/png", data: pixel } }]),
				plain + 210);
			assert.equal((await openai.responses.inputTokens.count({ model: "gpt-5.5",
				input: "Say hello." })).input_tokens, plain);
			await g.sent(0);
		});

		await t.test(g, "what would be refused is refused", async () => {
			await assert.rejects(() => client.messages.countTokens({ model: "gpt-5.5",
				messages: [{ role: "alien", content: "?" }] }), Anthropic.BadRequestError);
			await g.sent(0);
		});
	});
}
