//! Chooses the strength of the penalty by cross-validation, and predicts every photo by a head that
//! has not seen it.

use kennel_core::Task;

use crate::fit::{Exact, Fit, Problem, Solution, check_chosen, fit_from};
use crate::photos::{Photos, check_length, check_positive};
use crate::{ProbeError, Result};

/// What is tried.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossValidation {
    /// Strengths of the penalty, from strong to weak; see [`crate::fit`].
    pub l2: Vec<f64>,
}

impl Default for CrossValidation {
    /// Twelve strengths from 10,000 to 0.03, two per power of ten: `C` from 0.0001 to 30. They end
    /// early where weaker ones can only be worse.
    fn default() -> Self {
        let l2 = |step| 10_f64.powf(4.0 - f64::from(step) / 2.0);
        CrossValidation { l2: (0..12).map(l2).collect() }
    }
}

/// A strength, judged by photos that its heads have not seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength {
    /// The penalty.
    pub l2: f64,
    /// Mean log loss in nats per photo, weighted by the photos' weights.
    pub loss: f64,
    /// Standard error of `loss` over photos.
    pub standard_error: f64,
    /// Share of photos whose class has the largest logit, each photo counted once.
    pub accuracy: f64,
}

/// The chosen strength, and what its heads say.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossValidated {
    /// Every strength that was tried, from strong to weak.
    pub strengths: Vec<Strength>,
    /// Index of the chosen one in `strengths`.
    pub chosen: usize,
    /// `[photos, classes]`: the logits of every photo at the chosen strength, by the head of its
    /// fold, which has not seen it.
    pub out_of_fold: Vec<f32>,
    /// The head at the chosen strength, fitted on the photos that the caller asked for.
    pub fit: Fit,
}

impl CrossValidated {
    /// The chosen strength.
    pub fn strength(&self) -> Strength {
        self.strengths[self.chosen]
    }
}

/// Fits heads at every strength, each on the photos outside one fold, and chooses the strength of
/// least loss on the photos inside; of equal ones the strongest. Then fits a head on `final_photos`
/// at that strength.
///
/// Goes from strong to weak and starts each search at the last solution of its fold. Ends early
/// once the loss exceeds the least so far by more than twice the standard error of their difference
/// over photos.
///
/// If a class has no photo outside a fold, the head of that fold gives it a small probability; see
/// [`crate::fit`]. Its photos in that fold then count as wrong, at a finite loss.
///
/// # Shapes
///
/// `folds`: `[photos]`, a number per photo. Numbers need not be consecutive. Views of a photo are
/// in its fold.
///
/// # Errors
///
/// When all photos are in one fold, without strengths or final photos, when a strength is not
/// positive, and when the caller stops the task.
pub fn cross_validate(
    photos: &Photos<'_>,
    folds: &[usize],
    options: &CrossValidation,
    final_photos: &[usize],
    task: Task<'_>,
) -> Result<CrossValidated> {
    check_chosen(photos, final_photos)?;
    options.l2.iter().try_for_each(|&l2| check_positive("the strength of the penalty", l2))?;
    let mut folds: Vec<Fold> = Fold::all(photos, folds)?;
    let mut strengths: Vec<Strength> = Vec::new();
    let mut best: Option<Best> = None;
    for &l2 in &options.l2 {
        let logits = out_of_fold(photos, &mut folds, l2, Exact::Loss, task)?;
        let judged = Judged::new(photos, &logits);
        strengths.push(judged.strength(photos, l2));
        let at = strengths.len() - 1;
        match &best {
            Some(best) if strengths[at].loss >= strengths[best.at].loss => {
                let rises: Vec<f64> =
                    judged.losses.iter().zip(&best.losses).map(|(now, then)| now - then).collect();
                let (rise, standard_error) = weighted_mean(&rises, &photos.weights);
                if rise > 2.0 * standard_error {
                    break;
                }
            }
            _ => {
                let solutions = folds.iter().map(|fold| fold.solution.clone()).collect();
                best = Some(Best { at, losses: judged.losses, solutions });
            }
        }
    }
    let Some(best) = best else { return Err(ProbeError::Empty { what: "strengths" }) };
    let l2 = strengths[best.at].l2;
    for (fold, solution) in folds.iter_mut().zip(best.solutions) {
        fold.solution = solution;
    }
    let logits = out_of_fold(photos, &mut folds, l2, Exact::Logits, task)?;
    strengths[best.at] = Judged::new(photos, &logits).strength(photos, l2);
    let similar = (&folds[0].problem, &folds[0].solution);
    Ok(CrossValidated {
        strengths,
        chosen: best.at,
        out_of_fold: logits.iter().map(|&logit| logit as f32).collect(),
        fit: fit_from(photos, final_photos, similar, l2, task)?,
    })
}

/// Moves the head of every fold to its minimum at `l2`; returns the logits of the photos inside,
/// `[photos, classes]`.
fn out_of_fold(
    photos: &Photos<'_>,
    folds: &mut [Fold<'_>],
    l2: f64,
    exact: Exact,
    task: Task<'_>,
) -> Result<Vec<f64>> {
    let mut logits = vec![0.0; photos.count() * photos.classes];
    for fold in folds {
        fold.problem.solve(&mut fold.solution, l2, exact, task)?;
        let found = fold.problem.logits(photos, &fold.held_out, &fold.solution);
        for (&photo, found) in fold.held_out.iter().zip(found.chunks_exact(photos.classes)) {
            logits[photo * photos.classes..][..photos.classes].copy_from_slice(found);
        }
    }
    Ok(logits)
}

/// The best strength so far.
struct Best {
    at: usize,
    losses: Vec<f64>,
    /// Of each fold.
    solutions: Vec<Solution>,
}

/// A fold: the photos inside, and the head that the photos outside train.
struct Fold<'a> {
    held_out: Vec<usize>,
    problem: Problem<'a>,
    solution: Solution,
}

impl<'a> Fold<'a> {
    fn all(photos: &Photos<'a>, folds: &[usize]) -> Result<Vec<Self>> {
        let numbers = fold_numbers(photos, folds)?;
        let fold = |&number: &usize| {
            let (held_out, outside): (Vec<usize>, Vec<usize>) =
                (0..photos.count()).partition(|&photo| folds[photo] == number);
            let problem = Problem::new(photos, &outside);
            let solution = problem.start();
            Fold { held_out, problem, solution }
        };
        Ok(numbers.iter().map(fold).collect())
    }
}

/// The numbers of the folds, ascending: two at least.
pub(crate) fn fold_numbers(photos: &Photos<'_>, folds: &[usize]) -> Result<Vec<usize>> {
    check_length("fold numbers", folds.len(), photos.count())?;
    let mut numbers = folds.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.len() < 2 { Err(ProbeError::OneFold) } else { Ok(numbers) }
}

/// Whether the label has the largest logit; of equal logits the first counts, as everywhere.
pub(crate) fn is_correct(logits: &[f64], label: usize) -> bool {
    logits[..label].iter().all(|&other| other < logits[label])
        && logits[label..].iter().all(|&other| other <= logits[label])
}

/// What logits cost.
struct Judged {
    losses: Vec<f64>,
    accuracy: f64,
}

impl Judged {
    fn new(photos: &Photos<'_>, logits: &[f64]) -> Self {
        let mut correct = 0;
        let losses = photos.labels.iter().zip(logits.chunks_exact(photos.classes));
        let losses = losses.map(|(&label, logits)| {
            correct += usize::from(is_correct(logits, label));
            let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = logits.iter().map(|logit| (logit - max).exp()).sum();
            max - logits[label] + sum.ln()
        });
        let losses = losses.collect();
        Judged { losses, accuracy: correct as f64 / photos.count() as f64 }
    }

    fn strength(&self, photos: &Photos<'_>, l2: f64) -> Strength {
        let (loss, standard_error) = weighted_mean(&self.losses, &photos.weights);
        Strength { l2, loss, standard_error, accuracy: self.accuracy }
    }
}

/// Computes the weighted mean of values and its standard error. One value has an error of 0.
fn weighted_mean(values: &[f64], weights: &[f64]) -> (f64, f64) {
    let total: f64 = weights.iter().sum();
    let mean =
        values.iter().zip(weights).map(|(value, weight)| value * weight).sum::<f64>() / total;
    let squares = values.iter().zip(weights).map(|(value, weight)| weight * (value - mean));
    let squares: f64 = squares.map(|deviation| deviation * deviation).sum();
    let n = values.len() as f64;
    (mean, (squares * n / (n - 1.0).max(1.0)).sqrt() / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_strengths_are_halves_of_powers_of_ten() {
        let l2 = CrossValidation::default().l2;
        assert_eq!((l2.len(), l2[0], l2[2], l2[10]), (12, 1e4, 1e3, 0.1));
    }

    #[test]
    fn the_standard_error_of_equal_weights_is_the_textbook_one() {
        let (mean, error) = weighted_mean(&[1.0, 2.0, 3.0, 6.0], &[2.0; 4]);
        let deviations = [4.0, 1.0, 0.0, 9.0];
        let expected = (deviations.iter().sum::<f64>() / 3.0 / 4.0).sqrt();
        assert!((mean - 3.0).abs() < 1e-15 && (error - expected).abs() < 1e-15);
    }
}
