//! The figures of a report: their file names, alternative texts and drawings.

use kennel_core::{EpochRecord, Lang};
use kennel_metrics::{Calibration, Evaluation};

use crate::figures::{self, Curve, Svg, Table};
use crate::published::{PublishedHistory, PublishedResults};
use crate::words::Words;
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
        let on_page = self.figures_on_page(Words::ENGLISH)?;
        let runs = self.runs.iter().zip(&self.comparison.runs).zip(on_page.of_runs);
        let of_runs = runs.map(|((run, summary), on_page)| -> Result<Vec<Figure>> {
            let mut figures = files_of(run, summary)?;
            figures.extend(on_page);
            Ok(figures)
        });
        let of_runs = of_runs.collect::<Result<_>>()?;
        Ok(Figures { overall: overall(self)?, published: on_page.published, of_runs })
    }

    /// Draws the figures that the page shows, in a language.
    pub(crate) fn figures_on_page(&self, words: Words) -> Result<Figures> {
        let summaries = &self.comparison.runs;
        let mut published = Vec::new();
        if !self.against.is_empty() {
            let theirs = self.against.iter().zip(summaries.len()..);
            let mut curves = our_curves(self);
            curves.extend(theirs.map(|(against, place)| published_curve(place, &against.results)));
            published.push(Figure {
                stem: "published_curves".into(),
                alt: words.published_curves().into(),
                svg: figures::training_curves(&curves, words.0)?,
            });
        }
        let runs = self.runs.iter().zip(summaries).enumerate();
        let of_runs = runs.map(|(place, (run, summary))| on_page(place, run, summary, words));
        Ok(Figures { overall: Vec::new(), published, of_runs: of_runs.collect::<Result<_>>()? })
    }
}

/// Draws the figures of all runs together.
fn overall(report: &Report) -> Result<Vec<Figure>> {
    let summaries = &report.comparison.runs;
    let mut drawn = Vec::new();
    let curves = our_curves(report);
    if !curves.is_empty() {
        drawn.push(Figure {
            stem: "training_curves".into(),
            alt:
                "Loss and accuracy by epoch, of training and of validation photos, of every run on \
                 one scale"
                    .into(),
            svg: figures::training_curves(&curves, Lang::En)?,
        });
    }
    let header = table::COLUMNS.map(String::from);
    let rows: Vec<Vec<String>> =
        table::rows(&report.comparison).into_iter().map(Vec::from).collect();
    let comparison =
        Table { title: "Comparison", header: &header, rows: &rows, numbers: &table::NUMBERS };
    drawn.push(Figure {
        stem: "comparison_table".into(),
        alt: "The table of all runs, which the page also has as text".into(),
        svg: figures::table(&comparison)?,
    });
    let tests: Vec<(usize, &str, &Evaluation)> = summaries
        .iter()
        .enumerate()
        .filter_map(|(place, run)| {
            Some((place, run.label.as_str(), &run.test.as_ref()?.evaluation))
        })
        .collect();
    if !tests.is_empty() {
        drawn.push(Figure {
            stem: "per_class_f1".into(),
            alt: "F1 of each class on the test photos, of every run".into(),
            svg: figures::per_class_f1(&tests)?,
        });
    }
    Ok(drawn)
}

/// Returns the curves of the trained runs.
fn our_curves(report: &Report) -> Vec<Curve> {
    let runs = report.runs.iter().zip(&report.comparison.runs).enumerate();
    let trained = runs.filter(|(_, (run, _))| !run.epochs.is_empty());
    trained.map(|(place, (run, summary))| our_curve(place, run, summary)).collect()
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

/// Draws what the page shows of a run.
fn on_page(
    place: usize,
    run: &FinishedRun,
    summary: &RunSummary,
    words: Words,
) -> Result<Vec<Figure>> {
    let (mut drawn, label) = (Vec::new(), &summary.label);
    if let Some(Scores { calibration, calibrated, .. }) = &summary.test {
        let after: Option<(f64, &Calibration)> = calibrated
            .as_ref()
            .zip(summary.temperature)
            .map(|(after, fitted)| (fitted.value, after));
        drawn.push(Figure {
            stem: format!("{}_reliability_diagram", summary.name),
            alt: words.reliability_of(label),
            svg: figures::reliability_diagram(label, calibration, after, words.0)?,
        });
    }
    if let Some(curve) = &run.learning_curve {
        drawn.push(Figure {
            stem: format!("{}_learning_curve", summary.name),
            alt: words.learning_curve_of(label),
            svg: figures::learning_curve(label, place, curve, words.0)?,
        });
    }
    Ok(drawn)
}

/// Draws the figures of a run that are files only.
fn files_of(run: &FinishedRun, summary: &RunSummary) -> Result<Vec<Figure>> {
    let mut drawn = Vec::new();
    let mut figure = |kind: &str, alt: String, svg: Svg| {
        drawn.push(Figure { stem: format!("{}_{kind}", summary.name), alt, svg });
    };
    let label = &summary.label;
    if let Some(Scores { evaluation, .. }) = &summary.test {
        let alt = format!(
            "Confusion matrix of {label} on the test photos, as counts and as shares of each true \
             class"
        );
        figure("confusion_matrix", alt, figures::confusion_matrix(label, evaluation)?);
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
