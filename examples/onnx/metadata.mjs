// What an ONNX file says of itself: onnxruntime-web does not hand it out, so it is read from the file, a protocol buffer.
// `ModelProto.metadata_props` is field 14, a list of {key = 1, value = 2}; every other field is skipped by its length.
export function metadata(bytes) {
  const text = new TextDecoder();
  const fields = function* (from, end) {
    const number = () => {
      for (let value = 0, scale = 1; ; scale *= 128) {
        const byte = bytes[from++];
        value += (byte % 128) * scale;
        if (byte < 128) return value;
      }
    };
    while (from < end) {
      const tag = number(), kind = tag % 8;
      const length = kind === 2 ? number() : kind === 0 ? (number(), 0) : kind === 1 ? 8 : 4;
      yield { field: Math.floor(tag / 8), from, end: (from += length) };
    }
  };
  const result = {};
  for (const entry of fields(0, bytes.length)) {
    if (entry.field !== 14) continue;
    const [key, value] = [...fields(entry.from, entry.end)].map((part) => text.decode(bytes.subarray(part.from, part.end)));
    result[key] = value ?? "";
  }
  return result;
}
