//! ONNX Runtime for browsers, in WebAssembly on the CPU.

use kennel_core::Task;

use crate::client::Client;
use crate::error::Result;
use crate::npm::{Package, Registry, package_files};

/// The package on the npm registry.
pub const PACKAGE: Package<'static> = Package {
    name: "onnxruntime-web",
    version: "1.22.0",
    size: 20_387_966,
    integrity: "sha512-Ud/+EBo6mhuaQWt/OjaOk0iNWjXqJoeeMFr6xQEERZdIZH2OWpGzuujz7lfuOBjUa6TEE/sc4nb7Da5dNL34fg==",
};

/// Its parts that a page needs to run a network on the CPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnnxRuntimeWeb {
    /// Version of the package.
    pub version: &'static str,
    /// An ES module with the API.
    pub script: Vec<u8>,
    /// An ES module, loaded by the first, that starts [`OnnxRuntimeWeb::wasm`] and its threads.
    pub glue: Vec<u8>,
    /// The runtime.
    pub wasm: Vec<u8>,
}

/// Returns the runtime from the cache, or fetches it from the registry.
///
/// # Errors
///
/// As [`package_files`].
pub fn fetch(client: &Client, registry: &Registry, task: Task<'_>) -> Result<OnnxRuntimeWeb> {
    // `ort.wasm.bundle.min.mjs` should hold both scripts, but lacks the second in this version.
    let files = [
        "dist/ort.wasm.min.mjs",
        "dist/ort-wasm-simd-threaded.mjs",
        "dist/ort-wasm-simd-threaded.wasm",
    ];
    let [script, glue, wasm] = package_files(client, registry, &PACKAGE, files, task)?;
    Ok(OnnxRuntimeWeb { version: PACKAGE.version, script, glue, wasm })
}
