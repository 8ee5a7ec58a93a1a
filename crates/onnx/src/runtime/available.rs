//! Which runtimes this machine has.

use super::{RuntimeKind, onnx_runtime};
use crate::Result;

impl RuntimeKind {
    /// Runtimes that are available on this machine.
    pub fn at_hand() -> impl Iterator<Item = RuntimeKind> {
        RuntimeKind::ALL.into_iter().filter(|kind| kind.check().is_ok())
    }

    /// Checks that the runtime is available on this machine.
    ///
    /// # Errors
    ///
    /// [`OnnxError::NoRuntime`], with a hint how to install it.
    pub fn check(self) -> Result<()> {
        match self {
            RuntimeKind::Rten => Ok(()),
            RuntimeKind::OnnxRuntime => onnx_runtime::environment().map(drop),
        }
    }

    /// Version of the runtime on this machine, as far as it reports one.
    ///
    /// # Errors
    ///
    /// As [`RuntimeKind::check`].
    pub fn version(self) -> Result<String> {
        match self {
            // Cargo.toml pins this release.
            RuntimeKind::Rten => Ok("0.27.0".into()),
            RuntimeKind::OnnxRuntime => onnx_runtime::version(),
        }
    }
}
