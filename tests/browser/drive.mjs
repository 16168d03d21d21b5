// Serve a folder, choose files on its page in headless Chromium, print what came of it as JSON.
//   node drive.mjs MODULES CHROMIUM FOLDER SCREENSHOT FILE...
// MODULES is the folder in which playwright-core was installed.

import { createRequire } from "node:module";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";

const KINDS = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};
const [modules, executablePath, folder, screenshot, ...files] = process.argv.slice(2);
const { chromium } = createRequire(`${modules}/`)("playwright-core");

async function serve(request, answer) {
  const { pathname } = new URL(request.url, "http://localhost");
  const name = pathname === "/" ? "index.html" : decodeURIComponent(pathname.slice(1));
  try {
    const content = await readFile(join(folder, name));
    answer.writeHead(200, { "content-type": KINDS[extname(name)] ?? "application/octet-stream" });
    answer.end(content);
  } catch {
    answer.writeHead(404).end();
  }
}

// Runs in the page: the modules that it uses itself, on the file that was chosen there.
async function looked() {
  const { open, rgbOf } = await import("./model.js");
  globalThis.opened ??= open();
  const [file] = document.querySelector("#photo").files;
  const { seen, vector, scores } = await (await globalThis.opened).look(file);
  const { rgb } = await rgbOf(file);
  return { rgb: [...rgb], seen: [...seen], vector: [...vector], scores };
}

const server = createServer(serve).listen(0, "127.0.0.1");
await new Promise((ready) => server.once("listening", ready));
const here = `http://127.0.0.1:${server.address().port}/`;
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = await browser.newPage({ viewport: { width: 800, height: 1000 } });
const [errors, outside, found] = [[], [], []];
const loud = ["error", "warning"];
page.on("console", (message) => loud.includes(message.type()) && errors.push(message.text()));
page.on("pageerror", (error) => errors.push(String(error)));
page.on("request", (request) => {
  const url = request.url();
  if (!url.startsWith(here) && !/^(blob|data):/.test(url)) outside.push(url);
});
try {
  await page.goto(here);
  for (const file of files) {
    await page.setInputFiles("#photo", file);
    await page.waitForFunction(() => !["", "Looking …"].includes(document.querySelector("#said").textContent));
    const shown = await page.locator("#scores li span").allInnerTexts();
    const said = await page.locator("#said").innerText();
    found.push({ shown, said, ...(shown.length ? await page.evaluate(looked) : {}) });
  }
  await page.screenshot({ path: screenshot });
} finally {
  await browser.close();
  server.close();
}
console.log(JSON.stringify({ errors, outside, found }));
