// The square that the page makes of a picture: node square.mjs PIXELS.mjs < JSON > bytes
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { square } = await import(pathToFileURL(process.argv[2]));
const { rgb, width, height, how } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(square(Uint8ClampedArray.from(rgb), width, height, how));
