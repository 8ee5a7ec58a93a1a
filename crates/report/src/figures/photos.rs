//! Photos with their predictions; a sign and a frame show whether each is right.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use plotters::prelude::*;

use super::area::{Area, Drawn};
use super::style::{GREEN, VERMILLION};
use super::svg::{Svg, Under, cannot, draw};
use super::text::{Label, SMALL, TITLE, shortened};
use crate::Result;

const FIGURE: &str = "photos";
const MARGIN: i32 = 30;
const COLUMNS: usize = 5;
/// Side of the square that a photo is fitted into.
const SIDE: i32 = 360;
const GAP: i32 = 36;
const LINE: i32 = 30;
const FRAME: i32 = 6;
/// Radius of the disc with the sign.
const RADIUS: i32 = 26;
/// Quality of the JPEG: a photo of 256 pixels takes about 20 kB.
const QUALITY: u8 = 88;

/// One photo with its prediction.
#[derive(Clone, Debug)]
pub struct Tile<'a> {
    /// The photo, already scaled down, say to 256 pixels a side: every pixel is embedded.
    pub photo: &'a RgbImage,
    /// Lines below the photo: the true class, the predicted one, its probability.
    pub lines: Vec<String>,
    /// Whether the prediction is right.
    pub is_right: bool,
}

/// Draws photos in rows of five, each whole and undistorted, with a tick or a cross in its corner
/// and a frame in the colour of the sign.
///
/// # Errors
///
/// [`ReportError::Figure`](crate::ReportError::Figure) without photos, or when one has no pixel.
pub fn photos(title: &str, tiles: &[Tile]) -> Result<Svg> {
    if tiles.is_empty() {
        return Err(cannot(FIGURE, "there is no photo"));
    }
    let jpegs = tiles.iter().map(|tile| jpeg_of(tile.photo)).collect::<Result<Vec<_>>>()?;
    let columns = tiles.len().min(COLUMNS);
    let lines = tiles.iter().map(|tile| tile.lines.len()).max().unwrap_or(0) as i32;
    let tile_height = SIDE + 2 * FRAME + 14 + LINE * lines + GAP;
    let width = 2 * MARGIN + columns as i32 * (SIDE + GAP) - GAP;
    let title = shortened(title, TITLE, width - 2 * MARGIN);
    let top = if title.is_empty() { MARGIN } else { MARGIN + 60 };
    let height = top + tile_height * tiles.len().div_ceil(columns) as i32;
    draw(FIGURE, &title, (width, height), |area, under| {
        Label::left(TITLE).write(area, &title, (MARGIN, MARGIN + 14))?;
        for (index, (tile, jpeg)) in tiles.iter().zip(&jpegs).enumerate() {
            let (row, column) = ((index / columns) as i32, (index % columns) as i32);
            let corner = (MARGIN + column * (SIDE + GAP), top + row * tile_height);
            write_tile(area, under, tile, jpeg, corner)?;
        }
        Ok(())
    })
}

/// Encodes a photo as JPEG, in an address that holds it.
///
/// # Errors
///
/// A photo without a pixel.
pub fn jpeg_address(photo: &RgbImage) -> Result<String> {
    Ok(format!("data:image/jpeg;base64,{}", BASE64_STANDARD.encode(jpeg_of(photo)?)))
}

/// Encodes a photo as JPEG.
///
/// # Errors
///
/// [`ReportError::Figure`](crate::ReportError::Figure) when it has no pixel.
fn jpeg_of(photo: &RgbImage) -> Result<Vec<u8>> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
        .encode_image(photo)
        .map_err(|error| cannot(FIGURE, error))?;
    Ok(jpeg)
}

fn write_tile(
    area: &Area,
    under: &mut Under,
    tile: &Tile,
    jpeg: &[u8],
    (left, top): (i32, i32),
) -> Drawn {
    let (width, height) = fitted(tile.photo.dimensions());
    // Align photos at the bottom of their row, so that captions begin right below them.
    let (x, y) = (left + (SIDE - width) / 2, top + SIDE - height);
    under.jpeg(jpeg, (x, y), (width, height));
    let colour = if tile.is_right { GREEN } else { VERMILLION };
    let out = FRAME / 2;
    let (x0, y0, x1, y1) = (x - out, y - out, x + width + out, y + height + out);
    let frame = vec![(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0), (x1, y0)];
    area.draw(&PathElement::new(frame, colour.stroke_width(FRAME.unsigned_abs())))?;
    write_sign(area, tile.is_right, colour, (x1 - RADIUS + 8, y0 + RADIUS - 8))?;
    for (index, line) in tile.lines.iter().enumerate() {
        let line = shortened(line, SMALL, SIDE);
        let y = top + SIDE + FRAME + 14 + LINE * index as i32 + LINE / 2;
        Label::centred(SMALL).write(area, &line, (left + SIDE / 2, y))?;
    }
    Ok(())
}

/// Returns the largest size of a photo that fits the square.
fn fitted((width, height): (u32, u32)) -> (i32, i32) {
    let scale = f64::from(SIDE) / f64::from(width.max(height).max(1));
    let side = |pixels: u32| ((f64::from(pixels) * scale).round() as i32).max(1);
    (side(width), side(height))
}

/// Draws a tick or a cross, white on a disc.
fn write_sign(area: &Area, is_right: bool, colour: RGBColor, (x, y): (i32, i32)) -> Drawn {
    area.draw(&Circle::new((x, y), RADIUS + 3, WHITE.filled()))?;
    area.draw(&Circle::new((x, y), RADIUS, colour.filled()))?;
    let stroke = |corners: &[(i32, i32)]| {
        let corners: Vec<(i32, i32)> = corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
        area.draw(&PathElement::new(corners, WHITE.stroke_width(6)))
    };
    match is_right {
        true => stroke(&[(-13, 1), (-4, 10), (13, -9)]),
        false => {
            stroke(&[(-10, -10), (10, 10)])?;
            stroke(&[(10, -10), (-10, 10)])
        }
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;
    use crate::ReportError;

    fn tile(photo: &RgbImage, is_right: bool) -> Tile<'_> {
        Tile {
            photo,
            lines: vec!["true <&>".into(), "taken for a very long name of a breed\0".into()],
            is_right,
        }
    }

    #[test]
    fn a_photo_is_embedded_and_drawn() {
        let red = RgbImage::from_pixel(60, 30, Rgb([250, 5, 5]));
        let svg = photos("", &[tile(&red, true)]).unwrap();
        let png = image::load_from_memory(&svg.to_png(1.0).unwrap()).unwrap().to_rgb8();
        let is_red = |pixel: &&Rgb<u8>| pixel.0[0] > 230 && pixel.0[1] < 30;
        assert!(png.pixels().filter(is_red).count() > 10_000);
        assert!(
            svg.as_str().contains("&lt;&amp;&gt;")
                && svg.as_str().contains("data:image/jpeg;base64,")
        );
    }

    #[test]
    fn right_and_wrong_differ_in_shape() {
        let grey = RgbImage::from_pixel(8, 8, Rgb([128; 3]));
        let strokes = |is_right| {
            photos("", &[tile(&grey, is_right)]).unwrap().as_str().matches("<polyline").count()
        };
        assert_eq!((strokes(true), strokes(false)), (2, 3));
    }

    #[test]
    fn any_shape_of_photo_fits_its_square() {
        for size in [(256, 192), (1, 1000), (1000, 1), (1, 1), (0, 0)] {
            let (width, height) = fitted(size);
            assert!((1..=SIDE).contains(&width) && (1..=SIDE).contains(&height), "{size:?}");
        }
    }

    #[test]
    fn no_photo_or_one_without_pixels_is_no_figure() {
        let nothing = RgbImage::new(0, 0);
        for tiles in [vec![], vec![tile(&nothing, true)]] {
            assert!(matches!(photos("", &tiles), Err(ReportError::Figure { figure: FIGURE, .. })));
        }
    }
}
