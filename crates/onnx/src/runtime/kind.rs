//! The runtimes that Kennel knows.

use std::fmt;

/// A runtime for ONNX files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuntimeKind {
    /// [rten](https://github.com/robertknight/rten): pure Rust, always available.
    Rten,
    /// Microsoft's ONNX Runtime, 1.18 or later.
    OnnxRuntime,
}

impl RuntimeKind {
    /// All runtimes; the one that is always available comes first.
    pub const ALL: [RuntimeKind; 2] = [RuntimeKind::Rten, RuntimeKind::OnnxRuntime];

    /// Name on the command line and in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            RuntimeKind::Rten => "rten",
            RuntimeKind::OnnxRuntime => "onnxruntime",
        }
    }
}

impl fmt::Display for RuntimeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
