//! Runs an ONNX file in a process of its own.
//!
//! A runtime allocates memory and loops as the file tells it to, and a failed allocation ends the
//! process. In a separate process only that file fails. [`Worker`] is the handle in the parent and
//! enforces the time limit; [`serve`] is the main loop of the child, which limits its own memory.
//! They exchange frames over standard input and output of the child.
//!
//! Metadata can be forged, so a file that claims to be Kennel's own runs like this, too. Only files
//! that this process has just written run inside it.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::runtime::{Failed, Input, Output, RuntimeKind, Session, Values};
use crate::{OnnxError, Result};

/// Memory per byte of weights. The weights may be in memory as read, as packed and, if of a
/// narrower type, as floats.
const MEMORY_PER_WEIGHT_BYTE: u64 = 4;
/// Slowest rate at which opening may proceed. Packing weights is more than 100 times as fast on one
/// core.
const OPENED_BYTES_PER_S: f64 = 10e6;
/// Limit on the header of a frame; the largest ones hold shapes or the reason of a failure.
const MAX_HEADER_BYTES: u64 = 1 << 20;
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

/// Header of a request; the values follow it.
#[derive(Serialize, Deserialize)]
struct Request {
    input: String,
    shape: Vec<usize>,
    is_bytes: bool,
    outputs: Vec<String>,
}

/// Header of a reply; the values of all outputs follow it, one after the other.
#[derive(Serialize, Deserialize)]
enum Reply {
    Opened,
    Ran { shapes: Vec<Vec<usize>>, seconds: f64 },
    Failed { reason: String },
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
    pub fn open(path: &Path, runtime: RuntimeKind, size_bytes: u64, apart: &Apart) -> Result<Self, Failed> {
        let memory_bytes = apart.memory_bytes + MEMORY_PER_WEIGHT_BYTE * size_bytes;
        let mut command = Command::new(&apart.program);
        command.args(&apart.arguments).arg(path).args([runtime.as_str(), &memory_bytes.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Keep Ctrl-C for the parent; the child ends when its standard input ends.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command
            .spawn()
            .map_err(|error| format!("cannot start {} for it: {error}", apart.program.display()))?;
        let (requests, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
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
        let mut worker = Self { child, requests, replies, words, memory_bytes, photo_s: apart.photo_s };
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
    pub fn run(&mut self, input: Input<'_>, outputs: &[&str]) -> Result<(Vec<Output>, f64), Failed> {
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
        let wrong =
            |worker: &mut Self| Err(worker.stop("its process answered what it was not asked".into()).into());
        let (shapes, seconds) = match reply {
            Reply::Ran { shapes, seconds } if shapes.len() == outputs.len() => (shapes, seconds),
            Reply::Failed { reason } => return Err(reason.into()),
            _ => return wrong(self),
        };
        let mut values = values.into_iter();
        let mut found = Vec::with_capacity(shapes.len());
        for shape in shapes {
            let count = shape.iter().try_fold(1_usize, |count, extent| count.checked_mul(*extent));
            let Some(count) = count.filter(|count| *count <= values.len()) else { return wrong(self) };
            found.push(Output { shape, values: values.by_ref().take(count).collect() });
        }
        Ok((found, seconds))
    }

    /// Waits for the next reply, or returns why there is none.
    fn reply(&mut self, limit_s: f64) -> Result<(Reply, Vec<f32>), Failed> {
        match self.replies.recv_timeout(Duration::from_secs_f64(limit_s)) {
            Ok(frame) => Ok(frame),
            Err(RecvTimeoutError::Timeout) => {
                let reason = self.stop(format!("it did not end within {limit_s:.1} s and was stopped"));
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
        let status = self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
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

/// Main loop of the child: opens the file and answers requests until its standard input ends.
/// `arguments` are those that [`Worker::open`] passes: path, runtime, memory limit in bytes.
pub fn serve(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    let [path, runtime, memory] = arguments.as_slice() else { return ExitCode::from(2) };
    let runtime = RuntimeKind::ALL.into_iter().find(|kind| runtime == kind.as_str());
    let memory = memory.to_str().and_then(|memory| memory.parse().ok());
    let (Some(runtime), Some(memory)) = (runtime, memory) else { return ExitCode::from(2) };
    let mut stdout = io::stdout().lock();
    let (sender, requests) = mpsc::channel();
    // Read on a separate thread, so that the process ends with its standard input even while a
    // graph runs forever.
    thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        while let Ok(Some(frame)) = read_frame::<Request>(&mut stdin, u64::MAX) {
            if sender.send(frame).is_err() {
                break;
            }
        }
        std::process::exit(0);
    });
    let opened = bound(memory)
        .and_then(|()| Session::open(Path::new(path), runtime).map_err(|error| reason_of(&error)));
    let mut session = match opened {
        Ok(session) => session,
        Err(reason) => {
            // The parent may be gone, so ignore errors.
            write_frame(&mut stdout, &Reply::Failed { reason }, &[]).unwrap_or_default();
            return ExitCode::FAILURE;
        }
    };
    let mut is_heard = write_frame(&mut stdout, &Reply::Opened, &[]).is_ok();
    while is_heard && let Ok((request, values, bytes)) = requests.recv() {
        let (reply, values) = answer(&mut session, &request, &values, bytes);
        is_heard = write_frame(&mut stdout, &reply, bytemuck::cast_slice(&values)).is_ok();
    }
    ExitCode::SUCCESS
}

fn answer(session: &mut Session, request: &Request, values: &[f32], bytes: usize) -> (Reply, Vec<f32>) {
    let values = match request.is_bytes {
        true => Values::Bytes(&bytemuck::cast_slice(values)[..bytes]),
        false => Values::Floats(values),
    };
    let outputs: Vec<&str> = request.outputs.iter().map(String::as_str).collect();
    let input = Input { name: &request.input, shape: &request.shape, values };
    match session.run(input, &outputs) {
        Err(error) => (Reply::Failed { reason: reason_of(&error) }, Vec::new()),
        Ok(found) => {
            let values = found.iter().flat_map(|output| &output.values).copied().collect();
            let shapes = found.into_iter().map(|output| output.shape).collect();
            (Reply::Ran { shapes, seconds: session.last_run_s() }, values)
        }
    }
}

/// Reason alone: the parent adds runtime and path.
fn reason_of(error: &OnnxError) -> String {
    match error {
        OnnxError::Runtime { reason, .. } => reason.clone(),
        error => error.to_string(),
    }
}

/// Limits the memory that this process may write to. Linux counts every private writable mapping;
/// other systems may count less, and then only the time limit remains.
#[cfg(unix)]
fn bound(memory_bytes: u64) -> Result<(), String> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let lower = |resource, bytes: u64| {
        let (_, hard) = getrlimit(resource)?;
        setrlimit(resource, bytes.min(hard), hard)
    };
    // A crash at the limit is expected: write no core dump.
    lower(Resource::RLIMIT_CORE, 0)
        .and_then(|()| lower(Resource::RLIMIT_DATA, memory_bytes))
        .map_err(|error| format!("its process cannot bound its memory: {error}"))
}

#[cfg(not(unix))]
fn bound(_: u64) -> Result<(), String> {
    Ok(())
}

/// Writes lengths, header and values. Values have the byte order of the machine: both sides are
/// this program on this machine.
fn write_frame(to: &mut impl Write, header: &impl Serialize, values: &[u8]) -> io::Result<()> {
    let header = serde_json::to_vec(header)?;
    to.write_all(bytemuck::bytes_of(&[header.len() as u64, values.len() as u64]))?;
    to.write_all(&header)?;
    to.write_all(values)?;
    to.flush()
}

/// Reads what [`write_frame`] wrote: header, values and their number of bytes; `None` at the end of
/// the stream.
fn read_frame<T: DeserializeOwned>(
    from: &mut impl Read,
    max_values: u64,
) -> io::Result<Option<(T, Vec<f32>, usize)>> {
    let mut lengths = [0_u64; 2];
    match from.read_exact(bytemuck::bytes_of_mut(&mut lengths)) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let [header_bytes, value_bytes] = lengths;
    if header_bytes > MAX_HEADER_BYTES || value_bytes > max_values {
        return Err(io::Error::other("a frame is too long"));
    }
    let mut header = vec![0; header_bytes as usize];
    from.read_exact(&mut header)?;
    let bytes = value_bytes as usize;
    let mut values = vec![0.0; bytes.div_ceil(size_of::<f32>())];
    from.read_exact(&mut bytemuck::cast_slice_mut(&mut values)[..bytes])?;
    Ok(Some((serde_json::from_slice(&header)?, values, bytes)))
}
