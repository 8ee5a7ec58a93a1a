//! A model that is open in a runtime, in this process or in one of its own.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::{Failed, Input, Output, RuntimeKind, onnx_runtime, rten};
use crate::Result;
use crate::worker::{Apart, Worker};

/// A model that is ready to run.
pub struct Session {
    path: PathBuf,
    kind: RuntimeKind,
    engine: Engine,
    last_run_s: f64,
}

enum Engine {
    Rten(Box<rten::Engine>),
    OnnxRuntime(onnx_runtime::Engine),
    Apart(Box<Worker>),
}

impl Session {
    /// Opens a file in a runtime.
    ///
    /// # Errors
    ///
    /// [`OnnxError::NoRuntime`] when the runtime is not available, [`OnnxError::Runtime`] when it
    /// rejects the file.
    pub fn open(path: &Path, kind: RuntimeKind) -> Result<Self> {
        kind.check()?;
        let engine = guarded(path, kind, "read", || match kind {
            RuntimeKind::Rten => Ok(Engine::Rten(Box::new(rten::Engine::open(path)?))),
            RuntimeKind::OnnxRuntime => Ok(Engine::OnnxRuntime(onnx_runtime::Engine::open(path)?)),
        })?;
        Ok(Self { path: path.into(), kind, engine, last_run_s: 0.0 })
    }

    /// As [`Session::open`], but in a process of its own with a memory and a time limit.
    /// `size_bytes` is the size of graph and weights together.
    ///
    /// # Errors
    ///
    /// As [`Session::open`]; also [`OnnxError::Runtime`] when the process cannot be started, ends,
    /// or takes too long.
    pub fn open_apart(
        path: &Path,
        kind: RuntimeKind,
        size_bytes: u64,
        apart: &Apart,
    ) -> Result<Self> {
        kind.check()?;
        let worker = Worker::open(path, kind, size_bytes, apart)
            .map_err(|failed| failed.of(kind, "read", path))?;
        Ok(Self {
            path: path.into(),
            kind,
            engine: Engine::Apart(Box::new(worker)),
            last_run_s: 0.0,
        })
    }

    /// Whether it runs in a process of its own.
    pub fn is_apart(&self) -> bool {
        matches!(self.engine, Engine::Apart(_))
    }

    /// Seconds that the last run took, measured where it ran: communication with another process is
    /// not included.
    pub fn last_run_s(&self) -> f64 {
        self.last_run_s
    }

    /// Runtime of this session.
    pub fn kind(&self) -> RuntimeKind {
        self.kind
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs the graph once and returns each of `outputs`.
    ///
    /// # Errors
    ///
    /// [`OnnxError::Runtime`].
    pub fn run(&mut self, input: Input<'_>, outputs: &[&str]) -> Result<Vec<Output>> {
        let engine = &mut self.engine;
        let began = Instant::now();
        let (found, seconds) = guarded(&self.path, self.kind, "run", || match engine {
            Engine::Rten(engine) => Ok((engine.run(input, outputs)?, None)),
            Engine::OnnxRuntime(engine) => Ok((engine.run(input, outputs)?, None)),
            Engine::Apart(worker) => {
                worker.run(input, outputs).map(|(found, seconds)| (found, Some(seconds)))
            }
        })?;
        self.last_run_s = seconds.unwrap_or_else(|| began.elapsed().as_secs_f64());
        Ok(found)
    }
}

/// Runs `work` and turns a panic into an error for this file: runtimes may panic on malformed
/// models.
fn guarded<T>(
    path: &Path,
    runtime: RuntimeKind,
    verb: &'static str,
    work: impl FnOnce() -> Result<T, Failed>,
) -> Result<T> {
    kennel_core::catch_panic(work)
        .unwrap_or_else(|words| Err(format!("it gave up on the file: {words}").into()))
        .map_err(|failed| failed.of(runtime, verb, path))
}
