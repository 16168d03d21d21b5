// The image tower in this browser, against the labels' vectors beside it. Enter at `open`.

import { pixelsOf, square } from "./pixels.js";

const ENGINE = new URL("./onnxruntime-web/", import.meta.url);
export const MISSING =
  "onnxruntime-web is not in this folder: run `npm install onnxruntime-web` and export again with " +
  "--onnxruntime-web node_modules/onnxruntime-web";

async function fetched(name) {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name} cannot be read: serve the whole folder`);
  return answer;
}

// NumPy's file: a header whose length stands at byte 8, then float32 row after row.
async function table(name) {
  const bytes = await (await fetched(name)).arrayBuffer();
  return new Float32Array(bytes.slice(10 + new DataView(bytes).getUint16(8, true)));
}

async function engine() {
  let ort;
  try {
    ort = await import(new URL("ort.wasm.min.mjs", ENGINE));
  } catch (error) {
    throw new Error(MISSING, { cause: error });
  }
  ort.env.wasm.wasmPaths = ENGINE.href;
  ort.env.wasm.numThreads = 1; // more need headers that a plain server does not send
  ort.env.logLevel = "error";
  return ort;
}

// Upright by EXIF, over white, in the file's own numbers.
export async function rgbOf(file) {
  const options = { imageOrientation: "from-image", colorSpaceConversion: "none" };
  const bitmap = await createImageBitmap(file, options);
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  const rgba = context.getImageData(0, 0, width, height).data;
  const rgb = new Uint8ClampedArray(width * height * 3);
  for (let place = 0; place < width * height; place += 1) {
    rgb.set(rgba.subarray(4 * place, 4 * place + 3), 3 * place);
  }
  return { rgb, width, height };
}

const SCORES = {
  softmax(cosines, { scale }) {
    const highest = Math.max(...cosines);
    const raised = cosines.map((one) => Math.exp(scale * (one - highest)));
    const whole = raised.reduce((sum, one) => sum + one, 0);
    return raised.map((one) => one / whole);
  },
  sigmoid: (cosines, { scale, bias }) => cosines.map((one) => 1 / (1 + Math.exp(-scale * one - bias))),
};

export async function open() {
  const ort = await engine();
  const [how, classes, vectors, graph] = await Promise.all([
    fetched("preprocessing.json").then((answer) => answer.json()),
    fetched("classes.json").then((answer) => answer.json()),
    table("classes.npy"),
    fetched("image.onnx").then((answer) => answer.arrayBuffer()),
  ]);
  const session = await ort.InferenceSession.create(graph, { executionProviders: ["wasm"] });

  // The square that the tower sees, its vector of unit length, and a score for each label.
  async function look(file) {
    const { rgb, width, height } = await rgbOf(file);
    const seen = square(rgb, width, height, how);
    const rows = new ort.Tensor("float32", pixelsOf(seen, how), [1, 3, how.size_px, how.size_px]);
    const found = (await session.run({ pixels: rows })).vector.data;
    const length = Math.hypot(...found);
    const vector = Float32Array.from(found, (number) => number / length);
    const cosines = classes.labels.map((_, row) =>
      vector.reduce((sum, number, place) => sum + number * vectors[row * vector.length + place], 0),
    );
    return { seen, vector, scores: SCORES[classes.head.kind](cosines, classes.head) };
  }
  return { how, classes, look };
}
