//! Numbers -> figures: SVG drawn by a plotting library, and PNG rendered from that SVG.
//!
//! Every figure is a pure function of its data: the same data give the same bytes. The figures are
//! readable in grey and by the colour-blind. Runs differ by colour (Okabe and Ito's), marker and
//! dash; shares differ by lightness; right and wrong differ by a sign. All text (names of classes,
//! runs, files) is made printable and escaped.

mod area;
mod shades;
mod style;
mod svg;
mod text;

mod axes;
mod legend;

mod confusion;
mod curves;
mod f1;
mod learning_curve;
mod photos;
mod reliability;
mod table;

pub use confusion::confusion_matrix;
pub use curves::{Curve, training_curves};
pub use f1::per_class_f1;
pub use learning_curve::learning_curve;
pub(crate) use photos::jpeg_address;
pub use photos::{Tile, photos};
pub use reliability::reliability_diagram;
pub use svg::Svg;
pub use table::{Table, table};
