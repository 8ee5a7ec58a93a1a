//! Works on a few things at a time, on all cores.

use rayon::prelude::*;

/// Applies `make` to the sources on all cores, `at_once` at a time. No more results than that are
/// in memory.
///
/// # Panics
///
/// When `at_once` is 0.
pub fn in_parallel<S: Send + Sync, T: Send>(
    mut sources: impl Iterator<Item = S>,
    at_once: usize,
    make: impl Fn(&S) -> T + Sync,
) -> impl Iterator<Item = Vec<(S, T)>> {
    assert!(at_once > 0, "something at a time");
    std::iter::from_fn(move || {
        let chunk: Vec<S> = sources.by_ref().take(at_once).collect();
        let made: Vec<(S, T)> = chunk
            .into_par_iter()
            .map(|source| {
                let made = make(&source);
                (source, made)
            })
            .collect();
        (!made.is_empty()).then_some(made)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_a_few_are_in_memory_and_their_order_stays() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static TAKEN: AtomicUsize = AtomicUsize::new(0);
        let sources = (0..1000).inspect(|_| {
            TAKEN.fetch_add(1, Ordering::SeqCst);
        });
        let mut seen = 0;
        for chunk in in_parallel(sources, 7, |n| n * 2) {
            for (source, made) in chunk {
                assert_eq!((source, made), (seen, 2 * seen));
                seen += 1;
            }
            assert!(TAKEN.load(Ordering::SeqCst) <= seen);
        }
        assert_eq!(seen, 1000);
    }
}
