//! `--tensorboard`: an observer that writes what the terminal shows to TensorBoard's event files as well.

use std::time::{Duration, SystemTime};

use kennel_core::{EpochRecord, RunDir};
use kennel_report::EventWriter;
use kennel_train::{Observer, Plan};

use crate::progress::Terminal;

/// The folder of a run that TensorBoard is pointed at.
const FOLDER: &str = "tensorboard";

/// Shows a run on the terminal and, where asked, writes its scalars.
#[derive(Default)]
pub struct Watcher {
    terminal: Terminal,
    is_asked: bool,
    writer: Option<EventWriter>,
}

impl Watcher {
    /// On the terminal, and to event files where `tensorboard` is asked for.
    pub fn new(tensorboard: bool) -> Self {
        Watcher { is_asked: tensorboard, ..Watcher::default() }
    }

    /// A disk that refuses scalars is no reason to end a run: that is said, and no more are written.
    fn keep(&mut self, written: kennel_core::Result<EventWriter>) {
        match written {
            Ok(writer) => self.writer = Some(writer),
            Err(error) => {
                self.writer = None;
                self.note(&format!("no more TensorBoard scalars: {error}"));
            }
        }
    }
}

/// A writer to a run's folder, with the epochs that are finished already.
fn open(plan: &Plan) -> kennel_core::Result<EventWriter> {
    let run = RunDir::open(&plan.run)?;
    let now = SystemTime::now();
    let mut writer = EventWriter::create(&run.path().join(FOLDER), now)?;
    if plan.finished_epochs > 0 {
        let records = run.read_metrics()?;
        let finished = &records[..plan.finished_epochs.min(records.len())];
        let last_s = finished.last().map_or(0.0, |record| record.elapsed_s);
        for record in finished {
            // As far apart as they were, and the last of them now.
            writer.epoch(record, now - Duration::from_secs_f64((last_s - record.elapsed_s).max(0.0)))?;
        }
    }
    Ok(writer)
}

impl Observer for Watcher {
    fn note(&mut self, text: &str) {
        self.terminal.note(text);
    }

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

    fn predicting(&mut self, what: &str, photos: usize, of: usize) {
        self.terminal.predicting(what, photos, of);
    }

    fn epoch(&mut self, record: &EpochRecord, is_best: bool) {
        self.terminal.epoch(record, is_best);
        if let Some(mut writer) = self.writer.take() {
            let written = writer.epoch(record, SystemTime::now()).map(|()| writer);
            self.keep(written);
        }
    }
}
