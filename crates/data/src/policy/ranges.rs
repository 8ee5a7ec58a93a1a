//! The magnitudes of the operations, by bin: torchvision's `_augmentation_space`.

use super::operation::Operation;

/// How far each operation goes at its last bin, and how many bins there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranges {
    /// Number of bins.
    pub bins: u32,
    shear: f64,
    /// Along the rows and along the columns.
    translate_px: [f64; 2],
    rotate_deg: f64,
    /// Of brightness, colour, contrast and sharpness.
    enhance: f64,
    /// Bits that `Posterize` drops.
    posterize_bits: u32,
}

impl Ranges {
    /// The ranges of `RandAugment` on photos of `(width, height)` pixels.
    pub fn rand_augment(size: (u32, u32)) -> Self {
        Self::narrow(31, size)
    }

    /// The ranges of `AutoAugment` on photos of `(width, height)` pixels.
    pub fn auto_augment(size: (u32, u32)) -> Self {
        Self::narrow(10, size)
    }

    fn narrow(bins: u32, (width, height): (u32, u32)) -> Self {
        Self {
            bins,
            shear: 0.3,
            translate_px: [width, height].map(|side| 150.0 / 331.0 * f64::from(side)),
            rotate_deg: 30.0,
            enhance: 0.9,
            posterize_bits: 4,
        }
    }

    /// The wide ranges of `TrivialAugmentWide`.
    pub fn trivial_augment() -> Self {
        Self {
            bins: 31,
            shear: 0.99,
            translate_px: [32.0, 32.0],
            rotate_deg: 135.0,
            enhance: 0.99,
            posterize_bits: 6,
        }
    }

    /// Returns the magnitude of an operation at a bin, in the unit of the operation. Operations
    /// without a magnitude have 0.
    pub fn magnitude(&self, operation: Operation, bin: u32) -> f64 {
        let up_to = |end| linear_space(0.0, end, self.bins, bin);
        match operation {
            Operation::ShearX | Operation::ShearY => up_to(self.shear),
            Operation::TranslateX => up_to(self.translate_px[0]),
            Operation::TranslateY => up_to(self.translate_px[1]),
            Operation::Rotate => up_to(self.rotate_deg),
            Operation::Brightness
            | Operation::Color
            | Operation::Contrast
            | Operation::Sharpness => up_to(self.enhance),
            Operation::Posterize => {
                let bins_a_bit = f64::from(self.bins - 1) / f64::from(self.posterize_bits);
                8.0 - (f64::from(bin) / bins_a_bit).round_ties_even()
            }
            Operation::Solarize => linear_space(255.0, 0.0, self.bins, bin),
            Operation::Identity
            | Operation::AutoContrast
            | Operation::Equalize
            | Operation::Invert => 0.0,
        }
    }
}

/// Returns one value of `torch.linspace(start, end, count)`, in f32: from the nearer end, with one
/// rounding of product and sum. The rounding decides whole pixels: bin 15 of `TrivialAugmentWide`
/// moves a photo by 15 pixels, not 16.
fn linear_space(start: f64, end: f64, count: u32, at: u32) -> f64 {
    let (start, end) = (start as f32, end as f32);
    let step = (end - start) / (count - 1) as f32;
    f64::from(match at < count / 2 {
        true => step.mul_add(at as f32, start),
        false => (-step).mul_add((count - 1 - at) as f32, end),
    })
}
