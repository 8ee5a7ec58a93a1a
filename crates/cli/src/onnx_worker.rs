//! Runs ONNX files in a process of their own: this program, started again.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kennel_onnx::Apart;

use crate::failure::Failure;

/// The argument that starts a worker. It is no command for users.
const WORD: &str = "onnx-worker";
/// Memory limit of a graph for up to [`PHOTOS`] photos, not counting the weights: three times what
/// the largest network of the zoo takes.
const MEMORY_BYTES: u64 = 4 << 30;
/// Photos that [`MEMORY_BYTES`] is for.
const PHOTOS: usize = 32;

/// How long a file may take.
#[derive(Args, Clone)]
pub struct TimeLimit {
    /// Stop the file after so many seconds for a photo
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 10.0,
        requires = "onnx",
        help_heading = "ONNX file"
    )]
    time_limit: f64,
}

impl TimeLimit {
    /// Returns how to run a file on up to `photos` photos at once.
    ///
    /// # Errors
    ///
    /// If the time limit is out of range, or if the path of this program cannot be found.
    pub fn apart(&self, photos: usize) -> Result<Apart, Failure> {
        if !(0.001..=86_400.0).contains(&self.time_limit) {
            let found = self.time_limit;
            return Err(Failure::Usage(format!(
                "--time-limit {found}: expected 0.001 to 86400 seconds"
            )));
        }
        Ok(Apart {
            program: this_program()?,
            arguments: vec![WORD.into()],
            photo_s: self.time_limit,
            memory_bytes: MEMORY_BYTES * photos.div_ceil(PHOTOS).max(1) as u64,
        })
    }
}

/// Returns the path of this program. On Linux, it works even if the file was replaced since the
/// start.
pub fn this_program() -> Result<PathBuf, Failure> {
    let itself = PathBuf::from("/proc/self/exe");
    if cfg!(target_os = "linux") && itself.exists() {
        return Ok(itself);
    }
    std::env::current_exe().map_err(|error| {
        Failure::Failed(format!("cannot find this program to run the file apart: {error}"))
    })
}

/// Serves and returns the exit status, if this process was started as a worker.
pub fn serve_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    arguments.next().filter(|word| word == WORD).map(|_| kennel_onnx::serve(arguments))
}
