//! The classes with the largest logits.
//!
//! All functions use one order: the larger logit first, and among equal logits the lower class
//! index first. So the top 1 is `numpy.argmax`, and every top k begins with the top k-1.
//!
//! Differs: `sklearn.metrics.top_k_accuracy_score` (1.9) puts the higher index first among equal
//! scores.

use std::cmp::Reverse;

/// Returns the class with the largest logit; among equal logits, the lowest index.
///
/// Logits must not be NaN.
///
/// # Panics
///
/// When `logits` is empty.
pub fn argmax(logits: &[f32]) -> usize {
    assert!(!logits.is_empty(), "no logits");
    let mut best = 0;
    for (class, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = class;
        }
    }
    best
}

/// Returns the first `k` classes, best first; all classes when there are fewer.
pub fn top_k(logits: &[f32], k: usize) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..logits.len()).collect();
    // `+ 0.0` turns -0.0 into 0.0, so that they are equal here as they are for `>` in `argmax`.
    classes.sort_by(|&a, &b| (logits[b] + 0.0).total_cmp(&(logits[a] + 0.0)).then(a.cmp(&b)));
    classes.truncate(k);
    classes
}

/// Whether `class` is among the first `k`: fewer than `k` classes have a larger logit, or an equal
/// logit and a lower index.
///
/// # Panics
///
/// When `class` has no logit.
pub fn in_top_k(logits: &[f32], class: usize, k: usize) -> bool {
    let own = (logits[class], Reverse(class));
    let before =
        logits.iter().enumerate().filter(|&(other, &logit)| (logit, Reverse(other)) > own).count();
    before < k
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_index_wins_among_equals() {
        for (logits, best) in [
            (&[1.0, 1.0, 1.0][..], 0),
            (&[0.0, 2.0, 2.0], 1),
            (&[-1.0, -2.0, -1.0], 0),
            (&[-0.0, 0.0], 0),
            (&[0.0, -0.0], 0),
            (&[4.0], 0),
            (&[1.0, 2.0, 3.0], 2),
        ] {
            assert_eq!(argmax(logits), best, "{logits:?}");
            assert_eq!(top_k(logits, 1), [best], "{logits:?}");
        }
    }

    #[test]
    fn the_list_and_the_question_agree_for_every_k() {
        // Only few different values, so that most logits are tied.
        let mut state = 1_u32;
        for _ in 0..200 {
            let logits: Vec<f32> = (0..8)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    [0.0, -0.0, 1.0, -1.0][(state >> 30) as usize]
                })
                .collect();
            for k in 0..10 {
                let first = top_k(&logits, k);
                assert_eq!(first.len(), k.min(8));
                for class in 0..8 {
                    assert_eq!(
                        in_top_k(&logits, class, k),
                        first.contains(&class),
                        "{logits:?} {k} {class}"
                    );
                }
            }
        }
    }
}
