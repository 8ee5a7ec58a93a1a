//! Loss and accuracy over epochs, of all runs on one scale.

use kennel_core::Lang;
use plotters::prelude::*;

use super::area::{Area, Drawn};
use super::axes::{Axis, axes};
use super::legend::{Legend, Sample};
use super::style::{INK, hollow_mark, look, mark};
use super::svg::{Svg, Under, cannot, draw};
use super::text::{Label, TEXT, text_width};
use crate::Result;
use crate::words::Words;

const FIGURE: &str = "training_curves";
const WIDTH: i32 = 2000;
const PLOT_HEIGHT: i32 = 780;
const MARGIN: i32 = 40;
/// Largest number of markers on a run's curve.
const MARKERS: usize = 20;

/// One run, with one number per epoch; runs may differ in length.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Its index among the runs of a report, which gives it the same look in every figure.
    pub run: usize,
    /// Its name in the legend.
    pub name: String,
    /// In nats per image.
    pub train_loss: Vec<f64>,
    /// In nats per image.
    pub val_loss: Vec<f64>,
    /// In [0, 1].
    pub train_accuracy: Vec<f64>,
    /// In [0, 1].
    pub val_accuracy: Vec<f64>,
}

/// Draws loss beside accuracy: validation as a solid line with markers, training as a dashed line.
/// Leaves out values that are not finite.
///
/// # Errors
///
/// [`ReportError::Figure`](crate::ReportError::Figure) when no run has an epoch.
pub fn training_curves(curves: &[Curve], lang: Lang) -> Result<Svg> {
    let words = Words(lang);
    let all = curves
        .iter()
        .flat_map(|run| [&run.train_loss, &run.val_loss, &run.train_accuracy, &run.val_accuracy]);
    let epochs = all.map(Vec::len).max().unwrap_or(0);
    if epochs == 0 {
        return Err(cannot(FIGURE, "no run has an epoch"));
    }
    let loss: Vec<[Vec<f64>; 2]> =
        curves.iter().map(|run| [run.train_loss.clone(), run.val_loss.clone()]).collect();
    let per_cent = |shares: &[f64]| shares.iter().map(|share| 100.0 * share).collect::<Vec<f64>>();
    let accuracy: Vec<[Vec<f64>; 2]> = curves
        .iter()
        .map(|run| [per_cent(&run.train_accuracy), per_cent(&run.val_accuracy)])
        .collect();

    let (_, highest_loss) = ends(&loss, (0.0, 0.01));
    let (lowest_accuracy, highest_accuracy) = ends(&accuracy, (f64::INFINITY, 0.0));
    let epoch_axis = Axis::epochs(words.epoch_axis(), epochs);
    let loss_axis = Axis::covering(words.loss_axis(), 0.0, highest_loss, 8);
    // Show at least ten points, or a tiny difference between two good runs would fill the plot.
    let lowest_accuracy = lowest_accuracy.min(highest_accuracy - 10.0).max(0.0);
    let accuracy_axis = Axis::covering(words.accuracy_axis(), lowest_accuracy, highest_accuracy, 8);

    let places: Vec<usize> = curves.iter().map(|curve| curve.run).collect();
    let legend = Legend::new(
        curves.iter().map(|curve| (curve.run, curve.name.as_str())),
        Sample::Line,
        WIDTH - 2 * MARGIN,
    );
    let height = PLOT_HEIGHT + 60 + legend.height() + 24;
    draw(
        FIGURE,
        "Loss and accuracy of training and validation over epochs",
        (WIDTH, height),
        |area, under| {
            let (plots, _) = area.split_vertically(PLOT_HEIGHT);
            let (left, right) = plots.split_horizontally(WIDTH / 2);
            plot(&left, under, &epoch_axis, &loss_axis, &places, &loss)?;
            plot(&right, under, &epoch_axis, &accuracy_axis, &places, &accuracy)?;
            write_key(area, under, PLOT_HEIGHT + 26, words)?;
            legend.write(area, ((WIDTH - legend.width()) / 2, PLOT_HEIGHT + 60))
        },
    )
}

/// Returns the lowest and the highest of `start` and the finite values.
fn ends(runs: &[[Vec<f64>; 2]], start: (f64, f64)) -> (f64, f64) {
    let values = runs.iter().flatten().flatten().copied().filter(|value| value.is_finite());
    let (low, high) = values.fold(start, |(low, high), value| (low.min(value), high.max(value)));
    (if low.is_finite() { low } else { high }, high)
}

/// Draws one plot. `runs` holds training and validation values, `places` the runs' indices in the
/// report.
fn plot(
    area: &Area,
    under: &mut Under,
    x: &Axis,
    y: &Axis,
    places: &[usize],
    runs: &[[Vec<f64>; 2]],
) -> Drawn {
    let mut chart = axes(area, x, y, y.room_left())?;
    for (&place, [train, _]) in places.iter().zip(runs) {
        let look = look(place);
        let points = points(train);
        let corners: Vec<(i32, i32)> =
            points.iter().map(|point| chart.backend_coord(point)).collect();
        under.dashed_line(&corners, look.colour, look.dash);
        if points.len() == 1 {
            chart.draw_series(points.iter().map(|&point| hollow_mark(point, look, 9.0)))?;
        }
    }
    for (&place, [_, val]) in places.iter().zip(runs) {
        let look = look(place);
        let points = points(val);
        chart.draw_series(LineSeries::new(points.iter().copied(), look.colour.stroke_width(3)))?;
        // Each run's markers start at another epoch, so that fewer markers meet where curves do.
        let every = points.len().div_ceil(MARKERS).max(1);
        let marked = points.iter().skip(place % every).step_by(every);
        chart.draw_series(marked.map(|&point| mark(point, look, 9.0)))?;
    }
    Ok(())
}

/// Returns the points `(epoch, value)`.
fn points(values: &[f64]) -> Vec<(f64, f64)> {
    let points = values.iter().enumerate().map(|(index, &value)| ((index + 1) as f64, value));
    points.filter(|(_, value)| value.is_finite()).collect()
}

/// Writes which line is training and which is validation.
fn write_key(area: &Area, under: &mut Under, y: i32, words: Words) -> Drawn {
    const LINE: i32 = 80;
    let texts = words.curves_key();
    let entry = |text: &str| LINE + 14 + text_width(text, TEXT) + 44;
    let mut x = (WIDTH - texts.iter().map(|text| entry(text)).sum::<i32>()) / 2;
    for (text, is_dashed) in texts.into_iter().zip([false, true]) {
        let line = vec![(x, y), (x + LINE, y)];
        match is_dashed {
            true => under.dashed_line(&line, INK, look(0).dash),
            false => area.draw(&PathElement::new(line, INK.stroke_width(3)))?,
        }
        Label::left(TEXT).write(area, text, (x + LINE + 14, y))?;
        x += entry(text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReportError;

    fn curve(name: &str, loss: &[f64], accuracy: &[f64]) -> Curve {
        Curve {
            run: 0,
            name: name.into(),
            train_loss: loss.into(),
            val_loss: loss.into(),
            train_accuracy: accuracy.into(),
            val_accuracy: accuracy.into(),
        }
    }

    #[test]
    fn one_epoch_is_drawn_as_points() {
        let svg = training_curves(&[curve("a", &[0.3], &[0.9])], Lang::En).unwrap();
        assert!(svg.to_png(1.0).is_ok());
        // Each of the two plots has one marker for validation and one for training; the legend has
        // one.
        assert_eq!(svg.as_str().matches("<polygon").count(), 5);
    }

    #[test]
    fn perfect_and_diverged_runs_are_drawn() {
        let svg = training_curves(
            &[
                curve("perfect", &[0.0, 0.0], &[1.0, 1.0]),
                curve("diverged", &[1.0, f64::NAN, f64::INFINITY], &[0.2, 0.2, 0.2]),
                curve("none", &[], &[]),
            ],
            Lang::En,
        )
        .unwrap();
        assert!(!svg.as_str().contains("NaN") && !svg.as_str().contains("inf"));
        assert!(svg.to_png(1.0).is_ok());
    }

    #[test]
    fn epochs_without_any_accuracy_are_drawn() {
        // Mixed labels, and no photos to validate on.
        let svg =
            training_curves(&[curve("mixed", &[1.0, 0.5], &[f64::NAN; 2])], Lang::En).unwrap();
        assert!(!svg.as_str().contains("NaN") && svg.to_png(1.0).is_ok());
    }

    #[test]
    fn no_epoch_is_no_figure() {
        for curves in [vec![], vec![curve("a", &[], &[])]] {
            assert!(matches!(
                training_curves(&curves, Lang::En),
                Err(ReportError::Figure { figure: FIGURE, .. })
            ));
        }
    }

    #[test]
    fn names_are_escaped_and_bytes_are_the_same_each_time() {
        let curves = [curve("<&\">\0", &[1.0, 0.5], &[0.5, 0.7])];
        let svg = training_curves(&curves, Lang::En).unwrap();
        assert!(svg.as_str().contains("&lt;&amp;&quot;&gt;?"));
        assert_eq!(svg, training_curves(&curves, Lang::En).unwrap());
        assert_eq!(
            svg.to_png(1.0).unwrap(),
            training_curves(&curves, Lang::En).unwrap().to_png(1.0).unwrap()
        );
    }
}
