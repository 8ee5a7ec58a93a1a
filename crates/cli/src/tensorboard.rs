//! `--tensorboard`: shows a run on the terminal and writes TensorBoard event files.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use kennel_core::task::Event;
use kennel_core::{CoreError, RunDir};
use kennel_tensorboard::EventWriter;

use crate::hints::worded;
use crate::progress::Terminal;
use crate::session::Session;

/// Subfolder of a run for the event files.
const FOLDER: &str = "tensorboard";

/// Shows a run on the terminal and, if asked, writes its scalars.
pub struct Watcher<'a> {
    terminal: Terminal<'a>,
    is_asked: bool,
    writer: Mutex<Option<EventWriter>>,
}

impl<'a> Watcher<'a> {
    /// Creates a watcher that also writes event files if `tensorboard` is set.
    pub fn new(tensorboard: bool, session: &'a Session) -> Self {
        Watcher {
            terminal: Terminal::new(session),
            is_asked: tensorboard,
            writer: Mutex::new(None),
        }
    }

    /// Shows an event, and writes it if it is an epoch.
    pub fn on(&self, event: Event<'_>) {
        self.terminal.on(event);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Run { run, finished_epochs, .. } => {
                *writer = self
                    .is_asked
                    .then(|| open(run, finished_epochs))
                    .and_then(|new| self.kept(new));
            }
            Event::Epoch { record, .. } => {
                *writer = writer.take().and_then(|mut open| {
                    self.kept(open.epoch(record, SystemTime::now()).map(|()| open))
                });
            }
            _ => {}
        }
    }

    /// Returns the writer. After a write error, prints a note and returns none: the run continues
    /// without event files.
    fn kept(&self, written: kennel_core::Result<EventWriter>) -> Option<EventWriter> {
        let told = |error: &CoreError| {
            let note = format!("no more TensorBoard scalars: {}", worded(error)).into();
            self.terminal.on(Event::Note(&note));
        };
        written.inspect_err(told).ok()
    }
}

/// Opens a writer in the run's folder and writes the epochs that are finished already.
fn open(run: &RunDir, finished_epochs: usize) -> kennel_core::Result<EventWriter> {
    let now = SystemTime::now();
    let mut writer = EventWriter::create(&run.path().join(FOLDER), now)?;
    if finished_epochs > 0 {
        let records = run.read_metrics()?;
        let finished = &records[..finished_epochs.min(records.len())];
        let last_s = finished.last().map_or(0.0, |record| record.elapsed_s);
        for record in finished {
            // Keeps the time between epochs and dates the last one now.
            writer.epoch(
                record,
                now - Duration::from_secs_f64((last_s - record.elapsed_s).max(0.0)),
            )?;
        }
    }
    Ok(writer)
}
