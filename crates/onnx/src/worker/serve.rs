//! The child: opens one ONNX file within a limit on memory, and runs it as its parent asks.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;

use super::frame::{Reply, Request, read_frame, write_frame};
use crate::runtime::{Input, RuntimeKind, Session, Values};
use crate::{OnnxError, Result};

/// Main loop of the child: opens the file and answers requests until its standard input ends.
/// `arguments` are those that [`Worker::open`](super::Worker::open) passes: path, runtime, memory
/// limit in bytes.
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

fn answer(
    session: &mut Session,
    request: &Request,
    values: &[f32],
    bytes: usize,
) -> (Reply, Vec<f32>) {
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
