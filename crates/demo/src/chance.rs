//! Chance: a random stream for every photo, and noise that is a function of the place.

use kennel_core::seed::stream_seed;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A random stream for one purpose.
pub struct Chance(ChaCha8Rng);

impl Chance {
    pub fn new(seed: u64, purpose: &str, indices: &[u64]) -> Self {
        Self(ChaCha8Rng::from_seed(stream_seed(seed, purpose, indices)))
    }

    /// Any 32 bits.
    pub fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// In [0, 1).
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 8) as f32 / (1 << 24) as f32
    }

    /// In [low, high).
    pub fn within(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Around 0, most within `spread` of it: the sum of three uniform numbers.
    pub fn around_zero(&mut self, spread: f32) -> f32 {
        (self.unit() + self.unit() + self.unit() - 1.5) * spread
    }

    pub fn happens(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// One of the items.
    pub fn choose<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.bits() as usize % of.len()]
    }
}

/// Smooth noise over the plane, in [0, 1]: random values at whole coordinates, blended between
/// them.
#[derive(Clone, Copy, Debug)]
pub struct Noise(pub u32);

impl Noise {
    pub fn at(self, x: f32, y: f32) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let (u, v) = (smooth(x - left), smooth(y - top));
        let (i, j) = (left as i32, top as i32);
        let upper = blend(self.value(i, j), self.value(i + 1, j), u);
        let lower = blend(self.value(i, j + 1), self.value(i + 1, j + 1), u);
        blend(upper, lower, v)
    }

    /// The value at whole coordinates (integer mixing as in MurmurHash3's finaliser).
    pub fn value(self, i: i32, j: i32) -> f32 {
        let mut h =
            self.0 ^ (i as u32).wrapping_mul(0x9e37_79b9) ^ (j as u32).wrapping_mul(0x85eb_ca6b);
        h = (h ^ (h >> 16)).wrapping_mul(0x7feb_352d);
        h = (h ^ (h >> 15)).wrapping_mul(0x846c_a68b);
        h ^= h >> 16;
        (h >> 8) as f32 / (1 << 24) as f32
    }
}

pub fn blend(a: f32, b: f32, share: f32) -> f32 {
    a + (b - a) * share
}

/// From 0 to 1 without a corner.
pub fn smooth(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}
