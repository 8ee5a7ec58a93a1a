//! Decodes the first frame of a GIF, as Pillow does.

use gif::{ColorOutput, DecodeOptions, DecodingError, MemoryLimit};
use image::RgbImage;

use super::admission::admit;
use super::{DecodeError, Decoded};

/// An index of the frame and one of the screen.
const SCRATCH_BYTES_A_PIXEL: u64 = 2;

pub(super) fn decode_gif(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let explain = |error: DecodingError| match error {
        DecodingError::UnexpectedEof => DecodeError::Truncated {
            reason: format!("{} bytes of GIF end in the picture", bytes.len()),
        },
        error => DecodeError::Damaged { format: "GIF", reason: error.to_string() },
    };
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    // `admit` below limits the memory.
    options.set_memory_limit(MemoryLimit::Unlimited);
    let mut decoder = options.read_info(bytes).map_err(explain)?;
    let screen = (u32::from(decoder.width()), u32::from(decoder.height()));
    let frame = decoder
        .next_frame_info()
        .map_err(explain)?
        .ok_or(DecodeError::Damaged { format: "GIF", reason: "no picture in it".into() })?;
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let (across, down) = (usize::from(frame.width), usize::from(frame.height));
    // The screen grows to contain its frame, unless one of them is empty.
    let is_empty = screen.0 == 0 || screen.1 == 0 || across == 0 || down == 0;
    let (width, height) = match is_empty {
        true => (screen.0.min(frame.width.into()), screen.1.min(frame.height.into())),
        false => (screen.0.max((left + across) as u32), screen.1.max((top + down) as u32)),
    };
    let pixels = u64::from(width) * u64::from(height);
    let held = admit(width.into(), height.into(), SCRATCH_BYTES_A_PIXEL * pixels)?;
    // Pixels outside the frame get its transparent colour, or the first of the palette.
    let open = frame.transparent.unwrap_or(0);

    let mut indices = vec![0; across * down];
    decoder.read_into_buffer(&mut indices).map_err(explain)?;
    let mut canvas = vec![open; width as usize * height as usize];
    let rows = canvas.chunks_exact_mut(width as usize).skip(top);
    for (row, from) in rows.zip(indices.chunks_exact(across)) {
        row[left..left + across].copy_from_slice(from);
    }
    let colors = colors(decoder.palette().map_err(explain)?);
    let mut photo = RgbImage::new(width, height);
    for (pixel, &index) in photo.pixels_mut().zip(&canvas) {
        pixel.0 = colors[usize::from(index)];
    }
    Ok(Decoded::new(photo, None, Vec::new(), held))
}

/// Returns a palette of 256 colours. Those that `palette` does not name are black.
fn colors(palette: &[u8]) -> [[u8; 3]; 256] {
    let mut colors = [[0; 3]; 256];
    for (color, named) in colors.iter_mut().zip(palette.chunks_exact(3)) {
        color.copy_from_slice(named);
    }
    colors
}
