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

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(classes: usize) -> LearningCurveRecord {
        let labels: Vec<usize> = (0..10 * classes).map(|photo| photo % classes).collect();
        let folds: Vec<usize> = (0..labels.len()).map(|photo| photo / classes % 5).collect();
        let value = |at: usize| (at * at % 17) as f32 + (labels[at / 3] * (at % 3)) as f32;
        let features: Vec<f32> = (0..3 * labels.len()).map(value).collect();
        let photos = Photos::new(&features, 3, &labels, classes).unwrap();
        let names: Vec<String> = (0..classes).map(|class| format!("class {class}")).collect();
        measure_curve(&photos, &folds, 10.0, &names, 1, Task::unwatched()).unwrap()
    }

    #[test]
    fn a_few_classes_are_halved_and_many_are_not() {
        let few = measured(3);
        assert_eq!(few.classes.len(), 3);
        assert_eq!(few.classes[2].name, "class 2");
        assert_eq!(few.points.last().unwrap().total().n, 30);
        assert!(measured(MOST_HALVED + 1).classes.is_empty());
    }

    #[test]
    fn what_is_measured_can_be_read() {
        for classes in [2, MOST_HALVED] {
            let record = measured(classes);
            let bytes = serde_json::to_vec(&record).unwrap();
            let read = LearningCurveRecord::parse(&bytes, "learning_curve.json".as_ref());
            assert_eq!(read.unwrap(), record);
        }
    }
}
