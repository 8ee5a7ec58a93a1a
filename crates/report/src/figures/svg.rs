//! A drawing: SVG text, and the PNG rendered from it.

use std::collections::BTreeSet;
use std::fmt::{Display, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use epaint_default_fonts::UBUNTU_LIGHT;
use plotters::prelude::*;
use resvg::tiny_skia;
use resvg::usvg::fontdb::{Database, FaceInfo, ID, Source, Style, Weight};
use resvg::usvg::{FontResolver, Options, Tree};

use super::area::{Area, Drawn};
use super::text::printable;
use crate::{ReportError, Result};

/// Units of a drawing per displayed pixel. Plotters rounds every coordinate to a whole unit; at two
/// units per pixel, curves show no stairs. All sizes in this module are in units.
const UNITS_PER_PX: u32 = 2;
/// Pixels of the largest PNG; drawing it takes 512 MiB.
const MAX_PIXELS: u64 = 1 << 27;

/// A drawing as SVG text: one `svg` element on white, without scripts, styles, ids or anything from
/// outside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Svg {
    figure: &'static str,
    text: String,
    size_px: (u32, u32),
}

impl Svg {
    /// Returns the `svg` element, ready for its own file or for a page.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the width and height at which it is displayed, in pixels.
    pub fn size_px(&self) -> (u32, u32) {
        self.size_px
    }

    /// Renders the drawing as PNG, with `scale` pixels for each of [`Svg::size_px`].
    ///
    /// Text uses the font that is part of the program, so a machine without fonts draws the same.
    /// Only characters that this font lacks (it has Latin, Greek and Cyrillic) come from the
    /// machine's fonts. Where those lack them too, they are empty boxes.
    ///
    /// # Errors
    ///
    /// [`ReportError::Figure`] when the picture would have no pixel or more than 2²⁷.
    pub fn to_png(&self, scale: f32) -> Result<Vec<u8>> {
        self.to_png_with_boxes(scale).map(|(png, _)| png)
    }

    /// As [`Svg::to_png`], and also returns some of its characters that no font has. Not all: usvg
    /// asks for the characters of a text one by one, and stops at the first that it does not get.
    ///
    /// # Errors
    ///
    /// As [`Svg::to_png`].
    pub fn to_png_with_boxes(&self, scale: f32) -> Result<(Vec<u8>, BTreeSet<char>)> {
        let boxes = Arc::default();
        let options = options(&boxes);
        let tree =
            Tree::from_str(&self.text, &options).map_err(|error| cannot(self.figure, error))?;
        let (width, height) = self.size_px;
        let pixels = |px: u32| (px as f32 * scale).ceil() as u32;
        let (width, height) = (pixels(width), pixels(height));
        let pixmap = match u64::from(width) * u64::from(height) <= MAX_PIXELS {
            true => tiny_skia::Pixmap::new(width, height),
            false => None,
        };
        let mut pixmap = pixmap.ok_or_else(|| {
            cannot(self.figure, format!("{width} x {height} pixels is no size for a PNG"))
        })?;
        resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixmap.as_mut());
        let png = pixmap.encode_png().map_err(|error| cannot(self.figure, error))?;
        let boxes = std::mem::take(&mut *boxes.lock().unwrap_or_else(PoisonError::into_inner));
        Ok((png, boxes))
    }
}

/// SVG between the white background and what plotters draws, for elements that plotters does not
/// have.
#[derive(Default)]
pub(super) struct Under(String);

impl Under {
    /// Adds a dashed line through `points`. Plotters' own dashed line is one element per dash,
    /// thousands in a figure of twenty runs.
    pub fn dashed_line(
        &mut self,
        points: &[(i32, i32)],
        colour: RGBColor,
        (dash, gap): (i32, i32),
    ) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
        self.push(format_args!(
            r#"<polyline fill="none" stroke="{}" stroke-width="2" stroke-dasharray="{dash} {gap}" points="{}"/>"#,
            hex(colour),
            points.join(" "),
        ));
    }

    /// Adds a picture in the box at `(x, y)` that is `width` by `height`.
    pub fn jpeg(&mut self, jpeg: &[u8], (x, y): (i32, i32), (width, height): (i32, i32)) {
        self.push(format_args!(
            r#"<image x="{x}" y="{y}" width="{width}" height="{height}" preserveAspectRatio="none" href="data:image/jpeg;base64,{}"/>"#,
            BASE64_STANDARD.encode(jpeg),
        ));
    }

    fn push(&mut self, element: std::fmt::Arguments) {
        self.0.write_fmt(element).expect("a String takes all that is written");
        self.0.push('\n');
    }
}

/// Draws `(width, height)` units with `paint`. `title` is for screen readers.
///
/// # Errors
///
/// [`ReportError::Figure`] when `paint` fails.
pub(super) fn draw(
    figure: &'static str,
    title: &str,
    (width, height): (i32, i32),
    paint: impl FnOnce(&Area, &mut Under) -> Drawn,
) -> Result<Svg> {
    let (width, height) = (width.max(1).unsigned_abs(), height.max(1).unsigned_abs());
    let mut drawn = String::new();
    let mut under = Under::default();
    {
        let area = SVGBackend::with_string(&mut drawn, (width, height)).into_drawing_area();
        paint(&area, &mut under)
            .and_then(|()| area.present())
            .map_err(|error| cannot(figure, error))?;
    }
    // Plotters' root element has no place for a title, so take out its contents and put our own
    // element around them.
    let body = drawn
        .split_once('>')
        .and_then(|(_, rest)| rest.trim_end().strip_suffix("</svg>"))
        .ok_or_else(|| cannot(figure, "plotters wrote no svg element"))?;
    let size_px = (width.div_ceil(UNITS_PER_PX), height.div_ceil(UNITS_PER_PX));
    let text = format!(
        concat!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{}" height="{}" viewBox="0 0 {} {}">"#,
            "\n<title>{}</title>\n",
            r##"<rect width="100%" height="100%" fill="#FFFFFF"/>"##,
            "\n{}{}</svg>\n",
        ),
        size_px.0,
        size_px.1,
        size_px.0 * UNITS_PER_PX,
        size_px.1 * UNITS_PER_PX,
        escaped(&printable(title)),
        under.0,
        body.trim_start(),
    );
    Ok(Svg { figure, text, size_px })
}

/// Returns the error of a figure.
pub(super) fn cannot(figure: &'static str, reason: impl Display) -> ReportError {
    ReportError::Figure { figure, reason: reason.to_string() }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn hex(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// Returns options for text; characters that no font has are added to `boxes`.
fn options(boxes: &Arc<Mutex<BTreeSet<char>>>) -> Options<'static> {
    let boxes = Arc::clone(boxes);
    Options {
        fontdb: embedded_font(),
        font_resolver: FontResolver {
            // The first face is ours. Selecting by name could pick a machine's own Ubuntu, in
            // another weight.
            select_font: Box::new(|_, fonts| fonts.faces().next().map(|face| face.id)),
            select_fallback: Box::new(move |character, used, fonts| {
                let found = another_font(character, used, fonts);
                if found.is_none() {
                    boxes.lock().unwrap_or_else(PoisonError::into_inner).insert(character);
                }
                found
            }),
        },
        ..Options::default()
    }
}

fn embedded_font() -> Arc<Database> {
    static FONT: OnceLock<Arc<Database>> = OnceLock::new();
    let load = || {
        let mut fonts = Database::new();
        fonts.load_font_source(Source::Binary(Arc::new(UBUNTU_LIGHT)));
        Arc::new(fonts)
    };
    FONT.get_or_init(load).clone()
}

/// Finds a font of the machine for a character that the embedded font lacks, preferably an upright
/// regular one. Reads the machine's fonts at the first such character: that takes a second where
/// there are many, and most reports have none.
fn another_font(character: char, used: &[ID], fonts: &mut Arc<Database>) -> Option<ID> {
    static WITH_THE_MACHINES: OnceLock<Arc<Database>> = OnceLock::new();
    let load = || {
        let mut fonts = Database::clone(&embedded_font());
        fonts.load_system_fonts();
        Arc::new(fonts)
    };
    *fonts = WITH_THE_MACHINES.get_or_init(load).clone();
    let is_plain = |face: &FaceInfo| {
        face.weight == Weight::NORMAL && face.style == Style::Normal && !face.monospaced
    };
    // The first font that has the character is taken, so list the less suitable ones as already
    // tried.
    let tried: Vec<ID> = used
        .iter()
        .copied()
        .chain(fonts.faces().filter(|face| !is_plain(face)).map(|face| face.id))
        .collect();
    let has_character = FontResolver::default_fallback_selector();
    has_character(character, &tried, fonts).or_else(|| has_character(character, used, fonts))
}

#[cfg(test)]
mod tests {
    use super::super::text::Label;
    use super::*;

    fn one_line(text: &str) -> Svg {
        draw("a line", text, (600, 80), |area, _| Label::left(30.0).write(area, text, (20, 40)))
            .unwrap()
    }

    /// Counts the pixels darker than middle grey, without any font of the machine.
    fn dark_pixels(svg: &Svg) -> usize {
        let options = Options {
            font_resolver: FontResolver {
                select_fallback: Box::new(|_, _, _| None),
                ..options(&Arc::default()).font_resolver
            },
            ..options(&Arc::default())
        };
        let tree = Tree::from_str(svg.as_str(), &options).unwrap();
        let (width, height) = svg.size_px();
        let mut pixmap = tiny_skia::Pixmap::new(2 * width, 2 * height).unwrap();
        resvg::render(&tree, tiny_skia::Transform::from_scale(2.0, 2.0), &mut pixmap.as_mut());
        pixmap.pixels().iter().filter(|pixel| pixel.green() < 128).count()
    }

    #[test]
    fn characters_that_no_font_has_are_named() {
        // U+0378 is not assigned to a character, so no machine has a font for it.
        let boxes = |text| one_line(text).to_png_with_boxes(1.0).unwrap().1;
        assert_eq!(boxes("beagle, бигль"), BTreeSet::new());
        assert_eq!(boxes("a \u{378} b"), BTreeSet::from(['\u{378}']));
    }

    #[test]
    fn a_machine_without_fonts_draws_text() {
        let empty = dark_pixels(&one_line(""));
        assert_eq!(empty, 0);
        for text in ["beagle", "немецкая овчарка", "Ünïted Ørphans", "Πρίγκιπας"]
        {
            assert!(dark_pixels(&one_line(text)) > 300, "{text}: {}", dark_pixels(&one_line(text)));
        }
    }

    #[test]
    fn any_text_leaves_well_formed_xml() {
        for text in
            ["<&\">'", "a\0b\x1b[31mc\n\td\u{7f}", "\u{fffe}\u{ffff}", "\u{202e}elgaeb", "猎犬 🐕"]
        {
            let svg = one_line(text);
            let tree = resvg::usvg::roxmltree::Document::parse(svg.as_str()).unwrap();
            assert_eq!(tree.root_element().attribute("role"), Some("img"));
            assert!(svg.to_png(1.0).is_ok());
        }
    }

    #[test]
    fn a_png_has_the_size_that_was_asked_for() {
        let png = image::load_from_memory(&one_line("x").to_png(1.5).unwrap()).unwrap();
        assert_eq!((png.width(), png.height()), (450, 60));
        for scale in [0.0, -1.0, f32::NAN, 1e6] {
            assert!(matches!(
                one_line("x").to_png(scale),
                Err(ReportError::Figure { figure: "a line", .. })
            ));
        }
    }
}
