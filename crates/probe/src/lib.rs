//! Fits a linear head exactly on the features of a frozen network, and measures what such heads say
//! about the data.
//!
//! The head is multinomial logistic regression: a convex problem with one solution, which needs no
//! learning rate, no epochs and no seed. Pure functions on slices: no network, no files, no clock.
//! The same rows give the same bits with every number of threads.

mod error;

mod photos;
mod rows;
mod scale;

mod lanes;
mod product;

mod objective;

mod lbfgs;

mod head;

mod fit;

mod cross_validation;

mod chance;
mod resample;

mod learning_curve;
mod power_law;

mod outlook;

mod halved;

pub use cross_validation::{CrossValidated, CrossValidation, Strength, cross_validate};
pub use error::{ProbeError, Result};
pub use fit::{Fit, fit};
pub use halved::{Gain, HalvedClass, learning_curve_by_class};
pub use head::Head;
pub use learning_curve::{CurvePoint, Errors, LearningCurve, Thinned, learning_curve};
pub use outlook::{Extrapolation, Outlook};
pub use photos::Photos;
pub use power_law::PowerLaw;
