// Decodes a photo. The browser decodes only: the network's file resizes, so that every browser
// shows the network the same picture.

// Rows that are read at once: some browsers limit a canvas to 16 megapixels.
const BAND_ROWS = 256;
const THUMBNAIL_PX = 480;

// Upright by its EXIF orientation; colours as they are stored, as in training.
export const decode = (blob) => createImageBitmap(blob, {
  imageOrientation: "from-image",
  colorSpaceConversion: "none",
  premultiplyAlpha: "none",
});

// The bytes of [height, width, 3].
export function pixels(bitmap) {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, Math.min(BAND_ROWS, height));
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  const rgb = new Uint8Array(width * height * 3);
  let to = 0;
  for (let top = 0; top < height; top += BAND_ROWS) {
    const rows = Math.min(BAND_ROWS, height - top);
    context.fillRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, -top);
    const { data } = context.getImageData(0, 0, width, rows);
    for (let from = 0; from < data.length; from += 4) {
      rgb[to++] = data[from];
      rgb[to++] = data[from + 1];
      rgb[to++] = data[from + 2];
    }
  }
  return rgb;
}

// A small JPEG: a page with a hundred whole photos would take a gigabyte.
export function thumbnail(bitmap) {
  const scale = Math.min(1, THUMBNAIL_PX / Math.max(bitmap.width, bitmap.height));
  const side = (px) => Math.max(1, Math.round(px * scale));
  const canvas = new OffscreenCanvas(side(bitmap.width), side(bitmap.height));
  const context = canvas.getContext("2d", { alpha: false });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
}
