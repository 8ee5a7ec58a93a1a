//! Progress on stderr: a bar with rate and time left on a terminal, plain lines elsewhere.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use kennel_core::task::{Event, Stage};
use kennel_core::{
    AugmentationSet, EpochRecord, HeadFit, Note, RunDir, RunFacts, Settings, SplitCounts, Strategy,
    Task,
};

use crate::hints;
use crate::interrupt;
use crate::output::{Level, line_that_fits};
use crate::session::Session;

/// Rates before this are those of a cold start.
const SETTLED: Duration = Duration::from_secs(2);

/// Returns a bar that counts photos. It is hidden with `--quiet` or if stderr is not a terminal.
pub fn photo_bar(what: &str, of: usize, session: &Session) -> ProgressBar {
    if !session.prints(Level::Normal) {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(of as u64).with_style(style());
    bar.set_prefix(what.to_string());
    bar
}

/// Runs `work` under a bar of photos; Ctrl-C stops it. The total is known at its first event.
pub fn with_photo_bar<T>(what: &str, session: &Session, work: impl FnOnce(Task<'_>) -> T) -> T {
    let bar = OnceLock::new();
    let on = |event: Event<'_>| {
        if let Event::Photos { done, of } = event {
            bar.get_or_init(|| photo_bar(what, of, session)).set_position(done as u64);
        }
    };
    let done = work(Task::new(interrupt::listen(session), &on));
    if let Some(bar) = bar.get() {
        bar.finish_and_clear();
    }
    done
}

/// Prints the stages of an export.
pub fn say_stage(event: Event<'_>, session: &Session) {
    match event {
        Event::PhotosGone(gone) => {
            say!(session, "proving    without {gone} of the run's photos, which are gone")
        }
        Event::Stage(Stage::RunNetwork { photos }) => {
            say!(session, "proving    the trained network on {photos} validation photos");
        }
        Event::Stage(Stage::Calibrate { photos }) => {
            say!(session, "proving    ranges of every tensor on {photos} training photos");
        }
        Event::Stage(Stage::RunFile) => say!(session, "proving    the file on the same photos"),
        Event::Stage(Stage::FindWorstLayers) => say!(session, "proving    which layers hurt most"),
        _ => {}
    }
}

/// Returns a counter of photos, for an unknown total.
pub fn photo_counter(what: &str, session: &Session) -> ProgressBar {
    if !session.prints(Level::Normal) {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{prefix:>12} {pos} photos")
        .expect("the template is well-formed");
    let counter = ProgressBar::no_length().with_style(style);
    counter.set_prefix(what.to_string());
    counter
}

/// Returns a bar that counts bytes; the total is set later.
pub fn byte_bar(what: &str, session: &Session) -> ProgressBar {
    if !session.prints(Level::Normal) {
        return ProgressBar::hidden();
    }
    let template = "{prefix:>12} {wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {left:>9}";
    let style = ProgressStyle::with_template(template)
        .expect("the template is well-formed")
        .with_key("left", left);
    let bar = ProgressBar::new(0).with_style(style);
    bar.set_prefix(what.to_string());
    bar
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template(
        "{prefix:>12} {wide_bar} {pos}/{len} photos  {rate}  {left:>9}  {msg}",
    )
    .expect("the template is well-formed")
    .with_key("rate", |state: &ProgressState, text: &mut dyn std::fmt::Write| {
        // A bar that cannot be drawn stops nothing.
        if state.elapsed() > SETTLED {
            write!(text, "{:.0} images/s", state.per_sec()).unwrap_or_default();
        }
    })
    .with_key("left", left)
}

/// Writes the time left, or nothing while it would be a guess.
fn left(state: &ProgressState, text: &mut dyn std::fmt::Write) {
    if state.pos() > 0 && state.elapsed() > SETTLED {
        write!(text, "{:#} left", HumanDuration(state.eta())).unwrap_or_default();
    }
}

/// Shows a run, or photos that go through a network, on the terminal.
pub struct Terminal<'a> {
    screen: Mutex<Screen<'a>>,
}

impl<'a> Terminal<'a> {
    /// Returns a terminal that has shown nothing yet.
    pub fn new(session: &'a Session) -> Self {
        let screen = Screen { session, epochs: 0, unit: "", bar: None, shown: String::new() };
        Terminal { screen: Mutex::new(screen) }
    }

    /// Shows an event.
    pub fn on(&self, event: Event<'_>) {
        let mut screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Note(note) => screen.note(note),
            Event::Photos { done, of } => screen.pass("checking", done, of),
            Event::Pass { what, done, of } => screen.pass(what, done, of),
            Event::Trial { settings } => screen.trial(settings),
            Event::Run { run, settings, facts, finished_epochs } => {
                screen.run(run, settings, facts, finished_epochs);
            }
            Event::Step { epoch, done, of, loss } => screen.step(epoch, done, of, loss),
            Event::Epoch { record, is_best } => screen.epoch(record, is_best),
            _ => {}
        }
    }
}

/// What the terminal shows now.
struct Screen<'a> {
    session: &'a Session,
    epochs: usize,
    /// Unit of an epoch's rate.
    unit: &'static str,
    bar: Option<ProgressBar>,
    shown: String,
}

impl Screen<'_> {
    /// Returns the bar of a pass. Starts a new bar for a new pass.
    fn bar(&mut self, what: String, of: usize) -> &ProgressBar {
        if self.bar.is_none() || self.shown != what {
            self.clear();
            let bar = photo_bar(&what, of, self.session);
            bar.enable_steady_tick(Duration::from_millis(500));
            self.bar = Some(bar);
            self.shown = what;
        }
        self.bar.get_or_insert_with(ProgressBar::hidden)
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.shown.clear();
    }

    fn note(&mut self, note: &Note) {
        self.clear();
        self.session.note_once(&hints::note(note));
    }

    fn pass(&mut self, what: &str, done: usize, of: usize) {
        self.bar(what.to_string(), of).set_position(done as u64);
    }

    fn trial(&mut self, settings: &Settings) {
        self.clear();
        say!(self.session, "trial      {}", trial_name(settings));
    }

    fn run(&mut self, run: &RunDir, settings: &Settings, facts: &RunFacts, finished_epochs: usize) {
        let session = self.session;
        self.clear();
        self.epochs = settings.epochs;
        let is_cached = facts.feature_cache.is_some() && settings.mixing().is_none();
        self.unit = if is_cached { "features/s" } else { "images/s" };
        say!(session, "run        {}", run.path().display());
        say!(session, "model      {} from {}", settings.model, settings.weights);
        tell_trained(&facts.trained, facts.trainable_params, facts.total_params, session);
        tell_photos(facts.photos, &facts.class_names, session);
        if finished_epochs > 0 {
            say!(session, "resumes    after epoch {finished_epochs} of {}", settings.epochs);
        }
    }

    fn step(&mut self, epoch: usize, done: usize, of: usize, loss: f32) {
        let what = format!("epoch {epoch}/{}", self.epochs);
        let bar = self.bar(what, of);
        bar.set_position(done as u64);
        bar.set_message(format!("loss {loss:.4}"));
    }

    fn epoch(&mut self, record: &EpochRecord, is_best: bool) {
        self.clear();
        let accuracy = match record.train_accuracy {
            Some(accuracy) => format!("{:5.1} %", 100.0 * accuracy),
            None => "(mixed)".into(),
        };
        let mut scores = format!(
            "epoch {:>3}/{}  train {:.4} nats {accuracy}",
            record.epoch, self.epochs, record.train_loss,
        );
        if let (Some(loss), Some(accuracy)) = (record.val_loss, record.val_accuracy) {
            scores += &format!("  val {loss:.4} nats {:5.1} %", 100.0 * accuracy);
        }
        let learning_rate = format!("  lr {:.1e}", record.learning_rate);
        let speed = format!("  {:.1} {}", record.images_per_s, self.unit);
        let best = if is_best && record.val_loss.is_some() { "  best so far" } else { "" };
        say!(
            self.session,
            "{}",
            line_that_fits(&[scores, learning_rate, speed, best.into()], &[2, 1])
        );
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Prints which parts of a network are trained.
pub fn tell_trained(
    trained: &[String],
    trainable_params: usize,
    total_params: usize,
    session: &Session,
) {
    say!(
        session,
        "trains     {} ({trainable_params} of {total_params} parameters)",
        trained.join(", ")
    );
}

/// Prints the photos and classes of a run.
pub fn tell_photos(photos: SplitCounts, class_names: &[String], session: &Session) {
    say!(
        session,
        "photos     {} train, {} val, {} test in {} classes: {}",
        photos.train,
        photos.val,
        photos.test,
        class_names.len(),
        shortened(class_names)
    );
}

/// What a trial trains, and what it may have drawn.
fn trial_name(settings: &Settings) -> String {
    let Settings { method, head, epochs, learning_rate, drop_path_rate, .. } = settings;
    if (*method, *head) == (Strategy::Freeze.into(), HeadFit::Convex) {
        return "a convex head on the frozen network".into();
    }
    let from = if *head == HeadFit::Convex { " from the convex head" } else { "" };
    let mut name = format!("{method}{from}, {epochs} epochs at {learning_rate:e}");
    if let Some(decay) = settings.layer_decay {
        name += &format!(", layer decay {decay}");
    }
    let not_usual = [AugmentationSet::Rrc, AugmentationSet::None];
    let own = &settings.augmentation;
    let is_set = |set: &&AugmentationSet| set.augmentation().with_policy_of(own) == *own;
    if let Some(set) = not_usual.iter().find(is_set) {
        name += &format!(", augmentation {}", set.as_str());
    }
    if *drop_path_rate > 0.0 {
        name += &format!(", drop path {drop_path_rate}");
    }
    name
}

fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 8;
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{} and {more} more", names[..SHOWN].join(", ")),
        _ => names.join(", "),
    }
}
