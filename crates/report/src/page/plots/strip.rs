//! One value on a line: a dot with its interval, or a bar.

use kennel_metrics::Proportion;
use maud::{Markup, html};

use super::scale::{Scale, percent};
use crate::words::Words;

/// Draws a proportion as a dot with its interval. The numbers stand beside it as text, so that a
/// screen reader may skip the drawing.
pub fn strip(scale: Scale, proportion: &Proportion, is_best: bool) -> Markup {
    let [low, at, high] =
        [proportion.low, proportion.value, proportion.high].map(|value| scale.at(value));
    html! {
        svg.strip.best[is_best] aria-hidden="true" width="100%" height="22" {
            @for tick in scale.ticks() {
                @let x = percent(scale.at(tick));
                line.grid x1=(x) x2=(x) y1="0" y2="22" {}
            }
            line.interval x1=(percent(low)) x2=(percent(high)) y1="11" y2="11" {}
            @for end in [percent(low), percent(high)] {
                line.interval x1=(end) x2=(end) y1="7" y2="15" {}
            }
            circle.dot cx=(percent(at)) cy="11" r="5" {}
        }
    }
}

/// Draws the axis above strips: its ticks in per cent.
pub fn axis(scale: Scale, words: Words) -> Markup {
    html! {
        svg.strip aria-hidden="true" width="100%" height="20" {
            (ticks(scale, words, 15))
        }
    }
}

/// Writes the ticks of an axis, with their baselines at `y`.
fn ticks(scale: Scale, words: Words, y: u32) -> Markup {
    let ticks = scale.ticks();
    let count = ticks.len();
    // At most three labels, or they would meet on a phone.
    let is_labelled =
        |index: usize| count <= 3 || index == 0 || index + 1 == count || 2 * index + 1 == count;
    html! {
        @for (index, tick) in ticks.iter().enumerate() {
            @if is_labelled(index) {
                text.tick x=(percent(scale.at(*tick))) y=(y) text-anchor=(anchor(index, count)) {
                    (words.tick(*tick))
                }
            }
        }
    }
}

fn anchor(index: usize, count: usize) -> &'static str {
    match index {
        0 => "start",
        last if last + 1 == count => "end",
        _ => "middle",
    }
}

/// Draws a bar for a proportion with its interval, on a scale from 0 to 1.
pub fn bar(proportion: &Proportion) -> Markup {
    html! {
        svg.strip aria-hidden="true" width="100%" height="18" {
            rect.track x="0" y="3" width="100%" height="12" rx="2" {}
            rect.bar x="0" y="3" width=(percent(100.0 * proportion.value)) height="12" rx="2" {}
            line.whisker x1=(percent(100.0 * proportion.low))
                x2=(percent(100.0 * proportion.high)) y1="9" y2="9" {}
        }
    }
}

/// Draws the accuracy of the best run, with its interval and what it is compared with: the class of
/// the mark (`guess` or `start`) and its share.
pub fn headline_strip(
    proportion: &Proportion,
    marks: &[(&'static str, f64)],
    title: &str,
    words: Words,
) -> Markup {
    let lowest = marks.iter().map(|(_, share)| *share).fold(proportion.low, f64::min);
    let scale = Scale::of_shares(lowest, proportion.high);
    let [low, at, high] =
        [proportion.low, proportion.value, proportion.high].map(|value| scale.at(value));
    html! {
        svg.headline-strip role="img" width="100%" height="64" {
            title { (title) }
            line.axis x1=(percent(scale.at(f64::MIN))) x2=(percent(scale.at(f64::MAX)))
                y1="40" y2="40" {}
            @for tick in scale.ticks() {
                @let x = percent(scale.at(tick));
                line.axis x1=(x) x2=(x) y1="36" y2="44" {}
            }
            (ticks(scale, words, 60))
            rect.band x=(percent(low)) y="14" width=(percent((high - low).max(0.3)))
                height="20" rx="4" {}
            @for (class, share) in marks {
                @let x = percent(scale.at(*share));
                line class=(class) x1=(x) x2=(x) y1="8" y2="40" {}
            }
            circle.dot cx=(percent(at)) cy="24" r="9" {}
        }
    }
}
