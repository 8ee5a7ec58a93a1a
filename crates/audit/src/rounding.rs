//! Rounds counts and keeps their sum.

/// Rounds each value to a whole number, then moves those that were rounded worst by one until the
/// sum is the rounded sum of the values. Halves are rounded to even.
///
/// Source: `round_preserving_sum` of cleanlab 2.9. Differs: of values that were rounded equally
/// badly, the last is raised first and the first lowered first; cleanlab leaves their order to
/// numpy's unstable sort.
pub(crate) fn rounded_keeping_sum(values: &[f64]) -> Vec<usize> {
    let mut whole: Vec<f64> = values.iter().map(|value| value.round_ties_even()).collect();
    let sum = values.iter().sum::<f64>().round_ties_even();
    loop {
        let missing = sum - whole.iter().sum::<f64>();
        if missing == 0.0 || values.is_empty() {
            return whole.into_iter().map(|value| value.max(0.0) as usize).collect();
        }
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| (values[a] - whole[a]).total_cmp(&(values[b] - whole[b])));
        let changes = (missing.abs() as usize).min(values.len());
        if missing > 0.0 {
            order.iter().rev().take(changes).for_each(|&at| whole[at] += 1.0);
        } else {
            order.iter().take(changes).for_each(|&at| whole[at] -= 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_stays_and_what_was_rounded_worst_moves() {
        for (values, whole) in [
            (&[1.2, 2.3, 3.5][..], &[1, 2, 4][..]),
            (&[0.4, 0.4, 0.2], &[0, 1, 0]),
            (&[1.6, 1.6, 0.8], &[1, 2, 1]),
            (&[0.5, 1.5, 2.0], &[0, 2, 2]),
            (&[0.3, 0.3, 0.3, 0.3, 0.3, 0.5], &[0, 0, 0, 0, 1, 1]),
            (&[], &[]),
        ] {
            assert_eq!(rounded_keeping_sum(values), whole, "{values:?}");
        }
    }
}
