//! The files of a report.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kennel_core::{Lang, files};

use crate::classification_report::render_classification_report;
use crate::words::Words;
use crate::{Commands, Report, Result, page, published};

/// Pixels of a PNG per pixel of its SVG.
const PNG_SCALE: f32 = 2.0;

/// The files that were written.
#[derive(Clone, Debug)]
pub struct Written {
    /// The page.
    pub page: PathBuf,
    /// Figures and texts.
    pub plots: Vec<PathBuf>,
    /// Some of the characters that no font of this machine has. They are empty boxes in the PNG
    /// figures.
    pub boxes: BTreeSet<char>,
    /// Runs that are not in this report but still have results in `metrics/`.
    pub others: BTreeSet<String>,
}

/// Writes `metrics/<run>_results.json`, `plots/` and, in `lang`, `report.html` under `out`, each
/// file through a temporary file.
///
/// # Errors
///
/// A folder that cannot be created, a file that cannot be written, a figure that cannot be drawn.
pub fn write_report(
    report: &Report,
    out: &Path,
    lang: Lang,
    commands: &dyn Commands,
) -> Result<Written> {
    let (metrics, plots) = (out.join("metrics"), out.join("plots"));
    files::create_dir_all(&metrics)?;
    files::create_dir_all(&plots)?;
    for (run, summary) in report.runs.iter().zip(&report.comparison.runs) {
        published::write_results(&metrics, run, summary)?;
    }
    let figures = report.figures()?;
    let (mut written, mut boxes) = (Vec::new(), BTreeSet::new());
    for figure in figures.all() {
        let (svg, png) = (
            plots.join(format!("{}.svg", figure.stem)),
            plots.join(format!("{}.png", figure.stem)),
        );
        files::write_atomically(&svg, figure.svg.as_str().as_bytes())?;
        let (pixels, missing) = figure.svg.to_png_with_boxes(PNG_SCALE)?;
        files::write_atomically(&png, &pixels)?;
        boxes.extend(missing);
        written.extend([svg, png]);
    }
    for summary in &report.comparison.runs {
        if let Some(test) = &summary.test {
            let path = plots.join(format!("{}_classification_report.txt", summary.name));
            files::write_atomically(
                &path,
                render_classification_report(&test.evaluation).as_bytes(),
            )?;
            written.push(path);
        }
    }
    let page = out.join("report.html");
    let words = Words(lang);
    let on_page = match lang {
        Lang::En => None,
        Lang::Ru => Some(report.figures_on_page(words)?),
    };
    let drawn = on_page.as_ref().unwrap_or(&figures);
    let text = page::render(report, drawn, out, words, commands)?;
    files::write_atomically(&page, text.as_bytes())?;
    let names: BTreeSet<String> =
        report.comparison.runs.iter().map(|run| run.name.clone()).collect();
    let others = published::names(&metrics)?.difference(&names).cloned().collect();
    Ok(Written { page, plots: written, boxes, others })
}
