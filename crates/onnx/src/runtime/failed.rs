//! Why a runtime could not read or run a file.

use std::path::Path;

use super::RuntimeKind;
use crate::OnnxError;

/// Why a runtime could not read or run a file.
pub(crate) struct Failed {
    /// Message of the runtime.
    pub reason: String,
    /// Whether it took longer than its time limit.
    pub timed_out: bool,
}

impl From<String> for Failed {
    fn from(reason: String) -> Self {
        Failed { reason, timed_out: false }
    }
}

impl Failed {
    /// The error of `runtime`, which could not do `verb` with the file.
    pub fn of(self, runtime: RuntimeKind, verb: &'static str, path: &Path) -> OnnxError {
        let Failed { reason, timed_out } = self;
        OnnxError::Runtime { runtime, verb, path: path.into(), reason, timed_out }
    }
}
