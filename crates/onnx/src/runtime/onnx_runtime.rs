//! ONNX Runtime, through the shared library installed on the machine.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::{Session, SessionInputValue};
use ort::value::{TensorElementType, TensorRef};

use super::{Input, Output, RuntimeKind, Values};
use crate::{OnnxError, Result as OnnxResult};

/// Environment variable with the path of the library.
const VARIABLE: &str = "ORT_DYLIB_PATH";

/// Name under which the system's loader finds the library.
const LIBRARY: &str = if cfg!(windows) {
    "onnxruntime.dll"
} else if cfg!(target_os = "macos") {
    "libonnxruntime.dylib"
} else {
    "libonnxruntime.so"
};

/// Loads the library once per process.
pub fn environment() -> OnnxResult<&'static Environment> {
    static LOADED: OnceLock<Result<Environment, String>> = OnceLock::new();
    let loaded = LOADED.get_or_init(|| {
        let given = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        let path = given.unwrap_or_else(|| LIBRARY.into());
        let builder = ort::init_from(&path).map_err(|error| error.to_string())?;
        let environment =
            builder.with_telemetry(false).build().map_err(|error| error.to_string())?;
        environment.set_log_level(LogLevel::Fatal);
        Ok(environment)
    });
    loaded.as_ref().map_err(|reason| OnnxError::NoRuntime {
        runtime: RuntimeKind::OnnxRuntime,
        reason: reason.clone(),
        variable: VARIABLE,
    })
}

/// Version of the library, from its build information or its file name; the whole build information
/// if neither contains one.
pub fn version() -> OnnxResult<String> {
    environment()?;
    let info = ort::info();
    let of_branch =
        info.split_once("git-branch=rel-").and_then(|(_, rest)| rest.split([',', ' ']).next());
    let file = std::env::var_os(VARIABLE).and_then(|path| std::fs::canonicalize(path).ok());
    let name = file.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    // libonnxruntime.so.1.32.0, libonnxruntime.1.32.0.dylib
    let of_file = name.trim_matches(|c: char| !c.is_ascii_digit());
    Ok(of_branch.unwrap_or(if of_file.contains('.') { of_file } else { info }).trim().into())
}

/// A model in ONNX Runtime.
pub struct Engine {
    session: Session,
}

impl Engine {
    /// Opens a file with all optimisations, on as many threads as there are cores.
    pub fn open(path: &Path) -> Result<Self, String> {
        let environment = environment().map_err(|error| error.to_string())?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let open = || -> ort::Result<Session> {
            Session::builder(environment)?
                .with_log_level(LogLevel::Fatal)?
                .with_intra_threads(threads)?
                .commit_from_file(path)
        };
        Ok(Self { session: open().map_err(|error| error.to_string())? })
    }

    /// Runs the graph once.
    pub fn run(&mut self, input: Input<'_>, outputs: &[&str]) -> Result<Vec<Output>, String> {
        let value: SessionInputValue = match input.values {
            Values::Floats(values) => TensorRef::from_array_view((input.shape, values))
                .map_err(|error| error.to_string())?
                .into(),
            Values::Bytes(values) => TensorRef::from_array_view((input.shape, values))
                .map_err(|error| error.to_string())?
                .into(),
        };
        let run = self
            .session
            .run(ort::inputs![input.name => value])
            .map_err(|error| error.to_string())?;
        outputs
            .iter()
            .map(|name| {
                let output = run.get(name).ok_or_else(|| format!("there is no output `{name}`"))?;
                let failed = |error: ort::Error| error.to_string();
                let (shape, values) = match output.dtype().tensor_type() {
                    Some(TensorElementType::Int64) => {
                        let (shape, values) = output.try_extract_tensor::<i64>().map_err(failed)?;
                        (shape, values.iter().map(|&value| value as f32).collect())
                    }
                    _ => {
                        let (shape, values) = output.try_extract_tensor::<f32>().map_err(failed)?;
                        (shape, values.to_vec())
                    }
                };
                Ok(Output { shape: shape.iter().map(|&extent| extent as usize).collect(), values })
            })
            .collect()
    }
}
