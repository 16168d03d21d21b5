// What a person sees: a photo chosen or dropped, and a bar for each label.

import { open } from "./model.js";

const MOST = 12; // labels shown
const MEANINGS = {
  softmax:
    "Each bar is a label's share among the labels listed here. They add up to 100 %, so a picture of " +
    "none of them still has a best label: a share is not the probability that a label is right.",
  sigmoid:
    "Each label is judged by itself, so the bars need not add up to 100 %. A bar is how sure the model " +
    "was trained to be, not a measured probability that the label is right.",
};

const said = document.querySelector("#said");
const photo = document.querySelector("#photo");
const shown = document.querySelector("#shown");
const scores = document.querySelector("#scores");
let opening;

function bar(label, score) {
  const item = document.createElement("li");
  const name = document.createElement("span");
  const meter = document.createElement("meter");
  const number = document.createElement("b");
  name.textContent = label;
  meter.value = score;
  number.textContent = `${(100 * score).toFixed(score < 0.0995 ? 1 : 0)} %`;
  item.append(name, meter, number);
  return item;
}

async function show(file) {
  said.textContent = "Looking …";
  scores.replaceChildren();
  try {
    opening ??= open();
    const model = await opening;
    const found = await model.look(file);
    URL.revokeObjectURL(shown.src);
    shown.src = URL.createObjectURL(file);
    shown.alt = file.name;
    shown.hidden = false;
    const order = [...found.scores.keys()].sort((one, other) => found.scores[other] - found.scores[one]);
    const named = order.slice(0, MOST);
    scores.replaceChildren(...named.map((row) => bar(model.classes.labels[row], found.scores[row])));
    said.textContent = MEANINGS[model.classes.head.kind];
  } catch (error) {
    if (error instanceof DOMException) said.textContent = `${file.name} is no picture that this browser reads.`;
    else said.textContent = error.message;
  }
}

photo.addEventListener("change", () => photo.files.length && show(photo.files[0]));
for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    if (kind === "drop" && event.dataTransfer.files.length) show(event.dataTransfer.files[0]);
  });
}
