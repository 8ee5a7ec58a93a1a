//! Numbers -> figures: SVG drawn by a plotting library, and PNG rendered from that SVG.
//!
//! Every figure is a pure function of its data, and the same data give the same bytes. They are made to be read in
//! grey and by the colour-blind: runs differ by colour (Okabe and Ito's), by marker and by dash, shares by lightness,
//! and right from wrong by a sign. Whatever text comes in (names of classes, runs, files) is made printable and
//! escaped on the way.

mod shades;
mod style;
mod svg;
mod text;

mod axes;
mod legend;

mod confusion;
mod curves;
mod f1;
mod photos;
mod reliability;
mod table;

pub use confusion::confusion_matrix;
pub use curves::{Curve, training_curves};
pub use f1::per_class_f1;
pub use photos::{Tile, photos};
pub use reliability::reliability_diagram;
pub use svg::Svg;
pub use table::{Table, table};
