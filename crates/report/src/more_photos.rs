//! What more photos would bring, as a report shows it.

use kennel_core::{CurveSize, LearningCurveRecord};
use kennel_metrics::Proportion;
use serde::Serialize;

/// The learning curve of a run's convex head.
#[derive(Clone, Debug, Serialize)]
pub struct MorePhotos {
    /// As the run keeps it.
    #[serde(flatten)]
    pub curve: LearningCurveRecord,
    /// Errors at each size, of all draws together.
    pub errors: Vec<Proportion>,
}

impl MorePhotos {
    /// Counts the errors of a curve.
    pub fn new(curve: &LearningCurveRecord) -> Self {
        let errors = |size: &CurveSize| Proportion::new(size.total().errors, size.total().n);
        MorePhotos { errors: curve.points.iter().map(errors).collect(), curve: curve.clone() }
    }
}
