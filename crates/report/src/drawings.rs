//! The figures of a report: their file names, alternative texts and drawings.

use kennel_core::EpochRecord;
use kennel_metrics::{Calibration, Evaluation};

use crate::figures::{self, Curve, Svg, Table};
use crate::published::{PublishedHistory, PublishedResults};
use crate::{FinishedRun, Report, Result, RunSummary, Scores, gallery, table};

/// The figures of the whole report and of each run.
pub struct Figures {
    /// Figures of all runs together.
    pub overall: Vec<Figure>,
    /// Figures of published results beside ours, if there are any.
    pub published: Vec<Figure>,
    /// Figures of each run, in the order of the comparison.
    pub of_runs: Vec<Vec<Figure>>,
}

impl Figures {
    /// Finds a figure by the stem of its file names.
    pub fn find(&self, stem: &str) -> Option<&Figure> {
        self.all().find(|figure| figure.stem == stem)
    }

    /// Returns every figure.
    pub fn all(&self) -> impl Iterator<Item = &Figure> {
        self.overall.iter().chain(&self.published).chain(self.of_runs.iter().flatten())
    }
}

/// One figure.
pub struct Figure {
    /// Stem of its file names.
    pub stem: String,
    /// What it shows, for readers who cannot see it.
    pub alt: String,
    /// The drawing.
    pub svg: Svg,
}

impl Figure {
    /// Shows the figure in a notebook. evcxr calls a method of this name and takes the text between
    /// these two lines for an image.
    pub fn evcxr_display(&self) {
        println!("EVCXR_BEGIN_CONTENT image/svg+xml\n{}\nEVCXR_END_CONTENT", self.svg.as_str());
    }
}

impl Report {
    /// Draws every figure.
    ///
    /// # Errors
    ///
    /// A figure that cannot be drawn.
    pub fn figures(&self) -> Result<Figures> {
        draw(self)
    }
}

fn draw(report: &Report) -> Result<Figures> {
    let summaries = &report.comparison.runs;
    let mut overall = Vec::new();
    let runs = report.runs.iter().zip(summaries).enumerate();
    let trained = runs.filter(|(_, (run, _))| !run.epochs.is_empty());
    let mut curves: Vec<Curve> =
        trained.map(|(place, (run, summary))| our_curve(place, run, summary)).collect();
    if !curves.is_empty() {
        overall.push(Figure {
            stem: "training_curves".into(),
            alt:
                "Loss and accuracy by epoch, of training and of validation photos, of every run on \
                 one scale"
                    .into(),
            svg: figures::training_curves(&curves)?,
        });
    }
    let mut published = Vec::new();
    curves.extend(
        report
            .against
            .iter()
            .zip(summaries.len()..)
            .map(|(against, place)| published_curve(place, &against.results)),
    );
    if !report.against.is_empty() {
        published.push(Figure {
            stem: "published_curves".into(),
            alt: "Loss and accuracy by epoch of our runs and of the published ones on one scale"
                .into(),
            svg: figures::training_curves(&curves)?,
        });
    }
    let header = table::COLUMNS.map(String::from);
    let rows: Vec<Vec<String>> =
        table::rows(&report.comparison).into_iter().map(Vec::from).collect();
    let drawn =
        Table { title: "Comparison", header: &header, rows: &rows, numbers: &table::NUMBERS };
    overall.push(Figure {
        stem: "comparison_table".into(),
        alt: "The table of all runs, which the page also has as text".into(),
        svg: figures::table(&drawn)?,
    });
    let tests: Vec<(usize, &str, &Evaluation)> = summaries
        .iter()
        .enumerate()
        .filter_map(|(place, run)| {
            Some((place, run.label.as_str(), &run.test.as_ref()?.evaluation))
        })
        .collect();
    if !tests.is_empty() {
        overall.push(Figure {
            stem: "per_class_f1".into(),
            alt: "F1 of each class on the test photos, of every run".into(),
            svg: figures::per_class_f1(&tests)?,
        });
    }
    let runs = report.runs.iter().zip(summaries).enumerate();
    let of_runs = runs.map(|(place, (run, summary))| draw_run(place, run, summary));
    Ok(Figures { overall, published, of_runs: of_runs.collect::<Result<_>>()? })
}

fn our_curve(place: usize, run: &FinishedRun, summary: &RunSummary) -> Curve {
    let of = |value: fn(&EpochRecord) -> f64| run.epochs.iter().map(value).collect();
    Curve {
        run: place,
        name: summary.label.clone(),
        train_loss: of(|epoch| epoch.train_loss),
        // A figure leaves out what is no number.
        val_loss: of(|epoch| epoch.val_loss.unwrap_or(f64::NAN)),
        train_accuracy: of(|epoch| epoch.train_accuracy.unwrap_or(f64::NAN)),
        val_accuracy: of(|epoch| epoch.val_accuracy.unwrap_or(f64::NAN)),
    }
}

fn published_curve(place: usize, results: &PublishedResults) -> Curve {
    let share = |per_cent: &[f64]| per_cent.iter().map(|value| value / 100.0).collect();
    let PublishedHistory { train_loss, train_acc, val_loss, val_acc } = &results.history;
    Curve {
        run: place,
        name: format!("{} {}, published", results.model, results.freeze_strategy),
        train_loss: train_loss.clone(),
        val_loss: val_loss.clone(),
        train_accuracy: train_acc.iter().map(|of| of.unwrap_or(f64::NAN) / 100.0).collect(),
        val_accuracy: share(val_acc),
    }
}

fn draw_run(place: usize, run: &FinishedRun, summary: &RunSummary) -> Result<Vec<Figure>> {
    let mut drawn = Vec::new();
    let mut figure = |kind: &str, alt: String, svg: Svg| {
        drawn.push(Figure { stem: format!("{}_{kind}", summary.name), alt, svg });
    };
    let label = &summary.label;
    if let Some(Scores { evaluation, calibration, calibrated }) = &summary.test {
        let alt = format!(
            "Confusion matrix of {label} on the test photos, as counts and as shares of each true \
             class"
        );
        figure("confusion_matrix", alt, figures::confusion_matrix(label, evaluation)?);
        let after: Option<(f64, &Calibration)> = calibrated
            .as_ref()
            .zip(summary.temperature)
            .map(|(after, fitted)| (fitted.value, after));
        let alt =
            format!("Reliability diagram of {label}: accuracy over confidence on the test photos");
        figure(
            "reliability_diagram",
            alt,
            figures::reliability_diagram(label, calibration, after)?,
        );
    }
    if let Some(curve) = &run.learning_curve {
        let alt = format!(
            "Learning curve of {label}: errors of a convex head over the number of training photos"
        );
        figure("learning_curve", alt, figures::learning_curve(label, place, curve)?);
    }
    if let Some(svg) = gallery::examples(run, summary)? {
        figure("example_predictions", format!("Test photos with what {label} said of them"), svg);
    }
    if let Some(svg) = gallery::mistakes(run, summary)? {
        let alt = format!(
            "The wrong test photos of which {label} was surest, with what it said and what they are"
        );
        figure("confident_mistakes", alt, svg);
    }
    Ok(drawn)
}
