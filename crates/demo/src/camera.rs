//! Photographs a scene: exposure, white balance, blur, vignette, noise, and a JPEG.

use image::codecs::jpeg::JpegEncoder;

use crate::canvas::Canvas;
use crate::chance::Chance;

/// Takes the photo and returns its JPEG file.
pub fn photograph(mut canvas: Canvas, chance: &mut Chance) -> Vec<u8> {
    for _ in 0..[0, 0, 1, 2][chance.bits() as usize % 4] {
        blur(&mut canvas);
    }
    let side = canvas.side;
    let exposure = chance.within(0.6, 1.3);
    let balance: [f32; 3] = std::array::from_fn(|_| exposure * (1.0 + chance.around_zero(0.16)));
    let (haze, vignette, grain) =
        (chance.within(0.0, 0.18), chance.within(0.0, 0.5), chance.within(0.01, 0.09));
    let mut bytes = Vec::with_capacity(side * side * 3);
    for (index, pixel) in canvas.pixels.iter().enumerate() {
        let away = |i: usize| (i as f32 + 0.5) / side as f32 - 0.5;
        let (x, y) = (away(index % side), away(index / side));
        let corner = 1.0 - vignette * 2.0 * (x * x + y * y);
        for channel in 0..3 {
            let light = (pixel[channel] * balance[channel] * corner).clamp(0.0, 1.0);
            let value = light * (1.0 - haze) + haze * 0.6 + chance.around_zero(grain);
            bytes.push((value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8);
        }
    }
    let quality = 60 + (chance.bits() % 33) as u8;
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality)
        .encode(&bytes, side as u32, side as u32, image::ExtendedColorType::Rgb8)
        .expect("a photo of this size is a JPEG");
    file
}

/// Averages each pixel and its neighbours, weighted 1 2 1 both ways.
fn blur(canvas: &mut Canvas) {
    let side = canvas.side;
    for step in [1, side] {
        let before = canvas.pixels.clone();
        for (index, pixel) in canvas.pixels.iter_mut().enumerate() {
            let place = if step == 1 { index % side } else { index / side };
            let previous = before[if place == 0 { index } else { index - step }];
            let next = before[if place == side - 1 { index } else { index + step }];
            for channel in 0..3 {
                pixel[channel] =
                    (previous[channel] + 2.0 * before[index][channel] + next[channel]) * 0.25;
            }
        }
    }
}
