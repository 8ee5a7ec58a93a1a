//! The F1 of each class in each run.

use std::collections::HashMap;

use kennel_metrics::Evaluation;
use plotters::prelude::*;

use super::axes::{Axis, axes};
use super::legend::{Legend, Sample};
use super::style::{INK, look, mark};
use super::svg::{Svg, cannot, draw};
use super::text::{Label, TEXT, shortened, widest};
use crate::Result;

const FIGURE: &str = "per_class_f1";
const WIDTH: i32 = 1600;
const MARGIN: i32 = 30;
/// Longest name, in units; longer ones are cut.
const NAME: i32 = 420;
/// Smallest height of a row: that of a name.
const ROW: i32 = 34;
/// Distance from one run's marker to the next in a row, if there is room for it.
const STEP: i32 = 20;
/// Height of all rows together, in units, above which markers move closer together.
const ALL_ROWS: i32 = 4800;
/// Name of the last row.
const MEAN: &str = "mean of classes";

/// Draws the F1 of each class (a row) in each run (a marker), with their plain mean in the last
/// row. A run has the same height in every row, so that no run hides another. Each run is given as
/// its index in the report, its name and its scores.
///
/// # Errors
///
/// [`ReportError::Figure`](crate::ReportError::Figure) when there is no run or no class.
pub fn per_class_f1(runs: &[(usize, &str, &Evaluation)]) -> Result<Svg> {
    let classes = class_names(runs);
    if classes.is_empty() {
        return Err(cannot(FIGURE, "there is no class"));
    }
    let mut names: Vec<String> = classes.iter().map(|name| shortened(name, TEXT, NAME)).collect();
    names.push(MEAN.into());
    let rows = names.len();

    let row = (ALL_ROWS / rows as i32).clamp(ROW, (STEP * (runs.len() as i32 + 1)).max(ROW));
    let radius = (0.5 * f64::from(row) / (runs.len() as f64 + 1.0)).clamp(5.0, 9.0);
    let legend = Legend::new(
        runs.iter().map(|&(place, name, _)| (place, name)),
        Sample::Marker,
        WIDTH - 2 * MARGIN,
    );
    let room_left = widest(&names, TEXT) + 30;
    let x_axis = f1_axis(runs);
    let y_axis = Axis::rows(rows);
    let plot_height = row * rows as i32 + 110;
    let height = plot_height + legend.height() + MARGIN;
    let (low, high) = x_axis.ends();
    draw(FIGURE, "F1 of each class in each run", (WIDTH, height), |area, _| {
        let (plot, below) = area.split_vertically(plot_height);
        let mut chart = axes(&plot, &x_axis, &y_axis, room_left)?;
        // Rows count from the top, values of the axis from the bottom.
        let bottom = |index: usize| (rows - 1 - index) as f64;
        chart.draw_series((0..rows).filter(|index| index % 2 == 1 && index + 1 < rows).map(
            |index| {
                Rectangle::new(
                    [(low, bottom(index)), (high, bottom(index) + 1.0)],
                    BLACK.mix(0.045).filled(),
                )
            },
        ))?;
        let over_mean = vec![(low, bottom(rows - 2)), (high, bottom(rows - 2))];
        chart.draw_series(std::iter::once(PathElement::new(over_mean, INK.stroke_width(1))))?;
        for (index, name) in names.iter().enumerate() {
            let (x, y) = chart.backend_coord(&(low, bottom(index) + 0.5));
            Label::right(TEXT).write(area, name, (x - 14, y))?;
        }
        for (run, &(place, _, evaluation)) in runs.iter().enumerate() {
            let height = 1.0 - (run as f64 + 1.0) / (runs.len() as f64 + 1.0);
            let values = values(evaluation, &classes);
            let points = values.into_iter().map(|(index, f1)| (f1, bottom(index) + height));
            chart.draw_series(points.map(|point| mark(point, look(place), radius)))?;
        }
        legend.write(&below, ((WIDTH - legend.width()) / 2, 0))
    })
}

/// Returns the classes of all runs, in the order of their first occurrence.
fn class_names<'a>(runs: &[(usize, &str, &'a Evaluation)]) -> Vec<&'a str> {
    let mut seen = HashMap::new();
    let names = runs
        .iter()
        .flat_map(|(_, _, evaluation)| &evaluation.per_class)
        .map(|class| class.name.as_str());
    names.filter(|name| seen.insert(*name, ()).is_none()).collect()
}

/// Returns an axis from a round number below the worst class to 1; it covers at least a twentieth.
fn f1_axis(runs: &[(usize, &str, &Evaluation)]) -> Axis {
    let scores = runs.iter().flat_map(|(_, _, evaluation)| {
        let classes = evaluation.per_class.iter().map(|class| class.f1);
        classes.chain([evaluation.macro_avg.f1])
    });
    let worst = scores.filter(|f1| f1.is_finite()).fold(0.95, f64::min);
    Axis::covering("F1", worst, 1.0, 8)
}

/// Returns `(row, F1)` for the classes that a run has, and for the mean.
fn values(evaluation: &Evaluation, classes: &[&str]) -> Vec<(usize, f64)> {
    let row_of: HashMap<&str, usize> =
        classes.iter().enumerate().map(|(row, name)| (*name, row)).collect();
    let scores = evaluation
        .per_class
        .iter()
        .filter_map(|class| Some((*row_of.get(class.name.as_str())?, class.f1)));
    scores
        .chain([(classes.len(), evaluation.macro_avg.f1)])
        .filter(|(_, f1)| f1.is_finite())
        .collect()
}

#[cfg(test)]
mod tests {
    use kennel_core::PredictionRecord;
    use kennel_metrics::evaluate;

    use super::*;
    use crate::ReportError;

    /// Evaluates one photo per class, all right except that of the first class.
    fn evaluation(names: &[&str]) -> Evaluation {
        let class_names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        let record = |class: usize| PredictionRecord {
            path: format!("{class}.jpg"),
            label: class_names[class].clone(),
            logits: (0..names.len())
                .map(|other| if other == class.max(1) { 3.0 } else { 0.0 })
                .collect(),
        };
        let records: Vec<PredictionRecord> = (0..names.len()).map(record).collect();
        evaluate(&records, &class_names).unwrap()
    }

    #[test]
    fn each_run_has_a_marker_for_each_of_its_classes() {
        let (one, other) = (evaluation(&["a", "<&>", "c"]), evaluation(&["c", "d"]));
        let svg = per_class_f1(&[(0, "one", &one), (1, "other", &other)]).unwrap();
        // Two markers for the means, and two in the legend.
        assert_eq!(svg.as_str().matches("<polygon").count(), 3 + 2 + 2 + 2);
        for name in ["&lt;&amp;&gt;", "\nd\n", MEAN] {
            assert!(svg.as_str().contains(name), "{name}");
        }
        assert!(svg.to_png(1.0).is_ok());
    }

    #[test]
    fn many_classes_and_runs_are_drawn() {
        let names: Vec<String> = (0..120).map(|class| format!("breed {class}")).collect();
        let evaluation = evaluation(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let runs: Vec<(usize, &str, &Evaluation)> =
            (0..20).map(|place| (place, "a run", &evaluation)).collect();
        assert!(per_class_f1(&runs).unwrap().to_png(0.5).is_ok());
    }

    #[test]
    fn no_run_is_no_figure() {
        assert!(matches!(per_class_f1(&[]), Err(ReportError::Figure { figure: FIGURE, .. })));
    }
}
