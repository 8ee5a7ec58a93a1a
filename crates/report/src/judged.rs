//! A run's answers for photos, with its probabilities.

use kennel_metrics::{argmax, softmax_at};

use crate::RunSummary;
use crate::run::Predictions;

/// A run's answer for one photo.
#[derive(Clone, Debug)]
pub struct Judged<'a> {
    /// Path of the photo in its data set.
    pub path: &'a str,
    /// Index of its class.
    pub true_class: usize,
    /// Index of the class that the run says.
    pub said: usize,
    /// Probability of each class at the run's temperature, as `kennel predict` gives it.
    pub probabilities: Vec<f64>,
}

impl Judged<'_> {
    /// Whether the run is right.
    pub fn is_right(&self) -> bool {
        self.true_class == self.said
    }

    /// Returns the probability of what the run says.
    pub fn confidence(&self) -> f64 {
        self.probabilities[self.said]
    }

    /// Returns the indices of the `n` likeliest classes, likeliest first.
    pub fn likeliest(&self, n: usize) -> Vec<usize> {
        let mut classes: Vec<usize> = (0..self.probabilities.len()).collect();
        classes.sort_by(|&a, &b| self.probabilities[b].total_cmp(&self.probabilities[a]));
        classes.truncate(n);
        classes
    }
}

/// Returns a run's answers for the photos of `predictions`, in their order.
pub fn judged<'a>(predictions: &'a Predictions, summary: &RunSummary) -> Vec<Judged<'a>> {
    let temperature = summary.temperature.map_or(1.0, |fitted| fitted.value);
    let answer = |(record, true_class): (&'a kennel_core::PredictionRecord, &usize)| Judged {
        path: &record.path,
        true_class: *true_class,
        said: argmax(&record.logits),
        probabilities: softmax_at(&record.logits, temperature),
    };
    predictions.records.iter().zip(&predictions.true_classes).map(answer).collect()
}

/// Returns the wrong answers, the surest first.
pub fn surest_mistakes<'a, 'b>(judged: &'b [Judged<'a>]) -> Vec<&'b Judged<'a>> {
    let mut wrong: Vec<&Judged> = judged.iter().filter(|photo| !photo.is_right()).collect();
    wrong.sort_by(|a, b| b.confidence().total_cmp(&a.confidence()));
    wrong
}
