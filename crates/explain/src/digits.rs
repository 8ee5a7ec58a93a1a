//! The few signs of a legend, as dots. No font is needed, and every machine draws the same.

use image::{Rgb, RgbImage};

/// Size of a sign in dots.
const WIDTH: u32 = 5;
const HEIGHT: u32 = 7;
/// Dots from one sign to the next.
const ADVANCE: u32 = WIDTH + 1;

/// Returns the rows of a sign; the lowest bit is the rightmost dot.
fn rows(sign: char) -> [u8; HEIGHT as usize] {
    match sign {
        '0' => [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
        '1' => [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        '5' => [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
        '%' => [0b11001, 0b11010, 0b00010, 0b00100, 0b01000, 0b01011, 0b10011],
        _ => [0; HEIGHT as usize],
    }
}

/// Returns the width and height of a text in pixels, for dots of `dot_px`.
pub fn size(text: &str, dot_px: u32) -> (u32, u32) {
    let signs = text.chars().count() as u32;
    ((signs * ADVANCE).saturating_sub(ADVANCE - WIDTH) * dot_px, HEIGHT * dot_px)
}

/// Draws a text of the signs `0`, `1`, `5` and `%`; others stay empty. Its left upper corner comes
/// to (`left`, `top`). What reaches beyond the picture is cut.
pub fn draw(
    picture: &mut RgbImage,
    text: &str,
    (left, top): (u32, u32),
    dot_px: u32,
    ink: Rgb<u8>,
) {
    for (index, sign) in text.chars().enumerate() {
        let left = left + index as u32 * ADVANCE * dot_px;
        for (row, bits) in rows(sign).into_iter().enumerate() {
            for column in (0..WIDTH).filter(|column| bits >> (WIDTH - 1 - column) & 1 == 1) {
                for (x, y) in (0..dot_px * dot_px).map(|i| (i % dot_px, i / dot_px)) {
                    let (x, y) = (left + column * dot_px + x, top + row as u32 * dot_px + y);
                    if let Some(pixel) = picture.get_pixel_mut_checked(x, y) {
                        *pixel = ink;
                    }
                }
            }
        }
    }
}
