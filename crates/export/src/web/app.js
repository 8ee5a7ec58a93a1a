// Takes photos, shows their labels. A worker decodes and labels them.

import { takePhoto } from "./camera.js";
import { language, percent, words } from "./words.js";

const MOST_CLASSES = 5;

const element = (id) => document.getElementById(id);
const make = (tag, className, text) => {
  const made = document.createElement(tag);
  made.className = className;
  // Names of classes and files are anybody's: never markup.
  made.textContent = text;
  return made;
};

document.documentElement.lang = language;
document.title = words.title;
for (const said of document.querySelectorAll("[data-say]")) said.textContent = words[said.dataset.say];
document.querySelectorAll(".needs").forEach((hint) => hint.remove());
document.querySelector("main").hidden = false;

const progress = element("progress"), status = element("status"), photos = element("photos");
let model;
const asked = new Map();
const rows = [];
const counts = new Map();
let done = 0, spent = 0, isBroken = false;

const worker = new Worker("worker.js", { type: "module" });
worker.onerror = (event) => notLoaded({ reason: event.message ?? "worker.js" });
worker.onmessage = ({ data }) => {
  const answers = { described, loading, ready, notLoaded };
  (answers[data.kind] ?? answered)(data);
};

function tell(problem, reason) {
  status.className = "wrong";
  status.textContent = words[problem](reason);
}

function notLoaded({ reason }) {
  tell("notLoaded", reason);
  progress.hidden = true;
  element("drop").hidden = element("results").hidden = true;
  isBroken = true;
}

function described({ model: found }) {
  model = found;
  const names = model.class_names;
  element("about").textContent = words.about(model.architecture, names.length);
  element("classes").replaceChildren(...names.map((name) => make("li", "", name)));
  const measured = model.test_accuracy;
  if (measured) {
    element("measured").textContent = words.measured(percent(measured.value), measured.correct, measured.n);
  }
}

function loading({ share }) {
  if (isBroken) return;
  progress.value = share;
  if (!asked.size) status.textContent = words.loading(percent(Math.floor(share * 10) / 10));
}

function ready() {
  progress.hidden = true;
  document.documentElement.dataset.ready = "";
  if (!asked.size) status.textContent = words.ready;
  report();
}

function report() {
  const total = done + asked.size;
  if (!total) return;
  progress.hidden = !asked.size;
  progress.value = done / total;
  if (asked.size) status.textContent = words.labelling(total);
  else status.textContent = words.labelled(total, Math.round(spent / Math.max(1, rows.length)));
}

let last = 0;
function take(files) {
  if (isBroken) return;
  const tiles = [...files].map((blob) => {
    const id = ++last;
    const name = blob.name ?? words.pasted;
    const tile = make("li", "waiting", "");
    tile.append(make("p", "name", name));
    asked.set(id, { tile, name });
    worker.postMessage({ id, blob });
    return tile;
  });
  if (!tiles.length) return;
  status.className = "";
  element("results").hidden = false;
  photos.prepend(...tiles);
  report();
}

function answered({ id, kind, reason, ...answer }) {
  const { tile, name } = asked.get(id);
  asked.delete(id);
  done += 1;
  tile.className = "";
  if (kind === "labelled") {
    show(tile, name, answer);
  } else {
    tile.append(make("p", "wrong", kind === "failed" ? words.failed(reason) : words.unreadable));
  }
  report();
}

function show(tile, name, { probabilities, isUnknown, ms, picture }) {
  const ranked = probabilities
    .map((probability, index) => ({ probability, label: model.class_names[index] }))
    .sort((a, b) => b.probability - a.probability);
  const [best] = ranked;
  const label = isUnknown ? words.unknown : best.label;
  const image = make("img", "", "");
  image.alt = name;
  image.src = URL.createObjectURL(picture);
  const heading = make("h2", isUnknown ? "unknown" : "", label);
  tile.prepend(image, heading);
  if (isUnknown) {
    heading.after(make("p", "soft", words.nearest(best.label, percent(best.probability))));
  } else {
    heading.append(" ", make("span", "share", percent(best.probability)));
    tile.append(bars(ranked.slice(0, MOST_CLASSES)));
  }
  spent += ms;
  rows.push({ name, label, isUnknown, probability: best.probability });
  counts.set(label, (counts.get(label) ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  element("counts").textContent = sorted.map(([label, count]) => `${label}: ${count}`).join(" · ");
}

function bars(ranked) {
  const list = make("ol", "bars", "");
  for (const { label, probability } of ranked) {
    const row = make("li", "", "");
    const bar = make("span", "bar", "");
    bar.style.width = `${100 * probability}%`;
    row.append(make("span", "label", label), make("span", "number", percent(probability)), bar);
    list.append(row);
  }
  return list;
}

const files = element("files"), camera = element("camera");
for (const input of [files, camera]) {
  input.onchange = () => {
    take(input.files);
    input.value = "";
  };
}
element("choose").onclick = () => files.click();
element("shoot").onclick = () => takePhoto({ camera, take, refuse: (reason) => tell("noCamera", reason) });

const body = document.body;
body.ondragover = (event) => {
  event.preventDefault();
  body.classList.add("over");
};
body.ondragleave = (event) => {
  if (!event.relatedTarget) body.classList.remove("over");
};
body.ondrop = (event) => {
  event.preventDefault();
  body.classList.remove("over");
  take(event.dataTransfer.files);
};
document.onpaste = (event) => take(event.clipboardData.files);

element("save").onclick = () => {
  const cell = (value) => `"${String(value).replaceAll('"', '""')}"`;
  const lines = rows.map(({ name, label, isUnknown, probability }) =>
    [cell(name), cell(label), isUnknown ? "" : probability].join(","));
  const blob = new Blob([`photo,label,probability\n${lines.join("\n")}\n`], { type: "text/csv" });
  const link = make("a", "", "");
  link.href = URL.createObjectURL(blob);
  link.download = "labels.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
};
