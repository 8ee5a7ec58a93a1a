//! Everything that is said of a folder of runs, and where it is written.

use std::path::{Path, PathBuf};

use kennel_core::{Strategy, files};
use kennel_metrics::{Calibration, Evaluation, render_classification_report};
use serde::Serialize;

use crate::figures::{self, Curve, Svg, Table};
use crate::{
    Against, Check, Comparison, FinishedRun, Overlap, Result, gallery, honesty, page, published, table,
};
use crate::{RunSummary, Scores};

/// Pixels of a PNG per unit of its SVG.
const PNG_SCALE: f32 = 2.0;

/// What a report says; the JSON in `report.html`.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version that made it.
    pub kennel_version: &'static str,
    /// The runs side by side.
    pub comparison: Comparison,
    /// What a reader has to know before believing the numbers.
    pub checks: Vec<Check>,
    /// Whether the pretrained networks have seen the test photos.
    pub overlap: Option<Overlap>,
    /// Published results beside ours.
    pub against: Vec<Against>,
    /// The runs themselves, in the order of the comparison.
    #[serde(skip)]
    pub runs: Vec<FinishedRun>,
}

/// What was written.
#[derive(Clone, Debug)]
pub struct Written {
    /// The page.
    pub page: PathBuf,
    /// Figures and texts.
    pub plots: Vec<PathBuf>,
}

/// Figures of the whole and of each run, by the stem of their files.
pub struct Figures {
    /// Of all runs together.
    pub overall: Vec<Figure>,
    /// Of each run, in the order of the comparison.
    pub of_runs: Vec<Vec<Figure>>,
}

impl Figures {
    /// A figure by the stem of its files.
    pub fn find(&self, stem: &str) -> Option<&Figure> {
        self.overall.iter().chain(self.of_runs.iter().flatten()).find(|figure| figure.stem == stem)
    }
}

/// One figure.
pub struct Figure {
    /// Its files' stem.
    pub stem: String,
    /// What it shows, for who cannot see it.
    pub alt: String,
    /// The drawing.
    pub svg: Svg,
}

impl Figure {
    /// Shows itself in a notebook: evcxr calls a method of this name, and takes what it prints between these lines for a
    /// picture.
    pub fn evcxr_display(&self) {
        println!("EVCXR_BEGIN_CONTENT image/svg+xml\n{}\nEVCXR_END_CONTENT", self.svg.as_str());
    }
}

impl Report {
    /// Reads every finished run under `runs` and compares those that share their test photos; with `against`, a folder of
    /// published results, these beside them.
    ///
    /// # Errors
    ///
    /// No finished run; published results that cannot be read.
    pub fn read(runs: &Path, against: Option<&Path>) -> Result<Self> {
        let (runs, left_out) = crate::read_runs(runs)?;
        let (comparison, runs) = Comparison::new(runs, left_out);
        let published = against.map(published::read_published).transpose()?.unwrap_or_default();
        Ok(Report {
            kennel_version: env!("CARGO_PKG_VERSION"),
            checks: honesty::checks(&comparison, &runs),
            overlap: runs.iter().find_map(honesty::overlap),
            against: published::set_against(published, &comparison),
            comparison,
            runs,
        })
    }

    /// Draws every figure.
    ///
    /// # Errors
    ///
    /// What the plotting library says.
    pub fn figures(&self) -> Result<Figures> {
        draw(self)
    }
}

/// Writes `metrics/<run>_results.json`, `plots/` and `report.html` under `out`, each beside and renamed.
///
/// # Errors
///
/// A folder that cannot be made, a file that cannot be written, a figure that cannot be drawn.
pub fn write_report(report: &Report, out: &Path) -> Result<Written> {
    let (metrics, plots) = (out.join("metrics"), out.join("plots"));
    files::create_dir_all(&metrics)?;
    files::create_dir_all(&plots)?;
    for (run, summary) in report.runs.iter().zip(&report.comparison.runs) {
        published::write_results(&metrics, run, summary)?;
    }
    let figures = report.figures()?;
    let mut written = Vec::new();
    for figure in figures.overall.iter().chain(figures.of_runs.iter().flatten()) {
        let (svg, png) =
            (plots.join(format!("{}.svg", figure.stem)), plots.join(format!("{}.png", figure.stem)));
        files::write_atomically(&svg, figure.svg.as_str().as_bytes())?;
        files::write_atomically(&png, &figure.svg.to_png(PNG_SCALE)?)?;
        written.extend([svg, png]);
    }
    for summary in &report.comparison.runs {
        if let Some(test) = &summary.test {
            let path = plots.join(format!("{}_classification_report.txt", summary.name));
            files::write_atomically(&path, render_classification_report(&test.evaluation).as_bytes())?;
            written.push(path);
        }
    }
    let page = out.join("report.html");
    files::write_atomically(&page, page::render(report, &figures)?.as_bytes())?;
    Ok(Written { page, plots: written })
}

fn draw(report: &Report) -> Result<Figures> {
    let Comparison { runs: summaries, .. } = &report.comparison;
    let mut overall = Vec::new();
    if report.runs.iter().any(|run| !run.epochs.is_empty()) {
        overall.push(Figure {
            stem: "training_curves".into(),
            alt:
                "Loss and accuracy by epoch, of training and of validation photos, of every run on one scale"
                    .into(),
            svg: training_curves(&report.runs, summaries)?,
        });
    }
    let header = table::COLUMNS.map(String::from);
    let rows: Vec<Vec<String>> = table::rows(&report.comparison).into_iter().map(Vec::from).collect();
    let drawn = Table { title: "Comparison", header: &header, rows: &rows, numbers: &table::NUMBERS };
    overall.push(Figure {
        stem: "comparison_table".into(),
        alt: "The table of all runs, which the page also has as text".into(),
        svg: figures::table(&drawn)?,
    });
    let tests: Vec<(&str, &Evaluation)> = summaries
        .iter()
        .filter_map(|run| Some((run.label.as_str(), &run.test.as_ref()?.evaluation)))
        .collect();
    if !tests.is_empty() {
        overall.push(Figure {
            stem: "per_class_f1".into(),
            alt: "F1 of each class on the test photos, of every run".into(),
            svg: figures::per_class_f1(&tests)?,
        });
    }
    let of_runs = report.runs.iter().zip(summaries).map(|(run, summary)| draw_run(run, summary));
    Ok(Figures { overall, of_runs: of_runs.collect::<Result<_>>()? })
}

/// Loss and accuracy of the runs that were trained, all on one scale.
///
/// # Errors
///
/// What the plotting library says.
pub fn training_curves(runs: &[FinishedRun], summaries: &[RunSummary]) -> Result<Svg> {
    type ByEpoch = [Vec<f64>; 4];
    let trained: Vec<(&str, ByEpoch)> = runs
        .iter()
        .zip(summaries)
        .filter(|(run, _)| run.config.strategy != Strategy::ZeroShot)
        .map(|(run, summary)| {
            let of = |value: fn(&kennel_core::EpochRecord) -> f64| run.epochs.iter().map(value).collect();
            let by_epoch = [
                of(|epoch| epoch.train_loss),
                of(|epoch| epoch.val_loss),
                of(|epoch| epoch.train_accuracy),
                of(|epoch| epoch.val_accuracy),
            ];
            (summary.label.as_str(), by_epoch)
        })
        .collect();
    let curves: Vec<Curve> = trained
        .iter()
        .map(|(name, [train_loss, val_loss, train_accuracy, val_accuracy])| Curve {
            name,
            train_loss,
            val_loss,
            train_accuracy,
            val_accuracy,
        })
        .collect();
    figures::training_curves(&curves)
}

fn draw_run(run: &FinishedRun, summary: &RunSummary) -> Result<Vec<Figure>> {
    let mut drawn = Vec::new();
    let mut figure = |kind: &str, alt: String, svg: Svg| {
        drawn.push(Figure { stem: format!("{}_{kind}", summary.name), alt, svg });
    };
    let label = &summary.label;
    if let Some(Scores { evaluation, calibration, calibrated }) = &summary.test {
        let alt = format!(
            "Confusion matrix of {label} on the test photos, as counts and as shares of each true class"
        );
        figure("confusion_matrix", alt, figures::confusion_matrix(label, evaluation)?);
        let after: Option<(f64, &Calibration)> =
            calibrated.as_ref().zip(summary.temperature).map(|(after, fitted)| (fitted.value, after));
        let alt = format!("Reliability diagram of {label}: accuracy over confidence on the test photos");
        figure("reliability_diagram", alt, figures::reliability_diagram(label, calibration, after)?);
    }
    if let Some(svg) = gallery::examples(run)? {
        figure("example_predictions", format!("Test photos with what {label} said of them"), svg);
    }
    if let Some(svg) = gallery::mistakes(run)? {
        let alt =
            format!("The wrong test photos of which {label} was surest, with what it said and what they are");
        figure("confident_mistakes", alt, svg);
    }
    Ok(drawn)
}
