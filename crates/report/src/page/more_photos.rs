//! What more photos would bring, on the page.

use kennel_core::{CurveOutlook, HalvedClassRecord, Strategy};
use maud::{Markup, html};

use super::context::Page;
use super::figure::figure;
use super::number::Rounded;
use super::tables::{head, scrolled};
use crate::words::Ahead;
use crate::{Figure, MorePhotos};

/// Renders what more photos would bring, and to which class most.
pub fn more_photos(page: &Page, index: usize, drawn: Option<&Figure>) -> Markup {
    let (words, summary) = (page.words, page.summary(index));
    let Some(MorePhotos { curve, .. }) = &summary.more_photos else { return html! {} };
    let at = |key: String, rounded| page.of_run(index, &format!("more_photos/{key}"), rounded);
    let is_head = summary.strategy.strategy() == Some(Strategy::Freeze);
    let photos = |place: usize| at(format!("points/{place}/photos"), Rounded::Fixed(0));
    let errors = |place: usize| at(format!("errors/{place}"), Rounded::Proportion);
    let last = curve.points.len().saturating_sub(1);
    html! {
        h3 { (words.more_photos()) }
        p {
            (words.convex_heads([errors(0), photos(0)], [errors(last), photos(last)])) " "
            (outlook(page, index, &curve.outlook))
            @if !is_head { " " (words.not_the_head_alone()) }
        }
        @if let Some(curve) = drawn { (figure(curve)) }
        @if !curve.classes.is_empty() { (classes(page, index, &curve.classes)) }
    }
}

/// Whether a figure stands under "More photos".
pub fn is_curve(figure: &Figure) -> bool {
    figure.stem.ends_with("_learning_curve")
}

fn outlook(page: &Page, index: usize, outlook: &CurveOutlook) -> Markup {
    let words = page.words;
    let ahead = match outlook {
        CurveOutlook::Falls(ahead) => ahead,
        CurveOutlook::Level => return html! { (words.no_fall()) },
        CurveOutlook::FewErrors { .. } => return html! { (words.few_errors()) },
    };
    let points = |place: usize, key: &str| {
        let pointer = format!("more_photos/outlook/falls/{place}/{key}");
        page.of_run(index, &pointer, Rounded::Points)
    };
    let further = ahead.iter().enumerate().filter_map(|(place, ahead)| {
        let times = match ahead.times {
            1.5 => Ahead::HalfAgain,
            2.0 => Ahead::Twice,
            _ => return None,
        };
        Some((times, ["gain", "gain_low", "gain_high"].map(|key| points(place, key))))
    });
    words.outlook(further.collect())
}

fn classes(page: &Page, index: usize, classes: &[HalvedClassRecord]) -> Markup {
    let words = page.words;
    let cell = |place: usize, key: &str, rounded| {
        page.of_run(index, &format!("more_photos/classes/{place}/{key}"), rounded)
    };
    let points = |place: usize, of: &str| {
        let points = |key: &str| cell(place, &format!("{of}/{key}"), Rounded::Points);
        words.points_with_interval(points("gain"), points("gain_low"), points("gain_high"))
    };
    let names = |keep: &dyn Fn(&HalvedClassRecord) -> bool| -> String {
        let kept = classes.iter().filter(|class| keep(class));
        kept.map(|class| class.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let is_told = |class: &HalvedClassRecord| class.of_class.gain_low > 0.0;
    let mut gaining: Vec<usize> =
        (0..classes.len()).filter(|&place| is_told(&classes[place])).collect();
    gaining.sort_by(|&a, &b| classes[b].of_class.gain.total_cmp(&classes[a].of_class.gain));
    let gains = gaining.iter().map(|&place| {
        (classes[place].name.as_str(), cell(place, "of_class/gain", Rounded::Points))
    });
    let untold = names(&|class| !is_told(class));
    let of_all = names(&|class| is_told(class) && class.overall.gain_low > 0.0);
    let rows = html! {
        caption { span { (words.halved_caption()) } }
        (head(&[words.class()], &words.halved_titles(), &[]))
        tbody {
            @for (place, class) in classes.iter().enumerate() {
                tr {
                    th scope="row" { bdi { (class.name) } }
                    td.number { (cell(place, "half", Rounded::Fixed(0))) }
                    td.number { (cell(place, "photos", Rounded::Fixed(0))) }
                    td.number { (cell(place, "of_class/with_half", Rounded::Count)) }
                    td.number { (cell(place, "of_class/with_all", Rounded::Count)) }
                    td.number { (cell(place, "of_class/n", Rounded::Count)) }
                    td.number { (points(place, "of_class")) }
                    td.number { (points(place, "overall")) }
                }
            }
        }
    };
    html! {
        p {
            (words.halved(gains.collect(), &of_all))
            @if !untold.is_empty() { " " (words.untold(&untold)) }
        }
        (scrolled(&words.halved_by(&page.summary(index).label), rows))
    }
}
