//! Where the page's work lies.

use std::path::PathBuf;

/// Where the page's work lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Folders {
    /// The prepared photos.
    pub data: PathBuf,
    /// The runs.
    pub runs: PathBuf,
    /// The report.
    pub results: PathBuf,
    /// Exported files.
    pub models: PathBuf,
    /// What only the page writes: corrections of labels, and added photos.
    pub own: PathBuf,
}

impl Folders {
    /// The file that the run of a name is exported to.
    pub fn onnx(&self, run: &str) -> PathBuf {
        self.models.join(format!("{run}.onnx"))
    }
}
