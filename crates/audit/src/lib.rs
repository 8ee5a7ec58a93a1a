//! Out-of-fold predictions -> what the photos say about their labels.
//!
//! An out-of-fold prediction comes from a network that was not trained on the photo. Where it
//! contradicts the label with confidence, the label is probably wrong ([`confident_joint()`],
//! [`label_issues()`]). Photos between two classes are ambiguous, photos far from all others in
//! feature space are outliers ([`neighbour_distances`]), and copies of one picture under two
//! classes contradict each other. Pure functions: no files, no network, no clock.

mod error;
mod photos;

// Confident learning.
mod confident_joint;
mod label_issues;
mod rounding;

// What an audit lists.
mod ambiguous;
mod class_pairs;
mod contradictions;
mod outliers;
mod wrong_labels;

mod estimate;

mod audit;

pub use kennel_atlas::Features;

pub use ambiguous::{AMBIGUOUS_MARGIN, AMBIGUOUS_SHARE, Ambiguous};
pub use audit::{Audit, ClassSummary, audit};
pub use class_pairs::{ClassPair, INSEPARABLE};
pub use confident_joint::{ConfidentJoint, confident_joint, confident_thresholds};
pub use contradictions::{Contradiction, Copy};
pub use error::AuditError;
pub use estimate::Estimate;
pub use label_issues::label_issues;
pub use outliers::{FENCE, NEIGHBOURS, Outlier, neighbour_distances};
pub use photos::{JudgedPhoto, JudgedPhotos, photos_of};
pub use wrong_labels::WrongLabel;
