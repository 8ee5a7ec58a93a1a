//! The operations that policies draw.

use image::RgbImage;

use super::levels::{auto_contrast, equalize, invert, posterize, solarize};
use super::sharpness::adjust_sharpness;
use super::shift::{shear_x, shear_y, translate_x, translate_y};
use crate::chance::Chance;
use crate::color::{adjust_brightness, adjust_contrast, adjust_saturation};
use crate::rotate::rotate;

/// One change to a photo, by torchvision's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Changes nothing.
    Identity,
    /// Shears along the rows; the magnitude is the shift of a row per row.
    ShearX,
    /// Shears along the columns; the magnitude is the shift of a column per column.
    ShearY,
    /// Moves along the rows, by whole pixels.
    TranslateX,
    /// Moves along the columns, by whole pixels.
    TranslateY,
    /// Turns counter-clockwise, by degrees.
    Rotate,
    /// Brightness by the factor 1 + magnitude.
    Brightness,
    /// Saturation by the factor 1 + magnitude.
    Color,
    /// Contrast by the factor 1 + magnitude.
    Contrast,
    /// Sharpness by the factor 1 + magnitude.
    Sharpness,
    /// Keeps the upper bits; the magnitude is their number, 1 to 8.
    Posterize,
    /// Inverts the values from a threshold on; the magnitude is the threshold.
    Solarize,
    /// Stretches each channel to all levels.
    AutoContrast,
    /// Flattens the histogram of each channel.
    Equalize,
    /// Inverts all values.
    Invert,
}

impl Operation {
    /// What `RandAugment` and `TrivialAugmentWide` draw from, in torchvision's order.
    pub const DRAWN: [Operation; 14] = [
        Operation::Identity,
        Operation::ShearX,
        Operation::ShearY,
        Operation::TranslateX,
        Operation::TranslateY,
        Operation::Rotate,
        Operation::Brightness,
        Operation::Color,
        Operation::Contrast,
        Operation::Sharpness,
        Operation::Posterize,
        Operation::Solarize,
        Operation::AutoContrast,
        Operation::Equalize,
    ];

    /// Draws one of [`Operation::DRAWN`].
    pub(super) fn drawn(chance: &mut Chance) -> Operation {
        Self::DRAWN[chance.below(Self::DRAWN.len() as u64) as usize]
    }

    /// Whether the operation has two directions.
    pub const fn is_signed(self) -> bool {
        match self {
            Operation::ShearX
            | Operation::ShearY
            | Operation::TranslateX
            | Operation::TranslateY
            | Operation::Rotate
            | Operation::Brightness
            | Operation::Color
            | Operation::Contrast
            | Operation::Sharpness => true,
            Operation::Identity
            | Operation::Posterize
            | Operation::Solarize
            | Operation::AutoContrast
            | Operation::Equalize
            | Operation::Invert => false,
        }
    }

    /// Changes the photo, as torchvision 0.29's `_apply_op` does on Pillow images.
    pub fn apply(self, photo: &mut RgbImage, magnitude: f64) {
        match self {
            Operation::Identity => {}
            Operation::ShearX => *photo = shear_x(photo, magnitude),
            Operation::ShearY => *photo = shear_y(photo, magnitude),
            Operation::TranslateX => *photo = translate_x(photo, magnitude),
            Operation::TranslateY => *photo = translate_y(photo, magnitude),
            Operation::Rotate => *photo = rotate(photo, magnitude),
            Operation::Brightness => adjust_brightness(photo, 1.0 + magnitude),
            Operation::Color => adjust_saturation(photo, 1.0 + magnitude),
            Operation::Contrast => adjust_contrast(photo, 1.0 + magnitude),
            Operation::Sharpness => adjust_sharpness(photo, 1.0 + magnitude),
            Operation::Posterize => posterize(photo, magnitude as u32),
            Operation::Solarize => solarize(photo, magnitude),
            Operation::AutoContrast => auto_contrast(photo),
            Operation::Equalize => equalize(photo),
            Operation::Invert => invert(photo),
        }
    }
}
