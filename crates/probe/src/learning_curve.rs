//! Measures errors with fewer training photos than there are.

use kennel_core::{Task, seed};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::Result;
use crate::chance::below;
use crate::cross_validation::{fold_numbers, is_correct};
use crate::fit::{Exact, Problem, Solution};
use crate::photos::{Photos, check_positive, check_range};

/// Shares of the training photos, in eighths.
const EIGHTHS: [usize; 5] = [1, 2, 4, 6, 8];

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
    pub(crate) labels: Vec<usize>,
    /// Fold of each photo, consecutive from 0.
    pub(crate) folds: Vec<usize>,
}

/// One size.
#[derive(Clone, Debug, PartialEq)]
pub struct CurvePoint {
    /// Photos that a head was trained on, of those that are thinned out: the mean over folds. With
    /// five folds, the last size is four fifths of the photos.
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
    Ok(curve_and_heads(photos, folds, thinned, l2, seed, task)?.0)
}

/// As [`learning_curve`], with the heads at the last size.
pub(crate) fn curve_and_heads<'a>(
    photos: &Photos<'a>,
    folds: &[usize],
    thinned: Thinned,
    l2: f64,
    seed: u64,
    task: Task<'_>,
) -> Result<(LearningCurve, Vec<FoldHead<'a>>)> {
    check_positive("the strength of the penalty", l2)?;
    if let Thinned::Class(class) = thinned {
        check_range("class", &[class], photos.classes)?;
    }
    let numbers = fold_numbers(photos, folds)?;
    let point = |_| CurvePoint { photos: 0.0, is_correct: vec![false; photos.count()] };
    let mut points: Vec<CurvePoint> = EIGHTHS.iter().map(point).collect();
    let mut heads = Vec::new();
    for &fold in &numbers {
        let (inside, outside): (Vec<usize>, Vec<usize>) =
            (0..photos.count()).partition(|&photo| folds[photo] == fold);
        let by_class = shuffled_by_class(photos, &outside, seed, fold);
        let mut before: Option<(Problem<'_>, Solution)> = None;
        for (point, eighths) in points.iter_mut().zip(EIGHTHS) {
            let (mut chosen, mut count) = (Vec::new(), 0);
            for (class, of_class) in by_class.iter().enumerate() {
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
            problem.solve(&mut solution, l2, Exact::Errors, task)?;
            judge(photos, &inside, &problem, &solution, &mut point.is_correct);
            point.photos += count as f64 / numbers.len() as f64;
            before = Some((problem, solution));
        }
        let (problem, solution) = before.expect("there are sizes");
        heads.push(FoldHead { inside, by_class, problem, solution });
    }
    let place = |fold| numbers.partition_point(|number| number < fold);
    let folds = folds.iter().map(place).collect();
    Ok((LearningCurve { points, labels: photos.labels.to_vec(), folds }, heads))
}

/// The head on all photos outside a fold.
pub(crate) struct FoldHead<'a> {
    /// The photos of the fold.
    pub inside: Vec<usize>,
    /// The others in random order, `[classes][photos]`.
    pub by_class: Vec<Vec<usize>>,
    pub problem: Problem<'a>,
    pub solution: Solution,
}

/// Notes whether a head classifies each photo of a fold correctly.
pub(crate) fn judge(
    photos: &Photos<'_>,
    inside: &[usize],
    problem: &Problem<'_>,
    solution: &Solution,
    is_right: &mut [bool],
) {
    let logits = problem.logits(photos, inside, solution);
    for (&photo, logits) in inside.iter().zip(logits.chunks_exact(photos.classes)) {
        is_right[photo] = is_correct(logits, photos.labels[photo]);
    }
}

impl LearningCurve {
    /// Counts the errors at one size, and the photos that were judged.
    pub fn errors(&self, point: usize, whose: Errors) -> (usize, usize) {
        let judged = self.judged(whose);
        let is_correct = &self.points[point].is_correct;
        (judged.iter().filter(|&&photo| !is_correct[photo]).count(), judged.len())
    }

    /// Counts the same for each fold, whose head was trained on photos of its own.
    pub fn errors_by_fold(&self, point: usize, whose: Errors) -> Vec<(usize, usize)> {
        let is_correct = &self.points[point].is_correct;
        let mut by_fold = vec![(0, 0); self.folds.iter().max().map_or(0, |last| last + 1)];
        for photo in self.judged(whose) {
            let (errors, judged) = &mut by_fold[self.folds[photo]];
            *errors += usize::from(!is_correct[photo]);
            *judged += 1;
        }
        by_fold
    }

    pub(crate) fn judged(&self, whose: Errors) -> Vec<usize> {
        let is_judged = |&photo: &usize| match whose {
            Errors::Overall => true,
            Errors::OfClass(class) => self.labels[photo] == class,
        };
        (0..self.labels.len()).filter(is_judged).collect()
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
