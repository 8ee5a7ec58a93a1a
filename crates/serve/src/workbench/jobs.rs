//! Commands that run for the page, one at a time.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::Folders;
use crate::models::Served;
use crate::problem::Problem;

/// Lines of a command's output that are kept.
const LINES: usize = 200;
/// Bytes of a line that are kept.
const LINE_BYTES: u64 = 1000;
/// Finished jobs that are kept.
const FINISHED: usize = 20;
/// How often the end of a command is looked for.
const LOOK: Duration = Duration::from_millis(50);
/// Longest wait for the last lines of a command that has ended.
const LAST_LINES: Duration = Duration::from_secs(1);

/// What the page asks for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Asked {
    /// Check photos and the added ones, correct their labels, and divide them.
    Prepare {
        /// The folder of photos.
        photos: PathBuf,
    },
    /// Fine-tune a network.
    Train {
        /// Its name.
        model: String,
        /// Pretrained weights, if not the network's own.
        weights: Option<String>,
        /// What to train.
        strategy: String,
        /// Minutes, for a strategy that tries several things.
        budget_minutes: Option<u32>,
        /// Passes over the photos, for one that does not.
        epochs: Option<u32>,
    },
    /// Find labels that are probably wrong.
    Audit {
        /// Name of the run.
        run: String,
    },
    /// Compare all runs.
    Report {
        /// Language of the page.
        lang: String,
    },
    /// Write a run's network as one file.
    Export {
        /// Name of the run.
        run: String,
    },
}

/// What the page keeps for the commands.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnFiles {
    /// The table that corrects labels, if there are corrections.
    pub fixes: Option<PathBuf>,
    /// The folder of added photos, if there are any.
    pub added: Option<PathBuf>,
    /// Where an audit writes the labels that are probably wrong.
    pub suggested: PathBuf,
}

/// The program's commands.
pub trait Commands: Send + Sync {
    /// The program, as it is started.
    fn program(&self) -> PathBuf;

    /// The program, as it is shown.
    fn name(&self) -> &'static str;

    /// The arguments that do what was asked.
    fn arguments(&self, asked: &Asked, folders: &Folders, own: &OwnFiles) -> Vec<OsString>;

    /// Opens a run to serve it.
    fn serve_run(&self, run: &Path) -> Result<Served, String>;

    /// Names of the networks that a person may choose from, with what they are good for.
    fn networks(&self) -> Vec<(String, String)>;
}

/// A command that runs, or has run.
#[derive(Clone, Debug, Serialize)]
pub struct Job {
    /// Its number, from 1.
    pub id: u64,
    /// What was asked: `prepare`, `train`, ..
    pub kind: &'static str,
    /// The command, as it may be typed.
    pub command: String,
    /// How it stands.
    pub status: Status,
    /// Seconds since it began, until its end.
    pub elapsed_s: f64,
    /// Its last lines.
    pub lines: VecDeque<String>,
}

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It runs.
    Running,
    /// It did what was asked.
    Done,
    /// It failed; its last lines say why.
    Failed,
    /// It was stopped.
    Stopped,
}

/// The jobs of the page.
#[derive(Clone, Default)]
pub struct Jobs(Arc<Mutex<List>>);

#[derive(Default)]
struct List {
    jobs: VecDeque<Job>,
    last: u64,
    running: Option<Running>,
}

struct Running {
    process: u32,
    is_stopped: bool,
}

impl Asked {
    fn kind(&self) -> &'static str {
        match self {
            Asked::Prepare { .. } => "prepare",
            Asked::Train { .. } => "train",
            Asked::Audit { .. } => "audit",
            Asked::Report { .. } => "report",
            Asked::Export { .. } => "export",
        }
    }
}

impl Jobs {
    /// Starts a command.
    ///
    /// # Errors
    ///
    /// 409 while another runs; 500 if the program cannot be started.
    pub fn start(
        &self,
        asked: &Asked,
        (program, name): (&Path, &str),
        arguments: &[OsString],
    ) -> Result<Job, Problem> {
        let mut list = self.lock();
        if list.running.is_some() {
            let status = StatusCode::CONFLICT;
            return Err(Problem::new(status, "another command runs; wait for it, or stop it"));
        }
        let failed = |error: std::io::Error| {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Problem::new(status, format!("the command cannot be started: {error}"))
        };
        let (reader, writer) = std::io::pipe().map_err(failed)?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        command.stdout(writer.try_clone().map_err(failed)?).stderr(writer);
        let child = command.spawn().map_err(failed)?;
        // It holds the writing ends: the reader ends when the process does.
        drop(command);
        list.last += 1;
        list.running = Some(Running { process: child.id(), is_stopped: false });
        let words = arguments.iter().map(|word| kennel_core::quoted(&word.to_string_lossy()));
        let job = Job {
            id: list.last,
            kind: asked.kind(),
            command: [name.to_string()].into_iter().chain(words).collect::<Vec<_>>().join(" "),
            status: Status::Running,
            elapsed_s: 0.0,
            lines: VecDeque::new(),
        };
        list.jobs.push_front(job.clone());
        list.jobs.truncate(FINISHED);
        let (jobs, id) = (self.clone(), job.id);
        thread::spawn(move || jobs.watch(id, child, reader));
        Ok(job)
    }

    /// Returns the jobs, the newest first.
    pub fn all(&self) -> Vec<Job> {
        self.lock().jobs.iter().cloned().collect()
    }

    /// Asks a job to stop. It keeps what it has finished.
    ///
    /// # Errors
    ///
    /// 404 if it does not run.
    pub fn stop(&self, id: u64) -> Result<(), Problem> {
        let mut list = self.lock();
        let runs = list.jobs.front().is_some_and(|job| job.id == id);
        match &mut list.running {
            Some(running) if runs => {
                running.is_stopped = true;
                interrupt(running.process);
                Ok(())
            }
            _ => Err(Problem::not_found(format!("job {id} does not run"))),
        }
    }

    /// Asks what runs to stop.
    pub fn stop_all(&self) {
        if let Some(running) = &self.lock().running {
            interrupt(running.process);
        }
    }

    /// Keeps the last lines of a command, and notes its end.
    fn watch(&self, id: u64, mut child: Child, output: impl Read + Send + 'static) {
        let begun = Instant::now();
        let jobs = self.clone();
        let reader = thread::spawn(move || {
            let mut output = BufReader::new(output);
            loop {
                let mut line = Vec::new();
                match output.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line) {
                    Ok(0) | Err(_) => break,
                    Ok(_) => jobs.change(id, |job| {
                        job.lines.push_back(String::from_utf8_lossy(&line).trim_end().into());
                        if job.lines.len() > LINES {
                            job.lines.pop_front();
                        }
                    }),
                }
            }
        });
        let status = loop {
            self.change(id, |job| job.elapsed_s = begun.elapsed().as_secs_f64());
            match child.try_wait() {
                Ok(None) => thread::sleep(LOOK),
                Ok(Some(status)) => break status.success(),
                Err(_) => break false,
            }
        };
        // The page asks no more once it has ended, so its last lines come first. A process that it
        // left behind may hold the pipe open: that is not waited for.
        let ended = Instant::now();
        while !reader.is_finished() && ended.elapsed() < LAST_LINES {
            thread::sleep(LOOK);
        }
        let mut list = self.lock();
        let is_stopped = list.running.take().is_some_and(|running| running.is_stopped);
        drop(list);
        self.change(id, |job| {
            job.status = match (status, is_stopped) {
                (true, _) => Status::Done,
                (false, true) => Status::Stopped,
                (false, false) => Status::Failed,
            };
        });
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.lock().jobs.iter_mut().find(|job| job.id == id) {
            change(job);
        }
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks a process to stop, as Ctrl-C does.
fn interrupt(process: u32) {
    #[cfg(unix)]
    {
        use nix::sys::signal::{Signal, kill};
        use nix::unistd::Pid;
        // It may have ended by itself.
        let _ = i32::try_from(process).map(|process| kill(Pid::from_raw(process), Signal::SIGINT));
    }
    #[cfg(windows)]
    {
        // A console's Ctrl-C reaches its whole group; finished epochs are kept in any case.
        let number = process.to_string();
        let _ = Command::new("taskkill").args(["/PID", &number, "/T", "/F"]).status();
    }
}
