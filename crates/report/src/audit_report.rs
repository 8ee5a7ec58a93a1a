//! An audit with what a reader needs to find its photos.

use std::path::Path;

use kennel_audit::Audit;
use kennel_core::Manifest;
use serde::Serialize;

/// An audit of the labels of a data set; `audit.json`, and the JSON in `audit.html`.
#[derive(Clone, Debug, Serialize)]
pub struct AuditReport<'a> {
    /// The version of Kennel that made it.
    pub kennel_version: &'static str,
    /// Folder of the data set. The paths of the photos are relative to it.
    pub data: &'a Path,
    /// What was found.
    #[serde(flatten)]
    pub audit: &'a Audit,
    /// The photos, with their digests: the page shows only what is still the same.
    #[serde(skip)]
    pub manifest: &'a Manifest,
}

impl<'a> AuditReport<'a> {
    /// Reports an audit of the photos of `manifest`, which lie in `data`.
    pub fn new(audit: &'a Audit, manifest: &'a Manifest, data: &'a Path) -> Self {
        AuditReport { kennel_version: env!("CARGO_PKG_VERSION"), data, audit, manifest }
    }
}
