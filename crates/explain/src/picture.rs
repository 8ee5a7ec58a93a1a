//! A heat map as a picture.

use std::io::Cursor;

use image::imageops::{FilterType, replace, resize};
use image::{ImageFormat, Rgb, RgbImage};

use crate::colour_map::colour;
use crate::digits;
use crate::heat_map::HeatMap;

/// Weight of the heat's colour over the photo.
const OPACITY: f32 = 0.6;
/// Smallest side of a photo in a picture; smaller ones are enlarged.
const LEAST_SIDE_PX: u32 = 224;
const GAP_PX: u32 = 8;
const BAR_PX: u32 = 12;
/// Side of the dots that signs are made of.
const DOT_PX: u32 = 2;
const MIDDLE_GREY: f32 = 128.0;
const GROUND: Rgb<u8> = Rgb([255; 3]);
const INK: Rgb<u8> = Rgb([60; 3]);

/// Lays heat over a square photo. The photo is grey beneath, so that every colour is one of the
/// heat's.
///
/// # Panics
///
/// When the photo is not square or has no pixel.
pub fn overlay(photo: &RgbImage, heat: &HeatMap) -> RgbImage {
    assert_eq!(photo.width(), photo.height(), "the photo as the network sees it");
    let heat = heat.enlarged(photo.width() as usize);
    let mut heat = heat.into_iter();
    let mut laid = photo.clone();
    for pixel in laid.pixels_mut() {
        let [red, green, blue] = pixel.0.map(f32::from);
        // Luma of ITU-R BT.601.
        let grey = 0.299 * red + 0.587 * green + 0.114 * blue;
        *pixel = over(grey, heat.next().expect("a value for every pixel"));
    }
    laid
}

/// Lays the colour of a heat over a level of grey.
fn over(grey: f32, heat: f32) -> Rgb<u8> {
    Rgb(colour(heat).map(|hue| (grey + (f32::from(hue) - grey) * OPACITY).round() as u8))
}

/// Draws the photo, beside it the photo with the heat over it, and below that the legend: the
/// colours from no heat to the largest, as they look over middle grey.
///
/// # Panics
///
/// As [`overlay`].
pub fn side_by_side(photo: &RgbImage, heat: &HeatMap) -> RgbImage {
    let times = LEAST_SIDE_PX.div_ceil(photo.width());
    let side = photo.width() * times;
    let photo = if times == 1 {
        photo.clone()
    } else {
        resize(photo, side, photo.height() * times, FilterType::Nearest)
    };
    let (_, letter) = digits::size("0", DOT_PX);
    let size = (2 * side + GAP_PX, side + GAP_PX + BAR_PX + GAP_PX / 2 + letter);
    let mut picture = RgbImage::from_pixel(size.0, size.1, GROUND);
    let right = side + GAP_PX;
    replace(&mut picture, &photo, 0, 0);
    replace(&mut picture, &overlay(&photo, heat), right.into(), 0);
    let bar = side + GAP_PX;
    for x in 0..side {
        let shown = over(MIDDLE_GREY, x as f32 / (side - 1) as f32);
        (bar..bar + BAR_PX).for_each(|y| picture.put_pixel(right + x, y, shown));
    }
    let top = bar + BAR_PX + GAP_PX / 2;
    for (text, place) in [("0%", 0), ("50%", 1), ("100%", 2)] {
        let (width, _) = digits::size(text, DOT_PX);
        let left = right + (side - width) * place / 2;
        digits::draw(&mut picture, text, (left, top), DOT_PX, INK);
    }
    picture
}

/// Encodes a picture as PNG. The same picture gives the same bytes.
///
/// # Panics
///
/// When the picture has no pixel.
pub fn png(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).expect("memory takes any picture");
    bytes.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corner() -> HeatMap {
        // Heat in the left upper of four places.
        HeatMap::grad_cam(2, &[1.0, 0.0, 0.0, 0.0], &[1.0; 4])
    }

    #[test]
    fn hot_places_are_light_and_cold_ones_dark() {
        let laid = overlay(&RgbImage::from_pixel(40, 40, Rgb([128; 3])), &corner());
        let mixed =
            |heat| colour(heat).map(|hue| (128.0 + 0.6 * (f32::from(hue) - 128.0)).round() as u8);
        assert_eq!((laid[(0, 0)].0, laid[(39, 39)].0), (mixed(1.0), mixed(0.0)));
    }

    #[test]
    fn a_picture_has_the_photo_the_heat_and_a_legend_and_its_bytes_stay() {
        let photo = RgbImage::from_fn(300, 300, |x, y| Rgb([x as u8, y as u8, 9]));
        let picture = side_by_side(&photo, &corner());
        assert_eq!((picture.width(), picture.height()), (608, 338));
        assert_eq!((picture[(17, 31)], picture[(303, 0)]), (photo[(17, 31)], GROUND));
        assert_eq!(picture[(308, 310)], over(MIDDLE_GREY, 0.0));
        assert_eq!(picture[(607, 319)], over(MIDDLE_GREY, 1.0));
        let inked = |columns: std::ops::Range<u32>| {
            let below = columns.flat_map(|x| (324..338).map(move |y| (x, y)));
            below.filter(|at| picture[*at] == INK).count()
        };
        // `0%`, `50%`, `100%`, in this order.
        let (left, middle, right) = (inked(308..340), inked(435..475), inked(550..608));
        assert!(0 < left && left < middle && middle < right, "{left}, {middle}, {right}");
        assert_eq!(inked(0..308), 0);
        let bytes = png(&picture);
        assert_eq!(image::load_from_memory(&bytes).unwrap().to_rgb8(), picture);
        assert_eq!(png(&picture), bytes);
    }

    #[test]
    fn a_small_photo_is_enlarged() {
        let picture = side_by_side(&RgbImage::from_pixel(32, 32, Rgb([0; 3])), &corner());
        assert_eq!(picture.width(), 2 * 224 + 8);
    }
}
