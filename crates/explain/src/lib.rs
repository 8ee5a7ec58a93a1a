//! Where in a photo the evidence for a class lies.
//!
//! A network's last layer that has places, and a logit's gradient there, give a [`HeatMap`]
//! (Grad-CAM). [`overlay`] lays it over the photo, and [`side_by_side`] makes a picture with a
//! legend. [`Background`] counts over many photos how much of the heat lies outside their middle.
//! Pure functions: no network, no files, no clock.

mod heat_map;

mod background;

mod colour_map;
mod digits;
mod picture;

pub use background::{Background, MIN_PHOTOS, SUSPICIOUS_OUTSIDE, background};
pub use colour_map::colour;
pub use heat_map::{EVEN_OUTSIDE, HeatMap};
pub use picture::{overlay, png, side_by_side};
