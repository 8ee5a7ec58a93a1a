//! Successive halving: many trials begin, and the worse half is halted again and again.
//!
//! Source: Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter
//! Optimization".

/// Parts of the training after which the worse half is halted: a quarter and a half.
const PARTS: [usize; 2] = [4, 2];

/// Returns the numbers of finished epochs after which the worse half of the trials is halted.
/// Trainings of a single epoch have none.
pub fn rungs(epochs: usize) -> Vec<usize> {
    let mut rungs = PARTS.map(|part| epochs.div_ceil(part)).to_vec();
    rungs.dedup();
    rungs.retain(|&rung| rung < epochs);
    rungs
}

/// Returns the trials by their losses, the lowest first. On a tie the earlier one comes first.
pub fn ranked(losses: &[(usize, f64)]) -> Vec<usize> {
    let mut sorted = losses.to_vec();
    sorted.sort_by(|(a, loss_a), (b, loss_b)| loss_a.total_cmp(loss_b).then(a.cmp(b)));
    sorted.into_iter().map(|(trial, _)| trial).collect()
}

/// Returns how many epochs `count` trials train together.
pub fn epochs_of_all(count: usize, epochs: usize) -> usize {
    let (mut left, mut before, mut all) = (count, 0, 0);
    for rung in rungs(epochs) {
        all += left * (rung - before);
        (left, before) = (left.div_ceil(2), rung);
    }
    all + left * (epochs - before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_half_is_halted_after_a_quarter_and_after_a_half() {
        let table: [(usize, &[usize]); 5] =
            [(1, &[]), (2, &[1]), (3, &[1, 2]), (4, &[1, 2]), (15, &[4, 8])];
        for (epochs, expected) in table {
            assert_eq!(rungs(epochs), expected, "{epochs}");
        }
        assert_eq!(ranked(&[(0, 0.5), (5, f64::INFINITY), (3, 0.5), (2, 0.3)]), [2, 0, 3, 5]);
    }

    #[test]
    fn a_search_costs_about_half_of_training_every_trial() {
        // 8 trials to epoch 4, 4 to epoch 8, 2 to epoch 16.
        assert_eq!(epochs_of_all(8, 16), 8 * 4 + 4 * 4 + 2 * 8);
        assert_eq!(epochs_of_all(3, 1), 3);
    }
}
