//! Text in a figure: which characters can be drawn, how wide it is, and where it goes.

use std::sync::Once;

use epaint_default_fonts::UBUNTU_LIGHT;
use plotters::prelude::*;
use plotters::style::register_font;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use unicode_width::UnicodeWidthChar;

use super::area::{Area, Drawn};
use super::style::INK;

/// The embedded font, then others of similar width for programs that show the SVG without it.
const FAMILY: &str = "Ubuntu, Segoe UI, Helvetica Neue, Arial, Liberation Sans, sans-serif";
/// Plotters' font size is the height of a line; the em is this part of it.
const LINE_PER_EM: f64 = 1.24;

/// Size of text at the axes and in most labels, in units.
pub(super) const TEXT: f64 = 24.0;
/// Size of numbers at the ticks and of captions.
pub(super) const SMALL: f64 = 21.0;
/// Size of a figure's title.
pub(super) const TITLE: f64 = 29.0;

/// Replaces with `?` every character that XML forbids or that would move the text around it:
/// controls, line ends, changes of direction.
pub(super) fn printable(text: &str) -> String {
    let moves = |c| matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}');
    text.chars().map(|c| if c.is_control() || moves(c) { '?' } else { c }).collect()
}

/// Returns the width of `text` for an em of `em` units, plus a tenth: another sans-serif may need
/// it.
pub(super) fn text_width(text: &str, em: f64) -> i32 {
    // The embedded font has no Chinese, Japanese or Korean; fonts that do set them in squares.
    let wide = text.chars().filter(|c| c.width() == Some(2)).count();
    let narrow: String = text.chars().filter(|c| c.width() == Some(1)).collect();
    // Plotters measures a font whose line is `LINE_PER_EM` high. Ubuntu's is 1.12, which gives the
    // tenth.
    let (width, _) = font(em).box_size(&narrow).expect("the font is registered");
    i32::try_from(width).unwrap_or(i32::MAX).saturating_add((1.1 * em * wide as f64).ceil() as i32)
}

/// Makes `text` printable and, if it is wider than `room`, cuts its end and adds `…`.
pub(super) fn shortened(text: &str, em: f64, room: i32) -> String {
    let text = printable(text);
    if text_width(&text, em) <= room {
        return text;
    }
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let cut = |end: usize| format!("{}…", text[..end].trim_end());
    let fitting = ends.partition_point(|&end| text_width(&cut(end), em) <= room);
    cut(ends[fitting.saturating_sub(1)])
}

/// Makes `text` printable and, if it is wider than `room`, replaces its middle with `…`: the end of
/// a run's label tells it from other runs.
pub(super) fn cut_inside(text: &str, em: f64, room: i32) -> String {
    let text = printable(text);
    let letters: Vec<char> = text.chars().collect();
    let cut = |kept: usize| {
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        let head: String = letters[..head].iter().collect();
        // A combining mark has lost the letter before it.
        let is_mark = |c: &&char| c.width() == Some(0);
        let tail: String = letters[letters.len() - tail..].iter().skip_while(is_mark).collect();
        format!("{}…{}", head.trim_end(), tail.trim_start())
    };
    if text_width(&text, em) <= room {
        return text;
    }
    let all: Vec<usize> = (0..letters.len()).collect();
    cut(all.partition_point(|&kept| text_width(&cut(kept), em) <= room).saturating_sub(1))
}

/// Returns the width of the widest of `texts`.
pub(super) fn widest<'a>(texts: impl IntoIterator<Item = &'a String>, em: f64) -> i32 {
    texts.into_iter().map(|text| text_width(text, em)).max().unwrap_or(0)
}

/// How to set a text: on one line, with its middle at the height of the given point.
#[derive(Clone)]
pub(super) struct Label {
    em: f64,
    colour: RGBColor,
    align: HPos,
    reads_upwards: bool,
}

impl Label {
    /// Starts the text at the point.
    pub fn left(em: f64) -> Label {
        Label { em, colour: INK, align: HPos::Left, reads_upwards: false }
    }

    /// Ends the text at the point.
    pub fn right(em: f64) -> Label {
        Label { align: HPos::Right, ..Label::left(em) }
    }

    /// Centres the text on the point.
    pub fn centred(em: f64) -> Label {
        Label { align: HPos::Center, ..Label::left(em) }
    }

    /// Uses another colour than ink.
    pub fn coloured(self, colour: RGBColor) -> Label {
        Label { colour, ..self }
    }

    /// Turns the text by a quarter about the point, to read upwards.
    pub fn upwards(self) -> Label {
        Label { reads_upwards: true, ..self }
    }

    /// Draws `text`.
    pub fn write(&self, area: &Area, text: &str, (x, y): (i32, i32)) -> Drawn {
        // The backend centres on the middle of an `x`; the middle of most words and numbers is a
        // sixteenth of an em lower.
        let lower = (self.em / 16.0).round() as i32;
        let (font, at) = match self.reads_upwards {
            true => (font(self.em).transform(FontTransform::Rotate270), (x + lower, y)),
            false => (font(self.em), (x, y + lower)),
        };
        let style = font.color(&self.colour).pos(Pos::new(self.align, VPos::Center));
        area.draw_text(&printable(text), &style, at)
    }
}

/// Returns the font at `em` units.
pub(super) fn font(em: f64) -> FontDesc<'static> {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        let registered = register_font(FAMILY, FontStyle::Normal, UBUNTU_LIGHT);
        assert!(registered.is_ok(), "the font that is part of the program is none");
    });
    FontDesc::new(FontFamily::Name(FAMILY), em * LINE_PER_EM, FontStyle::Normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_to_its_room() {
        let name = "a_very_long_name_of_a_breed_that_nobody_has_ever_heard_of";
        let cut = shortened(name, 24.0, 200);
        assert!(cut.ends_with('…') && cut.len() > 10, "{cut}");
        assert!(text_width(&cut, 24.0) <= 200);
        assert_eq!(shortened("poodle", 24.0, 200), "poodle");
        assert_eq!(shortened(name, 24.0, 0), "…");
        assert_eq!(shortened("", 24.0, 0), "");
    }

    #[test]
    fn the_end_of_a_label_stays() {
        let label =
            "mobilenetv2_100 freeze, epochs 2, feature_views 4, weights ra_in1k, 20261125_202455";
        let cut = cut_inside(label, 24.0, 600);
        assert!(cut.starts_with("mobilenetv2_100") && cut.ends_with("20261125_202455"), "{cut}");
        assert!(cut.contains('…') && (500..=600).contains(&text_width(&cut, 24.0)), "{cut}");
        assert_eq!(cut_inside("poodle", 24.0, 200), "poodle");
        assert_eq!(cut_inside(label, 24.0, 0), "…");
    }

    #[test]
    fn width_grows_with_the_text_and_with_the_font() {
        assert!(text_width("mm", 24.0) > text_width("m", 24.0));
        assert!(text_width("mm", 48.0) > text_width("mm", 24.0));
        assert!(text_width("獵犬", 24.0) >= 48);
        assert_eq!(text_width("", 24.0), 0);
    }

    #[test]
    fn what_cannot_be_printed_is_marked() {
        assert_eq!(printable("a\0b\nc\u{202e}d\u{ffff}"), "a?b?c?d?");
        assert_eq!(printable("bouvier des Flandres, 獵犬 🐕"), "bouvier des Flandres, 獵犬 🐕");
    }
}
