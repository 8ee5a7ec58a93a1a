//! What runs a file: rten, which is part of this program, or ONNX Runtime, where its library lies on the machine.

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

/// A program that runs ONNX files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuntimeKind {
    /// [rten](https://github.com/robertknight/rten), in Rust alone: always there.
    Rten,
    /// Microsoft's ONNX Runtime, 1.18 or later.
    OnnxRuntime,
}

impl RuntimeKind {
    /// Every one, the one that is always there first.
    pub const ALL: [RuntimeKind; 2] = [RuntimeKind::Rten, RuntimeKind::OnnxRuntime];

    /// Its name on the command line and in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            RuntimeKind::Rten => "rten",
            RuntimeKind::OnnxRuntime => "onnxruntime",
        }
    }

    /// Those that are on this machine.
    pub fn at_hand() -> impl Iterator<Item = RuntimeKind> {
        RuntimeKind::ALL.into_iter().filter(|kind| kind.check().is_ok())
    }

    /// Whether it is on this machine.
    ///
    /// # Errors
    ///
    /// [`OnnxError::NoRuntime`], with the way to get it.
    pub fn check(self) -> Result<()> {
        match self {
            RuntimeKind::Rten => Ok(()),
            RuntimeKind::OnnxRuntime => onnx_runtime::environment().map(drop),
        }
    }

    /// What is on this machine, in words: a release, as far as it tells.
    ///
    /// # Errors
    ///
    /// As [`RuntimeKind::check`].
    pub fn version(self) -> Result<String> {
        match self {
            // The manifest pins it.
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

/// What goes into a graph.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its extents.
    pub shape: &'a [usize],
    /// Its elements, row-major.
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

/// What comes out of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its extents.
    pub shape: Vec<usize>,
    /// Its elements, row-major; whole numbers as floats.
    pub values: Vec<f32>,
}

/// A file that is ready to run.
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
    /// [`OnnxError::NoRuntime`] when the runtime is not there, [`OnnxError::Runtime`] when it refuses the file.
    pub fn open(path: &Path, kind: RuntimeKind) -> Result<Self> {
        kind.check()?;
        let engine = guarded(path, kind, "read", || match kind {
            RuntimeKind::Rten => rten::Engine::open(path).map(|engine| Engine::Rten(Box::new(engine))),
            RuntimeKind::OnnxRuntime => onnx_runtime::Engine::open(path).map(Engine::OnnxRuntime),
        })?;
        Ok(Self { path: path.into(), kind, engine, last_run_s: 0.0 })
    }

    /// As [`Session::open`], in a process of its own that is held to memory and time. `size_bytes` are those of graph and weights.
    ///
    /// # Errors
    ///
    /// As [`Session::open`]; [`OnnxError::Runtime`] also when the process cannot be started, ends or takes too long.
    pub fn open_apart(path: &Path, kind: RuntimeKind, size_bytes: u64, apart: &Apart) -> Result<Self> {
        kind.check()?;
        let worker = Worker::open(path, kind, size_bytes, apart).map_err(|reason| OnnxError::Runtime {
            runtime: kind,
            verb: "read",
            path: path.into(),
            reason,
        })?;
        Ok(Self { path: path.into(), kind, engine: Engine::Apart(Box::new(worker)), last_run_s: 0.0 })
    }

    /// Whether it runs in a process of its own.
    pub fn is_apart(&self) -> bool {
        matches!(self.engine, Engine::Apart(_))
    }

    /// Seconds that the last run took, where it ran: the way to another process and back is not in them.
    pub fn last_run_s(&self) -> f64 {
        self.last_run_s
    }

    /// What runs it.
    pub fn kind(&self) -> RuntimeKind {
        self.kind
    }

    /// The file.
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
            Engine::Rten(engine) => engine.run(input, outputs).map(|found| (found, None)),
            Engine::OnnxRuntime(engine) => engine.run(input, outputs).map(|found| (found, None)),
            Engine::Apart(worker) => {
                worker.run(input, outputs).map(|(found, seconds)| (found, Some(seconds)))
            }
        })?;
        self.last_run_s = seconds.unwrap_or_else(|| began.elapsed().as_secs_f64());
        Ok(found)
    }
}

thread_local! {
    /// Whether this thread is in [`guarded`].
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runtimes are written for files that are well-formed: one that panics over another costs that file, not the program.
fn guarded<T>(
    path: &Path,
    runtime: RuntimeKind,
    verb: &'static str,
    work: impl FnOnce() -> Result<T, String>,
) -> Result<T> {
    let failed = |reason: String| OnnxError::Runtime { runtime, verb, path: path.into(), reason };
    // Its words are the reason, and need not be on stderr as well.
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
            Err(format!("it gave up on the file: {}", words.unwrap_or("it gave no reason")))
        })
        .map_err(failed)
}
