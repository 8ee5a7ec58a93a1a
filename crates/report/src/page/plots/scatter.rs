//! Time against accuracy.

use maud::{Markup, html};

use super::scale::{Scale, percent};
use crate::words::Words;

const HEIGHT: f64 = 320.0;
/// Room for numbers: left of the plot and its width, in per cent; below it and above it, in pixels.
const LEFT: f64 = 11.0;
const WIDTH: f64 = 86.0;
const BELOW: f64 = 44.0;
const ABOVE: f64 = 10.0;
/// Times that readers know, in seconds.
const TIMES: [f64; 18] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0,
    21_600.0, 86_400.0, 604_800.0,
];
/// Largest number of dots that have their rank beside them.
const NAMED: usize = 12;

/// One run.
pub struct Dot {
    /// Its rank by accuracy, from 1.
    pub rank: usize,
    /// Its name.
    pub label: String,
    /// Seconds of training.
    pub seconds: f64,
    /// Accuracy in [0, 1].
    pub accuracy: f64,
    /// Whether it is the best by validation.
    pub is_best: bool,
}

/// Draws accuracy over training time, on a logarithmic scale.
pub fn scatter(dots: &[Dot], title: &str, words: Words) -> Markup {
    let fold = |start: f64, pick: fn(f64, f64) -> f64| {
        dots.iter().map(|dot| dot.seconds.max(0.05)).fold(start, pick)
    };
    let (fastest, slowest) = (fold(f64::INFINITY, f64::min), fold(0.0, f64::max));
    let (from, to) = ((fastest / 1.3).ln(), (slowest * 1.3).ln());
    let x = |seconds: f64| percent(100.0 * (seconds.max(0.05).ln() - from) / (to - from));
    let accuracies = || dots.iter().map(|dot| dot.accuracy);
    let scale =
        Scale::of_shares(accuracies().fold(1.0, f64::min), accuracies().fold(0.0, f64::max));
    let plot = HEIGHT - BELOW - ABOVE;
    let y = |accuracy: f64| format!("{:.1}", ABOVE + plot * (1.0 - scale.at(accuracy) / 100.0));
    let ticks: Vec<f64> =
        TIMES.into_iter().filter(|time| (from..=to).contains(&time.ln())).collect();
    // Every second tick where there are many: labels must not meet on a phone.
    let every = ticks.len().div_ceil(5).max(1);
    html! {
        svg.scatter role="img" width="100%" height=(HEIGHT) {
            title { (title) }
            @for tick in scale.ticks() {
                line.grid x1=(percent(LEFT)) x2="100%" y1=(y(tick)) y2=(y(tick)) {}
                text.tick x=(percent(LEFT - 1.0)) y=(y(tick)) dy="4" text-anchor="end" {
                    (words.tick(tick))
                }
            }
            text.tick x=(percent(LEFT)) y=(HEIGHT - 6.0) { (words.training_time_axis()) }
            // The plot itself, whose per cent leave out the room on the left.
            svg x=(percent(LEFT)) width=(percent(WIDTH)) height=(HEIGHT) overflow="visible" {
                @for tick in ticks.iter().step_by(every) {
                    line.grid x1=(x(*tick)) x2=(x(*tick)) y1=(ABOVE) y2=(ABOVE + plot) {}
                    text.tick x=(x(*tick)) y=(ABOVE + plot + 18.0) text-anchor="middle" {
                        (words.round_duration(*tick))
                    }
                }
                @for dot in dots.iter().rev() {
                    @let (cx, cy) = (x(dot.seconds), y(dot.accuracy));
                    g.best[dot.is_best] {
                        title { (dot.rank) ". " (dot.label) }
                        @if dot.is_best { circle.ring cx=(cx) cy=(cy) r="10" {} }
                        circle.dot cx=(cx) cy=(cy) r="5.5" {}
                        @if dot.rank <= NAMED || dot.is_best {
                            text.rank x=(cx) y=(cy) dx="9" dy="-7" { (dot.rank) }
                        }
                    }
                }
            }
        }
    }
}
