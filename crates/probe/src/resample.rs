//! Draws photos with replacement, for intervals.

use kennel_core::seed;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::chance::below;

/// Resamples of the judged photos.
pub(crate) const RESAMPLES: usize = 1000;

/// Draws folds, each with heads trained on other photos, and photos within a fold.
pub(crate) struct Resample {
    /// The judged photos of each fold that has any.
    by_fold: Vec<Vec<usize>>,
    pub chance: ChaCha8Rng,
}

impl Resample {
    /// `folds`: the fold of each photo.
    pub fn new(judged: &[usize], folds: &[usize], seed: u64, consumer: &str) -> Self {
        let mut by_fold = vec![Vec::new(); folds.iter().max().map_or(0, |last| last + 1)];
        judged.iter().for_each(|&photo| by_fold[folds[photo]].push(photo));
        by_fold.retain(|fold| !fold.is_empty());
        let chance = ChaCha8Rng::from_seed(seed::stream_seed(seed, consumer, &[]));
        Resample { by_fold, chance }
    }

    /// Replaces `drawn` by as many folds as there are, and as many photos of each as it has.
    pub fn draw(&mut self, drawn: &mut Vec<usize>) {
        drawn.clear();
        for _ in 0..self.by_fold.len() {
            let fold = &self.by_fold[below(&mut self.chance, self.by_fold.len())];
            drawn.extend((0..fold.len()).map(|_| fold[below(&mut self.chance, fold.len())]));
        }
    }
}

/// The bounds of the middle 95 %.
pub(crate) fn middle(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[(share * (values.len() - 1) as f64).round() as usize];
    (at(0.025), at(0.975))
}
