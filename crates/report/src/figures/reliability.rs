//! Accuracy over confidence: whether a network that says 90 % is right nine times in ten.

use kennel_core::Lang;
use kennel_metrics::{Calibration, ReliabilityBin, wilson_interval};
use plotters::element::DashedPathElement;
use plotters::prelude::*;

use super::area::{Area, Drawn};
use super::axes::{Axis, axes};
use super::style::{FAINT, INK, Look, Marker, SKY, mark};
use super::svg::{Svg, cannot, draw};
use super::text::{Label, SMALL, TEXT, TITLE, cut_inside, text_width};
use crate::Result;
use crate::words::Words;

const FIGURE: &str = "reliability_diagram";
const MARGIN: i32 = 30;
const PANEL: i32 = 880;
const HEADING: i32 = 44;
const PLOT_HEIGHT: i32 = 700;
const HISTOGRAM_HEIGHT: i32 = 300;
/// Look of a bin's mean.
const DOT: Look = Look { colour: INK, marker: Marker::Circle, dash: (12, 7) };
const DOT_RADIUS: f64 = 8.0;

/// Draws the reliability diagram, with the number of photos per bin below it. `after` is a
/// temperature and the calibration at that temperature; it gives a second panel on the same axes.
///
/// A bar is the accuracy of a bin's photos. The dot is that accuracy at their mean confidence,
/// within its 95 % Wilson interval. If the interval contains the diagonal, the bin does not show
/// that the confidence is wrong.
///
/// # Errors
///
/// [`ReportError::Figure`](crate::ReportError::Figure) when no bin has a photo.
pub fn reliability_diagram(
    title: &str,
    before: &Calibration,
    after: Option<(f64, &Calibration)>,
    lang: Lang,
) -> Result<Svg> {
    let words = Words(lang);
    let mut panels = vec![(words.as_trained(before.expected_calibration_error), before)];
    if let Some((temperature, after)) = after {
        let heading = words.at_temperature(temperature, after.expected_calibration_error);
        panels.push((heading, after));
    }
    let counts = panels.iter().flat_map(|(_, calibration)| &calibration.bins).map(|bin| bin.n);
    let most = counts.max().unwrap_or(0);
    if most == 0 {
        return Err(cannot(FIGURE, "no bin has a photo"));
    }
    // The axis is a fifth longer than the highest bar, to leave room for the number above it.
    let photo_axis = Axis::covering(words.photos_axis(), 0.0, 1.2 * most as f64, 4);
    let top = MARGIN + 50;
    let key_top = top + HEADING + PLOT_HEIGHT + HISTOGRAM_HEIGHT;
    let width = 2 * MARGIN + (PANEL * panels.len() as i32).max(key_width(words));
    let left = (width - PANEL * panels.len() as i32) / 2;
    draw(
        FIGURE,
        &format!("{}: {title}", words.reliability_diagram()),
        (width, key_top + 60),
        |area, _| {
            let title = cut_inside(title, TITLE, width - 2 * MARGIN);
            Label::left(TITLE).write(area, &title, (MARGIN, MARGIN + 12))?;
            for (index, (heading, calibration)) in panels.iter().enumerate() {
                let corner = (left + PANEL * index as i32, top);
                let area = area.clone().shrink(corner, (PANEL, key_top - top));
                write_panel(&area, heading, calibration, &photo_axis, words)?;
            }
            write_key(area, ((width - key_width(words)) / 2, key_top + 24), words)
        },
    )
}

fn write_panel(
    area: &Area,
    heading: &str,
    calibration: &Calibration,
    photo_axis: &Axis,
    words: Words,
) -> Drawn {
    let confidence_axis = Axis::covering(words.confidence(), 0.0, 1.0, 6);
    let accuracy_axis = Axis::covering(words.accuracy(), 0.0, 1.0, 6);
    let room_left = accuracy_axis.room_left().max(photo_axis.room_left());
    let (head, plots) = area.split_vertically(HEADING);
    let (above, below) = plots.split_vertically(PLOT_HEIGHT);
    Label::centred(TEXT).write(&head, heading, ((PANEL + room_left) / 2, HEADING / 2))?;
    let bins: Vec<&ReliabilityBin> = calibration.bins.iter().filter(|bin| bin.n > 0).collect();

    let mut chart = axes(&above, &confidence_axis.unlabelled(), &accuracy_axis, room_left)?;
    chart.draw_series(bins.iter().map(|bin| bar(bin, bin.accuracy, SKY)))?;
    chart.draw_series(std::iter::once(DashedPathElement::new(
        vec![(0.0, 0.0), (1.0, 1.0)],
        DOT.dash.0,
        DOT.dash.1,
        INK.stroke_width(2),
    )))?;
    chart.draw_series(bins.iter().map(|bin| {
        let (low, high) =
            wilson_interval(((bin.accuracy * bin.n as f64).round() as usize).min(bin.n), bin.n);
        PathElement::new(vec![(bin.confidence, low), (bin.confidence, high)], INK.stroke_width(3))
    }))?;
    chart.draw_series(
        bins.iter().map(|bin| mark((bin.confidence, bin.accuracy), DOT, DOT_RADIUS)),
    )?;

    let confidence_axis = Axis::covering(words.confidence(), 0.0, 1.0, 6);
    let mut histogram = axes(&below, &confidence_axis, photo_axis, room_left)?;
    histogram.draw_series(bins.iter().map(|bin| bar(bin, bin.n as f64, FAINT)))?;
    for bin in bins {
        let (x, y) = histogram.backend_coord(&((bin.low + bin.high) / 2.0, bin.n as f64));
        let (left, top) = below.get_base_pixel();
        Label::centred(NUMBER_EM).write(&below, &short_count(bin.n), (x - left, y - top - 14))?;
    }
    Ok(())
}

/// Bins are about fifty units wide, which is room for four digits.
const NUMBER_EM: f64 = 19.0;

fn bar(bin: &ReliabilityBin, height: f64, colour: RGBColor) -> Rectangle<(f64, f64)> {
    let mut bar = Rectangle::new([(bin.low, 0.0), (bin.high, height)], colour.filled());
    // Leave a white gap between bars.
    bar.set_margin(0, 0, 2, 2);
    bar
}

/// Formats a count in at most four characters.
fn short_count(count: usize) -> String {
    match count {
        0..1000 => count.to_string(),
        1000..10_000 => format!("{:.1}k", count as f64 / 1000.0),
        10_000..1_000_000 => format!("{}k", count / 1000),
        _ => format!("{}M", count / 1_000_000),
    }
}

const SAMPLE: i32 = 50;

fn key_entry_width(text: &str) -> i32 {
    SAMPLE + 14 + text_width(text, SMALL) + 36
}

fn key_width(words: Words) -> i32 {
    words.reliability_key().iter().map(|text| key_entry_width(text)).sum()
}

fn write_key(area: &Area, (left, y): (i32, i32), words: Words) -> Drawn {
    let mut x = left;
    for (index, text) in words.reliability_key().into_iter().enumerate() {
        let middle = x + SAMPLE / 2;
        match index {
            0 => {
                area.draw(&Rectangle::new([(x + 8, y - 12), (x + SAMPLE, y + 12)], SKY.filled()))?
            }
            1 => {
                area.draw(&PathElement::new(
                    vec![(middle, y - 18), (middle, y + 18)],
                    INK.stroke_width(3),
                ))?;
                area.draw(&mark((middle, y), DOT, DOT_RADIUS))?;
            }
            _ => area.draw(&DashedPathElement::new(
                vec![(x, y), (x + SAMPLE, y)],
                DOT.dash.0,
                DOT.dash.1,
                INK.stroke_width(2),
            ))?,
        }
        Label::left(SMALL).write(area, text, (x + SAMPLE + 14, y))?;
        x += key_entry_width(text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kennel_metrics::calibration;

    use super::*;
    use crate::ReportError;

    fn calibrated(photos: usize, temperature: f64) -> Calibration {
        let logits: Vec<[f32; 3]> =
            (0..photos).map(|photo| [(photo % 7) as f32, 1.0, 0.0]).collect();
        calibration(
            logits.iter().enumerate().map(|(photo, logits)| (&logits[..], photo % 5 / 3)),
            temperature,
        )
    }

    #[test]
    fn one_photo_is_enough_for_a_figure() {
        let svg = reliability_diagram("one", &calibrated(1, 1.0), None, Lang::En).unwrap();
        assert!(svg.to_png(1.0).is_ok());
        assert!(!svg.as_str().contains("NaN"));
    }

    #[test]
    fn a_temperature_is_a_second_panel() {
        let (before, after) = (calibrated(50, 1.0), calibrated(50, 2.5));
        let svg = reliability_diagram("<&>", &before, Some((2.5, &after)), Lang::En).unwrap();
        assert!(
            svg.as_str().contains("At temperature 2.50") && svg.as_str().contains("&lt;&amp;&gt;")
        );
        assert!(
            svg.size_px().0 > reliability_diagram("", &before, None, Lang::En).unwrap().size_px().0
        );
        assert!(svg.to_png(1.0).is_ok());
    }

    #[test]
    fn bins_without_photos_are_no_figure() {
        let mut none = calibrated(1, 1.0);
        none.bins.iter_mut().for_each(|bin| bin.n = 0);
        assert!(matches!(
            reliability_diagram("", &none, None, Lang::En),
            Err(ReportError::Figure { figure: FIGURE, .. })
        ));
    }
}
