//! Runs an ONNX file in a process of its own.
//!
//! A runtime allocates memory and loops as the file tells it to, and a failed allocation ends the
//! process. In a separate process only that file fails. [`Worker`] is the handle in the parent and
//! enforces the time limit; [`serve`] is the main loop of the child, which limits its own memory.
//! They exchange frames over standard input and output of the child.
//!
//! Metadata can be forged, so a file that claims to be Kennel's own runs like this, too. Only files
//! that this process has just written run inside it.

mod frame;
mod serve;

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use self::frame::{Reply, Request, read_frame, write_frame};
use crate::Result;
use crate::runtime::{Failed, Input, Output, RuntimeKind, Values};

pub use self::serve::serve;

/// Memory per byte of weights. The weights may be in memory as read, as packed and, if of a
/// narrower type, as floats.
const MEMORY_PER_WEIGHT_BYTE: u64 = 4;
/// Slowest rate at which opening may proceed. Packing weights is more than 100 times as fast on one
/// core.
const OPENED_BYTES_PER_S: f64 = 10e6;
/// Limit on the values of a reply: 1024 photos in 100,000 classes.
const MAX_VALUE_BYTES: u64 = 4 * 1024 * 100_000;
/// How much of the stderr of the child is kept.
const MAX_WORDS_BYTES: u64 = 2048;

/// How to run files in a process of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct Apart {
    /// Program to start; it must call [`serve`].
    pub program: PathBuf,
    /// Arguments before those of [`serve`].
    pub arguments: Vec<OsString>,
    /// Time limit for a photo, in seconds. Opening the file may take as long, and more for large
    /// weights.
    pub photo_s: f64,
    /// Memory limit, not counting the weights.
    pub memory_bytes: u64,
}

/// A file that runs in a process of its own.
pub struct Worker {
    child: Child,
    /// `None` once the process was stopped.
    requests: Option<ChildStdin>,
    replies: Receiver<(Reply, Vec<f32>)>,
    words: Option<JoinHandle<String>>,
    memory_bytes: u64,
    photo_s: f64,
}

impl Worker {
    /// Starts a process that opens a file. `size_bytes` is the size of graph and weights together.
    ///
    /// # Errors
    ///
    /// The reason.
    pub fn open(
        path: &Path,
        runtime: RuntimeKind,
        size_bytes: u64,
        apart: &Apart,
    ) -> Result<Self, Failed> {
        let memory_bytes = apart.memory_bytes + MEMORY_PER_WEIGHT_BYTE * size_bytes;
        let mut command = Command::new(&apart.program);
        command
            .args(&apart.arguments)
            .arg(path)
            .args([runtime.as_str(), &memory_bytes.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Keep Ctrl-C for the parent; the child ends when its standard input ends.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command
            .spawn()
            .map_err(|error| format!("cannot start {} for it: {error}", apart.program.display()))?;
        let (requests, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (mut stdout, stderr) = stdout.zip(stderr).expect("both are pipes");
        let (sender, replies) = mpsc::channel();
        thread::spawn(move || {
            while let Ok(Some((reply, values, _))) = read_frame(&mut stdout, MAX_VALUE_BYTES) {
                if sender.send((reply, values)).is_err() {
                    break;
                }
            }
        });
        let words = Some(thread::spawn(move || last_words(stderr)));
        let mut worker =
            Self { child, requests, replies, words, memory_bytes, photo_s: apart.photo_s };
        let limit_s = apart.photo_s + size_bytes as f64 / OPENED_BYTES_PER_S;
        match worker.reply(limit_s)? {
            (Reply::Opened, _) => Ok(worker),
            (Reply::Failed { reason }, _) => Err(reason.into()),
            (Reply::Ran { .. }, _) => {
                Err(worker.stop("its process answered what it was not asked".into()).into())
            }
        }
    }

    /// Runs the graph once. Returns the outputs and the seconds that the run took in the child.
    ///
    /// # Errors
    ///
    /// The reason.
    pub fn run(
        &mut self,
        input: Input<'_>,
        outputs: &[&str],
    ) -> Result<(Vec<Output>, f64), Failed> {
        let Some(requests) = &mut self.requests else {
            return Err("its process was stopped".to_string().into());
        };
        let (bytes, photos) = match input.values {
            Values::Floats(values) => {
                (bytemuck::cast_slice(values), input.shape.first().copied().unwrap_or(1))
            }
            Values::Bytes(values) => (values, 1),
        };
        let request = Request {
            input: input.name.into(),
            shape: input.shape.to_vec(),
            is_bytes: matches!(input.values, Values::Bytes(_)),
            outputs: outputs.iter().map(ToString::to_string).collect(),
        };
        if let Err(error) = write_frame(requests, &request, bytes) {
            return Err(self.stop(format!("its process took nothing more ({error})")).into());
        }
        let (reply, values) = self.reply(self.photo_s * photos as f64)?;
        let wrong = |worker: &mut Self| {
            Err(worker.stop("its process answered what it was not asked".into()).into())
        };
        let (shapes, seconds) = match reply {
            Reply::Ran { shapes, seconds } if shapes.len() == outputs.len() => (shapes, seconds),
            Reply::Failed { reason } => return Err(reason.into()),
            _ => return wrong(self),
        };
        let mut values = values.into_iter();
        let mut found = Vec::with_capacity(shapes.len());
        for shape in shapes {
            let count = shape.iter().try_fold(1_usize, |count, extent| count.checked_mul(*extent));
            let Some(count) = count.filter(|count| *count <= values.len()) else {
                return wrong(self);
            };
            found.push(Output { shape, values: values.by_ref().take(count).collect() });
        }
        Ok((found, seconds))
    }

    /// Waits for the next reply, or returns why there is none.
    fn reply(&mut self, limit_s: f64) -> Result<(Reply, Vec<f32>), Failed> {
        match self.replies.recv_timeout(Duration::from_secs_f64(limit_s)) {
            Ok(frame) => Ok(frame),
            Err(RecvTimeoutError::Timeout) => {
                let reason =
                    self.stop(format!("it did not end within {limit_s:.1} s and was stopped"));
                Err(Failed { reason, timed_out: true })
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.stop(String::new()).into()),
        }
    }

    /// Stops the process and returns `reason`; if that is empty, waits for the process and returns
    /// how it ended.
    fn stop(&mut self, reason: String) -> String {
        self.requests = None;
        if !reason.is_empty() {
            // An error means that it has already ended.
            self.child.kill().unwrap_or_default();
        }
        let status =
            self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        let words = self.words.take().and_then(|words| words.join().ok()).unwrap_or_default();
        if !reason.is_empty() {
            return reason;
        }
        let separator = if words.is_empty() { "" } else { ": " };
        let gigabytes = self.memory_bytes as f64 / 1e9;
        format!("its process, which may take {gigabytes:.1} GB, ended ({status}){separator}{words}")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Nobody needs its results any more. Errors do not matter: it may have ended already.
        self.child.kill().unwrap_or_default();
        let _ = self.child.wait();
    }
}

/// Returns the first line of stderr that is not empty. Reads and drops the rest, so that the child
/// never blocks on writing.
fn last_words(mut stderr: impl Read) -> String {
    let mut words = Vec::new();
    let read = stderr.by_ref().take(MAX_WORDS_BYTES).read_to_end(&mut words);
    let drained = io::copy(&mut stderr, &mut io::sink());
    let text = String::from_utf8_lossy(&words);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match read.and(drained.map(|_| 0)) {
        Ok(_) => line.into(),
        Err(error) => format!("{line} ({error})"),
    }
}
