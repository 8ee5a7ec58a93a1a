//! The files of an audit.

use std::path::{Path, PathBuf};

use kennel_core::{Lang, files};

use crate::labels_audit::AUDIT_FILE;
use crate::words::Words;
use crate::{AuditReport, Result, page};

/// Writes `audit.json` and, in `lang`, `audit.html` under `out`, each through a temporary file.
/// Returns the path of the page.
///
/// # Errors
///
/// A folder that cannot be created, a file that cannot be written, a photo that cannot be encoded.
pub fn write_audit(report: &AuditReport, out: &Path, lang: Lang) -> Result<PathBuf> {
    files::create_dir_all(out)?;
    files::write_json(&out.join(AUDIT_FILE), report)?;
    let page = out.join("audit.html");
    files::write_atomically(&page, page::render_audit(report, Words(lang))?.as_bytes())?;
    Ok(page)
}
