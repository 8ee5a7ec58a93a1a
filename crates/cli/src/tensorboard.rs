//! `--tensorboard`: an observer that shows a run on the terminal and writes TensorBoard event
//! files.

use std::time::{Duration, SystemTime};

use kennel_core::{EpochRecord, Note, RunDir};
use kennel_infer::PhotoObserver;
use kennel_tensorboard::EventWriter;
use kennel_train::{Observer, Plan};

use crate::hints::worded;
use crate::progress::Terminal;
use crate::session::Session;

/// Subfolder of a run for the event files.
const FOLDER: &str = "tensorboard";

/// Shows a run on the terminal and, if asked, writes its scalars.
pub struct Watcher<'a> {
    terminal: Terminal<'a>,
    is_asked: bool,
    writer: Option<EventWriter>,
}

impl<'a> Watcher<'a> {
    /// Creates an observer that also writes event files if `tensorboard` is set.
    pub fn new(tensorboard: bool, session: &'a Session) -> Self {
        Watcher { terminal: Terminal::new(session), is_asked: tensorboard, writer: None }
    }

    /// Keeps the writer. After a write error, prints a note and writes no more: the run continues.
    fn keep(&mut self, written: kennel_core::Result<EventWriter>) {
        match written {
            Ok(writer) => self.writer = Some(writer),
            Err(error) => {
                self.writer = None;
                self.note(&format!("no more TensorBoard scalars: {}", worded(&error)).into());
            }
        }
    }
}

/// Opens a writer in the run's folder and writes the epochs that are finished already.
fn open(plan: &Plan) -> kennel_core::Result<EventWriter> {
    let run = RunDir::open(&plan.run)?;
    let now = SystemTime::now();
    let mut writer = EventWriter::create(&run.path().join(FOLDER), now)?;
    if plan.finished_epochs > 0 {
        let records = run.read_metrics()?;
        let finished = &records[..plan.finished_epochs.min(records.len())];
        let last_s = finished.last().map_or(0.0, |record| record.elapsed_s);
        for record in finished {
            // Keeps the time between epochs and dates the last one now.
            writer.epoch(record, now - Duration::from_secs_f64((last_s - record.elapsed_s).max(0.0)))?;
        }
    }
    Ok(writer)
}

impl PhotoObserver for Watcher<'_> {
    fn note(&mut self, note: &Note) {
        self.terminal.note(note);
    }

    fn predicting(&mut self, what: &str, photos: usize, of: usize) {
        self.terminal.predicting(what, photos, of);
    }
}

impl Observer for Watcher<'_> {
    fn plan(&mut self, plan: &Plan) {
        self.terminal.plan(plan);
        self.writer = None;
        if self.is_asked {
            self.keep(open(plan));
        }
    }

    fn step(&mut self, epoch: usize, photos: usize, of: usize, loss: f32) {
        self.terminal.step(epoch, photos, of, loss);
    }

    fn epoch(&mut self, record: &EpochRecord, is_best: bool) {
        self.terminal.epoch(record, is_best);
        if let Some(mut writer) = self.writer.take() {
            let written = writer.epoch(record, SystemTime::now()).map(|()| writer);
            self.keep(written);
        }
    }
}
