//! Shards of a batch.

/// The default: every step is one pass over the whole batch.
pub(super) fn default_shards() -> usize {
    1
}

pub(super) fn is_default(shards: &usize) -> bool {
    *shards == default_shards()
}
