//! What runs that choose for themselves will do, tried and chose, for the terminal: `auto`, in a
//! run and among networks, and searches.

use kennel_auto::Contender;
use kennel_core::{
    AugmentationSet, AutoRecord, RunDir, SearchRecord, SearchTrial, Settings, Strategy, TrialEnd,
};

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
    if let Some(count) = settings.search {
        say!(
            session,
            "search     trains {count} trials with different rates, augmentation, layer decay and \
             stochastic depth, halts the worse half twice, and keeps the best by validation loss; \
             the test photos are read once, at the end"
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

/// Prints what was tried and why one network was chosen, if the run chose.
pub fn tell_choice(run: &RunDir, session: &Session) -> CommandResult {
    if run.auto().exists() {
        tell_candidates(run, session)?;
    }
    if run.search().exists() {
        tell_trials(&SearchRecord::read(&run.search())?, session);
    }
    Ok(())
}

fn tell_candidates(run: &RunDir, session: &Session) -> CommandResult {
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

/// Prints the trials of a search.
fn tell_trials(record: &SearchRecord, session: &Session) {
    let row = |(at, trial): (usize, &SearchTrial)| {
        let ended = match trial.ended {
            TrialEnd::Finished => "",
            TrialEnd::Halted => "halted",
            TrialEnd::Diverged => "diverged",
        };
        let loss = trial.val_loss.map(|loss| format!("{loss:.4}"));
        let accuracy = trial.val_accuracy.map(|share| format!("{:.1} %", 100.0 * share));
        [
            format!("{}{}", if at == record.chosen { "* " } else { "" }, at + 1),
            format!("{:e}", trial.learning_rate),
            trial.layer_decay.unwrap_or(1.0).to_string(),
            trial.augmentation.map_or("own", AugmentationSet::as_str).into(),
            trial.drop_path_rate.to_string(),
            trial.epochs.to_string(),
            ended.into(),
            loss.unwrap_or_default(),
            accuracy.unwrap_or_default(),
            format!("{:.0} s", trial.seconds),
        ]
    };
    let rows: Vec<[String; 10]> = record.trials.iter().enumerate().map(row).collect();
    let header = [
        "trial",
        "lr",
        "layer decay",
        "augment",
        "drop path",
        "epochs",
        "",
        "val loss",
        "val",
        "took",
    ];
    let numbers = [0, 1, 2, 4, 5, 7, 8, 9];
    let table = columns_that_fit(Stream::Err, header, &rows, &numbers, &[9, 4, 2]);
    say!(session, "{}", table.trim_end());
    let chosen = record.chosen();
    if let Some(loss) = chosen.val_loss {
        let number = record.chosen + 1;
        say!(
            session,
            "chosen: trial {number}, with the lowest validation loss of those that were trained to \
             the end, {loss:.4}"
        );
    }
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
