//! Fits one head.

use kennel_core::Task;

use crate::head::Head;
use crate::lanes::{dot, padded};
use crate::lbfgs::{Ended, Limits, minimise};
use crate::objective::Objective;
use crate::photos::{Photos, check_positive, check_range};
use crate::rows::Rows;
use crate::scale::Scale;
use crate::{ProbeError, Result};

/// Iterations at most. Standardised features need 20 to 300.
const ITERATIONS: usize = 5000;

/// A fitted head, and how the search for it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The head, for raw features.
    pub head: Head,
    /// The largest component of the gradient at the end, of the mean loss.
    pub gradient: f64,
    /// Evaluations of the loss.
    pub evaluations: usize,
}

/// Fits a head on the rows of the photos whose numbers are in `chosen`.
///
/// Minimises the sum of the photos' log losses, each times its weight, plus `l2 / 2` times the sum
/// of the squared weights of the head. Photos' weights are taken relative to their mean over
/// `chosen`. The head's weights are those of standardised features (zero mean, unit standard
/// deviation over the training rows; a constant column gets no weight). Biases are not penalised.
///
/// The objective is that of scikit-learn's `LogisticRegression` with `C = 1 / l2`. For two classes
/// scikit-learn has one vector of weights where a head has two that mirror each other: there it is
/// `C = 2 / l2`.
///
/// The loss is a sum and not a mean, because the best `l2` then depends least on the number of
/// photos. With scikit-learn on MobileNetV2's features of TrashNet (two of five folds), the least
/// loss is at `C` about 0.02 for 253 photos and 0.01 for 2022: half, where the best penalty of a
/// mean falls to a quarter.
///
/// A class without a photo among `chosen` gets zero weights. Its bias gives it the probability
/// `1 / (chosen + 2)` of an average row (Laplace's rule of succession), so that its logits are
/// finite and its photos cost a finite loss.
///
/// # Errors
///
/// Without photos, for a photo that does not exist, when `l2` is not positive, and when the caller
/// stops the task.
pub fn fit(photos: &Photos<'_>, chosen: &[usize], l2: f64, task: Task<'_>) -> Result<Fit> {
    check_chosen(photos, chosen)?;
    check_positive("the strength of the penalty", l2)?;
    let problem = Problem::new(photos, chosen);
    let mut solution = problem.start();
    let ended = problem.solve(&mut solution, l2, Exact::Weights, task)?;
    Ok(problem.fit(photos.classes, &solution, ended))
}

/// Fits a head, starting at the solution of a similar problem.
pub(crate) fn fit_from(
    photos: &Photos<'_>,
    chosen: &[usize],
    (similar, solution): (&Problem<'_>, &Solution),
    l2: f64,
    task: Task<'_>,
) -> Result<Fit> {
    let problem = Problem::new(photos, chosen);
    let mut solution = problem.start_from(similar, solution);
    let ended = problem.solve(&mut solution, l2, Exact::Weights, task)?;
    Ok(problem.fit(photos.classes, &solution, ended))
}

/// How exact a search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exact {
    /// For the number of its errors, to about one in a thousand photos, in half the time of `Loss`.
    Errors,
    /// For the loss of a head, to about 1e-5 nats near the best strength: judges a strength.
    Loss,
    /// For its logits, to about 1e-3.
    Logits,
    /// For its weights, to about 1e-6.
    Weights,
}

impl Exact {
    /// When the search ends if the mean loss has a penalty of `l2`: a gradient `g` leaves at most
    /// `|g| / l2` between the weights and the solution, and `|g|^2 / 2 l2` between the losses.
    fn limits(self, l2: f64) -> Limits {
        let tolerance = match self {
            Exact::Errors => 1e-4,
            Exact::Loss => 1e-5,
            Exact::Logits => 1e-6,
            Exact::Weights => (1e-6 * l2).clamp(1e-10, 1e-7),
        };
        Limits { tolerance, iterations: ITERATIONS }
    }
}

pub(crate) fn check_chosen(photos: &Photos<'_>, chosen: &[usize]) -> Result<()> {
    if chosen.is_empty() {
        return Err(ProbeError::Empty { what: "photos" });
    }
    check_range("photo", chosen, photos.count())
}

/// The rows of one head in standard units.
pub(crate) struct Problem<'a> {
    rows: Rows<'a>,
    scale: Scale,
}

/// A head over standardised features, for the classes that have rows.
#[derive(Clone)]
pub(crate) struct Solution {
    /// Parameters as in [`Objective`].
    x: Vec<f64>,
    log_sum: f64,
}

impl<'a> Problem<'a> {
    pub fn new(photos: &Photos<'a>, chosen: &[usize]) -> Self {
        let rows = Rows::new(photos, chosen);
        let scale = Scale::of(&rows.rows, photos.width);
        Problem { rows, scale }
    }

    /// The head that knows nothing.
    pub fn start(&self) -> Solution {
        let classes = self.rows.present.len();
        Solution { x: vec![0.0; classes * self.scale.padded() + padded(classes)], log_sum: 0.0 }
    }

    /// The solution of a similar problem, as a start: standard units of one are nearly those of the
    /// other.
    pub fn start_from(&self, similar: &Problem<'_>, solution: &Solution) -> Solution {
        if similar.rows.present == self.rows.present { solution.clone() } else { self.start() }
    }

    /// Moves `solution` to the minimum at `l2`.
    pub fn solve(
        &self,
        solution: &mut Solution,
        l2: f64,
        exact: Exact,
        task: Task<'_>,
    ) -> Result<Ended> {
        let l2 = l2 / self.rows.photos as f64;
        let mut objective = Objective::new(&self.rows, &self.scale, l2);
        let ended = minimise(&mut solution.x, exact.limits(l2), task, |x, gradient| {
            objective.evaluate(x, gradient)
        })?;
        solution.log_sum = objective.log_sum;
        Ok(ended)
    }

    /// Computes the logits of photos' own rows, `[chosen, classes]`, for all classes.
    pub fn logits(&self, photos: &Photos<'_>, chosen: &[usize], solution: &Solution) -> Vec<f64> {
        let padded = self.scale.padded();
        let (weights, bias) = solution.x.split_at(self.rows.present.len() * padded);
        let mut row = vec![0.0; padded];
        let mut logits = Vec::with_capacity(chosen.len() * photos.classes);
        for &photo in chosen {
            self.scale.apply(photos.centre(photo), &mut row);
            let first = logits.len();
            logits.resize(first + photos.classes, self.absent_bias(solution));
            let slots = self.rows.present.iter().zip(weights.chunks_exact(padded)).zip(bias);
            for ((&class, weights), bias) in slots {
                logits[first + class] = dot(&row, weights) + bias;
            }
        }
        logits
    }

    /// Folds the standardisation into weights and bias.
    pub fn fit(&self, classes: usize, solution: &Solution, ended: Ended) -> Fit {
        let (width, padded) = (self.scale.mean.len(), self.scale.padded());
        let (weights, bias) = solution.x.split_at(self.rows.present.len() * padded);
        let mut head = Head {
            width,
            weights: vec![0.0; classes * width],
            bias: vec![self.absent_bias(solution) as f32; classes],
        };
        for ((&class, weights), bias) in
            self.rows.present.iter().zip(weights.chunks_exact(padded)).zip(bias)
        {
            let mut folded = *bias;
            let out = &mut head.weights[class * width..][..width];
            for (out, (weight, (mean, inverse_std))) in out
                .iter_mut()
                .zip(weights.iter().zip(self.scale.mean.iter().zip(&self.scale.inverse_std)))
            {
                *out = (weight * inverse_std) as f32;
                // The rounded weight, so that the bias balances what the head computes.
                folded -= f64::from(*out) * mean;
            }
            head.bias[class] = folded as f32;
        }
        Fit { head, gradient: ended.gradient, evaluations: ended.evaluations }
    }

    /// The logit of a class without rows.
    fn absent_bias(&self, solution: &Solution) -> f64 {
        solution.log_sum - ((self.rows.photos + 1) as f64).ln()
    }
}
