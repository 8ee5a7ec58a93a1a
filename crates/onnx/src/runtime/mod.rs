//! Runtimes for ONNX files: rten, which is built in, and ONNX Runtime, if its library is installed.

mod onnx_runtime;
pub(crate) mod rten;

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Instant;

use crate::worker::{Apart, Worker};
use crate::{OnnxError, Result};

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

impl fmt::Display for RuntimeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An input of a graph.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Name of the input.
    pub name: &'a str,
    /// Shape of the tensor.
    pub shape: &'a [usize],
    /// Elements, row-major.
    pub values: Values<'a>,
}

/// The elements of an input.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// 32-bit floats.
    Floats(&'a [f32]),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// An output of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Shape of the tensor.
    pub shape: Vec<usize>,
    /// Elements, row-major; integers are converted to floats.
    pub values: Vec<f32>,
}

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
    pub fn open_apart(path: &Path, kind: RuntimeKind, size_bytes: u64, apart: &Apart) -> Result<Self> {
        kind.check()?;
        let worker =
            Worker::open(path, kind, size_bytes, apart).map_err(|failed| failed.of(kind, "read", path))?;
        Ok(Self { path: path.into(), kind, engine: Engine::Apart(Box::new(worker)), last_run_s: 0.0 })
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
    fn of(self, runtime: RuntimeKind, verb: &'static str, path: &Path) -> OnnxError {
        let Failed { reason, timed_out } = self;
        OnnxError::Runtime { runtime, verb, path: path.into(), reason, timed_out }
    }
}

thread_local! {
    /// Whether this thread is in [`guarded`].
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` and turns a panic into an error for this file: runtimes may panic on malformed
/// models.
fn guarded<T>(
    path: &Path,
    runtime: RuntimeKind,
    verb: &'static str,
    work: impl FnOnce() -> Result<T, Failed>,
) -> Result<T> {
    // The panic message becomes the reason of the error, so keep it off stderr.
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IS_GUARDED.get() {
                others(panic);
            }
        }));
    });
    IS_GUARDED.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(false);
    result
        .unwrap_or_else(|panic| {
            let words =
                panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            Err(format!("it gave up on the file: {}", words.unwrap_or("it gave no reason")).into())
        })
        .map_err(|failed| failed.of(runtime, verb, path))
}
