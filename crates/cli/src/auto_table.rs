//! What the strategy `auto` does, tried and chose, in a run and among networks, for the terminal.

use kennel_auto::Contender;
use kennel_core::{AutoRecord, RunDir, Settings, Strategy};

use crate::failure::CommandResult;
use crate::output::{Stream, columns_that_fit};
use crate::session::Session;

/// Says what a training will do, if its strategy leaves that open.
pub fn tell_plan(settings: &Settings, session: &Session) {
    if settings.strategy().ok() == Some(Strategy::Auto) {
        say!(
            session,
            "auto       fits a convex head on the frozen network, fine-tunes from it (partial, then \
             full, {} epochs each) unless there is nothing left to see, averages the weights, and \
             keeps what validation says; the test photos are read once, at the end",
            settings.epochs
        );
    }
    if let Some(folds) = settings.folds {
        say!(
            session,
            "folds      trains {folds} networks, each without one fold of the training and \
             validation photos, and then the one that is kept, on all of them; the test photos are \
             read once, at the end"
        );
    }
}

/// Prints what was tried and why one network was chosen, if the run's strategy was `auto`.
pub fn tell_choice(run: &RunDir, session: &Session) -> CommandResult {
    if !run.auto().exists() {
        return Ok(());
    }
    let record = AutoRecord::read(&run.auto())?;
    let manifest = run.read_manifest()?;
    let photos = manifest.counts(None).val;
    let rows: Vec<[String; 7]> = record
        .candidates
        .iter()
        .enumerate()
        .map(|(index, candidate)| {
            let correct = candidate.val_correct;
            [
                if index == record.chosen { "*".into() } else { String::new() },
                candidate.name(),
                format!("{correct}/{photos}"),
                format!("{:.1} %", 100.0 * correct as f64 / photos as f64),
                format!("{:.4}", candidate.val_loss),
                format!("{:.4} +- {:.4}", candidate.difference, candidate.standard_error),
                format!("{:.0} s", candidate.seconds),
            ]
        })
        .collect();
    let header = ["", "network", "val", "accuracy", "loss", "above the lowest", "took"];
    let table = columns_that_fit(Stream::Err, header, &rows, &[2, 3, 4, 5, 6], &[6, 5, 2]);
    say!(session, "{}", table.trim_end());
    for left_out in &record.left_out {
        say!(session, "left out   {left_out}");
    }
    say!(session, "{}", record.reason);
    Ok(())
}

/// Prints how networks compare by their convex heads, and which are fine-tuned.
pub fn tell_contenders(all: &[Contender], session: &Session) {
    let row = |contender: &Contender| {
        let Contender { model, photos, correct, log_loss, behind, left_out } = contender;
        [
            model.clone(),
            format!("{correct}/{photos}"),
            format!("{:.1} %", 100.0 * *correct as f64 / *photos as f64),
            format!("{log_loss:.4}"),
            format!("{:.4} +- {:.4}", behind.difference, behind.standard_error),
            if left_out.is_some() { "left out" } else { "in contention" }.into(),
        ]
    };
    let rows: Vec<[String; 6]> = all.iter().map(row).collect();
    let header = ["network", "right", "accuracy", "loss", "above the lowest", ""];
    let table = columns_that_fit(Stream::Err, header, &rows, &[1, 2, 3, 4], &[3, 2]);
    say!(session, "{}", table.trim_end());
}
