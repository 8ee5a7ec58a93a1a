// Loads the network, then labels photos one after the other, beside the page's own thread.

import * as ort from "./ort/ort.js";
import { decode, pixels, thumbnail } from "./photo.js";

// Safari reserves the whole maximum of a memory that threads could share, which is 4 GB here, and on
// phones refuses that. Less is enough for photos of phones.
const LEAST_PAGES = 4096;
const Memory = WebAssembly.Memory;
WebAssembly.Memory = function (descriptor) {
  for (let { maximum } = descriptor; ; maximum /= 2) {
    try {
      return new Memory({ ...descriptor, maximum });
    } catch (error) {
      if (!(maximum > LEAST_PAGES)) throw error;
    }
  }
};

const reasonOf = (error) => String(error?.message ?? error);

async function load() {
  const response = await fetch("model.json", { cache: "no-cache" });
  if (!response.ok) throw new Error(`model.json: ${response.status}`);
  const model = await response.json();
  postMessage({ kind: "described", model });
  const files = [model.network, model.runtime];
  const total = files.reduce((sum, file) => sum + file.size_bytes, 0);
  let received = 0;
  const bytesOf = async ({ path, size_bytes, sha256 }) => {
    // The digest keeps a browser from joining the network of one export with the words of another.
    const response = await fetch(`${path}?${sha256.slice(0, 16)}`);
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    const bytes = new Uint8Array(size_bytes);
    const reader = response.body.getReader();
    let length = 0;
    for (let read; !(read = await reader.read()).done; length += read.value.length) {
      if (length + read.value.length > size_bytes) throw new Error(`${path}: > ${size_bytes} B`);
      bytes.set(read.value, length);
      received += read.value.length;
      postMessage({ kind: "loading", share: received / total });
    }
    if (length !== size_bytes) throw new Error(`${path}: ${length} B, expected ${size_bytes}`);
    return bytes;
  };
  const [network, runtime] = await Promise.all(files.map(bytesOf));
  ort.env.logLevel = "error";
  ort.env.wasm.wasmBinary = runtime;
  ort.env.wasm.wasmPaths = { mjs: new URL("ort/ort-wasm.js", import.meta.url).href };
  // Threads share memory, which a browser allows only to pages that their server isolates. Half of
  // the cores: with all of two, beside other work, photos took longer than with one.
  const threads = Math.min(4, Math.ceil(navigator.hardwareConcurrency / 2));
  ort.env.wasm.numThreads = self.crossOriginIsolated ? threads : 1;
  const session = await ort.InferenceSession.create(network, { executionProviders: ["wasm"] });
  postMessage({ kind: "ready" });
  return { session, model };
}

const loaded = load();
loaded.catch((error) => postMessage({ kind: "notLoaded", reason: reasonOf(error) }));

async function label(blob) {
  const { session, model } = await loaded;
  const begun = performance.now();
  let bitmap;
  try {
    bitmap = await decode(blob);
  } catch {
    return { kind: "unreadable" };
  }
  try {
    const shape = [bitmap.height, bitmap.width, 3];
    const found = await session.run({ photo: new ort.Tensor("uint8", pixels(bitmap), shape) });
    const probabilities = Array.from(found.probabilities.data);
    const unknownScore = model.unknown ? found.unknown_score.data[0] : null;
    const isUnknown = model.unknown !== null && unknownScore > model.unknown.threshold;
    const ms = performance.now() - begun;
    return { kind: "labelled", probabilities, unknownScore, isUnknown, ms, picture: await thumbnail(bitmap) };
  } catch (error) {
    return { kind: "failed", reason: reasonOf(error) };
  } finally {
    bitmap.close();
  }
}

// One at a time: two large photos at once could exhaust a phone's memory.
let last = loaded.catch(() => {});
onmessage = ({ data: { id, blob } }) => {
  last = last.then(() => label(blob)).then(
    (answer) => postMessage({ ...answer, id }),
    () => {}, // Not loaded: the page has been told.
  );
};
