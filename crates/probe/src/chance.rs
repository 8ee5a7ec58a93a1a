//! Random numbers.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// Draws a number below `bound`.
pub(crate) fn below(chance: &mut ChaCha8Rng, bound: usize) -> usize {
    // 64 random bits, of which the upper half of the product is uniform to 1 in 10^13 here.
    ((u128::from(chance.next_u64()) * bound as u128) >> 64) as usize
}
