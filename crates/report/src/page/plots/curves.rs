//! The losses of one run over its epochs.

use maud::{Markup, html};

use super::scale::percent;

const HEIGHT: u32 = 130;
/// Share of the height above the plot, in per cent.
const TOP: f64 = 4.0;
/// A loss above this multiple of guessing is drawn at the top: one run that diverged must not
/// flatten the others.
const HIGHEST: f64 = 2.0;

/// The scale that all panels share, in nats.
#[derive(Clone, Copy)]
pub struct LossScale {
    highest: f64,
    /// The loss of guessing among the classes.
    guessing: f64,
}

impl LossScale {
    /// Returns the scale for these losses among `classes` classes.
    pub fn new<'a>(losses: impl Iterator<Item = &'a f64>, classes: usize) -> Self {
        let guessing = (classes.max(2) as f64).ln();
        let highest = losses.copied().filter(|loss| loss.is_finite()).fold(1e-6, f64::max);
        LossScale { highest: highest.min(HIGHEST * guessing), guessing }
    }

    fn y(&self, loss: f64) -> f64 {
        100.0 - (100.0 - TOP) * (loss / self.highest).clamp(0.0, 1.0)
    }
}

/// The curves of one run.
pub struct CurvePanel<'a> {
    /// Training loss by epoch, in nats.
    pub train: &'a [f64],
    /// Validation loss by epoch, in nats.
    pub val: &'a [f64],
    /// The epoch that was kept, counted from 1.
    pub best_epoch: Option<usize>,
    /// Words for those who cannot see it.
    pub title: String,
}

/// Draws one panel: validation as a solid line, training as a dashed one, the loss of guessing as a
/// dotted one, and the epoch that was kept as a dot.
pub fn curve_panel(panel: &CurvePanel, scale: LossScale) -> Markup {
    let epochs = panel.train.len().max(panel.val.len());
    let x = |index: usize| match epochs {
        0 | 1 => 50.0,
        epochs => 3.0 + 94.0 * index as f64 / (epochs - 1) as f64,
    };
    let points = |losses: &[f64]| {
        let points = losses.iter().enumerate().filter(|(_, loss)| loss.is_finite());
        let points = points.map(|(index, loss)| format!("{:.2},{:.2}", x(index), scale.y(*loss)));
        points.collect::<Vec<_>>().join(" ")
    };
    let best = panel.best_epoch.and_then(|epoch| {
        let loss = *panel.val.get(epoch - 1)?;
        loss.is_finite().then(|| (percent(x(epoch - 1)), percent(scale.y(loss))))
    });
    html! {
        svg.curves role="img" width="100%" height=(HEIGHT) {
            title { (panel.title) }
            line.axis x1="0" x2="100%" y1="100%" y2="100%" {}
            @if scale.guessing <= scale.highest {
                @let y = percent(scale.y(scale.guessing));
                line.guess x1="0" x2="100%" y1=(y) y2=(y) {}
            }
            // Lines need plain numbers: a picture of their own, stretched to the panel.
            svg width="100%" height="100%" viewBox="0 0 100 100" preserveAspectRatio="none" {
                polyline.train points=(points(panel.train)) {}
                polyline.val points=(points(panel.val)) {}
            }
            @if let Some((x, y)) = best { circle.dot cx=(x) cy=(y) r="4.5" {} }
        }
    }
}
