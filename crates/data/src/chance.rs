//! Draws from a named random stream. Written out, so that no release of a library can change what a
//! seed means.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use kennel_core::seed::stream_seed;

/// One random stream.
#[derive(Debug)]
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// Creates the stream of one consumer.
    pub fn new(seed: u64, name: &str, indices: &[u64]) -> Self {
        Self(ChaCha8Rng::from_seed(stream_seed(seed, name, indices)))
    }

    /// Uniform in [0, 1), in steps of 2^-53.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in [low, high).
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// True with probability `p`.
    pub fn happens(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// A whole number below `n` (0 when `n` is 0); the bias is below n / 2^64.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// Shuffles by Fisher and Yates.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }
}

/// Returns the order of `n` photos in an epoch.
pub fn shuffled(n: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    Chance::new(seed, "shuffle", &[epoch]).shuffle(&mut order);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_holds_every_photo_once_and_depends_on_seed_and_epoch() {
        let order = shuffled(557, 42, 3);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..557).collect::<Vec<_>>());
        assert_eq!(order, shuffled(557, 42, 3));
        assert_ne!(order, shuffled(557, 42, 4));
        assert_ne!(order, shuffled(557, 43, 3));
    }

    #[test]
    fn a_seed_means_the_same_draws_in_every_release() {
        let mut chance = Chance::new(42, "augment", &[0, 1]);
        let draws: Vec<u64> = (0..4).map(|_| chance.below(1000)).collect();
        assert_eq!(draws, GOLDEN);
        assert_eq!(shuffled(8, 42, 0), GOLDEN_ORDER);
    }

    const GOLDEN: [u64; 4] = [51, 628, 892, 469];
    const GOLDEN_ORDER: [usize; 8] = [4, 2, 1, 5, 3, 0, 7, 6];
}
