//! What more photos would bring, as a file of the run.

use kennel_core::{
    CurveAhead, CurveDraw, CurveLaw, CurveOutlook, CurveSize, HalvedClassRecord, HalvedErrors,
    LearningCurveRecord, Task,
};
use kennel_probe::{
    Errors, Gain, HalvedClass, LearningCurve, Outlook, Photos, PowerLaw, Thinned, learning_curve,
    learning_curve_by_class,
};

use crate::Result;

/// Most classes that are halved in turn. The time for it grows with their square: six take about
/// as long as three learning curves.
const MOST_HALVED: usize = 10;

/// Photos for which errors are extrapolated, as multiples of those there are.
const TIMES: [f64; 4] = [1.0, 1.25, 1.5, 2.0];

/// Measures errors by number of photos, and what half of the photos of each class bring, with heads
/// that are fitted to the photos' own rows at one strength of the penalty.
///
/// # Errors
///
/// A task that is stopped.
pub fn measure_curve(
    photos: &Photos<'_>,
    folds: &[usize],
    l2: f64,
    class_names: &[String],
    seed: u64,
    task: Task<'_>,
) -> Result<LearningCurveRecord> {
    let (curve, halved) = match class_names.len() <= MOST_HALVED {
        true => learning_curve_by_class(photos, folds, l2, seed, task)?,
        false => (learning_curve(photos, folds, Thinned::All, l2, seed, task)?, Vec::new()),
    };
    let size = |(index, point): (usize, &kennel_probe::CurvePoint)| {
        let draws = curve.errors_by_fold(index, Errors::Overall).into_iter();
        let draws = draws.map(|(errors, n)| CurveDraw { errors, n }).collect();
        CurveSize { photos: point.photos, draws }
    };
    let PowerLaw { floor, scale, exponent, unit } = curve.law(Errors::Overall);
    Ok(LearningCurveRecord {
        version: 1,
        points: curve.points.iter().enumerate().map(size).collect(),
        law: CurveLaw { floor: floor.min(1.0), scale: scale.min(1.0), exponent, unit },
        outlook: outlook(&curve, seed)?,
        classes: halved.into_iter().map(|halved| class(halved, class_names)).collect(),
    })
}

fn outlook(curve: &LearningCurve, seed: u64) -> Result<CurveOutlook> {
    let all = curve.points.last().map_or(0.0, |point| point.photos);
    let mut falls = Vec::new();
    for times in TIMES {
        match curve.outlook(Errors::Overall, times * all, seed)? {
            Outlook::Falls(found) => falls.push(CurveAhead {
                times,
                photos: times * all,
                error: found.error.min(1.0),
                low: found.low.min(1.0),
                high: found.high.min(1.0),
                gain: found.gain,
                gain_low: found.gain_low,
                gain_high: found.gain_high,
            }),
            Outlook::FewErrors { errors } => return Ok(CurveOutlook::FewErrors { errors }),
            _ => return Ok(CurveOutlook::Level),
        }
    }
    Ok(CurveOutlook::Falls(falls))
}

fn class(found: HalvedClass, class_names: &[String]) -> HalvedClassRecord {
    let errors = |Gain { judged, with_half, with_all, value, low, high }: Gain| HalvedErrors {
        n: judged,
        with_half,
        with_all,
        gain: value,
        gain_low: low,
        gain_high: high,
    };
    HalvedClassRecord {
        name: class_names[found.class].clone(),
        photos: found.photos,
        half: found.half,
        of_class: errors(found.of_class),
        overall: errors(found.overall),
    }
}
