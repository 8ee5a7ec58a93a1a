//! Measures what the photos of one class bring.

use std::collections::HashSet;

use kennel_core::Task;

use crate::Result;
use crate::fit::{Exact, Problem};
use crate::learning_curve::{Errors, FoldHead, LearningCurve, Thinned, curve_and_heads, judge};
use crate::photos::Photos;
use crate::resample::{RESAMPLES, Resample, middle};

/// What is lost without half of the photos of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct HalvedClass {
    /// The class.
    pub class: usize,
    /// Its photos that heads were trained on, and half of them: means over folds.
    pub photos: f64,
    /// See `photos`.
    pub half: f64,
    /// Errors on photos of the class.
    pub of_class: Gain,
    /// Errors on all photos.
    pub overall: Gain,
}

/// Errors on the same photos with half of the photos of a class, and with all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gain {
    /// Photos that were judged.
    pub judged: usize,
    /// Errors with half of the photos of the class.
    pub with_half: usize,
    /// Errors with all.
    pub with_all: usize,
    /// How many errors fewer with all, as a share of the judged photos.
    pub value: f64,
    /// Lower bound of its 95 % interval.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// Measures a learning curve over all classes, and what half of the photos of each class bring.
///
/// For each class, fits heads on half of its photos and all others outside each fold, and judges
/// them by the photos inside. A class without photos is left out. Which half it is depends on
/// `seed`, the fold and the class. The photos that are kept have the weight of those that are not:
/// a class that only became rarer would be predicted less often, and that is nothing that more
/// photos of it teach.
///
/// Intervals are from 1000 resamples of folds, each with another half, and of photos within a fold.
///
/// # Errors
///
/// Those of [`crate::cross_validate`].
pub fn learning_curve_by_class(
    photos: &Photos<'_>,
    folds: &[usize],
    l2: f64,
    seed: u64,
    task: Task<'_>,
) -> Result<(LearningCurve, Vec<HalvedClass>)> {
    let (curve, heads) = curve_and_heads(photos, folds, Thinned::All, l2, seed, task)?;
    let mut halved = vec![(0.0, 0.0, vec![false; photos.count()]); photos.classes];
    for head in &heads {
        for (of_class, (all, half, is_correct)) in head.by_class.iter().zip(&mut halved) {
            let kept = of_class.len().div_ceil(2);
            *all += of_class.len() as f64 / heads.len() as f64;
            *half += kept as f64 / heads.len() as f64;
            let problem = without(photos, head, of_class, kept)?;
            let mut solution = problem.start_from(&head.problem, &head.solution);
            problem.solve(&mut solution, l2, Exact::Errors, task)?;
            judge(photos, &head.inside, &problem, &solution, is_correct);
        }
    }
    let classes = halved.iter().enumerate().filter(|(_, (all, ..))| *all > 0.0);
    let halved = classes.map(|(class, (all, half, is_correct))| HalvedClass {
        class,
        photos: *all,
        half: *half,
        of_class: curve.gain(is_correct, Errors::OfClass(class), seed),
        overall: curve.gain(is_correct, Errors::Overall, seed),
    });
    let halved = halved.collect();
    Ok((curve, halved))
}

/// The rows of a head without all but `kept` photos of a class. These get the weight of all.
fn without<'a>(
    photos: &Photos<'a>,
    head: &FoldHead<'_>,
    of_class: &[usize],
    kept: usize,
) -> Result<Problem<'a>> {
    let sum = |some: &[usize]| some.iter().map(|&photo| photos.weights[photo]).sum::<f64>();
    let (kept, dropped) = of_class.split_at(kept);
    let mut weights = photos.weights.clone();
    for &photo in kept {
        weights[photo] *= sum(of_class) / sum(kept);
    }
    let dropped: HashSet<usize> = dropped.iter().copied().collect();
    let all = head.by_class.iter().flatten().copied();
    let left: Vec<usize> = all.filter(|photo| !dropped.contains(photo)).collect();
    Ok(Problem::new(&photos.clone().with_weights(weights)?, &left))
}

impl LearningCurve {
    /// Compares errors with half of the photos of a class with those at the last size.
    fn gain(&self, with_half: &[bool], whose: Errors, seed: u64) -> Gain {
        let judged = self.judged(whose);
        let last = self.points.len() - 1;
        let with_all = &self.points[last].is_correct;
        let share = |photos: &[usize]| {
            let fewer = |&photo: &usize| match (with_half[photo], with_all[photo]) {
                (false, true) => 1.0,
                (true, false) => -1.0,
                _ => 0.0,
            };
            photos.iter().map(fewer).sum::<f64>() / photos.len() as f64
        };
        let mut resample = Resample::new(&judged, &self.folds, seed, "half of a class");
        let mut drawn = Vec::new();
        let draws = (0..RESAMPLES).map(|_| {
            resample.draw(&mut drawn);
            share(&drawn)
        });
        let (low, high) = middle(draws.collect());
        let with_half = judged.iter().filter(|&&photo| !with_half[photo]).count();
        Gain {
            judged: judged.len(),
            with_half,
            with_all: self.errors(last, whose).0,
            value: share(&judged),
            low,
            high,
        }
    }
}
