//! Which runtimes this machine has.

use super::{RuntimeKind, onnx_runtime};
use crate::Result;

/// The release of rten that is built in; Cargo.toml pins it.
const RTEN_VERSION: &str = "0.27.0";

impl RuntimeKind {
    /// Runtimes that are available on this machine.
    pub fn at_hand() -> impl Iterator<Item = RuntimeKind> {
        RuntimeKind::ALL.into_iter().filter(|kind| kind.check().is_ok())
    }

    /// Checks that the runtime is available on this machine.
    ///
    /// # Errors
    ///
    /// [`OnnxError::NoRuntime`](crate::OnnxError::NoRuntime), with a hint how to install it.
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
            RuntimeKind::Rten => Ok(RTEN_VERSION.into()),
            RuntimeKind::OnnxRuntime => onnx_runtime::version(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_rten_is_that_of_the_lock() {
        let lock = include_str!("../../../../Cargo.lock");
        assert!(lock.contains(&format!("name = \"rten\"\nversion = \"{RTEN_VERSION}\"\n")));
    }
}
