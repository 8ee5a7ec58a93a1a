//! Drawings in the page: plain SVG whose places are per cent of the width, so that a drawing fits a
//! phone and its text keeps its size. Colours come from the style sheet, so that a drawing is dark
//! where the page is.

mod curves;
mod scale;
mod scatter;
mod strip;

pub use curves::{CurvePanel, LossScale, curve_panel};
pub use scale::Scale;
pub use scatter::{Dot, scatter};
pub use strip::{axis, bar, headline_strip, strip};
