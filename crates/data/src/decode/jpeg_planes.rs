//! Converts a JPEG's component planes to RGB, as libjpeg's `jdsample.c` and `jdcolor.c` do.
//!
//! The decoder's own conversion is faster, but assumes that luma is the finest component, and
//! rounds four components differently from Pillow. This module converts what it would get wrong.

use image::RgbImage;
use libjpeg_turbo_rs::{ColorSpace, RawImage};

use super::ink;
use super::jpeg_markers::Frame;

/// Converts the planes of a frame of three or four components, whose colours are `space`, to RGB.
pub(super) fn mix_planes(raw: &RawImage, frame: &Frame, space: ColorSpace) -> RgbImage {
    let (wide, high) = frame.finest_sampling();
    let planes: Vec<Plane> = frame
        .sampling
        .iter()
        .enumerate()
        .map(|(index, &(h, v))| Plane {
            samples: &raw.planes[index],
            stride: raw.plane_widths[index],
            width: (raw.width * usize::from(h)).div_ceil(usize::from(wide)),
            height: (raw.height * usize::from(v)).div_ceil(usize::from(high)),
            across: usize::from(wide / h),
            down: usize::from(high / v),
        })
        .collect();
    let to_rgb: fn([u8; 4]) -> [u8; 3] = match space {
        ColorSpace::Rgb => |[red, green, blue, _]| [red, green, blue],
        // Adobe writes inks inverted (255 is none), and Pillow takes every file of four components
        // for Adobe's.
        ColorSpace::Cmyk => |inks| ink::mixed(inks.map(|ink| 255 - ink)),
        ColorSpace::Ycck => |[y, cb, cr, white]| {
            let [cyan, magenta, yellow] = rgb_of_ycc([y, cb, cr]);
            ink::mixed([cyan, magenta, yellow, 255 - white])
        },
        _ => |[y, cb, cr, _]| rgb_of_ycc([y, cb, cr]),
    };
    let mut photo = RgbImage::new(raw.width as u32, raw.height as u32);
    let mut rows = vec![vec![0; raw.width]; 4];
    let mut sums = Vec::new();
    for (y, pixels) in photo.chunks_exact_mut(3 * raw.width).enumerate() {
        for (plane, row) in planes.iter().zip(&mut rows) {
            plane.row(y, row, &mut sums);
        }
        for (x, pixel) in pixels.chunks_exact_mut(3).enumerate() {
            pixel.copy_from_slice(&to_rgb([rows[0][x], rows[1][x], rows[2][x], rows[3][x]]));
        }
    }
    photo
}

/// One component: its samples without the padding to whole blocks, and their spacing.
struct Plane<'a> {
    samples: &'a [u8],
    stride: usize,
    width: usize,
    height: usize,
    /// Pixels per sample, horizontally and vertically.
    across: usize,
    down: usize,
}

impl Plane<'_> {
    fn samples(&self, row: usize) -> &[u8] {
        &self.samples[row * self.stride..][..self.width]
    }

    /// Computes row `y` of the picture: with a triangle filter where libjpeg has one
    /// (`jinit_upsampler`), else by repeating each sample.
    fn row(&self, y: usize, out: &mut [u8], sums: &mut Vec<u16>) {
        let nearest = y / self.down;
        let here = self.samples(nearest);
        match (self.across, self.down) {
            (1, 2) => {
                let bias = 1 + (y % 2) as u16;
                self.sum_of_two_rows(y, sums);
                for (value, sum) in out.iter_mut().zip(sums) {
                    *value = ((*sum + bias) >> 2) as u8;
                }
            }
            (2, 1) if self.width > 2 => {
                sums.clear();
                sums.extend(here.iter().map(|&sample| u16::from(sample)));
                double(sums, [1, 2], 2, out);
            }
            (2, 2) if self.width > 2 => {
                self.sum_of_two_rows(y, sums);
                double(sums, [8, 7], 4, out);
            }
            (across, _) => {
                for (values, &sample) in out.chunks_mut(across).zip(here) {
                    values.fill(sample);
                }
            }
        }
    }

    /// Adds three parts of the nearest row and one of the next nearest.
    fn sum_of_two_rows(&self, y: usize, sums: &mut Vec<u16>) {
        let nearest = y / 2;
        let next = if y.is_multiple_of(2) {
            nearest.saturating_sub(1)
        } else {
            (nearest + 1).min(self.height - 1)
        };
        let both = self.samples(nearest).iter().zip(self.samples(next));
        sums.clear();
        sums.extend(both.map(|(&near, &far)| 3 * u16::from(near) + u16::from(far)));
    }
}

/// Makes two pixels per sample: three parts of it and one of its neighbour on that side.
fn double(sums: &[u16], [left, right]: [u16; 2], shift: u32, out: &mut [u8]) {
    for (x, pair) in out.chunks_mut(2).enumerate() {
        let before = sums[x.saturating_sub(1)];
        let after = sums[(x + 1).min(sums.len() - 1)];
        pair[0] = ((3 * sums[x] + before + left) >> shift) as u8;
        if let Some(second) = pair.get_mut(1) {
            *second = ((3 * sums[x] + after + right) >> shift) as u8;
        }
    }
}

/// Converts as libjpeg's `ycc_rgb_convert`: 16 bits of fraction, and green rounded once for both of
/// its terms.
fn rgb_of_ycc([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let red = y + ((91_881 * cr + HALF) >> 16);
    let green = y + ((-22_554 * cb - 46_802 * cr + HALF) >> 16);
    let blue = y + ((116_130 * cb + HALF) >> 16);
    [red, green, blue].map(|value| value.clamp(0, 255) as u8)
}
