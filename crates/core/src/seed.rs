//! Randomness: one seed, and from it one named stream per consumer.
//!
//! A consumer calls `stream_seed(seed, "augment", &[epoch, photo])` and gets 32 bytes that depend
//! on nothing else: not on the draws of other consumers, not on the number of threads. So adding a
//! consumer never changes another's draws.

use sha2::{Digest, Sha256};

/// Derives 32 bytes for a counter-based generator (ChaCha) from the run's `seed`, the consumer's
/// `name` and its `indices`.
pub fn stream_seed(seed: u64, name: &str, indices: &[u64]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(seed.to_le_bytes());
    hasher.update((name.len() as u64).to_le_bytes());
    hasher.update(name.as_bytes());
    for index in indices {
        hasher.update(index.to_le_bytes());
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_name_and_index() {
        let base = stream_seed(42, "augment", &[0, 1]);
        assert_eq!(base, stream_seed(42, "augment", &[0, 1]));
        assert_ne!(base, stream_seed(43, "augment", &[0, 1]));
        assert_ne!(base, stream_seed(42, "shuffle", &[0, 1]));
        assert_ne!(base, stream_seed(42, "augment", &[1, 0]));
    }
}
