//! The surface of a figure.

use plotters::coord::Shift;
use plotters::prelude::*;

/// The surface that plotters draws on.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// The result of drawing.
pub(super) type Drawn<T = ()> = std::result::Result<T, DrawingAreaErrorKind<std::io::Error>>;
