//! A name that leads to no photo.

/// A name that leads to no photo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoPhoto {
    /// The name, or the path below it that failed.
    pub asked: String,
    /// The reason.
    pub reason: String,
}
