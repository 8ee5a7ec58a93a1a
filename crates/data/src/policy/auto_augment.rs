//! The policy that `AutoAugment` learned on ImageNet.

use super::operation::Operation;

/// One of the two operations of a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// What is done.
    pub operation: Operation,
    /// Probability that it is done.
    pub probability: f64,
    /// The bin of its magnitude among ten, if it has one.
    pub bin: Option<u32>,
}

const fn part(operation: Operation, probability: f64, bin: u32) -> Part {
    Part { operation, probability, bin: Some(bin) }
}

/// An operation without a magnitude.
const fn plain(operation: Operation, probability: f64) -> Part {
    Part { operation, probability, bin: None }
}

/// The pairs, each as likely as any other. Five of them stand in the list twice, as in torchvision.
pub const IMAGENET: [[Part; 2]; 25] = {
    use Operation::{
        AutoContrast, Color, Contrast, Equalize, Invert, Posterize, Rotate, Sharpness, ShearX,
        Solarize,
    };
    [
        [part(Posterize, 0.4, 8), part(Rotate, 0.6, 9)],
        [part(Solarize, 0.6, 5), plain(AutoContrast, 0.6)],
        [plain(Equalize, 0.8), plain(Equalize, 0.6)],
        [part(Posterize, 0.6, 7), part(Posterize, 0.6, 6)],
        [plain(Equalize, 0.4), part(Solarize, 0.2, 4)],
        [plain(Equalize, 0.4), part(Rotate, 0.8, 8)],
        [part(Solarize, 0.6, 3), plain(Equalize, 0.6)],
        [part(Posterize, 0.8, 5), plain(Equalize, 1.0)],
        [part(Rotate, 0.2, 3), part(Solarize, 0.6, 8)],
        [plain(Equalize, 0.6), part(Posterize, 0.4, 6)],
        [part(Rotate, 0.8, 8), part(Color, 0.4, 0)],
        [part(Rotate, 0.4, 9), plain(Equalize, 0.6)],
        [plain(Equalize, 0.0), plain(Equalize, 0.8)],
        [plain(Invert, 0.6), plain(Equalize, 1.0)],
        [part(Color, 0.6, 4), part(Contrast, 1.0, 8)],
        [part(Rotate, 0.8, 8), part(Color, 1.0, 2)],
        [part(Color, 0.8, 8), part(Solarize, 0.8, 7)],
        [part(Sharpness, 0.4, 7), plain(Invert, 0.6)],
        [part(ShearX, 0.6, 5), plain(Equalize, 1.0)],
        [part(Color, 0.4, 0), plain(Equalize, 0.6)],
        [plain(Equalize, 0.4), part(Solarize, 0.2, 4)],
        [part(Solarize, 0.6, 5), plain(AutoContrast, 0.6)],
        [plain(Invert, 0.6), plain(Equalize, 1.0)],
        [part(Color, 0.6, 4), part(Contrast, 1.0, 8)],
        [plain(Equalize, 0.8), plain(Equalize, 0.6)],
    ]
};
