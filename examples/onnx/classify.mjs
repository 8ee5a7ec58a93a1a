// Labels photos in Node.js by an ONNX file of `kennel export --input photo`, as the browser does it (WebAssembly).
//
//   npm install onnxruntime-web sharp
//   node classify.mjs best_model_mobilenetv2_100_photo.onnx photo.jpg ...
import { readFile } from "node:fs/promises";
import * as ort from "onnxruntime-web";
import sharp from "sharp";
import { metadata } from "./metadata.mjs";

const [file, ...photos] = process.argv.slice(2);
const bytes = new Uint8Array(await readFile(file));
const names = JSON.parse(metadata(bytes).class_names);
const session = await ort.InferenceSession.create(bytes);
for (const path of photos) {
  // Upright by EXIF, three channels, uint8 [height, width, 3].
  const { data, info } = await sharp(path).rotate().toColourspace("srgb").removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const photo = new ort.Tensor("uint8", new Uint8Array(data), [info.height, info.width, 3]);
  const { probabilities, label } = await session.run({ photo });
  const best = Number(label.data[0]);
  console.log(`${path}\t${names[best]}\t${probabilities.data[best].toFixed(4)}`);
}
