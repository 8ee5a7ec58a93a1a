//! `RandAugment`, `TrivialAugmentWide` and `AutoAugment`: draws operations for a photo, as
//! torchvision 0.29 draws them.
//!
//! The operations are those of torchvision on Pillow images, with the nearest pixel and black
//! outside, its defaults. The draws come from Kennel's own stream, so the same seed gives other
//! operations than in torchvision, of the same distribution.

mod auto_augment;
mod levels;
mod operation;
mod ranges;
mod sharpness;
mod shift;

use image::RgbImage;
use kennel_core::{Augmentation, AugmentationPolicy};

use crate::chance::Chance;

pub use auto_augment::{IMAGENET, Part};
pub use operation::Operation;
pub use ranges::Ranges;

/// One operation with its magnitude.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// What is done.
    pub operation: Operation,
    /// How much of it, in the unit of the operation. Negative for the other direction.
    pub magnitude: f64,
}

impl Step {
    /// Applies the operation.
    pub fn apply(self, photo: &mut RgbImage) {
        self.operation.apply(photo, self.magnitude);
    }
}

/// Draws the operations for one view of a photo of this size (width and height in pixels), in the
/// order in which they are applied. Without a policy it draws nothing.
pub(crate) fn draw(
    augmentation: &Augmentation,
    size: (u32, u32),
    chance: &mut Chance,
) -> Vec<Step> {
    match augmentation.policy {
        AugmentationPolicy::None => Vec::new(),
        AugmentationPolicy::RandAugment => {
            let ranges = Ranges::rand_augment(size);
            let bin = augmentation.randaugment_magnitude;
            let mut step = || {
                let operation = Operation::drawn(chance);
                Step { operation, magnitude: signed(&ranges, operation, bin, chance) }
            };
            (0..augmentation.randaugment_ops).map(|_| step()).collect()
        }
        AugmentationPolicy::TrivialAugment => {
            let ranges = Ranges::trivial_augment();
            let operation = Operation::drawn(chance);
            let bin = chance.below(u64::from(ranges.bins)) as u32;
            vec![Step { operation, magnitude: signed(&ranges, operation, bin, chance) }]
        }
        AugmentationPolicy::AutoAugment => auto_augment(&Ranges::auto_augment(size), chance),
    }
}

/// Returns the magnitude of a bin. If the operation has two directions, the other one is as likely.
fn signed(ranges: &Ranges, operation: Operation, bin: u32, chance: &mut Chance) -> f64 {
    let magnitude = ranges.magnitude(operation, bin);
    if operation.is_signed() && chance.happens(0.5) { -magnitude } else { magnitude }
}

/// Draws one of the pairs, and which of its two parts are applied.
fn auto_augment(ranges: &Ranges, chance: &mut Chance) -> Vec<Step> {
    let pair = IMAGENET[chance.below(IMAGENET.len() as u64) as usize];
    let mut steps = Vec::with_capacity(pair.len());
    for Part { operation, probability, bin } in pair {
        if chance.happens(probability) {
            let magnitude = signed(ranges, operation, bin.unwrap_or(0), chance);
            steps.push(Step { operation, magnitude });
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kennel_core::AugmentationSet;

    use super::*;

    const SIZE: (u32, u32) = (331, 662);
    const VIEWS: u64 = 14_000;

    fn with(policy: AugmentationPolicy) -> Augmentation {
        Augmentation { policy, ..AugmentationSet::None.augmentation() }
    }

    /// The operations of many views.
    fn drawn(augmentation: &Augmentation) -> Vec<Vec<Step>> {
        let of = |view| draw(augmentation, SIZE, &mut Chance::new(42, "augment", &[view, 0]));
        (0..VIEWS).map(of).collect()
    }

    /// Whether a count of `n` trials is within five standard deviations of its expectation.
    fn is_usual(count: usize, n: usize, p: f64) -> bool {
        let (expected, n) = (n as f64 * p, n as f64);
        (count as f64 - expected).abs() < 5.0 * (n * p * (1.0 - p)).sqrt()
    }

    #[test]
    fn without_a_policy_nothing_is_drawn() {
        let mut chance = Chance::new(42, "augment", &[0, 0]);
        assert_eq!(draw(&with(AugmentationPolicy::None), SIZE, &mut chance), []);
        assert_eq!(chance.unit(), Chance::new(42, "augment", &[0, 0]).unit());
    }

    #[test]
    fn rand_augment_draws_each_operation_alike_at_its_magnitude_in_both_directions() {
        for (ops, bin) in [(2, 9), (3, 15)] {
            let views = drawn(&Augmentation {
                randaugment_ops: ops,
                randaugment_magnitude: bin,
                ..with(AugmentationPolicy::RandAugment)
            });
            assert!(views.iter().all(|steps| steps.len() == ops as usize));
            let steps: Vec<&Step> = views.iter().flatten().collect();
            let ranges = Ranges::rand_augment(SIZE);
            for operation in Operation::DRAWN {
                let of: Vec<f64> = steps
                    .iter()
                    .filter(|step| step.operation == operation)
                    .map(|step| step.magnitude)
                    .collect();
                assert!(is_usual(of.len(), steps.len(), 1.0 / 14.0), "{operation:?} {}", of.len());
                let magnitude = ranges.magnitude(operation, bin);
                assert!(of.iter().all(|found| found.abs() == magnitude));
                let others = of.iter().filter(|found| **found < 0.0).count();
                match operation.is_signed() {
                    true => assert!(is_usual(others, of.len(), 0.5), "{operation:?} {others}"),
                    false => assert_eq!(others, 0),
                }
            }
        }
    }

    #[test]
    fn trivial_augment_draws_one_operation_at_every_magnitude_alike() {
        let views = drawn(&with(AugmentationPolicy::TrivialAugment));
        let mut rotations = BTreeMap::new();
        for steps in &views {
            let [step] = steps[..] else { panic!("{steps:?}") };
            if step.operation == Operation::Rotate {
                *rotations.entry((step.magnitude.abs() / 4.5).round() as u32).or_insert(0) += 1;
            }
        }
        let all = rotations.values().sum::<usize>();
        assert!(is_usual(all, views.len(), 1.0 / 14.0), "{all}");
        assert_eq!(rotations.keys().copied().collect::<Vec<_>>(), (0..31).collect::<Vec<_>>());
        for (bin, count) in rotations {
            assert!(is_usual(count, all, 1.0 / 31.0), "{bin}: {count} of {all}");
        }
    }

    #[test]
    fn auto_augment_draws_its_pairs_alike_and_their_parts_by_their_probabilities() {
        let views = drawn(&with(AugmentationPolicy::AutoAugment));
        // Of all pairs, only one begins with a shear (0.6), and then equalises in any case.
        let shears = |steps: &&Vec<Step>| steps[0].operation == Operation::ShearX;
        let sheared: Vec<_> =
            views.iter().filter(|steps| !steps.is_empty()).filter(shears).collect();
        assert!(is_usual(sheared.len(), views.len(), 0.6 / 25.0), "{}", sheared.len());
        assert!(sheared.iter().all(|steps| steps[1].operation == Operation::Equalize));
        let left = sheared.iter().filter(|steps| steps[0].magnitude < 0.0).count();
        assert!(is_usual(left, sheared.len(), 0.5), "{left}");
        // The expected number of operations is the mean of the sums of probabilities.
        let expected: f64 = IMAGENET.iter().flatten().map(|part| part.probability).sum();
        let found = views.iter().map(Vec::len).sum::<usize>() as f64 / views.len() as f64;
        assert!((found - expected / 25.0).abs() < 0.03, "{found} {expected}");
        let none = views.iter().filter(|steps| steps.is_empty()).count();
        let skips =
            |pair: &[Part; 2]| pair.iter().map(|part| 1.0 - part.probability).product::<f64>();
        let expected = IMAGENET.iter().map(skips).sum::<f64>() / 25.0;
        assert!(is_usual(none, views.len(), expected), "{none} {expected}");
    }
}
