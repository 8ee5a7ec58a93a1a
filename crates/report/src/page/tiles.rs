//! Photos on the page, with words below each.

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{Markup, html};
use rayon::prelude::*;

use crate::Result;
use crate::figures::jpeg_of;
use crate::pictures::Pictures;

/// Photos as addresses that hold them, by path.
pub struct Photos(HashMap<String, String>);

impl Photos {
    /// Reads the photos at `paths`, each once. Leaves out those that are gone or changed.
    ///
    /// # Errors
    ///
    /// A photo that cannot be encoded.
    pub fn read(pictures: &Pictures, mut paths: Vec<&str>) -> Result<Self> {
        paths.sort_unstable();
        paths.dedup();
        let encoded = |path: &&str| {
            let photo = pictures.read(path)?;
            let address = |jpeg| format!("data:image/jpeg;base64,{}", BASE64_STANDARD.encode(jpeg));
            Some(jpeg_of(&photo).map(|jpeg: Vec<u8>| (path.to_string(), address(jpeg))))
        };
        Ok(Photos(paths.par_iter().filter_map(encoded).collect::<Result<_>>()?))
    }

    /// Whether no photo could be read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Renders a photo with words below it; in its place a note if it could not be read, but others
    /// could.
    pub fn tile(&self, path: &str, words: Markup) -> Markup {
        html! {
            li {
                @if let Some(address) = self.0.get(path) {
                    img src=(address) alt={ "The photo " (path) } loading="lazy";
                } @else if !self.is_empty() {
                    p.gone { "not in its place" }
                }
                (words)
                p { code { bdi { (path) } } }
            }
        }
    }
}
