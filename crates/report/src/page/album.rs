//! The photos of the page. Each is embedded once and shown wherever it is needed.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use kennel_core::Split;
use kennel_data::read_photo;
use maud::{Markup, html};
use rayon::prelude::*;

use crate::figures::jpeg_address;
use crate::pictures::{Pictures, shrunk};
use crate::{FinishedRun, Result, heat_map};

/// A photo to embed.
pub struct Wanted<'a> {
    /// Its path in the data set.
    pub path: &'a str,
    /// Its longest side on the page, in pixels.
    pub side_px: u32,
}

/// A picture as an address that holds it.
struct Picture {
    width: u32,
    height: u32,
    address: String,
}

struct Shown {
    photo: Picture,
    heat: Option<Picture>,
}

/// The photos, by path.
#[derive(Default)]
pub struct Album {
    shown: Vec<Shown>,
    places: HashMap<String, usize>,
}

impl Album {
    /// Reads photos of a run, each once, at the first size that is wanted, and their heat maps if
    /// the page `shows_heat`. Leaves out those that are gone or changed, and heat maps that are
    /// damaged.
    ///
    /// # Errors
    ///
    /// A photo that cannot be encoded.
    pub fn read(run: &FinishedRun, wanted: &[Wanted], shows_heat: bool) -> Result<Self> {
        let pictures = Pictures::of(&run.manifest, Path::new(&run.settings().data_dir));
        let splits: HashMap<&str, Split> =
            run.manifest.photos.iter().map(|photo| (&*photo.path, photo.split)).collect();
        let mut seen = HashSet::new();
        let firsts: Vec<&Wanted> =
            wanted.iter().filter(|wanted| seen.insert(wanted.path)).collect();
        let read = |wanted: &&Wanted| -> Option<Result<(String, Shown)>> {
            let photo = pictures.read(wanted.path, wanted.side_px)?;
            let split = *splits.get(wanted.path)?;
            let heat = if shows_heat { heat_map(&run.dir, split, wanted.path) } else { None };
            let heat = heat
                .and_then(|file| read_photo(&file).ok())
                .map(|heat| picture(&shrunk(heat, wanted.side_px)));
            let shown = || -> Result<Shown> {
                Ok(Shown { photo: picture(&photo)?, heat: heat.transpose()? })
            };
            Some(shown().map(|shown| (wanted.path.to_string(), shown)))
        };
        let read: Vec<(String, Shown)> =
            firsts.par_iter().filter_map(read).collect::<Result<_>>()?;
        let mut album = Album::default();
        for (path, shown) in read {
            album.places.insert(path, album.shown.len());
            album.shown.push(shown);
        }
        Ok(album)
    }

    /// Whether no photo could be read.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// Whether a photo is there.
    pub fn has(&self, path: &str) -> bool {
        self.places.contains_key(path)
    }

    /// Whether it shows where the network looked in any photo.
    pub fn has_heat(&self) -> bool {
        self.shown.iter().any(|shown| shown.heat.is_some())
    }

    /// Shows a photo that is there.
    pub fn photo(&self, path: &str, title: &str) -> Option<Markup> {
        let place = *self.places.get(path)?;
        Some(shown_again("photo", place, &self.shown[place].photo, title))
    }

    /// Shows a photo that is there within a drawing, cut to a square with the corner `(x, y)`.
    pub fn photo_at(&self, path: &str, (x, y): (f64, f64), side: f64) -> Option<Markup> {
        let place = *self.places.get(path)?;
        let Picture { width, height, .. } = &self.shown[place].photo;
        Some(html! {
            svg x=(x) y=(y) width=(side) height=(side) viewBox={ "0 0 " (width) " " (height) }
                preserveAspectRatio="xMidYMid slice" overflow="hidden" {
                use href={ "#photo-" (place) } width=(width) height=(height) {}
            }
        })
    }

    /// Shows where the network looked in a photo, if that is known.
    pub fn heat(&self, path: &str, title: &str) -> Option<Markup> {
        let place = *self.places.get(path)?;
        Some(shown_again("heat", place, self.shown[place].heat.as_ref()?, title))
    }

    /// Renders the photos as hidden symbols. Every place that shows a photo refers to its symbol.
    pub fn symbols(&self) -> Markup {
        html! {
            svg.album aria-hidden="true" width="0" height="0" {
                @for (place, Shown { photo, heat }) in self.shown.iter().enumerate() {
                    (symbol("photo", place, photo))
                    @if let Some(heat) = heat { (symbol("heat", place, heat)) }
                }
            }
        }
    }
}

fn picture(photo: &image::RgbImage) -> Result<Picture> {
    Ok(Picture { width: photo.width(), height: photo.height(), address: jpeg_address(photo)? })
}

fn symbol(kind: &str, place: usize, Picture { width, height, address }: &Picture) -> Markup {
    html! {
        symbol id={ (kind) "-" (place) } viewBox={ "0 0 " (width) " " (height) } {
            image width=(width) height=(height) href=(address) {}
        }
    }
}

fn shown_again(kind: &str, place: usize, picture: &Picture, title: &str) -> Markup {
    let Picture { width, height, .. } = picture;
    html! {
        svg.picture role="img" viewBox={ "0 0 " (width) " " (height) }
            width=(width) height=(height) {
            title { (title) }
            use href={ "#" (kind) "-" (place) } {}
        }
    }
}
