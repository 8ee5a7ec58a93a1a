"""A peer of `kennel serve`: FastAPI and ONNX Runtime serve the file that Kennel exported.

    python tools/peers/serve_onnx.py MODEL.onnx --port 8585

As a careful user writes it: Pillow decodes and resizes as timm does, one session with two threads, handlers in
FastAPI's thread pool, uvicorn with uvloop and httptools. Answers POST / with a photo as its body.
"""

import argparse
import io
import json

import numpy as np
import onnx
import onnxruntime
import uvicorn
from fastapi import FastAPI, Request
from PIL import Image, ImageOps
from starlette.concurrency import run_in_threadpool

parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("--port", type=int, default=8585)
parser.add_argument("--threads", type=int, default=2)
args = parser.parse_args()

facts = {fact.key: fact.value for fact in onnx.load(args.model).metadata_props}
names = json.loads(facts["class_names"])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = args.threads
session = onnxruntime.InferenceSession(args.model, options, providers=["CPUExecutionProvider"])
input_name, output_name = session.get_inputs()[0].name, session.get_outputs()[0].name
SIDE, RESIZED = int(facts["side_px"]), int(facts["resize_px"])
FILTER = {"bicubic": Image.BICUBIC, "bilinear": Image.BILINEAR}[facts["interpolation"]]
MEAN, STD = (np.array(json.loads(facts[key]), np.float32) for key in ("mean", "std"))
app = FastAPI()


def label(body: bytes) -> dict:
    photo = ImageOps.exif_transpose(Image.open(io.BytesIO(body))).convert("RGB")
    width, height = photo.size
    factor = RESIZED / min(width, height)
    photo = photo.resize((round(width * factor), round(height * factor)), FILTER)
    left, top = round((photo.width - SIDE) / 2), round((photo.height - SIDE) / 2)
    pixels = np.asarray(photo.crop((left, top, left + SIDE, top + SIDE)), np.float32) / 255
    pixels = np.ascontiguousarray(((pixels - MEAN) / STD).transpose(2, 0, 1)[None], np.float32)
    logits = session.run([output_name], {input_name: pixels})[0][0]
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    order = np.argsort(-shares)[:5]
    return {"label": names[order[0]], "top": [{"label": names[index], "probability": float(shares[index])} for index in order]}


@app.post("/")
async def predict(request: Request) -> dict:
    body = await request.body()
    return await run_in_threadpool(label, body)


uvicorn.run(app, port=args.port, log_level="warning")
