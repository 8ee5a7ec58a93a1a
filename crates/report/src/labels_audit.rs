//! The labels that an audit found to be probably wrong.

use std::collections::HashMap;
use std::path::Path;

use kennel_audit::{Audit, WrongLabel};
use kennel_core::{CoreError, Manifest};
use serde::Serialize;

use crate::Result;

/// File in which an audit lies beside its page.
pub(crate) const AUDIT_FILE: &str = "audit.json";

/// Labels of a run's photos that are probably wrong, the least probable first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelsAudit {
    /// The photos.
    pub wrong_labels: Vec<WrongLabel>,
}

impl LabelsAudit {
    /// Reads the `audit.json` in `folder`, if there is one. Keeps what concerns `manifest`: photos
    /// that still have the label that was audited. Returns `None` without a file, or if its classes
    /// are others.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is no audit.
    pub fn read(folder: &Path, manifest: &Manifest) -> Result<Option<Self>> {
        let path = folder.join(AUDIT_FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let text = kennel_core::files::read_text(&path)?;
        let audit: Audit = serde_json::from_str(&text).map_err(|error| CoreError::Malformed {
            path,
            what: "audit",
            reason: error.to_string(),
        })?;
        let labels: HashMap<&str, &str> =
            manifest.photos.iter().map(|photo| (&*photo.path, &*photo.label)).collect();
        let is_of_manifest =
            |found: &WrongLabel| labels.get(&*found.path) == Some(&found.label.as_str());
        let wrong_labels = audit.wrong_labels.into_iter().filter(is_of_manifest).collect();
        let are_same_classes = audit.class_names == manifest.classes;
        Ok(are_same_classes.then_some(LabelsAudit { wrong_labels }))
    }
}
