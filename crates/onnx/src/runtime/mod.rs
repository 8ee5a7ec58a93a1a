//! Runtimes for ONNX files: rten, which is built in, and ONNX Runtime, if its library is installed.

mod available;
mod failed;
mod kind;
mod onnx_runtime;
pub(crate) mod rten;
mod session;
mod tensor;

pub(crate) use failed::Failed;
pub use kind::RuntimeKind;
pub use session::Session;
pub use tensor::{Input, Output, Values};
