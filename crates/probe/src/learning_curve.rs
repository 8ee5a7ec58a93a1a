//! Measures errors with fewer training photos, and extrapolates them to more.

use kennel_core::{Task, seed};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::cross_validation::{fold_numbers, is_correct};
use crate::fit::{Exact, Problem, Solution};
use crate::photos::{Photos, check_positive, check_range};
use crate::power_law::{Point, PowerLaw};
use crate::{ProbeError, Result};

/// Shares of the training photos, in eighths.
const EIGHTHS: [usize; 5] = [1, 2, 4, 6, 8];

/// Resamples of the judged photos.
const RESAMPLES: usize = 1000;

/// A curve needs this many errors at all photos to say anything about the next.
const ERRORS: usize = 10;

/// An extrapolation ends at this multiple of the photos there are.
const REACH: f64 = 3.0;

/// Whose photos are thinned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinned {
    /// Those of all classes, each in proportion.
    All,
    /// Those of one class; the other classes keep all.
    Class(usize),
}

/// Errors on photos outside the training photos, by the number of training photos.
#[derive(Clone, Debug, PartialEq)]
pub struct LearningCurve {
    /// From few photos to all.
    pub points: Vec<CurvePoint>,
    /// Class of each photo.
    labels: Vec<usize>,
    /// Fold of each photo, consecutive from 0.
    folds: Vec<usize>,
}

/// One size.
#[derive(Clone, Debug, PartialEq)]
pub struct CurvePoint {
    /// Thinned photos that a head was trained on: the mean over folds.
    pub photos: f64,
    /// Whether each photo was classified correctly by the head of its fold.
    pub is_correct: Vec<bool>,
}

/// Whose errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errors {
    /// Of all photos: 1 - accuracy.
    Overall,
    /// Of the photos of one class: 1 - recall.
    OfClass(usize),
}

/// What more photos would bring.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outlook {
    /// Errors fall with more photos.
    Falls(Extrapolation),
    /// Errors do not fall beyond chance, so nothing can be extrapolated.
    Level,
    /// So few errors are left that their number says nothing.
    FewErrors {
        /// Errors with all photos.
        errors: usize,
    },
}

/// Errors with more photos, with 95 % intervals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extrapolation {
    /// Share of errors with that many photos.
    pub error: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// How much lower than with all photos there are, in shares of the judged photos.
    pub gain: f64,
    /// Lower bound.
    pub gain_low: f64,
    /// Upper bound.
    pub gain_high: f64,
}

/// Fits heads on 1/8, 1/4, 1/2, 3/4 and all of the photos outside each fold, and judges them by the
/// photos inside. Each photo is judged once per size.
///
/// The fewer photos are among the more. Which ones they are depends on `seed`, the fold and the
/// photo's class: each class gives its share, at least one photo. `l2` is the same for all sizes;
/// see [`crate::fit`] for why that is fair.
///
/// # Errors
///
/// Those of [`crate::cross_validate`], and for a class that does not exist.
pub fn learning_curve(
    photos: &Photos<'_>,
    folds: &[usize],
    thinned: Thinned,
    l2: f64,
    seed: u64,
    task: Task<'_>,
) -> Result<LearningCurve> {
    check_positive("the strength of the penalty", l2)?;
    if let Thinned::Class(class) = thinned {
        check_range("class", &[class], photos.classes)?;
    }
    let numbers = fold_numbers(photos, folds)?;
    let point = |_| CurvePoint { photos: 0.0, is_correct: vec![false; photos.count()] };
    let mut points: Vec<CurvePoint> = EIGHTHS.iter().map(point).collect();
    for &fold in &numbers {
        let (inside, outside): (Vec<usize>, Vec<usize>) =
            (0..photos.count()).partition(|&photo| folds[photo] == fold);
        let order = shuffled_by_class(photos, &outside, seed, fold);
        let mut before: Option<(Problem<'_>, Solution)> = None;
        for (point, eighths) in points.iter_mut().zip(EIGHTHS) {
            let (mut chosen, mut count) = (Vec::new(), 0);
            for (class, of_class) in order.iter().enumerate() {
                let is_thinned = thinned == Thinned::All || thinned == Thinned::Class(class);
                let share = (of_class.len() * eighths).div_ceil(8);
                let kept = if is_thinned { share } else { of_class.len() };
                count += if is_thinned { kept } else { 0 };
                chosen.extend(&of_class[..kept]);
            }
            let problem = Problem::new(photos, &chosen);
            let mut solution = before.as_ref().map_or_else(
                || problem.start(),
                |(similar, solution)| problem.start_from(similar, solution),
            );
            problem.solve(&mut solution, l2, Exact::Loss, task)?;
            let logits = problem.logits(photos, &inside, &solution);
            for (&photo, logits) in inside.iter().zip(logits.chunks_exact(photos.classes)) {
                point.is_correct[photo] = is_correct(logits, photos.labels[photo]);
            }
            point.photos += count as f64 / numbers.len() as f64;
            before = Some((problem, solution));
        }
    }
    let place = |fold| numbers.partition_point(|number| number < fold);
    let folds = folds.iter().map(place).collect();
    Ok(LearningCurve { points, labels: photos.labels.to_vec(), folds })
}

impl LearningCurve {
    /// Counts the errors at one size, and the photos that were judged.
    pub fn errors(&self, point: usize, whose: Errors) -> (usize, usize) {
        let judged = self.judged(whose);
        let is_correct = &self.points[point].is_correct;
        (judged.iter().filter(|&&photo| !is_correct[photo]).count(), judged.len())
    }

    /// Extrapolates the errors to `photos` thinned photos by a power law, `a + b n^-c` with `a` and
    /// `b` not below 0.
    ///
    /// The intervals are from 1000 resamples, each with a law of its own: of the folds, each with a
    /// head trained on other photos, and of the judged photos within a fold. They take the law for
    /// granted, so they end at three times the photos there are. Errors fall if they fall in 97.5 %
    /// of the resamples, from the fewest photos to all.
    ///
    /// # Errors
    ///
    /// When `photos` is more than three times the photos there are, or none.
    pub fn outlook(&self, whose: Errors, photos: f64, seed: u64) -> Result<Outlook> {
        let last = self.points.len() - 1;
        let all = self.points[last].photos;
        if !(photos > 0.0 && photos <= REACH * all) {
            return Err(ProbeError::TooFar { photos, most: REACH * all });
        }
        let judged = self.judged(whose);
        let (errors, _) = self.errors(last, whose);
        if errors < ERRORS {
            return Ok(Outlook::FewErrors { errors });
        }
        let law = self.law(&judged);
        let mut by_fold = vec![Vec::new(); self.folds.iter().max().map_or(0, |last| last + 1)];
        judged.iter().for_each(|&photo| by_fold[self.folds[photo]].push(photo));
        by_fold.retain(|fold| !fold.is_empty());
        let mut chance = ChaCha8Rng::from_seed(seed::stream_seed(seed, "learning curve", &[]));
        let mut resampled = Vec::new();
        let (mut at_photos, mut gains, mut falls) = (Vec::new(), Vec::new(), 0);
        for _ in 0..RESAMPLES {
            resampled.clear();
            for _ in 0..by_fold.len() {
                let fold = &by_fold[below(&mut chance, by_fold.len())];
                resampled.extend((0..fold.len()).map(|_| fold[below(&mut chance, fold.len())]));
            }
            let law = self.law(&resampled);
            at_photos.push(law.error(photos));
            gains.push(law.error(all) - law.error(photos));
            falls += usize::from(law.error(self.points[0].photos) > law.error(all));
        }
        if (falls as f64) < 0.975 * RESAMPLES as f64 {
            return Ok(Outlook::Level);
        }
        let (low, high) = middle(at_photos);
        let (gain_low, gain_high) = middle(gains);
        let error = law.error(photos);
        let gain = law.error(all) - error;
        Ok(Outlook::Falls(Extrapolation { error, low, high, gain, gain_low, gain_high }))
    }

    fn judged(&self, whose: Errors) -> Vec<usize> {
        let is_judged = |&photo: &usize| match whose {
            Errors::Overall => true,
            Errors::OfClass(class) => self.labels[photo] == class,
        };
        (0..self.labels.len()).filter(is_judged).collect()
    }

    /// The law through the errors of some photos, weighted by binomial variance.
    fn law(&self, photos: &[usize]) -> PowerLaw {
        let n = photos.len() as f64;
        let points = self.points.iter().map(|point| {
            let errors = photos.iter().filter(|&&photo| !point.is_correct[photo]).count() as f64;
            // Half an error more on both sides: none at all has a variance, too.
            let share = (errors + 0.5) / (n + 1.0);
            Point { n: point.photos, error: errors / n, weight: n / (share * (1.0 - share)) }
        });
        PowerLaw::fit(&points.collect::<Vec<_>>())
    }
}

/// Photos of each class in random order, `[classes][photos]`.
fn shuffled_by_class(
    photos: &Photos<'_>,
    chosen: &[usize],
    seed: u64,
    fold: usize,
) -> Vec<Vec<usize>> {
    let mut by_class = vec![Vec::new(); photos.classes];
    for &photo in chosen {
        by_class[photos.labels[photo]].push(photo);
    }
    for (class, of_class) in by_class.iter_mut().enumerate() {
        let indices = [fold as u64, class as u64];
        let stream = seed::stream_seed(seed, "learning curve photos", &indices);
        let mut chance = ChaCha8Rng::from_seed(stream);
        for at in (1..of_class.len()).rev() {
            of_class.swap(at, below(&mut chance, at + 1));
        }
    }
    by_class
}

/// Draws a number below `bound`.
fn below(chance: &mut ChaCha8Rng, bound: usize) -> usize {
    // 64 random bits, of which the upper half of the product is uniform to 1 in 10^13 here.
    ((u128::from(chance.next_u64()) * bound as u128) >> 64) as usize
}

/// The bounds of the middle 95 %.
fn middle(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[(share * (values.len() - 1) as f64).round() as usize];
    (at(0.025), at(0.975))
}
