//! Errors over the number of training photos, and what more photos would bring.

use kennel_core::{CurveAhead, CurveOutlook, Lang, LearningCurveRecord};
use plotters::prelude::*;

use super::area::{Area, Drawn};
use super::axes::{Axis, axes};
use super::style::{Look, hollow_mark, look, mark};
use super::svg::{Svg, Under, cannot, draw};
use super::text::{Label, SMALL, TITLE, cut_inside, text_width};
use crate::Result;
use crate::words::Words;

const FIGURE: &str = "learning_curve";
const WIDTH: i32 = 1400;
const MARGIN: i32 = 30;
const HEADING: i32 = 70;
const PLOT_HEIGHT: i32 = 700;
const MARK: f64 = 9.0;
const DRAW: f64 = 5.0;
/// Share of the run's colour in the band around an extrapolation.
const BAND: f64 = 0.18;
/// Points on the curve of a law.
const STEPS: u32 = 60;

/// Draws the errors at each size as a line with a marker, with a small ring for each draw of
/// photos. Where errors fall, a dashed line is the law through them, and a band the 95 % interval
/// beyond the photos there are. `run` is the run's index in the report, which decides its look.
///
/// # Errors
///
/// [`ReportError::Figure`](crate::ReportError::Figure) when the curve has no size.
pub fn learning_curve(
    title: &str,
    run: usize,
    curve: &LearningCurveRecord,
    lang: Lang,
) -> Result<Svg> {
    let words = Words(lang);
    let (Some(first), Some(last)) = (curve.points.first(), curve.points.last()) else {
        return Err(cannot(FIGURE, "it has no size"));
    };
    let ahead: &[CurveAhead] = match &curve.outlook {
        CurveOutlook::Falls(ahead) => ahead,
        _ => &[],
    };
    let furthest = ahead.last().map_or(last.photos, |ahead| ahead.photos);
    let draws = curve.points.iter().flat_map(|point| &point.draws).map(|draw| draw.error());
    let highest = draws.chain(ahead.iter().map(|ahead| ahead.high)).fold(0.0, f64::max);
    let x = Axis::photos(words.training_photos_axis(), first.photos, furthest);
    let y = Axis::covering(words.errors_axis(), 0.0, 100.0 * highest, 8);
    let height = HEADING + PLOT_HEIGHT + 60;
    draw(FIGURE, &format!("{}: {title}", words.learning_curve()), (WIDTH, height), |area, under| {
        let title = cut_inside(title, TITLE, WIDTH - 2 * MARGIN);
        Label::left(TITLE).write(area, &title, (MARGIN, MARGIN + 12))?;
        let plot = area.clone().shrink((0, HEADING), (WIDTH, PLOT_HEIGHT));
        write_plot(&plot, under, (&x, &y), curve, ahead, look(run))?;
        let key = &words.learning_curve_key()[..if ahead.is_empty() { 2 } else { 4 }];
        write_key(area, under, look(run), key, HEADING + PLOT_HEIGHT + 24)
    })
}

fn write_plot(
    area: &Area,
    under: &mut Under,
    (x, y): (&Axis, &Axis),
    curve: &LearningCurveRecord,
    ahead: &[CurveAhead],
    look: Look,
) -> Drawn {
    let mut chart = axes(area, x, y, y.room_left())?;
    if let (Some(first), Some(furthest)) = (curve.points.first(), ahead.last()) {
        let lower = ahead.iter().map(|ahead| (ahead.photos, 100.0 * ahead.low));
        let upper = ahead.iter().rev().map(|ahead| (ahead.photos, 100.0 * ahead.high));
        let band = Polygon::new(lower.chain(upper).collect::<Vec<_>>(), look.colour.mix(BAND));
        chart.draw_series(std::iter::once(band))?;
        let at = |step: u32| {
            let share = f64::from(step) / f64::from(STEPS);
            let photos = first.photos * (furthest.photos / first.photos).powf(share);
            chart.backend_coord(&(photos, 100.0 * curve.law.error(photos)))
        };
        let law: Vec<(i32, i32)> = (0..=STEPS).map(at).collect();
        under.dashed_line(&law, look.colour, look.dash);
    }
    let rings = curve.points.iter().flat_map(|point| {
        let errors = point.draws.iter().map(|draw| (point.photos, 100.0 * draw.error()));
        errors.map(|at| hollow_mark(at, look, DRAW))
    });
    chart.draw_series(rings)?;
    let whole = curve.points.iter().map(|point| (point.photos, 100.0 * point.total().error()));
    chart.draw_series(LineSeries::new(whole.clone(), look.colour.stroke_width(3)))?;
    chart.draw_series(whole.map(|at| mark(at, look, MARK)))?;
    Ok(())
}

/// Writes what each sign means. The last two are there only if errors fall.
fn write_key(area: &Area, under: &mut Under, look: Look, texts: &[&str], y: i32) -> Drawn {
    const SAMPLE: i32 = 60;
    let entry = |text: &str| SAMPLE + 14 + text_width(text, SMALL) + 40;
    let mut x = (WIDTH - texts.iter().map(|text| entry(text)).sum::<i32>()) / 2;
    for (index, text) in texts.iter().enumerate() {
        let (line, middle) = (vec![(x, y), (x + SAMPLE, y)], (x + SAMPLE / 2, y));
        match index {
            0 => {
                area.draw(&PathElement::new(line, look.colour.stroke_width(3)))?;
                area.draw(&mark(middle, look, MARK))?;
            }
            1 => area.draw(&hollow_mark(middle, look, DRAW))?,
            2 => under.dashed_line(&line, look.colour, look.dash),
            _ => {
                let corners = [(x, y - 12), (x + SAMPLE, y + 12)];
                area.draw(&Rectangle::new(corners, look.colour.mix(BAND).filled()))?;
            }
        }
        Label::left(SMALL).write(area, text, (x + SAMPLE + 14, y))?;
        x += entry(text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kennel_core::{CurveDraw, CurveLaw, CurveSize};

    use super::*;
    use crate::ReportError;

    fn curve(sizes: &[f64], outlook: CurveOutlook) -> LearningCurveRecord {
        let draws = vec![CurveDraw { errors: 2, n: 10 }, CurveDraw { errors: 4, n: 10 }];
        let point = |&photos: &f64| CurveSize { photos, draws: draws.clone() };
        let unit = sizes.last().copied().unwrap_or(1.0);
        LearningCurveRecord {
            version: 1,
            points: sizes.iter().map(point).collect(),
            law: CurveLaw { floor: 0.1, scale: 0.1, exponent: 0.5, unit },
            outlook,
            classes: Vec::new(),
        }
    }

    fn ahead(times: f64) -> CurveAhead {
        CurveAhead {
            times,
            photos: 80.0 * times,
            error: 0.2,
            low: 0.15,
            high: 0.25,
            gain: 0.0,
            gain_low: 0.0,
            gain_high: 0.1,
        }
    }

    #[test]
    fn a_band_and_a_law_are_drawn_where_errors_fall() {
        let falls = curve(&[10.0, 40.0, 80.0], CurveOutlook::Falls(vec![ahead(1.0), ahead(2.0)]));
        let svg = learning_curve("<&>", 0, &falls, Lang::En).unwrap();
        assert!(svg.as_str().contains("95 % interval") && svg.as_str().contains("&lt;&amp;&gt;"));
        assert!(svg.as_str().contains("stroke-dasharray"));
        let level =
            learning_curve("a", 0, &curve(&[10.0, 80.0], CurveOutlook::Level), Lang::En).unwrap();
        assert!(!level.as_str().contains("interval") && !level.as_str().contains("dasharray"));
        for svg in [svg, level] {
            assert!(svg.to_png(1.0).is_ok() && !svg.as_str().contains("NaN"));
        }
    }

    #[test]
    fn one_size_is_drawn_and_none_is_no_figure() {
        let one =
            learning_curve("a", 3, &curve(&[1.0], CurveOutlook::FewErrors { errors: 2 }), Lang::En);
        assert!(one.unwrap().to_png(1.0).is_ok());
        let none = learning_curve("a", 0, &curve(&[], CurveOutlook::Level), Lang::En);
        assert!(matches!(none, Err(ReportError::Figure { figure: FIGURE, .. })));
    }
}
