//! Photos on the page, with words below each.

use std::collections::HashMap;

use maud::{Markup, html};
use rayon::prelude::*;

use crate::Result;
use crate::figures::jpeg_address;
use crate::pictures::Pictures;

/// Photos as addresses that hold them, by path.
pub struct Photos {
    addresses: HashMap<String, String>,
    /// What stands in the place of a photo that could not be read.
    gone: &'static str,
}

/// Longest side of a photo, in pixels.
const SIDE_PX: u32 = 176;

impl Photos {
    /// Reads the photos at `paths`, each once. Leaves out those that are gone or changed; `gone`
    /// stands in their place.
    ///
    /// # Errors
    ///
    /// A photo that cannot be encoded.
    pub fn read(pictures: &Pictures, mut paths: Vec<&str>, gone: &'static str) -> Result<Self> {
        paths.sort_unstable();
        paths.dedup();
        let encoded = |path: &&str| {
            let photo = pictures.read(path, SIDE_PX)?;
            Some(jpeg_address(&photo).map(|address| (path.to_string(), address)))
        };
        let addresses = paths.par_iter().filter_map(encoded).collect::<Result<_>>()?;
        Ok(Photos { addresses, gone })
    }

    /// Whether no photo could be read.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }

    /// Renders a photo with words below it; in its place a note if it could not be read, but others
    /// could.
    pub fn tile(&self, path: &str, words: Markup, alt: &str) -> Markup {
        html! {
            li {
                @if let Some(address) = self.addresses.get(path) {
                    img src=(address) alt=(alt) loading="lazy";
                } @else if !self.is_empty() {
                    p.gone { (self.gone) }
                }
                (words)
                p { code { bdi { (path) } } }
            }
        }
    }
}
